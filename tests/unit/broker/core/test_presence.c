/* Presence: what WHO says of a person whose devices come, go, fall silent or are left alone. */
#include "tests/support/core/talk.h"

static const peer_id PHONE = {9};

/* Both devices of alice have her key. */
static void enter_twice(struct stage *stage)
{
    stage_key(stage, ALICE, 'A');
    stage_key(stage, PHONE, 'A');
    enter(stage, ALICE, "alice", 11);
    enter(stage, PHONE, "alice", 12);
}

static void say_ping(struct stage *stage, peer_id peer, bool is_away)
{
    struct message ping = ask_of(VERB_PING, NULL);

    if (is_away)
        message_set(&ping, AWAY, away, true);
    stage_say(stage, peer, &ping);
    expect(stage, peer, VERB_PONG);
}

/* Bob asks who is there; alice is the first. */
static void assert_alice_is(struct stage *stage, const char *state, unsigned devices)
{
    stage_clear(stage);
    enter(stage, BOB, "bob", 20);
    say(stage, BOB, VERB_WHO, NULL);
    const struct message *row = expect(stage, BOB, VERB_PERSON);
    assert_span(row->nick, "alice");
    assert_span(row->state, state);
    assert_int_equal(row->devices, devices);
    stage_clear(stage);
}

static void a_person_is_away_when_all_devices_say_so(void **state)
{
    struct stage *stage = *state;

    enter_twice(stage);
    assert_alice_is(stage, "online", 2);
    say_ping(stage, ALICE, true);
    assert_alice_is(stage, "online", 2);
    say_ping(stage, PHONE, true);
    say_ping(stage, PHONE, true); /* said twice, counted once */
    assert_alice_is(stage, "away", 2);
    say_ping(stage, ALICE, false);
    assert_alice_is(stage, "online", 2);
}

static void an_away_device_that_leaves_is_not_counted_on(void **state)
{
    struct stage *stage = *state;

    enter_twice(stage);
    say_ping(stage, PHONE, true);
    say(stage, PHONE, VERB_BYE, NULL);
    assert_alice_is(stage, "online", 1);
    say_ping(stage, ALICE, true);
    assert_alice_is(stage, "away", 1);
    enter(stage, PHONE, "alice", 13);
    assert_alice_is(stage, "online", 2);
}

static void a_person_is_silent_after_two_pings_and_gone_at_expiry(void **state)
{
    struct stage *stage = *state;

    enter_twice(stage);
    stage_wait(stage, 3000);
    say_ping(stage, PHONE, false);
    stage_wait(stage, SILENT_MS - 1);
    assert_alice_is(stage, "online", 2);
    stage_wait(stage, 1); /* the one heard last counts */
    assert_alice_is(stage, "silent", 1 + (3000 + SILENT_MS < SESSION_EXPIRE_MS));
    stage_wait(stage, SESSION_EXPIRE_MS - SILENT_MS);
    assert_alice_is(stage, "gone", 0);
}

static void a_link_that_flaps_makes_no_events(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    stage_clear(stage);
    for (unsigned i = 0; i < 3; i++) {
        stage_wait(stage, SESSION_EXPIRE_MS);
        enter(stage, ALICE, "alice", 11);
    }
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_person_is_away_when_all_devices_say_so),
        on_stage(an_away_device_that_leaves_is_not_counted_on),
        on_stage(a_person_is_silent_after_two_pings_and_gone_at_expiry),
        on_stage(a_link_that_flaps_makes_no_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
