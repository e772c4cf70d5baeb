/* Everybody pays for what they ask (protocol 7.7, R-49). */
#include "shared/base/bucket.h"
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
    assert_int_equal(stats.count[REFUSED_ACCOUNT_RATE], 1);
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
    assert_int_equal(stats.count[REFUSED_ROOM_RATE], 1);
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
    assert_int_equal(stats.count[REFUSED_STRANGER_RATE], 2);
}

/* One byte of each key and of each address differs. */
static enum rc knock(struct stage *stage, unsigned key, unsigned char address)
{
    static unsigned char addresses[256][ADDRESS_BYTES];
    const peer_id peer = {1 + key % (STAGE_PEERS_MAX - 1)};

    memset(addresses[address], address, ADDRESS_BYTES);
    stage->address = addresses[address];
    stage_key(stage, peer, (unsigned char)(1 + key));
    stage_clear(stage);
    say(stage, peer, VERB_PING, NULL);
    const struct said *said = stage_take_reply(stage, peer, VERB_ERROR);
    return said == NULL ? RC_OK : (enum rc)said->message.code;
}

static void many_keys_of_one_address_share_a_bucket_r49(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    struct core_stats stats;
    uint64_t retry = 0;

    limits.address_rate = 4;
    limits.address_burst = 20;
    limits.stranger_rate = 1;
    limits.stranger_burst = 5;
    reopen_stage(stage, &limits);
    for (unsigned key = 0; key < 20; key++)
        assert_int_equal(knock(stage, key, 7), RC_HELLO_FIRST);
    assert_int_equal(knock(stage, 20, 7), RC_TOO_FAST);
    say(stage, CAROL, VERB_PING, NULL); /* of another key there */
    for (const struct said *said; (said = stage_take_reply(stage, CAROL, VERB_ERROR)) != NULL;)
        retry = said->message.retry;
    assert_int_equal(retry, 250); /* 4 a second: that is when one will be there */
    assert_int_equal(knock(stage, 21, 8), RC_HELLO_FIRST); /* elsewhere nobody notices */
    stage->now_ms += 250;
    assert_int_equal(knock(stage, 22, 7), RC_HELLO_FIRST);
    assert_int_equal(knock(stage, 23, 7), RC_TOO_FAST);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.count[REFUSED_ADDRESS_RATE], 3);
    assert_int_equal(stats.count[REFUSED_STRANGER_RATE], 0);
}

static void a_device_does_not_pay_with_its_address_r49(void **state)
{
    static const unsigned char address[ADDRESS_BYTES] = {9};
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.address_rate = 1;
    limits.address_burst = 10;
    reopen_stage(stage, &limits);
    stage->address = address;
    stage_key(stage, ALICE, 'a');
    enter(stage, ALICE, "alice", 11);
    stage_key(stage, BOB, 'b');
    for (int i = 0; i < 6; i++)
        say(stage, BOB, VERB_PING, NULL);
    stage_clear(stage);
    say(stage, BOB, VERB_HELLO, NULL);
    stage_clear(stage);
    say(stage, ALICE, VERB_BYE, NULL);
    enter(stage, ALICE, "alice", 12); /* while strangers of its address have to wait */
}

/* A hall behind one address comes back when its broker has started again: 4,000 clients, new to it, each with some
 * questions that come before its HELLO. */
static void a_hall_behind_one_address_is_let_in_at_once(void **state)
{
    const struct core_limits limits = CORE_LIMITS_DEFAULTS;
    struct bucket bucket = {0, 0};

    (void)state;
    for (uint32_t client = 0; client < 4000; client++) {
        assert_int_equal(bucket_take(&bucket, limits.address_rate, limits.address_burst, 2, 1), 0);
        assert_int_equal(bucket_take(&bucket, limits.address_rate, limits.address_burst, 5, 1), 0);
    }
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
        on_stage(many_keys_of_one_address_share_a_bucket_r49),
        on_stage(a_device_does_not_pay_with_its_address_r49),
        cmocka_unit_test(a_hall_behind_one_address_is_let_in_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
