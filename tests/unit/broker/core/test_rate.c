/* Everybody pays for what they ask (protocol 7.7, R-49). */
#include "tests/support/core/talk.h"

/* 10 tokens at once, then 10 a second. */
static void slow_down(struct stage *stage)
{
    struct core_limits limits = stage->limits;

    limits.account_rate = 10;
    limits.account_burst = 10;
    reopen_stage(stage, &limits);
}

static void a_post_that_is_too_fast_keeps_its_number_r49(void **state)
{
    struct stage *stage = *state;

    slow_down(stage);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    for (uint64_t number = 1; number <= 10; number++)
        say_post(stage, ALICE, number, "@bob");
    assert_int_equal(stage->held_count, 10);
    say_post(stage, ALICE, 11, "@bob");
    const struct message *error = expect_error(stage, ALICE, RC_TOO_FAST);
    assert_int_equal(error->number, 11);
    assert_int_equal(error->retry, 100);
    stage_commit_all(stage);
    stage_clear(stage);
    stage_wait(stage, 100);
    post(stage, ALICE, 11, "@bob");
    struct core_stats stats;
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.too_fast_account, 1);
}

static void it_is_said_once_in_50_ms_r49(void **state)
{
    struct stage *stage = *state;

    slow_down(stage);
    enter(stage, ALICE, "alice", 11);
    for (int i = 0; i < 30; i++)
        say(stage, ALICE, VERB_PING, NULL);
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_PONG), 10);
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_ERROR), 1);
    stage_clear(stage);
    stage->now_ms += 49;
    say(stage, ALICE, VERB_WHO, NULL);
    expect_silence(stage, ALICE);
    stage->now_ms += 1;
    say(stage, ALICE, VERB_WHO, NULL);
    expect_error(stage, ALICE, RC_TOO_FAST);
}

static void other_limits_hold_from_the_next_step(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    enter(stage, ALICE, "alice", 11);
    limits.account_rate = 10;
    limits.account_burst = 1;
    limits.registration = REGISTRATION_CLOSED;
    limits.sessions_max = 1; /* a table's size: it stays */
    limits.accounts_max = 1;
    core_set_limits(stage->core, &limits);
    say(stage, ALICE, VERB_PING, NULL);
    stage_clear(stage);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_TOO_FAST);
    core_set_limits(stage->core, &stage->limits);
    stage_clear(stage);
    say(stage, ALICE, VERB_PING, NULL);
    assert_int_equal(stage_count_replies(stage, ALICE, VERB_PONG), 1);
    limits.registration = REGISTRATION_OPEN;
    core_set_limits(stage->core, &limits);
    enter(stage, BOB, "bob", 12);
}

static void what_costs_more_than_the_burst_can_still_be_paid(void **state)
{
    struct stage *stage = *state;

    slow_down(stage);
    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_WHO, NULL); /* 20, of which a full bucket holds 10 */
    expect(stage, ALICE, VERB_PERSON);
    expect(stage, ALICE, VERB_END);
    say(stage, ALICE, VERB_WHO, NULL);
    assert_int_equal(expect_error(stage, ALICE, RC_TOO_FAST)->retry, 1000);
}

static void who_is_too_fast_is_alive_and_may_go_r49(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    slow_down(stage);
    enter(stage, ALICE, "alice", 11);
    for (int second = 0; second < 30; second++) {
        for (int i = 0; i < 30; i++)
            say(stage, ALICE, VERB_PING, NULL);
        stage_wait(stage, 1000);
    }
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 1);
    for (int i = 0; i < 30; i++)
        say(stage, ALICE, VERB_PING, NULL);
    say(stage, ALICE, VERB_BYE, NULL);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 0);
}

static void many_together_fill_one_room_no_faster_r49(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    struct core_stats stats;

    limits.room_rate = 1;
    limits.room_burst = 3;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    enter(stage, CAROL, "carol", 13);
    join(stage, ALICE, "#room");
    join(stage, BOB, "#room");
    say_post(stage, CAROL, 1, "#room"); /* who is not in it uses nothing up */
    say_post(stage, ALICE, 1, "#room");
    say_post(stage, ALICE, 2, "#room");
    say_post(stage, BOB, 1, "#room");
    expect_silence(stage, BOB);
    say_post(stage, BOB, 2, "#room");
    assert_int_equal(expect_error(stage, BOB, RC_TOO_FAST)->number, 2);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.too_fast_room, 1);
}

static void a_stranger_has_a_small_bucket_and_a_device_its_persons_r49(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    struct core_stats stats;

    limits.stranger_rate = 1;
    limits.stranger_burst = 5;
    reopen_stage(stage, &limits);
    stage_key(stage, ALICE, 'a');
    enter(stage, ALICE, "alice", 11);
    for (int i = 0; i < 5; i++) {
        say(stage, ALICE, VERB_BYE, NULL);
        enter(stage, ALICE, "alice", 11); /* a device is no stranger */
    }
    stage_key(stage, BOB, 'b');
    for (int i = 0; i < 5; i++)
        say(stage, BOB, VERB_PING, NULL);
    assert_int_equal(stage_count_replies(stage, BOB, VERB_ERROR), 5); /* hello_first */
    stage_clear(stage);
    say(stage, BOB, VERB_PING, NULL);
    expect_error(stage, BOB, RC_TOO_FAST);
    say(stage, BOB, VERB_PING, NULL);
    expect_silence(stage, BOB);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.too_fast_stranger, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_post_that_is_too_fast_keeps_its_number_r49),
        on_stage(it_is_said_once_in_50_ms_r49),
        on_stage(other_limits_hold_from_the_next_step),
        on_stage(what_costs_more_than_the_burst_can_still_be_paid),
        on_stage(who_is_too_fast_is_alive_and_may_go_r49),
        on_stage(many_together_fill_one_room_no_faster_r49),
        on_stage(a_stranger_has_a_small_bucket_and_a_device_its_persons_r49),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
