#include "tests/support/check.h"

#include "client/cli/pattern.h"

#include "shared/base/clock.h"
#include "shared/base/limits.h"

#include <stdlib.h>

static enum pattern_result match(const char *regex, bool ignores_case, struct span text)
{
    char why[PATTERN_WHY_BYTES];
    struct pattern *pattern = NULL;
    enum pattern_result result;

    assert_int_equal(pattern_new(regex, ignores_case, &pattern, why), RC_OK);
    result = pattern_match(pattern, text);
    pattern_destroy(&pattern);
    assert_null(pattern);
    return result;
}

static void a_pattern_matches_anywhere_and_by_lines(void **state)
{
    (void)state;
    assert_int_equal(match("done|failed", false, SPAN("build failed")), PATTERN_YES);
    assert_int_equal(match("^done$", false, SPAN("so\ndone\nyes")), PATTERN_YES);
    assert_int_equal(match("^done$", false, SPAN("Done")), PATTERN_NO);
    assert_int_equal(match("^done$", true, SPAN("Done")), PATTERN_YES);
    assert_int_equal(match("^\\w+$", false, SPAN("小明")), PATTERN_YES);
    assert_int_equal(match("ÜBER", true, SPAN("über")), PATTERN_YES);
    assert_int_equal(match("", false, SPAN("")), PATTERN_YES);
    assert_int_equal(match("a.b", false, (struct span){"a\0b", 3}), PATTERN_YES);
}

static void ill_formed_bytes_hurt_nothing(void **state)
{
    (void)state;
    assert_int_equal(match("bob", false, SPAN("\xff\xc3 bob \xf0")), PATTERN_YES);
    assert_int_equal(match("x", false, SPAN("\xff\xc3")), PATTERN_NO);
}

static void what_is_no_pattern_is_refused_with_the_place(void **state)
{
    static const char *const bad[] = {"(a", "a{2,1}", "[", "\\C", "*"};
    char why[PATTERN_WHY_BYTES];
    struct pattern *pattern = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        assert_int_equal(pattern_new(bad[i], false, &pattern, why), RC_CONFIG);
        assert_non_null(strstr(why, "at character"));
        assert_null(pattern);
    }
}

/* A text of one letter that takes these patterns for ever, if they are allowed to. */
static void no_text_keeps_us_busy(void **state)
{
    static const char *const greedy[] = {"(a+)+$",        "(a|aa)+$",          "(a*)*b",
                                         "^(?:.*a){20}b", "(x+x+)+y|(a+a+)+y", "(?:a?){40}a{40}b"};
    char *text = malloc(TEXT_BYTES_MAX);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', TEXT_BYTES_MAX);
    text[TEXT_BYTES_MAX - 1] = '!';
    for (size_t i = 0; i < sizeof(greedy) / sizeof(greedy[0]); i++) {
        const uint64_t begin_ms = clock_mono_ms();

        assert_int_not_equal(match(greedy[i], false, (struct span){text, TEXT_BYTES_MAX}),
                             PATTERN_YES);
        if (clock_mono_ms() - begin_ms > 20000) /* seconds under a sanitizer, else never */
            fail_msg("%s took %lu ms", greedy[i], (unsigned long)(clock_mono_ms() - begin_ms));
    }
    assert_int_equal(match("(a+)+$", false, (struct span){text, TEXT_BYTES_MAX}), PATTERN_GAVE_UP);
    free(text);
}

static void honest_patterns_have_room_in_a_large_text(void **state)
{
    char *text = malloc(TEXT_BYTES_MAX);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', TEXT_BYTES_MAX);
    memcpy(text + TEXT_BYTES_MAX - 6, "done 7", 6);
    assert_int_equal(match("\\bdone\\s+\\d", false, (struct span){text, TEXT_BYTES_MAX}),
                     PATTERN_NO); /* xdone is one word */
    assert_int_equal(match("done\\s+\\d", false, (struct span){text, TEXT_BYTES_MAX}), PATTERN_YES);
    assert_int_equal(match("x.*done (\\d)$", true, (struct span){text, TEXT_BYTES_MAX}),
                     PATTERN_YES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_anywhere_and_by_lines),
        cmocka_unit_test(ill_formed_bytes_hurt_nothing),
        cmocka_unit_test(what_is_no_pattern_is_refused_with_the_place),
        cmocka_unit_test(no_text_keeps_us_busy),
        cmocka_unit_test(honest_patterns_have_room_in_a_large_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
