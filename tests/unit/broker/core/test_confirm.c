/* CONFIRM, receipts and republication (protocol 6.4). */
#include "tests/support/core/talk.h"

#include <stdio.h>

/* Alice has sent bob, who has an inbox, this many messages. */
static void fill_inbox(struct stage *stage, uint64_t messages)
{
    enter(stage, ALICE, "alice", 11);
    enter_inbox(stage, BOB, "bob", 12);
    for (uint64_t number = 1; number <= messages; number++)
        post(stage, ALICE, number, "@bob");
}

static uint64_t confirmed(struct stage *stage, peer_id peer)
{
    say(stage, peer, VERB_PING, NULL);
    return expect(stage, peer, VERB_PONG)->confirmed;
}

static void confirming_makes_a_receipt_for_the_sender_r27(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 2);
    say_confirm(stage, BOB, "@bob", 2);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0); /* not before it is stored */
    assert_int_equal(confirmed(stage, BOB), 0);
    stage_commit(stage);
    const struct message *receipt = expect_topic(stage, "@alice", VERB_EVENT);
    assert_span(receipt->type, "receipt");
    assert_span(receipt->from, "bob");
    assert_int_equal(receipt->upto, 2);
    assert_int_equal(receipt->seq, 3); /* behind her two copies */
    assert_int_equal(confirmed(stage, BOB), 2);
    expect_silence(stage, BOB); /* CONFIRM has no answer */
}

static void every_sender_newly_covered_gets_one_receipt_r27(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 3);
    enter(stage, CAROL, "carol", 13);
    post(stage, CAROL, 1, "@bob");
    say_confirm(stage, BOB, "@bob", 3);
    stage_commit(stage);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 1);
    stage_clear(stage);
    say_confirm(stage, BOB, "@bob", 4);
    stage_commit(stage);
    assert_int_equal(expect_topic(stage, "@carol", VERB_EVENT)->upto, 4);
    assert_null(stage_take_topic(stage, "@alice", VERB_EVENT));
}

static void only_an_inbox_confirms_and_only_its_own_stream_r26(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    say_confirm(stage, ALICE, "@alice", 1); /* not an inbox */
    expect_error(stage, ALICE, RC_DENIED);
    say_confirm(stage, BOB, "@alice", 1);
    expect_error(stage, BOB, RC_DENIED);
    say_confirm(stage, BOB, "@nobody", 1);
    expect_error(stage, BOB, RC_DENIED);
    assert_int_equal(stage->held_count, 0);
}

static void nothing_beyond_the_head_is_confirmed_r26(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    say_confirm(stage, BOB, "@bob", 2);
    expect_error(stage, BOB, RC_BAD_FIELD);
    say_confirm(stage, BOB, "@bob", INT64_MAX);
    expect_error(stage, BOB, RC_BAD_FIELD);
    assert_int_equal(stage->held_count, 0);
}

static void a_repeated_confirmation_does_not_reach_the_store(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 3);
    say_confirm(stage, BOB, "@bob", 2);
    say_confirm(stage, BOB, "@bob", 2);
    say_confirm(stage, BOB, "@bob", 1);
    assert_int_equal(stage->held_count, 1);
    stage_commit(stage);
    say_confirm(stage, BOB, "@bob", 2);
    say_confirm(stage, BOB, "@bob", 0);
    assert_int_equal(stage->held_count, 0);
    expect_silence(stage, BOB);
}

/* 70 people write to bob: one result holds 64 receipts. */
static void write_from_70(struct stage *stage, uint32_t pending_max)
{
    struct core_limits limits = stage->limits;
    char nick[16];

    limits.accounts_max = 100;
    limits.pending_max = pending_max;
    reopen_stage(stage, &limits);
    enter_inbox(stage, BOB, "bob", 12);
    for (unsigned i = 0; i < 70; i++) {
        snprintf(nick, sizeof nick, "p%u", i);
        enter(stage, ALICE, nick, 1000 + i);
        post(stage, ALICE, 1, "@bob");
    }
}

static void more_receipts_than_a_result_holds_are_asked_for_again(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    write_from_70(stage, 100);
    say_confirm(stage, BOB, "@bob", 70);
    stage_commit(stage);
    assert_int_equal(stage_count(stage, FX_PUBLISH), OP_APPENDED_MAX);
    assert_int_equal(confirmed(stage, BOB), OP_APPENDED_MAX);
    assert_int_equal(stage->held_count, 1);
    say_confirm(stage, BOB, "@bob", 70); /* is on its way */
    assert_int_equal(stage->held_count, 1);
    stage_commit(stage);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 70);
    assert_int_equal(confirmed(stage, BOB), 70);
    assert_int_equal(stage->held_count, 0);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.count[COUNT_CONFIRMS], 2);
}

static void the_rest_of_a_confirmation_waits_for_the_client_when_the_broker_is_behind(void **state)
{
    struct stage *stage = *state;

    write_from_70(stage, 1);
    say_confirm(stage, BOB, "@bob", 70);
    stage_commit(stage);
    assert_int_equal(stage->held_count, 0); /* no ticket was free */
    assert_int_equal(confirmed(stage, BOB), OP_APPENDED_MAX);
    say_confirm(stage, BOB, "@bob", 70);
    stage_commit(stage);
    assert_int_equal(confirmed(stage, BOB), 70);
}

static void a_confirmation_that_could_not_be_stored_may_be_repeated(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    say_confirm(stage, BOB, "@bob", 1);
    stage_fail(stage, RC_DISK_FULL, 0);
    expect_silence(stage, BOB);
    assert_int_equal(confirmed(stage, BOB), 0);
    say_confirm(stage, BOB, "@bob", 1);
    stage_commit(stage);
    assert_int_equal(confirmed(stage, BOB), 1);
}

static void a_busy_broker_takes_the_confirmation_later(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.pending_max = 1;
    reopen_stage(stage, &limits);
    fill_inbox(stage, 1);
    say_post(stage, ALICE, 2, "@bob");
    say_confirm(stage, BOB, "@bob", 1);
    assert_true(expect_error(stage, BOB, RC_BUSY)->retry > 0);
    stage_commit(stage);
    say_confirm(stage, BOB, "@bob", 1);
    stage_commit(stage);
    assert_int_equal(confirmed(stage, BOB), 1);
}

static void the_receipt_of_a_session_that_ended_is_published_all_the_same(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    say_confirm(stage, BOB, "@bob", 1);
    say(stage, BOB, VERB_BYE, NULL);
    stage_commit(stage);
    assert_span(expect_topic(stage, "@alice", VERB_EVENT)->type, "receipt");
}

static void what_was_confirmed_is_known_after_a_restart(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("bob", 12);

    fill_inbox(stage, 2);
    say_confirm(stage, BOB, "@bob", 1);
    stage_commit(stage);
    stage_restart(stage);
    stage_clear(stage);
    stage_say(stage, BOB, &hello);
    stage_commit(stage);
    const struct message *welcome = expect(stage, BOB, VERB_WELCOME);
    assert_int_equal(welcome->seq, 2);
    assert_int_equal(welcome->confirmed, 1);
}

/* --- republication ------------------------------------------------------------------- */

/* Keep bob's session alive while time passes, in steps of a ping. */
static void wait_alive(struct stage *stage, uint64_t ms)
{
    const uint64_t until = stage->now_ms + ms;

    while (stage->now_ms < until) {
        const uint64_t left = until - stage->now_ms;

        stage_wait(stage, left < PING_MS ? left : PING_MS);
        say(stage, BOB, VERB_PING, NULL);
        expect(stage, BOB, VERB_PONG);
    }
}

/* Nothing for one millisecond less than `ms`, then once. */
#define expect_republished(stage, ms, wanted_first, wanted_last)    \
    do {                                                            \
        wait_alive(stage, (ms)-1);                                  \
        assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);      \
        wait_alive(stage, 1);                                       \
        const struct said *said_ = stage_take(stage, FX_REPUBLISH); \
        assert_non_null(said_);                                     \
        assert_span(said_->effect.name, "@bob");                    \
        assert_non_null(said_->effect.seal_key);                    \
        assert_int_equal(said_->effect.read.first, wanted_first);   \
        assert_int_equal(said_->effect.read.last, wanted_last);     \
        assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);      \
    } while (0)

static void what_is_unconfirmed_is_published_again_with_growing_delay_r28(void **state)
{
    static const uint64_t delays[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct stage *stage = *state;
    struct core_stats stats;

    fill_inbox(stage, 2);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++)
        expect_republished(stage, delays[i], 1, 2);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.count[COUNT_REPUBLISHED], 8);
}

static void republication_gives_the_same_events_again(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 2);
    wait_alive(stage, 1000);
    assert_int_equal(expect_topic(stage, "@bob", VERB_EVENT)->seq, 1);
    assert_int_equal(expect_topic(stage, "@bob", VERB_EVENT)->seq, 2);
}

static void a_new_event_begins_again_r28(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    wait_alive(stage, 3500); /* republished after 1 and 2 s more */
    stage_clear(stage);
    post(stage, ALICE, 2, "@bob");
    expect_republished(stage, 1000, 1, 2);
    expect_republished(stage, 2000, 1, 2);
}

static void a_confirmation_begins_again_and_the_last_one_ends_it_r28(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 3);
    wait_alive(stage, 3500);
    stage_clear(stage);
    say_confirm(stage, BOB, "@bob", 1);
    stage_commit(stage);
    expect_republished(stage, 1000, 2, 3);
    say_confirm(stage, BOB, "@bob", 3);
    stage_commit(stage);
    wait_alive(stage, 60000);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);
}

static void hello_of_an_inbox_begins_again_r28(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    wait_alive(stage, 3500);
    enter_inbox(stage, BOB, "bob", 12);
    expect_republished(stage, 1000, 1, 1);
}

static void at_most_64_are_published_again_r28(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 70);
    expect_republished(stage, 1000, 1, REPUBLISH_EVENTS_MAX);
}

static void without_an_inbox_nothing_is_published_again(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    enter(stage, BOB, "bob", 12); /* the same session, now without */
    wait_alive(stage, 5000);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);
    enter_inbox(stage, BOB, "bob", 12);
    expect_republished(stage, 1000, 1, 1);
    say(stage, BOB, VERB_BYE, NULL);
    stage_wait(stage, 60000);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);
}

static void the_other_inbox_of_a_person_keeps_it_going(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    enter_inbox(stage, CAROL, "bob", 13);
    say(stage, CAROL, VERB_BYE, NULL);
    expect_republished(stage, 1000, 1, 1);
}

static void an_inbox_that_expires_is_published_to_no_more(void **state)
{
    struct stage *stage = *state;

    fill_inbox(stage, 1);
    stage_wait(stage, SESSION_EXPIRE_MS);
    stage_clear(stage);
    stage_wait(stage, 120000);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);
}

static void ones_own_copies_are_confirmed_like_all_the_rest(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter_inbox(stage, BOB, "bob", 12);
    post(stage, BOB, 1, "@alice");
    expect_republished(stage, 1000, 1, 1);
    say_confirm(stage, BOB, "@bob", 1);
    stage_commit(stage);
    assert_null(stage_take_topic(stage, "@alice", VERB_EVENT)); /* makes no receipt */
    stage_clear(stage);
    wait_alive(stage, 60000);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(confirming_makes_a_receipt_for_the_sender_r27),
        on_stage(every_sender_newly_covered_gets_one_receipt_r27),
        on_stage(only_an_inbox_confirms_and_only_its_own_stream_r26),
        on_stage(nothing_beyond_the_head_is_confirmed_r26),
        on_stage(a_repeated_confirmation_does_not_reach_the_store),
        on_stage(more_receipts_than_a_result_holds_are_asked_for_again),
        on_stage(the_rest_of_a_confirmation_waits_for_the_client_when_the_broker_is_behind),
        on_stage(a_confirmation_that_could_not_be_stored_may_be_repeated),
        on_stage(a_busy_broker_takes_the_confirmation_later),
        on_stage(the_receipt_of_a_session_that_ended_is_published_all_the_same),
        on_stage(what_was_confirmed_is_known_after_a_restart),
        on_stage(what_is_unconfirmed_is_published_again_with_growing_delay_r28),
        on_stage(republication_gives_the_same_events_again),
        on_stage(a_new_event_begins_again_r28),
        on_stage(a_confirmation_begins_again_and_the_last_one_ends_it_r28),
        on_stage(hello_of_an_inbox_begins_again_r28),
        on_stage(at_most_64_are_published_again_r28),
        on_stage(without_an_inbox_nothing_is_published_again),
        on_stage(the_other_inbox_of_a_person_keeps_it_going),
        on_stage(an_inbox_that_expires_is_published_to_no_more),
        on_stage(ones_own_copies_are_confirmed_like_all_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
