/* What the index takes in, and what is asked of it. */
#include "broker/store/search_terms.h"

#include "tests/support/check.h"

#include <string.h>

static void is_cut(const char *text, const char *wanted)
{
    char buf[SEARCH_CUT_BYTES(256)];
    const size_t len = search_terms_cut(span_of(text), buf);

    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(buf, wanted, len);
}

static void matches(const char *words, const char *wanted)
{
    char buf[SEARCH_MATCH_BYTES];
    size_t len = 99;

    assert_int_equal(search_terms_match(span_of(words), buf, &len), RC_OK);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(buf, wanted, len);
}

static void scripts_without_spaces_are_cut_into_characters(void **state)
{
    (void)state;
    is_cut("", "");
    is_cut("plain words, and Größe", "plain words, and Größe");
    is_cut("北京", "北 京");
    is_cut("去北京吃饭 ok", "去 北 京 吃 饭 ok");
    is_cut("ab中cd", "ab 中 cd");
    is_cut("カタ。かな", "カ タ 。 か な");
    is_cut("학교에서", "학 교 에 서");
    is_cut("𠀀𠀁", "𠀀 𠀁");
}

static void bytes_that_are_no_text_are_kept_as_they_are(void **state)
{
    (void)state;
    is_cut("a\xff\xe4\xb8z", "a\xff\xe4\xb8z");
}

static void no_text_is_cut_into_more_than_its_room(void **state)
{
    char text[300], buf[SEARCH_CUT_BYTES(sizeof(text)) + 1];

    (void)state;
    for (size_t at = 0; at + 4 <= sizeof(text); at += 4)
        memcpy(text + at, "中a", 4);
    buf[sizeof(buf) - 1] = '!';
    assert_true(search_terms_cut((struct span){text, sizeof(text)}, buf) <= sizeof(buf) - 1);
    assert_int_equal(buf[sizeof(buf) - 1], '!');
}

static void words_are_quoted_and_all_asked_for(void **state)
{
    (void)state;
    matches("hello", "\"hello\"");
    matches("  hello   world ", "\"hello\" AND \"world\"");
    matches("\"hello world\" x", "\"hello world\" AND \"x\"");
    matches("hel* a*b", "\"hel\"* AND \"a*b\"");
    matches("\"hello wor\"* x", "\"hello wor\"* AND \"x\"");
    matches("北京*", "\"北 京\"*");
    matches("\"never closed", "\"never closed\"");
    matches("a\"b c\"d", "\"a\" AND \"b c\" AND \"d\"");
}

static void nothing_of_the_askers_has_a_meaning_to_the_index(void **state)
{
    (void)state;
    matches("a OR b NOT c NEAR(d) tags:x", "\"a\" AND \"OR\" AND \"b\" AND \"NOT\" AND \"c\" AND "
                                           "\"NEAR(d)\" AND \"tags:x\"");
    matches("x' ; DROP^+{}()-", "\"x'\" AND \"DROP^+{}()-\"");
    matches("\"\" \"\"\"a\"", "\"a\"");
}

static void what_has_no_letter_or_digit_is_left_out(void **state)
{
    (void)state;
    matches("", "");
    matches("!!! \"...\" * 。 😀", "");
    matches("a ! b", "\"a\" AND \"b\"");
}

static void a_zero_byte_ends_a_term(void **state)
{
    char buf[SEARCH_MATCH_BYTES];
    size_t len = 0;

    (void)state;
    assert_int_equal(search_terms_match(SPAN("a\0b \"c\0d\""), buf, &len), RC_OK);
    assert_null(memchr(buf, '\0', len));
    assert_memory_equal(buf, "\"a\" AND \"b\" AND \"c\" AND \"d\"", len);
}

static void there_are_at_most_16_terms_and_512_bytes(void **state)
{
    char text[SEARCH_BYTES_MAX + 2], buf[SEARCH_MATCH_BYTES];
    size_t len;

    (void)state;
    assert_int_equal(search_terms_match(SPAN("1 2 3 4 5 6 7 8 9 a b c d e f 0 ! !"), buf, &len),
                     RC_OK);
    assert_int_equal(search_terms_match(SPAN("1 2 3 4 5 6 7 8 9 a b c d e f 0 x"), buf, &len),
                     RC_TOO_BIG);
    memset(text, 'x', sizeof(text));
    assert_int_equal(search_terms_match((struct span){text, SEARCH_BYTES_MAX}, buf, &len), RC_OK);
    assert_int_equal(search_terms_match((struct span){text, SEARCH_BYTES_MAX + 1}, buf, &len),
                     RC_TOO_BIG);
    for (size_t at = 0; at + 3 <= SEARCH_BYTES_MAX; at += 3)
        memcpy(text + at, "中", 3);
    assert_int_equal(search_terms_match((struct span){text, SEARCH_BYTES_MAX}, buf, &len), RC_OK);
    assert_true(len <= SEARCH_MATCH_BYTES);
}

static void a_tag_is_one_word_for_each_name(void **state)
{
    char buf[64];
    size_t len = search_terms_tag('f', SPAN("a-b"), buf);

    (void)state;
    assert_memory_equal(buf, "f612d62", len);
    assert_int_equal(len, 7);
    len = search_terms_stream_tag(255, buf);
    assert_memory_equal(buf, "sff", len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_without_spaces_are_cut_into_characters),
        cmocka_unit_test(bytes_that_are_no_text_are_kept_as_they_are),
        cmocka_unit_test(no_text_is_cut_into_more_than_its_room),
        cmocka_unit_test(words_are_quoted_and_all_asked_for),
        cmocka_unit_test(nothing_of_the_askers_has_a_meaning_to_the_index),
        cmocka_unit_test(what_has_no_letter_or_digit_is_left_out),
        cmocka_unit_test(a_zero_byte_ends_a_term),
        cmocka_unit_test(there_are_at_most_16_terms_and_512_bytes),
        cmocka_unit_test(a_tag_is_one_word_for_each_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
