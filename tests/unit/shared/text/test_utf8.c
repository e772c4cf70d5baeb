#include "shared/text/utf8.h"
#include "tests/support/check.h"

static void expect(const char *bytes, size_t len, uint32_t point, size_t taken)
{
    uint32_t got = 0;

    assert_int_equal(utf8_next((struct span){bytes, len}, &got), taken);
    assert_int_equal(got, point);
}

#define EXPECT(literal, point, taken) expect((literal), sizeof(literal) - 1, (point), (taken))

static void the_edges_of_every_length_are_read(void **state)
{
    (void)state;
    EXPECT("\0", 0, 1);
    EXPECT("\x7F", 0x7F, 1);
    EXPECT("\xC2\x80", 0x80, 2);
    EXPECT("\xDF\xBF", 0x7FF, 2);
    EXPECT("\xE0\xA0\x80", 0x800, 3);
    EXPECT("\xED\x9F\xBF", 0xD7FF, 3);
    EXPECT("\xEE\x80\x80", 0xE000, 3);
    EXPECT("\xEF\xBF\xBF", 0xFFFF, 3);
    EXPECT("\xF0\x90\x80\x80", 0x10000, 4);
    EXPECT("\xF4\x8F\xBF\xBF", 0x10FFFF, 4);
}

static void ill_formed_bytes_are_taken_one_at_a_time(void **state)
{
    (void)state;
    EXPECT("\x80", UTF8_ILL, 1);             /* a tail alone */
    EXPECT("\xC0\xAF", UTF8_ILL, 1);         /* overlong */
    EXPECT("\xE0\x80\xAF", UTF8_ILL, 1);     /* overlong */
    EXPECT("\xF0\x80\x80\xAF", UTF8_ILL, 1); /* overlong */
    EXPECT("\xED\xA0\x80", UTF8_ILL, 1);     /* a surrogate */
    EXPECT("\xF4\x90\x80\x80", UTF8_ILL, 1); /* beyond the last character */
    EXPECT("\xF8\x88\x80\x80\x80", UTF8_ILL, 1);
    EXPECT("\xFF", UTF8_ILL, 1);
    EXPECT("\xE2\x82", UTF8_ILL, 1); /* cut off */
    EXPECT("\xE2\x82"
           "A",
           UTF8_ILL, 1);
}

/* Encoded by the rule, not by the code under test. */
static size_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xC0 | point >> 6);
        to[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xE0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 63));
        to[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    to[0] = (char)(0xF0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 63));
    to[2] = (char)(0x80 | (point >> 6 & 63));
    to[3] = (char)(0x80 | (point & 63));
    return 4;
}

static void every_character_is_read_back(void **state)
{
    char bytes[4];

    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        const size_t len = encode(point, bytes);
        uint32_t got = 0;
        const size_t taken = utf8_next((struct span){bytes, len}, &got);
        const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;

        if (got != (is_surrogate ? UTF8_ILL : point) || taken != (is_surrogate ? 1 : len))
            fail_msg("U+%04X read as U+%04X, %zu bytes", point, got, taken);
    }
}

static void controls_and_direction_marks_are_unsafe(void **state)
{
    static const uint32_t unsafe[] = {
        0,      '\t',   '\n',   0x1B,   0x1F,   0x7F,   0x80,   0x9F,   0x61C,   0x200E,  0x200F,
        0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069, 0xFEFF, 0xFFF9, 0xE0001, 0xE007F, UTF8_ILL};

    (void)state;
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_true(utf8_is_unsafe(unsafe[i]));
}

static void letters_joiners_and_emoji_are_safe(void **state)
{
    static const uint32_t safe[] = {' ',    'a',    '~',    0xA0,    0xE9,    0x5C0F,  0x200C,
                                    0x200D, 0x2010, 0x2060, 0x20AC,  0xFE0F,  0xFFFD,  0x1F600,
                                    0x627,  0x5D0,  0x301,  0xE0100, 0xE01EF, 0x10FFFD};

    (void)state;
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        assert_false(utf8_is_unsafe(safe[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edges_of_every_length_are_read),
        cmocka_unit_test(ill_formed_bytes_are_taken_one_at_a_time),
        cmocka_unit_test(every_character_is_read_back),
        cmocka_unit_test(controls_and_direction_marks_are_unsafe),
        cmocka_unit_test(letters_joiners_and_emoji_are_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
