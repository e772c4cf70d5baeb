#include "tests/support/check.h"

#include "client/logger/patterns.h"

#include <stdio.h>

static struct patterns patterns;
static char why[PATTERN_WHY_BYTES];

static enum rc set(const char *list)
{
    patterns.count = 0;
    return patterns_add(&patterns, list, why);
}

static void check(const char *list, const char *takes, const char *leaves)
{
    assert_int_equal(set(list), RC_OK);
    if (takes != NULL)
        assert_true(patterns_match(&patterns, takes));
    if (leaves != NULL)
        assert_false(patterns_match(&patterns, leaves));
}

static void patterns_choose_streams(void **state)
{
    (void)state;
    check("#team-*,@log", "#team-a", "#other");
    check("#team-*,@log", "@log", "@alice");
    check("#one #two", "#two", "#three");
    check("#v[0-9]", "#v7", "#vx");
    check("", "#lobby", "@alice");
}

static void excludes_win_wherever_they_stand(void **state)
{
    (void)state;
    check("#*,!#secret*", "#lobby", "#secret-7");
    check("!#secret*,#*", "#lobby", "#secret-7");
    check("#*,!#secret*,#secret-7", "#lobby", "#secret-7");
    check("@*,!@bot", "@alice", "@bot");
}

static void excludes_alone_leave_out_of_all_rooms(void **state)
{
    (void)state;
    check("!#secret*", "#lobby", "#secret");
    check("!#secret*", NULL, "@alice");
}

static void case_and_width_do_not_matter(void **state)
{
    (void)state;
    check("#Team-*", "#team-a", NULL);
    check("#ÄRGER*", "#ärgernis", NULL);
    check("#ＡＢＣ", "#abc", NULL);
    check("!#SECRET*", "#a", "#secret");
}

static void a_question_mark_is_a_letter_not_a_byte(void **state)
{
    (void)state;
    check("#?明", "#小明", "#小小明");
    check("#??", "#小明", "#小");
}

static void a_backslash_takes_the_meaning_away(void **state)
{
    (void)state;
    check("#a\\*", "#a*", "#ab"); /* no room has that name; the pattern is exact all the same */
    check("#\\a", "#a", "#\\a");
    assert_int_equal(set("#a\\,b"), RC_OK);
    assert_int_equal(patterns.count, 1);
    assert_int_equal(set("#a\\"), RC_CONFIG);
    assert_non_null(strstr(why, "backslash"));
    assert_int_equal(set("#a\\\\"), RC_OK);
}

static void a_name_is_told_from_a_pattern(void **state)
{
    (void)state;
    assert_int_equal(set("#Lab,#lab*,!#x,@Alice"), RC_OK);
    assert_true(patterns.item[0].is_name);
    assert_string_equal(patterns.item[0].text, "#lab");
    assert_false(patterns.item[1].is_name);
    assert_true(patterns.item[2].is_exclude && patterns.item[2].is_name);
    assert_string_equal(patterns.item[3].text, "@alice");
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_int_equal(set("lobby"), RC_CONFIG);
    assert_non_null(strstr(why, "'lobby' to begin"));
    assert_int_equal(set("!lobby"), RC_CONFIG);
    assert_int_equal(set("#a,!"), RC_CONFIG);
    assert_int_equal(set("#"), RC_CONFIG);
    assert_non_null(strstr(why, "'#*'"));
    assert_int_equal(set("#a.b"), RC_CONFIG);
    assert_non_null(strstr(why, "'#a.b' to be a name"));
    assert_int_equal(set("#\xff\xfe*"), RC_CONFIG);
    assert_non_null(strstr(why, "UTF-8"));
}

static void too_many_patterns_are_refused(void **state)
{
    char list[3 * (PATTERNS_MAX + 1) + 1] = "";

    (void)state;
    for (size_t i = 0; i < PATTERNS_MAX; i++)
        memcpy(list + 3 * i, "#a,", 4);
    assert_int_equal(set(list), RC_OK);
    memcpy(list + 3 * PATTERNS_MAX, "#a", 3);
    assert_int_equal(set(list), RC_CONFIG);
    assert_non_null(strstr(why, "at most 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_choose_streams),
        cmocka_unit_test(excludes_win_wherever_they_stand),
        cmocka_unit_test(excludes_alone_leave_out_of_all_rooms),
        cmocka_unit_test(case_and_width_do_not_matter),
        cmocka_unit_test(a_question_mark_is_a_letter_not_a_byte),
        cmocka_unit_test(a_backslash_takes_the_meaning_away),
        cmocka_unit_test(a_name_is_told_from_a_pattern),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(too_many_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
