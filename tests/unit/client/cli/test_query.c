/* What people write to search for. */
#include "client/cli/query.h"

#include "tests/support/check.h"

#include <string.h>

#define NOW UINT64_C(1795425710123)

static struct query query;
static char why[QUERY_WHY_BYTES];

static enum rc take(const char *text)
{
    query_init(&query, NOW);
    return query_take(&query, text, why);
}

static void refused(const char *text, const char *part)
{
    assert_int_equal(take(text), RC_CONFIG);
    if (strstr(why, part) == NULL)
        fail_msg("\"%s\": %s", text, why);
}

static void words_and_filters_stand_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(take(" fox  from:Bob \"quick brown\" in:#Lobby hen* after:1d "), RC_OK);
    assert_string_equal(query.ask.words, "fox \"quick brown\" hen*");
    assert_string_equal(query.ask.from, "bob");
    assert_string_equal(query.ask.stream, "#lobby");
    assert_true(query.ask.since_ms == NOW - 86400000);
    assert_int_equal(query.ask.until_ms, 0);
    assert_int_equal(query_check(&query, why), RC_OK);
    assert_int_equal(take("in:@bob from:@alice before:2026-11-23T00:00:00Z"), RC_OK);
    assert_null(query.ask.words);
    assert_string_equal(query.ask.stream, "@bob");
    assert_string_equal(query.ask.from, "alice");
    assert_true(query.ask.until_ms == UINT64_C(1795392000000));
    assert_int_equal(query_check(&query, why), RC_OK);
}

static void what_is_quoted_or_no_filter_is_a_word(void **state)
{
    (void)state;
    assert_int_equal(take("\"from:bob in:x\" http://x:80 infrom:y"), RC_OK);
    assert_string_equal(query.ask.words, "\"from:bob in:x\" http://x:80 infrom:y");
    assert_null(query.ask.from);
    assert_int_equal(take("\"never closed from:bob"), RC_OK);
    assert_string_equal(query.ask.words, "\"never closed from:bob");
}

static void filters_that_mean_nothing_are_refused_by_name(void **state)
{
    (void)state;
    refused("x in:lobby", "in takes #room or @nick, not \"lobby\"");
    refused("x from:#lobby", "from takes a nick");
    refused("x from:", "from takes");
    refused("x before:soon", "before takes 10m");
    refused("x after:17", "after takes"); /* a place, not a time */
    refused("x after:all", "after takes");
    refused("x in:#a in:#b", "in is given twice");
    refused("x before:1d before:2d", "before is given twice");
}

static void options_and_words_are_one_search(void **state)
{
    (void)state;
    assert_int_equal(take("fox in:#lobby"), RC_OK);
    assert_int_equal(query_set(&query, "from", "bob", why), RC_OK);
    assert_int_equal(query_set(&query, "in", "#lobby", why), RC_CONFIG);
    assert_int_equal(query_take(&query, "hen", why), RC_OK);
    assert_string_equal(query.ask.words, "fox hen");
}

static void a_search_needs_something_to_look_for(void **state)
{
    static const char *const nothing[] = {"", "in:#lobby", "after:1d", "!!! ...", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        assert_int_equal(take(nothing[i]), RC_OK);
        assert_int_equal(query_check(&query, why), RC_CONFIG);
        assert_non_null(strstr(why, "needs a word"));
    }
    assert_int_equal(take("\xe5\x8c\x97"), RC_OK);
    assert_int_equal(query_check(&query, why), RC_OK);
}

static void a_search_has_at_most_512_bytes(void **state)
{
    char text[SEARCH_BYTES_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[SEARCH_BYTES_MAX + 1] = '\0';
    refused(text, "at most 512 bytes");
    text[SEARCH_BYTES_MAX] = '\0';
    if (take(text) != RC_OK)
        fail_msg("%s", why);
    assert_int_equal(strlen(query.ask.words), SEARCH_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_filters_stand_in_any_order),
        cmocka_unit_test(what_is_quoted_or_no_filter_is_a_word),
        cmocka_unit_test(filters_that_mean_nothing_are_refused_by_name),
        cmocka_unit_test(options_and_words_are_one_search),
        cmocka_unit_test(a_search_needs_something_to_look_for),
        cmocka_unit_test(a_search_has_at_most_512_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
