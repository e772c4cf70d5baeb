#include "shared/wire/wire.h"

#include "tests/support/check.h"

static void text_of_every_script_is_well_formed(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "a",
        "ascii that is longer than eight bytes",
        "小明",
        "é",
        "\x7f",
        "\xc2\x80",
        "\u07ff",
        "\u0800",
        "\xed\x9f\xbf",
        "\ue000",
        "\uffff",
        "\U00010000",
        "\U0010ffff",
        "1234567é and on",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(wire_is_utf8(span_of(good[i])));
    assert_true(wire_is_utf8(SPAN("a\0b"))); /* NUL is a character like others */
}

static void ill_formed_text_is_refused(void **state)
{
    (void)state;
    static const struct span bad[] = {
        SPAN("\x80"),             /* a continuation alone */
        SPAN("\xc3"),             /* cut off */
        SPAN("\xe5\xb0"),         /* cut off */
        SPAN("\xf0\x9f\x98"),     /* cut off */
        SPAN("\xc3("),            /* no continuation */
        SPAN("\xe5(\xb0"),        /* no continuation */
        SPAN("\xe5\xb0("),        /* no continuation */
        SPAN("\xf0\x9f\x98("),    /* no continuation */
        SPAN("\xc0\xaf"),         /* overlong */
        SPAN("\xc1\xbf"),         /* overlong */
        SPAN("\xe0\x9f\xbf"),     /* overlong */
        SPAN("\xf0\x8f\xbf\xbf"), /* overlong */
        SPAN("\xed\xa0\x80"),     /* surrogate */
        SPAN("\xed\xbf\xbf"),     /* surrogate */
        SPAN("\xf4\x90\x80\x80"), /* beyond U+10FFFF */
        SPAN("\xf5\x80\x80\x80"), /* beyond U+10FFFF */
        SPAN("\xff"),
        SPAN("\xfe"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wire_is_utf8(bad[i]));
}

static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    char text[40];

    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t i = 0; i < len; i++) {
            memset(text, 'x', sizeof(text));
            assert_true(wire_is_utf8((struct span){text, len}));
            text[i] = (char)0xff;
            assert_false(wire_is_utf8((struct span){text, len}));
        }
    }
}

/* The bytes of a character by the definition, so that the check is not its own judge. */
static size_t encode(unsigned point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static void every_character_is_judged_right(void **state)
{
    (void)state;
    for (unsigned point = 0; point < 0x120000; point++) {
        char bytes[4];
        size_t len = encode(point, bytes);
        bool is_character = point < 0xd800 || (point > 0xdfff && point < 0x110000);

        if (wire_is_utf8((struct span){bytes, len}) != is_character)
            fail_msg("U+%04X", point);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_every_script_is_well_formed),
        cmocka_unit_test(ill_formed_text_is_refused),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(every_character_is_judged_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
