#include "broker/pace.h"

#include "tests/support/check.h"

#define NOW UINT64_C(1000000)

static struct pace committing_every(uint64_t gap_us)
{
    struct pace pace = {0};

    pace_committed(&pace, NOW - gap_us);
    pace_committed(&pace, NOW);
    return pace;
}

static void nothing_waits_when_nothing_is_coming(void **state)
{
    const struct pace pace = committing_every(1000);

    (void)state;
    assert_false(pace_may_hold(&pace, false, NOW));
    assert_true(pace_may_hold(&pace, true, NOW));
}

static void nothing_waits_for_a_slow_disk_or_after_a_rest(void **state)
{
    const struct pace slow = committing_every(PACE_WAIT_US);
    struct pace first = {0};

    (void)state;
    assert_false(pace_may_hold(&slow, true, NOW));
    pace_committed(&first, NOW);
    assert_false(pace_may_hold(&first, true, NOW));
}

static void frames_stay_for_as_many_commits_as_fit(void **state)
{
    struct pace pace = committing_every(2000);

    (void)state;
    assert_true(pace_may_hold(&pace, true, NOW));
    pace_flushed(&pace, true, NOW);
    pace_committed(&pace, NOW + 2000);
    assert_true(pace_may_hold(&pace, true, NOW + 2000)); /* the next is there at 4000 */
    pace_flushed(&pace, true, NOW + 2000);
    pace_committed(&pace, NOW + 4000);
    assert_false(pace_may_hold(&pace, true, NOW + 4000));
    pace_flushed(&pace, false, NOW + 4000);
    assert_true(pace_may_hold(&pace, true, NOW + 4000)); /* a new round */
}

static void frames_leave_in_time_when_the_commit_does_not_come(void **state)
{
    struct pace pace = committing_every(2000);

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
        cmocka_unit_test(nothing_waits_for_a_slow_disk_or_after_a_rest),
        cmocka_unit_test(frames_stay_for_as_many_commits_as_fit),
        cmocka_unit_test(frames_leave_in_time_when_the_commit_does_not_come),
        cmocka_unit_test(a_deadline_is_not_before_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
