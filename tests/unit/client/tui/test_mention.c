#include "tests/support/check.h"

#include "client/tui/mention.h"

#include <locale.h>

static void assert_found(const char *text, const char *nick, bool is_found)
{
    if (mention_find(span_of(text), span_of(nick)) != is_found)
        fail_msg("\"%s\" in \"%s\"", nick, text);
}

static void a_nick_is_a_word_whatever_its_case(void **state)
{
    (void)state;
    assert_found("bob", "bob", true);
    assert_found("hello Bob!", "bob", true);
    assert_found("(BOB)", "bob", true);
    assert_found("bob: hi", "bob", true);
    assert_found("@bob", "bob", true);
    assert_found("ÄRNE, hallo", "ärne", true);
    assert_found("ｂｏｂ", "bob", true);
}

static void a_part_of_a_word_is_none(void **state)
{
    (void)state;
    assert_found("bobby", "bob", false);
    assert_found("kabob", "bob", false);
    assert_found("bob_2", "bob", false);
    assert_found("bob-the-builder", "bob", false);
    assert_found("bo", "bob", false);
    assert_found("", "bob", false);
    assert_found("bob", "", false);
}

static void a_dash_behind_a_word_is_no_part_of_it(void **state)
{
    (void)state;
    assert_found("bob - are you there", "bob", true);
    assert_found("bob-", "bob", true);
    assert_found("bob-- come", "bob", true);
}

static void ideographs_beside_a_name_are_no_part_of_it(void **state)
{
    (void)state;
    assert_found("你好小明吗", "小明", true);
    assert_found("请bob看一下", "bob", true);
    assert_found("小红", "小明", false);
}

static void ill_formed_bytes_part_words(void **state)
{
    (void)state;
    assert_found("\xff"
                 "bob\xfe",
                 "bob", true);
    assert_found("b\xff"
                 "ob",
                 "bob", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nick_is_a_word_whatever_its_case),
        cmocka_unit_test(a_part_of_a_word_is_none),
        cmocka_unit_test(a_dash_behind_a_word_is_no_part_of_it),
        cmocka_unit_test(ideographs_beside_a_name_are_no_part_of_it),
        cmocka_unit_test(ill_formed_bytes_part_words),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
