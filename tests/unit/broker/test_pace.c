#include "broker/pace.h"

#include "tests/support/check.h"

#define NOW UINT64_C(1000000)

static struct pace committing_for(uint64_t took_us)
{
    struct pace pace = {0};

    pace_committed(&pace, took_us, NOW);
    return pace;
}

static void nothing_waits_when_nothing_is_coming(void **state)
{
    const struct pace pace = committing_for(1000);

    (void)state;
    assert_false(pace_may_hold(&pace, false, NOW));
    assert_true(pace_may_hold(&pace, true, NOW));
}

static void nothing_waits_for_a_slow_disk(void **state)
{
    const struct pace slow = committing_for(PACE_WAIT_US);

    (void)state;
    assert_false(pace_may_hold(&slow, true, NOW));
}

static void frames_pile_up_for_a_part_of_a_commit_when_many_come(void **state)
{
    const struct pace quick = committing_for(2000);
    const struct pace slower = committing_for(50000);

    (void)state;
    assert_int_equal(pace_rest_us(&quick, PACE_CROWD - 1), 0);
    assert_int_equal(pace_rest_us(&quick, PACE_CROWD), 500);
    assert_int_equal(pace_rest_us(&slower, PACE_CROWD), PACE_REST_US);
}

static void frames_stay_for_as_many_commits_as_fit(void **state)
{
    struct pace pace = committing_for(2000);

    (void)state;
    assert_true(pace_may_hold(&pace, true, NOW));
    pace_flushed(&pace, true, NOW);
    pace_committed(&pace, 2000, NOW + 2000);
    assert_true(pace_may_hold(&pace, true, NOW + 2000)); /* the next is there at 4000 */
    pace_flushed(&pace, true, NOW + 2000);
    pace_committed(&pace, 2000, NOW + 4000);
    assert_false(pace_may_hold(&pace, true, NOW + 4000));
    pace_flushed(&pace, false, NOW + 4000);
    assert_true(pace_may_hold(&pace, true, NOW + 4000)); /* a new round */
}

static void frames_leave_in_time_when_the_commit_does_not_come(void **state)
{
    struct pace pace = committing_for(2000);

    (void)state;
    assert_true(pace_deadline_ms(&pace) == UINT64_MAX);
    pace_flushed(&pace, true, NOW);
    assert_int_equal(pace_deadline_ms(&pace), (NOW + PACE_WAIT_US) / 1000);
    pace_flushed(&pace, true, NOW + 1500); /* of the first */
    assert_int_equal(pace_deadline_ms(&pace), (NOW + PACE_WAIT_US) / 1000);
    assert_true(pace_may_hold(&pace, true, NOW + PACE_WAIT_US - 1));
    assert_false(pace_may_hold(&pace, true, NOW + PACE_WAIT_US));
    pace_flushed(&pace, false, NOW + PACE_WAIT_US);
    assert_true(pace_deadline_ms(&pace) == UINT64_MAX);
}

static void a_deadline_is_not_before_its_time(void **state)
{
    struct pace pace = {0};

    (void)state;
    pace_flushed(&pace, true, NOW + 1);
    assert_int_equal(pace_deadline_ms(&pace), (NOW + PACE_WAIT_US) / 1000 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits_when_nothing_is_coming),
        cmocka_unit_test(nothing_waits_for_a_slow_disk),
        cmocka_unit_test(frames_pile_up_for_a_part_of_a_commit_when_many_come),
        cmocka_unit_test(frames_stay_for_as_many_commits_as_fit),
        cmocka_unit_test(frames_leave_in_time_when_the_commit_does_not_come),
        cmocka_unit_test(a_deadline_is_not_before_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
