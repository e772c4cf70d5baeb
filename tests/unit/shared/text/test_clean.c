#include "shared/text/clean.h"
#include "tests/support/check.h"

#define BAD "\xEF\xBF\xBD"

static void expect(struct span text, const char *cleaned)
{
    char buf[512];

    assert_int_equal(clean_copy(buf, sizeof buf, text), strlen(cleaned));
    assert_string_equal(buf, cleaned);
}

#define EXPECT(literal, cleaned) expect(SPAN(literal), (cleaned))

static void expect_written(struct span text, bool keep_lines, const char *indent,
                           const char *cleaned)
{
    char *written = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&written, &len);

    assert_non_null(out);
    clean_write(out, text, keep_lines, indent);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(len, strlen(cleaned));
    assert_string_equal(written, cleaned);
    free(written);
}

static void ordinary_text_of_any_script_stays_as_it_is(void **state)
{
    (void)state;
    EXPECT("Grüße, 小明! مرحبا שלום", "Grüße, 小明! مرحبا שלום");
    EXPECT("👩\u200D💻 ❤\uFE0F می\u200Cخواهم", "👩\u200D💻 ❤\uFE0F می\u200Cخواهم");
    EXPECT("", "");
}

static void escape_sequences_lose_their_escape(void **state)
{
    (void)state;
    EXPECT("\x1B[2Jgone", BAD "[2Jgone");
    EXPECT("\x1B]0;title\x07", BAD "]0;title" BAD);
    EXPECT("\xC2\x9B"
           "31mred",
           BAD "31mred"); /* CSI as one C1 character */
    EXPECT("a\rb\bc\x7F", "a" BAD "b" BAD "c" BAD);
    EXPECT("a\0b", "a" BAD "b");
}

static void direction_and_line_controls_are_replaced(void **state)
{
    (void)state;
    EXPECT("\u202Eevil\u2066x\u2069\u200E\u200F\u061C", BAD "evil" BAD "x" BAD BAD BAD BAD);
    EXPECT("a\u2028b\u2029c\uFEFF", "a" BAD "b" BAD "c" BAD);
    EXPECT("\U000E0041", BAD);
}

static void every_ill_formed_byte_is_replaced(void **state)
{
    (void)state;
    EXPECT("\xFF"
           "a\xC0\xAF\xED\xA0\x80",
           BAD "a" BAD BAD BAD BAD BAD);
    EXPECT("\xE2\x82", BAD BAD);
}

static void tab_is_a_space_and_a_line_end_is_shown(void **state)
{
    (void)state;
    EXPECT("a\tb\nc", "a b⏎c");
    expect_written(SPAN("a\tb\nc"), false, "> ", "a b⏎c");
}

static void kept_lines_are_indented(void **state)
{
    (void)state;
    expect_written(SPAN("one\ntwo\n\x1B three"), true, "    ", "one\n    two\n    " BAD " three");
    expect_written(SPAN("a\nb"), true, "", "a\nb");
}

static void a_small_buffer_cuts_at_a_character(void **state)
{
    char buf[8];

    (void)state;
    for (size_t capacity = 1; capacity <= sizeof buf; capacity++) {
        memset(buf, 'x', sizeof buf);
        assert_int_equal(clean_copy(buf, capacity, SPAN("小明\x1B")), (capacity - 1) / 3 * 3);
        assert_int_equal(buf[(capacity - 1) / 3 * 3], '\0');
    }
    buf[0] = 'x';
    assert_int_equal(clean_copy(buf, 0, SPAN("a")), 0);
    assert_int_equal(buf[0], 'x');
}

/* Whatever comes in, no byte that a terminal acts on comes out. */
static void no_random_bytes_get_a_control_through(void **state)
{
    uint32_t seed = 12345;
    char bytes[64], buf[256];

    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        const size_t len = clean_copy(buf, sizeof buf, (struct span){bytes, sizeof bytes});

        for (size_t i = 0; i < len; i++) {
            const unsigned char c = (unsigned char)buf[i];

            assert_false(c < 0x20 || c == 0x7F);
            if (c == 0xC2)
                assert_true((unsigned char)buf[i + 1] >= 0xA0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_of_any_script_stays_as_it_is),
        cmocka_unit_test(escape_sequences_lose_their_escape),
        cmocka_unit_test(direction_and_line_controls_are_replaced),
        cmocka_unit_test(every_ill_formed_byte_is_replaced),
        cmocka_unit_test(tab_is_a_space_and_a_line_end_is_shown),
        cmocka_unit_test(kept_lines_are_indented),
        cmocka_unit_test(a_small_buffer_cuts_at_a_character),
        cmocka_unit_test(no_random_bytes_get_a_control_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
