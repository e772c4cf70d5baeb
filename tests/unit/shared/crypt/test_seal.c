#include "shared/crypt/seal.h"
#include "shared/text/url.h"
#include "tests/support/check.h"

#include <sodium.h>

static const unsigned char key[STREAM_KEY_BYTES] = "thirty-two bytes of a stream key";
static const unsigned char other_key[STREAM_KEY_BYTES] = "thirty-two bytes of another key.";
static const struct seal_place place = {{"@alice", 6}, 7, 4711};

static int set_up(void **state)
{
    (void)state;
    return seal_init() == RC_OK ? 0 : -1;
}

static void expect_forged(const unsigned char *with, const struct seal_place *where,
                          struct span box)
{
    char plain[512];
    size_t len = 99;

    assert_int_equal(seal_open(with, where, box, plain, &len), RC_FORGED);
    assert_int_equal(len, 99);
}

static void what_was_sealed_opens_again(void **state)
{
    char box[300 + SEAL_OVERHEAD_BYTES], plain[sizeof box], text[300];

    (void)state;
    memset(text, 't', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        size_t got = 0;
        const size_t box_len = seal_event(key, &place, (struct span){text, len}, box);

        assert_int_equal(box_len, len + SEAL_OVERHEAD_BYTES);
        assert_int_equal(seal_open(key, &place, (struct span){box, box_len}, plain, &got), RC_OK);
        assert_int_equal(got, len);
        assert_memory_equal(plain, text, len);
    }
}

static void a_republished_event_has_the_same_bytes(void **state)
{
    char first[64], second[64];

    (void)state;
    const size_t len = seal_event(key, &place, SPAN("hello"), first);

    assert_int_equal(seal_event(key, &place, SPAN("hello"), second), len);
    assert_memory_equal(first, second, len);
}

static void another_text_key_epoch_or_number_has_another_nonce(void **state)
{
    const struct seal_place others[] = {{{"@alice", 6}, 7, 4712}, {{"@alice", 6}, 8, 4711}};
    char box[64], other[64];

    (void)state;
    seal_event(key, &place, SPAN("hello"), box);
    seal_event(key, &place, SPAN("hellO"), other);
    assert_memory_not_equal(box, other, 24);
    seal_event(other_key, &place, SPAN("hello"), other);
    assert_memory_not_equal(box, other, 24);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        seal_event(key, &others[i], SPAN("hello"), other);
        assert_memory_not_equal(box, other, 24);
    }
}

static void another_key_or_place_does_not_open(void **state)
{
    const struct seal_place others[] = {
        {{"@alicf", 6}, 7, 4711}, {{"@alic", 5}, 7, 4711},
        {{"", 0}, 7, 4711},       {{"@alice", 6}, 8, 4711},
        {{"@alice", 6}, 7, 4712}, {{"@alice", 6}, 7, 4711 + (UINT64_C(1) << 32)},
    };
    char box[64];
    const struct span sealed = {box, seal_event(key, &place, SPAN("hello"), box)};

    (void)state;
    expect_forged(other_key, &place, sealed);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_forged(key, &others[i], sealed);
}

static void any_changed_bit_does_not_open(void **state)
{
    char box[64];
    const struct span sealed = {box, seal_event(key, &place, SPAN("hello"), box)};

    (void)state;
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        box[bit / 8] ^= (char)(1 << bit % 8);
        expect_forged(key, &place, sealed);
        box[bit / 8] ^= (char)(1 << bit % 8);
    }
}

static void a_cut_or_lengthened_box_does_not_open(void **state)
{
    char box[64] = "";
    const size_t len = seal_event(key, &place, SPAN("hello"), box);

    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        expect_forged(key, &place, (struct span){box, cut});
    expect_forged(key, &place, (struct span){box, len + 1});
    expect_forged(key, &place, (struct span){NULL, 0});
}

static void a_peers_overlong_stream_name_is_forged(void **state)
{
    char name[STREAM_BYTES_MAX + 1], box[64];
    const struct span sealed = {box, seal_event(key, &place, SPAN("hello"), box)};
    const struct seal_place longer = {{name, sizeof name}, 7, 4711};

    (void)state;
    memset(name, 'x', sizeof name);
    expect_forged(key, &longer, sealed);
}

/* Protocol 7.4 to the letter, so that another implementation can open it: Python's hashlib gave
 * the nonce, libsodium alone opens the box. */
static void the_box_is_what_the_protocol_says(void **state)
{
    static const unsigned char bound[] = "@alice\0\0\0\0\x07\0\0\0\0\0\0\x12\x67";
    char box[64], nonce[49];
    unsigned char plain[64];
    unsigned long long len;

    (void)state;
    const size_t box_len = seal_event(key, &place, SPAN("hello"), box);

    hex_encode((const unsigned char *)box, 24, nonce);
    assert_string_equal(nonce, "2a601fd8b46ac45205a75dfd7beb7b95370be01cde782637");
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(
                         plain, &len, NULL, (const unsigned char *)box + 24, box_len - 24, bound,
                         sizeof bound - 1, (const unsigned char *)box, key),
                     0);
    assert_int_equal(len, 5);
    assert_memory_equal(plain, "hello", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_again),
        cmocka_unit_test(a_republished_event_has_the_same_bytes),
        cmocka_unit_test(another_text_key_epoch_or_number_has_another_nonce),
        cmocka_unit_test(another_key_or_place_does_not_open),
        cmocka_unit_test(any_changed_bit_does_not_open),
        cmocka_unit_test(a_cut_or_lengthened_box_does_not_open),
        cmocka_unit_test(a_peers_overlong_stream_name_is_forged),
        cmocka_unit_test(the_box_is_what_the_protocol_says),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
