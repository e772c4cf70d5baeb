#include "tests/support/check.h"

#include "shared/text/mention.h"

static const struct {
    const char *nick, *text;
    bool is_mention;
} cases[] = {
    {"bob", "bob", true},
    {"bob", "Bob: are you there?", true},
    {"bob", "hello @BOB!", true},
    {"bob", "bob's car", true},
    {"bob", "(bob)", true},
    {"bob", "bob- come here", true},
    {"bob", "_bob_ and *bob*", true},
    {"bob", "so says\nbob\nagain", true},
    {"bob", "ＢＯＢ", true},
    {"bob", "bobby bob", true},
    {"bob", "bobby", false},
    {"bob", "abob", false},
    {"bob", "bob-like", false},
    {"bob", "the-bob", false},
    {"bob", "bob_2", false},
    {"bob", "bob2", false},
    {"bob", "x@bob", false},
    {"bob", "bob\u0301", false},
    {"bob", "boВ", false},
    {"bob", "", false},
    {"bob-2", "ask bob-2.", true},
    {"bob-2", "ask bob-21", false},
    {"jürgen", "JÜRGEN", true},
    {"jürgen", "ju\u0308rgen, hallo", true},
    {"strasse", "Straße", true},
    {"小明", "小明你好", true},
    {"小明", "你好@小明吗", true},
    {"小明", "小红你好", false},
    {"bob", "bob你好", true},
    {"たろう", "こんにちはたろうさん", true},
    {"สมชาย", "สวัสดีสมชาย", true},
    {"иван", "Иван, привет", true},
    {"иван", "Иванов, привет", false},
};

static void a_nick_is_found_as_a_word_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (mention_is_in(span_of(cases[i].text), span_of(cases[i].nick)) != cases[i].is_mention)
            fail_msg("\"%s\" in \"%s\": want %d", cases[i].nick, cases[i].text,
                     cases[i].is_mention);
    }
}

static void bytes_that_are_no_text_hurt_nothing(void **state)
{
    (void)state;
    assert_true(mention_is_in(SPAN("\xff\xfe bob\0\xc3"), SPAN("bob")));
    assert_true(mention_is_in(SPAN("a\0bob"), SPAN("bob")));
    assert_false(mention_is_in(SPAN("\xf0\x9f"), SPAN("bob")));
    assert_false(mention_is_in(SPAN("bob"), SPAN("")));
    assert_false(mention_is_in((struct span){NULL, 0}, SPAN("bob")));
}

static void a_large_text_is_read_to_its_end(void **state)
{
    enum { SIZE = 16384 };
    static char text[SIZE];

    (void)state;
    memset(text, 'b', sizeof(text));
    memcpy(text + SIZE - 4, " bob", 4);
    assert_true(mention_is_in((struct span){text, SIZE}, SPAN("bob")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nick_is_found_as_a_word_of_its_own),
        cmocka_unit_test(bytes_that_are_no_text_hurt_nothing),
        cmocka_unit_test(a_large_text_is_read_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
