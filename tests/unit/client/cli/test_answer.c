#include "tests/support/check.h"

#include "client/cli/answer.h"

#include "shared/base/limits.h"

#include <stdlib.h>

static void assert_answer(struct span written, const char *expected)
{
    char *text = answer_text(written);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void text_stays_and_blank_lines_at_the_end_go(void **state)
{
    (void)state;
    assert_answer(SPAN("hello"), "hello");
    assert_answer(SPAN("hello\n"), "hello");
    assert_answer(SPAN("a\n\n\tb \n\n \n"), "a\n\n\tb");
    assert_answer(SPAN("a\r\nb\r\n"), "a\nb");
    assert_answer(SPAN("小明 ✓"), "小明 ✓");
}

static void nothing_is_no_answer(void **state)
{
    (void)state;
    assert_null(answer_text(SPAN("")));
    assert_null(answer_text(SPAN("\n\r\n \t\n")));
    assert_null(answer_text((struct span){NULL, 0}));
}

static void what_is_no_text_or_not_safe_is_replaced(void **state)
{
    (void)state;
    assert_answer(SPAN("a\xff\xc3z"), "a\uFFFD\uFFFDz");
    assert_answer(SPAN("a\0b\x1b[31m\r!"), "a\uFFFDb\uFFFD[31m\uFFFD!");
}

static void what_is_too_large_ends_at_a_character_with_an_ellipsis(void **state)
{
    enum { SIZE = TEXT_BYTES_MAX + 4 };
    static char written[SIZE];
    char *text;

    (void)state;
    memset(written, 'a', SIZE);
    text = answer_text((struct span){written, TEXT_BYTES_MAX});
    assert_int_equal(strlen(text), TEXT_BYTES_MAX);
    assert_int_equal(text[TEXT_BYTES_MAX - 1], 'a');
    free(text);
    text = answer_text((struct span){written, SIZE});
    assert_int_equal(strlen(text), TEXT_BYTES_MAX);
    assert_string_equal(text + TEXT_BYTES_MAX - 4, "a…");
    free(text);
    memset(written, 0xff, SIZE); /* each becomes three bytes */
    text = answer_text((struct span){written, SIZE});
    assert_true(strlen(text) <= TEXT_BYTES_MAX);
    assert_string_equal(text + strlen(text) - 6, "\uFFFD…");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_and_blank_lines_at_the_end_go),
        cmocka_unit_test(nothing_is_no_answer),
        cmocka_unit_test(what_is_no_text_or_not_safe_is_replaced),
        cmocka_unit_test(what_is_too_large_ends_at_a_character_with_an_ellipsis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
