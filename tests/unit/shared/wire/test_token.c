#include "shared/wire/token.h"

#include "shared/base/limits.h"
#include "shared/base/span.h"
#include "tests/support/check.h"

static bool read_all(struct span bytes, struct token *ret)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    const unsigned char *end = at + bytes.len;

    return token_read(&at, end, ret) && at == end;
}

/* True when the value of these bytes is stepped over to its end. */
static bool skips(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + len;
    struct token head;

    return token_read(&at, end, &head) && token_skip_items(&at, end, &head) && at == end;
}

static void a_number_is_read_in_every_width(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        uint64_t number;
    } rows[] = {
        {SPAN("\x00"), 0},
        {SPAN("\x7f"), 127},
        {SPAN("\xcc\xff"), 255},
        {SPAN("\xcd\x01\x02"), 0x102},
        {SPAN("\xce\x01\x02\x03\x04"), 0x1020304},
        {SPAN("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX},
        {SPAN("\xcf\x01\x02\x03\x04\x05\x06\x07\x08"), UINT64_C(0x102030405060708)},
        {SPAN("\xd0\x7f"), 127},
        {SPAN("\xd1\x7f\xff"), INT16_MAX},
        {SPAN("\xd2\x00\x00\x00\x07"), 7},
        {SPAN("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token token;

        assert_true(read_all(rows[i].bytes, &token));
        assert_int_equal(token.kind, TOKEN_UINT);
        assert_true(token.number == rows[i].number);
    }
}

static void negative_numbers_nil_floats_and_extensions_are_other(void **state)
{
    (void)state;
    static const struct span rows[] = {
        SPAN("\xff"),
        SPAN("\xe0"),
        SPAN("\xd0\x80"),
        SPAN("\xd1\xff\xff"),
        SPAN("\xd2\x80\x00\x00\x00"),
        SPAN("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        SPAN("\xc0"),
        SPAN("\xca\x00\x00\x00\x00"),
        SPAN("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
        SPAN("\xd4\x01\x00"),
        SPAN("\xd5\x01\x00\x00"),
        SPAN("\xd6\x01\x00\x00\x00\x00"),
        SPAN("\xd7\x01\x00\x00\x00\x00\x00\x00\x00\x00"),
        SPAN("\xd8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
        SPAN("\xc7\x02\x01\xaa\xbb"),
        SPAN("\xc8\x00\x02\x01\xaa\xbb"),
        SPAN("\xc9\x00\x00\x00\x02\x01\xaa\xbb"),
        SPAN("\xc7\x00\x01"),
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token token;

        assert_true(read_all(rows[i], &token));
        assert_int_equal(token.kind, TOKEN_OTHER);
    }
}

static void flags_texts_and_bytes_are_borrowed(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        enum token_kind kind;
        uint64_t number;
        size_t head_len;
    } rows[] = {
        {SPAN("\xc2"), TOKEN_FLAG, 0, 1},
        {SPAN("\xc3"), TOKEN_FLAG, 1, 1},
        {SPAN("\xa0"), TOKEN_TEXT, 0, 1},
        {SPAN("\xa3"
              "abc"),
         TOKEN_TEXT, 3, 1},
        {SPAN("\xd9\x03"
              "abc"),
         TOKEN_TEXT, 3, 2},
        {SPAN("\xda\x00\x03"
              "abc"),
         TOKEN_TEXT, 3, 3},
        {SPAN("\xdb\x00\x00\x00\x03"
              "abc"),
         TOKEN_TEXT, 3, 5},
        {SPAN("\xc4\x03"
              "abc"),
         TOKEN_BYTES, 3, 2},
        {SPAN("\xc5\x00\x03"
              "abc"),
         TOKEN_BYTES, 3, 3},
        {SPAN("\xc6\x00\x00\x00\x03"
              "abc"),
         TOKEN_BYTES, 3, 5},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token token;

        assert_true(read_all(rows[i].bytes, &token));
        assert_int_equal(token.kind, rows[i].kind);
        assert_true(token.number == rows[i].number);
        if (token.kind != TOKEN_FLAG)
            assert_ptr_equal(token.bytes, rows[i].bytes.ptr + rows[i].head_len);
    }
}

static void heads_tell_their_count_and_reserve_nothing(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        enum token_kind kind;
        uint64_t number;
    } rows[] = {
        {SPAN("\x80"), TOKEN_MAP, 0},
        {SPAN("\x8f"), TOKEN_MAP, 15},
        {SPAN("\xde\x01\x00"), TOKEN_MAP, 256},
        {SPAN("\xdf\xff\xff\xff\xff"), TOKEN_MAP, UINT32_MAX},
        {SPAN("\x90"), TOKEN_ARRAY, 0},
        {SPAN("\x9f"), TOKEN_ARRAY, 15},
        {SPAN("\xdc\x01\x00"), TOKEN_ARRAY, 256},
        {SPAN("\xdd\xff\xff\xff\xff"), TOKEN_ARRAY, UINT32_MAX},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token token;

        assert_true(read_all(rows[i].bytes, &token));
        assert_int_equal(token.kind, rows[i].kind);
        assert_true(token.number == rows[i].number);
        if (token.number > 0)
            assert_false(skips(rows[i].bytes.ptr, rows[i].bytes.len));
    }
}

static void what_ends_too_early_or_is_c1_is_refused(void **state)
{
    (void)state;
    struct token token;
    const unsigned char *nothing = NULL;

    assert_false(token_read(&nothing, nothing, &token));
    assert_false(read_all(SPAN("\xc1"), &token));

    /* Every lead byte, followed by fewer bytes than it wants; lengths are 0xff... */
    static const unsigned char wants[32] = {
        [0x04] = 17, [0x05] = 8, [0x06] = 8, [0x07] = 17, [0x08] = 8, [0x09] = 8, [0x0a] = 4,
        [0x0b] = 8,  [0x0c] = 1, [0x0d] = 2, [0x0e] = 4,  [0x0f] = 8, [0x10] = 1, [0x11] = 2,
        [0x12] = 4,  [0x13] = 8, [0x14] = 2, [0x15] = 3,  [0x16] = 5, [0x17] = 9, [0x18] = 17,
        [0x19] = 17, [0x1a] = 8, [0x1b] = 8, [0x1c] = 2,  [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,
    };
    unsigned char bytes[18];

    memset(bytes, 0xff, sizeof(bytes));
    for (size_t lead = 0; lead < sizeof(wants); lead++) {
        for (size_t len = 0; len < wants[lead] && len < sizeof(bytes) - 1; len++) {
            bytes[0] = (unsigned char)(0xc0 + lead);
            assert_false(read_all((struct span){(const char *)bytes, 1 + len}, &token));
        }
    }
    for (size_t len = 1; len < 32; len++) {
        bytes[0] = (unsigned char)(0xa0 + len);
        for (size_t have = 0; have < len && have < sizeof(bytes) - 1; have++)
            assert_false(read_all((struct span){(const char *)bytes, 1 + have}, &token));
    }
}

static void values_nest_to_the_limit_and_no_deeper(void **state)
{
    (void)state;
    unsigned char bytes[SKIP_DEPTH_MAX + 2];

    memset(bytes, 0x91, sizeof(bytes));
    bytes[SKIP_DEPTH_MAX] = 0xc0;
    assert_true(skips(bytes, SKIP_DEPTH_MAX + 1));
    bytes[SKIP_DEPTH_MAX] = 0x90; /* one more, even empty */
    assert_false(skips(bytes, SKIP_DEPTH_MAX + 1));
    assert_true(skips("\x82\xa1"
                      "a\x93\x01\x02\x81\xc0\xc0\xa1"
                      "b\x90",
                      12));
}

static void items_are_counted_to_the_limit(void **state)
{
    (void)state;
    unsigned char bytes[3 + SKIP_ITEMS_MAX + 1];

    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 0xdc; /* array of two bytes' count */
    bytes[1] = SKIP_ITEMS_MAX >> 8;
    bytes[2] = SKIP_ITEMS_MAX & 0xff;
    assert_true(skips(bytes, 3 + SKIP_ITEMS_MAX));
    bytes[2]++;
    assert_false(skips(bytes, 3 + SKIP_ITEMS_MAX + 1));

    bytes[0] = 0xde; /* a map's pairs are two items each */
    bytes[1] = SKIP_ITEMS_MAX / 2 >> 8;
    bytes[2] = SKIP_ITEMS_MAX / 2 & 0xff;
    assert_true(skips(bytes, 3 + SKIP_ITEMS_MAX));
    bytes[2]++;
    assert_false(skips(bytes, 3 + SKIP_ITEMS_MAX + 1));

    /* Over all depths together: 2 + 1,022, and one more. */
    bytes[0] = 0x92;
    bytes[1] = 0xdc;
    bytes[2] = (SKIP_ITEMS_MAX - 2) >> 8;
    bytes[3] = (SKIP_ITEMS_MAX - 2) & 0xff;
    assert_true(skips(bytes, 4 + SKIP_ITEMS_MAX - 2 + 1));
    bytes[3]++;
    assert_false(skips(bytes, 4 + SKIP_ITEMS_MAX - 1 + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_read_in_every_width),
        cmocka_unit_test(negative_numbers_nil_floats_and_extensions_are_other),
        cmocka_unit_test(flags_texts_and_bytes_are_borrowed),
        cmocka_unit_test(heads_tell_their_count_and_reserve_nothing),
        cmocka_unit_test(what_ends_too_early_or_is_c1_is_refused),
        cmocka_unit_test(values_nest_to_the_limit_and_no_deeper),
        cmocka_unit_test(items_are_counted_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
