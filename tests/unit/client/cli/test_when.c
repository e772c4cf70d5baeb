#include "tests/support/check.h"

#include "client/cli/when.h"

#include <time.h>

static uint64_t duration(const char *given)
{
    uint64_t ms = 12345;

    return when_duration(given, &ms) == RC_OK ? ms : UINT64_MAX;
}

static void durations_have_units_and_bare_numbers_are_seconds(void **state)
{
    (void)state;
    assert_int_equal(duration("500ms"), 500);
    assert_int_equal(duration("10s"), 10000);
    assert_int_equal(duration("10"), 10000);
    assert_int_equal(duration("5m"), 300000);
    assert_int_equal(duration("2h"), 7200000);
    assert_int_equal(duration("1d"), 86400000);
    assert_int_equal(duration("0"), 0);
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const bad[] = {"",           "s",  "-1s", "+1s",  " 1s",
                                      "1 s",        "1x", "1sm", "1.5s", "99999999999999999999",
                                      "9999999999d"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(duration(bad[i]) == UINT64_MAX);
}

static void numbers_have_a_most_and_nothing_behind_them(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(when_number("18", 18, &value), RC_OK);
    assert_int_equal(value, 18);
    assert_int_equal(when_number("19", 18, &value), RC_CONFIG);
    assert_int_equal(when_number("1x", 18, &value), RC_CONFIG);
    assert_int_equal(when_number("-1", 18, &value), RC_CONFIG);
    assert_int_equal(when_number("", 18, &value), RC_CONFIG);
}

static void whole_seconds_are_rounded_up_and_have_bounds(void **state)
{
    uint32_t seconds = 77;

    (void)state;
    assert_int_equal(when_seconds("1500ms", 1, 60, &seconds), RC_OK);
    assert_int_equal(seconds, 2);
    assert_int_equal(when_seconds("1m", 60, 60, &seconds), RC_OK);
    assert_int_equal(seconds, 60);
    assert_int_equal(when_seconds("59999ms", 60, 100, &seconds), RC_CONFIG);
    assert_int_equal(when_seconds("60001ms", 1, 60, &seconds), RC_CONFIG);
    assert_int_equal(when_seconds("soon", 1, 60, &seconds), RC_CONFIG);
    assert_int_equal(seconds, 60);
}

static struct since since(const char *given, uint64_t now_ms)
{
    struct since since = {false, UINT64_MAX};

    assert_int_equal(when_since(given, now_ms, &since), RC_OK);
    return since;
}

static void since_is_a_place_or_a_time_back_from_now(void **state)
{
    (void)state;
    assert_false(since("all", 0).is_time);
    assert_int_equal(since("all", 0).value, 1);
    assert_false(since("18", 0).is_time);
    assert_int_equal(since("18", 0).value, 18);
    assert_int_equal(since("0", 0).value, 1);
    assert_true(since("10m", 1000000).is_time);
    assert_int_equal(since("10m", 1000000).value, 400000);
    assert_int_equal(since("10m", 1000).value, 0);
}

static void since_understands_the_times_that_json_prints(void **state)
{
    (void)state;
    assert_int_equal(since("2026-11-23T09:21:50.123Z", 0).value, UINT64_C(1795425710123));
    assert_int_equal(since("2026-11-23T09:21:50Z", 0).value, UINT64_C(1795425710000));
    assert_int_equal(since("2026-11-23T11:21:50+02:00", 0).value, UINT64_C(1795425710000));
    assert_int_equal(since("2026-11-23T08:51:50-0030", 0).value, UINT64_C(1795425710000));
}

static void a_time_without_a_zone_is_of_here(void **state)
{
    (void)state;
    setenv("TZ", "UTC-2", 1); /* two hours east */
    tzset();
    assert_int_equal(since("2026-11-23 11:21:50", 0).value, UINT64_C(1795425710000));
    assert_int_equal(since("2026-11-23 11:21", 0).value, UINT64_C(1795425660000));
    assert_int_equal(since("2026-11-23", 0).value, UINT64_C(1795384800000));
    unsetenv("TZ");
    tzset();
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-13-01",
                                      "2026-11-23x",
                                      "2026-11-23 09:21:50 ",
                                      "2026-11-23T09:21:50+99:00",
                                      "-5",
                                      "2026-11-23T09:21:50+02:00x"};
    struct since ignored;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(when_since(bad[i], 0, &ignored), RC_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_units_and_bare_numbers_are_seconds),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(numbers_have_a_most_and_nothing_behind_them),
        cmocka_unit_test(whole_seconds_are_rounded_up_and_have_bounds),
        cmocka_unit_test(since_is_a_place_or_a_time_back_from_now),
        cmocka_unit_test(since_understands_the_times_that_json_prints),
        cmocka_unit_test(a_time_without_a_zone_is_of_here),
        cmocka_unit_test(what_is_no_time_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
