#include "shared/text/name.h"
#include "tests/support/check.h"

#include <pthread.h>
#include <stdint.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

static struct name parsed(const char *text)
{
    struct name name;

    if (name_parse(span_of(text), &name) != RC_OK)
        fail_msg("%s was refused", text);
    assert_int_equal(name.text_len, strlen(name.text));
    assert_int_equal(name.skeleton_len, strlen(name.skeleton));
    return name;
}

static void refused(struct span text)
{
    struct name name, before;

    memset(&name, 0x5A, sizeof name);
    memcpy(&before, &name, sizeof name);
    if (name_parse(text, &name) != RC_BAD_NAME)
        fail_msg("%.*s was accepted", (int)text.len, text.ptr);
    assert_memory_equal(&name, &before, sizeof name);
}

#define REFUSED(literal) refused(SPAN(literal))

static bool is_confusable(const char *a, const char *b)
{
    const struct name first = parsed(a), second = parsed(b);

    return span_equal(name_skeleton(&first), name_skeleton(&second));
}

static void names_of_many_scripts_are_names(void **state)
{
    static const char *const names[] = {
        "alice", "bob",  "小明",  "мария",  "josé",   "山田太郎", "ハローキティ", "김철수",
        "محمد",  "שלום", "जॉन",   "ไทย",    "ёлка",   "ελένη",    "abc小明",      "robot-1",
        "a_b-c", "7of9", "кот_1", "łukasz", "nguyễn", "ქეთი",     "አበበ",          "كاوه",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct name name = parsed(names[i]);

        assert_string_equal(name.text, names[i]);
    }
}

static void case_width_and_composition_do_not_matter(void **state)
{
    (void)state;
    assert_string_equal(parsed("Bob").text, "bob");
    assert_string_equal(parsed("Мария").text, "мария");
    assert_string_equal(parsed("José").text, "josé");
    assert_string_equal(parsed("Jose\u0301").text, "jos\u00E9");
    assert_string_equal(parsed("Straße").text, "strasse");
    assert_string_equal(parsed("Ｂｏｂ").text, "bob");
    assert_string_equal(parsed("ﾊﾛｰ").text, "ハロー");
    assert_string_equal(parsed("b\u200Bo\u00ADb\uFE0F\u202E").text, "bob"); /* invisible: gone */
}

static void what_is_not_a_name_is_refused(void **state)
{
    (void)state;
    refused((struct span){NULL, 0});
    REFUSED("");
    REFUSED("-a");
    REFUSED("_a");
    REFUSED("a b");
    REFUSED("a.b");
    REFUSED("a/b");
    REFUSED("#a");
    REFUSED("@a");
    REFUSED("a\0b");
    REFUSED("a\n");
    REFUSED("\x1B[m");
    REFUSED("a\x7F");
    REFUSED("é b");
    REFUSED("é\u2028");
    REFUSED("\u202E");
    REFUSED("\u0301a"); /* a mark first */
    REFUSED("-é");
    REFUSED("😀");
    REFUSED("é😀");
    REFUSED("½é"); /* folds to 1/2 */
    REFUSED("\u200B");
    REFUSED("é\u0378"); /* not assigned */
}

static void ill_formed_bytes_are_refused(void **state)
{
    (void)state;
    REFUSED("\xFF");
    REFUSED("a\xC3");
    REFUSED("\xC1\xA1");
    REFUSED("\xED\xA0\x80");
}

static void a_name_is_of_one_script(void **state)
{
    (void)state;
    REFUSED("\u0430lice"); /* a Cyrillic a before Latin letters */
    REFUSED("paypa\u04CF");
    REFUSED("abcмир");
    REFUSED("user\u0663"); /* digits of two kinds, or of another script */
    REFUSED("αbc");
    REFUSED("i\u0307zmir"); /* a second dot that nobody sees */
    REFUSED("e\u0301\u0301");
}

static void names_that_look_alike_share_a_skeleton(void **state)
{
    (void)state;
    assert_true(is_confusable("paypal", "раура1")); /* all Cyrillic, but for the digit */
    assert_true(is_confusable("coco", "сосо"));
    assert_true(is_confusable("alice", "ɑlice"));
    assert_true(is_confusable("bobl", "bob1"));
    assert_true(is_confusable("modem", "modern"));
    assert_true(is_confusable("Alice", "ALICE"));
    assert_true(is_confusable("カ", "力")); /* katakana ka, the sign for power */
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void numbered_names_are_not_confusable(void **state)
{
    static char skeletons[10000][8];
    char text[8];

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "n%u", i);
        const struct name name = parsed(text);

        assert_string_equal(name.text, text);
        memcpy(skeletons[i], name.skeleton, name.skeleton_len + 1U);
    }
    qsort(skeletons, 10000, sizeof *skeletons, by_text);
    for (unsigned i = 1; i < 10000; i++)
        assert_string_not_equal(skeletons[i - 1], skeletons[i]);
    assert_false(is_confusable("w0", "w1"));
    assert_false(is_confusable("user0", "usero"));
    assert_false(is_confusable("user-1", "user_1"));
    assert_false(is_confusable("alice", "carol"));
}

static void the_ascii_way_gives_what_icu_gives(void **state)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    UErrorCode error = U_ZERO_ERROR;
    USpoofChecker *spoof = uspoof_open(&error);
    char text[4], skeleton[64];

    (void)state;
    assert_true(U_SUCCESS(error));
    for (size_t i = 0; i < sizeof allowed - 3; i++) { /* not - and _: they cannot be first */
        for (size_t j = 0; j < sizeof allowed - 1; j++) {
            for (size_t k = 0; k < sizeof allowed - 1; k++) {
                snprintf(text, sizeof text, "%c%c%c", allowed[i], allowed[j], allowed[k]);
                const struct name name = parsed(text);

                const int32_t len = uspoof_getSkeletonUTF8(spoof, 0, text, 3, skeleton,
                                                           sizeof skeleton - 1, &error);
                assert_true(U_SUCCESS(error));
                skeleton[len] = '\0';
                assert_string_equal(name.skeleton, skeleton);
            }
        }
    }
    uspoof_close(spoof);
}

static void limits_count_characters_and_bytes_of_the_canonical_form(void **state)
{
    char text[1024] = "";
    size_t len = 0;

    (void)state;
    assert_int_equal(parsed("abcdefghijklmnopqrstuvwxyz012345").text_len, 32);
    REFUSED("abcdefghijklmnopqrstuvwxyz0123456");
    for (size_t i = 0; i < 32; i++, len += 4)
        memcpy(text + len, "𠀀", 4); /* four bytes each */
    assert_int_equal(parsed(text).text_len, NAME_BYTES_MAX);
    memcpy(text + len, "𠀀", 5);
    refused(span_of(text));
    len = 0;
    for (size_t i = 0; i < 32; i++, len += 3)
        memcpy(text + len, "e\u0301", 4); /* 64 characters that become 32 */
    assert_int_equal(parsed(text).text_len, 64);
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "é", 2);
    refused(span_of(text));
    len = 0;
    for (size_t i = 0; i < 200; i++, len += 3) /* nothing but invisible, and too much of it */
        memcpy(text + len, "\u200B", 4);
    refused(span_of(text));
}

static void a_long_skeleton_is_hashed(void **state)
{
    char text[128] = "", other[128] = "";

    (void)state;
    for (size_t i = 0; i < 30; i++) {
        memcpy(text + 3 * i, "\uAF66", 4);
        memcpy(other + 3 * i, i == 29 ? "\uAF65" : "\uAF66", 4);
    }
    const struct name name = parsed(text), again = parsed(text), another = parsed(other);

    assert_int_equal(name.skeleton[0], '=');
    assert_int_equal(name.skeleton_len, 65);
    assert_string_equal(name.skeleton, again.skeleton);
    assert_string_not_equal(name.skeleton, another.skeleton);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* A few characters from one neighbourhood, so that many of them are of one script. */
static size_t random_text(uint32_t *seed, char *text, size_t capacity)
{
    const UChar32 near = next_random(seed) % 4 == 0 ? (UChar32)(next_random(seed) % 0x30000)
                                                    : (UChar32)(next_random(seed) % 0x3000);
    const size_t count = 1 + next_random(seed) % 8;
    UChar wide[32];
    int32_t wide_len = 0, len = 0;
    UErrorCode error = U_ZERO_ERROR;

    for (size_t i = 0; i < count; i++) {
        UChar32 point = near + (UChar32)(next_random(seed) % 24);

        if (next_random(seed) % 16 == 0)
            point = 0x300 + (UChar32)(next_random(seed) % 0x70);
        if (U_IS_SURROGATE(point))
            point = '0';
        U16_APPEND_UNSAFE(wide, wide_len, point);
    }
    u_strToUTF8(text, (int32_t)capacity, &len, wide, wide_len, &error);
    assert_true(U_SUCCESS(error));
    return (size_t)len;
}

static void a_canonical_name_is_its_own_canonical_form(void **state)
{
    uint32_t seed = 7;
    size_t accepted = 0;
    char text[128];
    struct name name, again;

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        const size_t len = random_text(&seed, text, sizeof text);

        if (name_parse((struct span){text, len}, &name) != RC_OK)
            continue;
        accepted++;
        if (name_parse(name_text(&name), &again) != RC_OK)
            fail_msg("%s was accepted as %.*s only", name.text, (int)len, text);
        assert_memory_equal(&name, &again, sizeof name);
    }
    assert_in_range(accepted, 10000, 99999); /* else this test asks nothing */
}

static void a_stream_has_a_sigil(void **state)
{
    struct stream_name stream;

    (void)state;
    assert_int_equal(stream_name_parse(SPAN("#Lobby"), &stream), RC_OK);
    assert_int_equal(stream.sigil, '#');
    assert_string_equal(stream.text, "#lobby");
    assert_int_equal(stream.text_len, 6);
    assert_string_equal(stream.name.text, "lobby");
    assert_int_equal(stream_name_parse(SPAN("@小明"), &stream), RC_OK);
    assert_int_equal(stream.sigil, '@');
    assert_string_equal(stream.text, "@小明");

    assert_int_equal(stream_name_parse(SPAN("lobby"), &stream), RC_BAD_NAME);
    assert_int_equal(stream_name_parse(SPAN("~lobby"), &stream), RC_BAD_NAME);
    assert_int_equal(stream_name_parse(SPAN("#"), &stream), RC_BAD_NAME);
    assert_int_equal(stream_name_parse(SPAN("##a"), &stream), RC_BAD_NAME);
    assert_int_equal(stream_name_parse(SPAN(""), &stream), RC_BAD_NAME);
    assert_string_equal(stream.text, "@小明");
}

static void *parse_many(void *all_right)
{
    bool *is_right = all_right;
    struct name name;

    *is_right = true;
    for (size_t i = 0; i < 2000 && *is_right; i++) {
        *is_right = name_parse(SPAN("Мария"), &name) == RC_OK && strcmp(name.text, "мария") == 0;
    }
    return NULL;
}

static void threads_may_parse_at_once(void **state)
{
    pthread_t threads[4];
    bool is_right[4] = {false};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &is_right[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(is_right[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_may_parse_at_once), /* first: it opens ICU */
        cmocka_unit_test(names_of_many_scripts_are_names),
        cmocka_unit_test(case_width_and_composition_do_not_matter),
        cmocka_unit_test(what_is_not_a_name_is_refused),
        cmocka_unit_test(ill_formed_bytes_are_refused),
        cmocka_unit_test(a_name_is_of_one_script),
        cmocka_unit_test(names_that_look_alike_share_a_skeleton),
        cmocka_unit_test(numbered_names_are_not_confusable),
        cmocka_unit_test(the_ascii_way_gives_what_icu_gives),
        cmocka_unit_test(limits_count_characters_and_bytes_of_the_canonical_form),
        cmocka_unit_test(a_long_skeleton_is_hashed),
        cmocka_unit_test(a_canonical_name_is_its_own_canonical_form),
        cmocka_unit_test(a_stream_has_a_sigil),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
