/* What is not one verb's: time, stopping, replay (protocol 8; core.h). */
#include "tests/support/core/talk.h"

#include <stdio.h>

static void ping_is_answered_with_the_own_streams_place(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    post(stage, BOB, 1, "@alice");
    say(stage, ALICE, VERB_PING, NULL);
    const struct message *pong = expect(stage, ALICE, VERB_PONG);
    assert_int_equal(pong->ref, 7);
    assert_int_equal(pong->ts, stage->wall_ms);
    assert_span(pong->stream, "@alice");
    assert_int_equal(pong->seq, 1);
    assert_int_equal(pong->confirmed, 0);
}

static void a_probe_comes_back_on_the_sessions_topic_r32(void **state)
{
    struct stage *stage = *state;
    struct message probe = {.verb = VERB_PROBE};

    enter(stage, ALICE, "alice", 0x00a1b2c3d4e5f609);
    message_set(&probe, TOKEN, token, 77);
    stage_say(stage, ALICE, &probe);
    expect_silence(stage, ALICE);
    assert_int_equal(expect_topic(stage, "~00a1b2c3d4e5f609", VERB_PROBE)->token, 77);
}

static void head_is_announced_a_second_after_the_last_event_r31(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    post(stage, ALICE, 1, "#lobby");
    stage_wait(stage, 600);
    post(stage, ALICE, 2, "#lobby"); /* puts it off */
    stage_wait(stage, HEAD_DELAY_MS - 1);
    assert_int_equal(stage_count(stage, FX_ANNOUNCE), 0);
    stage_wait(stage, 1);
    const struct message *head = expect_topic(stage, "#lobby", VERB_HEAD);
    assert_span(head->stream, "#lobby");
    assert_int_equal(head->seq, 3);
    stage_wait(stage, 5000);
    assert_int_equal(stage_count(stage, FX_ANNOUNCE), 0); /* once */
}

static void heads_beyond_one_step_come_in_the_next(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    char room[16];

    limits.rooms_max = EFFECTS_MAX;
    limits.memberships_max = EFFECTS_MAX;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    for (unsigned i = 0; i < EFFECTS_MAX; i++) {
        snprintf(room, sizeof room, "#r%u", i);
        say_join(stage, ALICE, room);
        stage_commit(stage); /* one connection may not ask that much at once */
    }
    stage_wait(stage, HEAD_DELAY_MS);
    assert_int_equal(stage_count(stage, FX_ANNOUNCE), EFFECTS_MAX);
    assert_int_equal(core_next_deadline_ms(stage->core),
                     stage->now_ms - HEAD_DELAY_MS + SESSION_EXPIRE_MS);
}

/* Both kinds of work in one tick, more of each than an effect list holds. */
static void republications_beyond_one_step_come_in_the_next(void **state)
{
    enum { PEOPLE = EFFECTS_MAX + 10 };
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;
    char nick[16];

    limits.accounts_max = PEOPLE;
    limits.sessions_max = PEOPLE;
    limits.pending_max = 2 * PEOPLE;
    reopen_stage(stage, &limits);
    stage->has_hands_off = true;
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct message hello;

        snprintf(nick, sizeof nick, "p%u", i);
        hello = hello_of(nick, i + 1);
        message_set(&hello, INBOX, inbox, true);
        stage_say(stage, (peer_id){i + 1}, &hello);
    }
    stage_commit(stage);
    for (unsigned i = 0; i < PEOPLE; i++) {
        snprintf(nick, sizeof nick, "@p%u", i);
        say_post(stage, (peer_id){i + 1}, 1, nick);
    }
    stage_commit(stage);
    stage_clear(stage);
    stage_wait(stage, 1000);
    assert_int_equal(stage_count(stage, FX_ANNOUNCE), PEOPLE);
    assert_int_equal(stage_count(stage, FX_REPUBLISH), PEOPLE);
}

static void a_session_that_is_not_heard_expires(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    enter(stage, ALICE, "alice", 11);
    stage_wait(stage, SESSION_EXPIRE_MS - 1);
    say(stage, ALICE, VERB_PING, NULL); /* anything heard counts */
    expect(stage, ALICE, VERB_PONG);
    enter(stage, BOB, "bob", 12);
    stage_wait(stage, SESSION_EXPIRE_MS - 1);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 2);
    assert_int_equal(stats.count[COUNT_EXPIRED], 0);
    stage_wait(stage, 1);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 0);
    assert_int_equal(stats.count[COUNT_EXPIRED], 2);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
}

static void a_refused_command_is_a_sign_of_life_too(void **state)
{
    struct stage *stage = *state;
    const struct message nothing = {.verb = VERB_NONE};

    enter(stage, ALICE, "alice", 11);
    stage_wait(stage, SESSION_EXPIRE_MS - 1);
    stage_say_refused(stage, ALICE, &nothing, RC_MALFORMED);
    expect_error(stage, ALICE, RC_MALFORMED);
    stage_wait(stage, SESSION_EXPIRE_MS - 1);
    say(stage, ALICE, VERB_PING, NULL);
    expect(stage, ALICE, VERB_PONG);
}

static void coming_and_going_makes_no_events_r39(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    stage_wait(stage, SESSION_EXPIRE_MS);
    stage_clear(stage);
    stage_wait(stage, SESSION_EXPIRE_MS);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(stage_count(stage, FX_PUBLISH), 0);
    assert_int_equal(stage_count(stage, FX_ANNOUNCE), 0);
}

static void a_session_that_expires_while_its_hello_is_pending_is_new(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say_hello(stage, ALICE, "alice", 11);
    stage_wait(stage, SESSION_EXPIRE_MS);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    say(stage, ALICE, VERB_PING, NULL);
    expect(stage, ALICE, VERB_PONG);
}

static void an_idle_core_wants_nothing(void **state)
{
    struct stage *stage = *state;

    assert_true(core_next_deadline_ms(stage->core) == UINT64_MAX);
    enter(stage, ALICE, "alice", 11);
    assert_int_equal(core_next_deadline_ms(stage->core), stage->now_ms + SESSION_EXPIRE_MS);
    say(stage, ALICE, VERB_BYE, NULL);
    assert_true(core_next_deadline_ms(stage->core) == UINT64_MAX);
}

/* --- stopping ------------------------------------------------------------------------ */

static void a_stopping_broker_takes_nothing_new_but_answers_what_it_has(void **state)
{
    static const struct {
        enum verb verb;
        const char *stream;
    } refused[] = {
        {VERB_JOIN, "#two"},   {VERB_JOIN, "#lobby2"}, {VERB_LEAVE, "#lobby"},
        {VERB_MARK, "#lobby"}, {VERB_HELLO, NULL},     {VERB_POST, "#lobby"},
    };
    struct stage *stage = *state;

    enter_inbox(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    post(stage, ALICE, 1, "@alice");
    say_post(stage, ALICE, 2, "#lobby");
    stage_stop(stage);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct message ask = ask_of(refused[i].verb, refused[i].stream);

        message_set(&ask, NAME, name, SPAN("bot"));
        message_set(&ask, NICK, nick, SPAN("alice"));
        message_set(&ask, TEXT, text, SPAN("hi"));
        message_set(&ask, NUMBER, number, 3);
        message_set(&ask, SESSION, session, 11);
        ask.low = ask.high = 1;
        stage_say(stage, ALICE, &ask);
        const struct message *error = expect_error(stage, ALICE, RC_STOPPING);
        assert_true(error->retry > 0);
        if (refused[i].verb == VERB_POST)
            assert_int_equal(error->number, 3);
    }
    say_skip(stage, ALICE, 3);
    assert_int_equal(expect_error(stage, ALICE, RC_STOPPING)->number, 3);
    say_confirm(stage, ALICE, "@alice", 1);
    expect_silence(stage, ALICE);
    assert_int_equal(stage->held_count, 1);

    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, 2);
    expect_topic(stage, "#lobby", VERB_EVENT);
    say(stage, ALICE, VERB_FETCH, "#lobby"); /* reading goes on */
    expect(stage, ALICE, VERB_EVENTS);
    say(stage, ALICE, VERB_PING, NULL);
    while (stage_count_replies(stage, ALICE, VERB_EVENT) > 0)
        stage_take_reply(stage, ALICE, VERB_EVENT);
    expect(stage, ALICE, VERB_PONG);
}

static void a_hello_on_its_way_is_welcomed_while_stopping(void **state)
{
    struct stage *stage = *state;

    say_hello(stage, ALICE, "alice", 11);
    stage_stop(stage);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
}

/* --- replay -------------------------------------------------------------------------- */

static struct record stream_record(uint32_t id, const char *name)
{
    return (struct record){.kind = RECORD_STREAM,
                           .stream = {id},
                           .name = span_of(name),
                           .skeleton = span_of(name),
                           .epoch = 1};
}

static void what_is_stored_must_fit_the_tables(void **state)
{
    struct core_limits limits = {.accounts_max = 1, .rooms_max = 1, .memberships_max = 0};
    struct core *core = core_new(&limits);
    struct record record = stream_record(1, "@alice");

    (void)state;
    assert_int_equal(core_replay(core, &record), RC_OK);
    record = stream_record(2, "@bob");
    assert_int_equal(core_replay(core, &record), RC_LIMIT);
    record = stream_record(3, "#lobby");
    assert_int_equal(core_replay(core, &record), RC_OK);
    record = stream_record(4, "#two");
    assert_int_equal(core_replay(core, &record), RC_LIMIT);
    record = (struct record){
        .kind = RECORD_STANDING, .stream = {3}, .member = {1}, .standing.flags = STAND_MEMBER};
    assert_int_equal(core_replay(core, &record), RC_LIMIT);
    core_destroy(&core);
    assert_null(core);
    core_destroy(&core); /* harmless */
}

static void a_record_that_makes_no_sense_is_refused(void **state)
{
    struct core_limits limits = CORE_LIMITS_DEFAULTS;
    char long_name[STREAM_BYTES_MAX + 2] = "#";
    struct record record;

    (void)state;
    limits.sessions_max = limits.memberships_max = limits.pending_max = 1;
    limits.accounts_max = limits.rooms_max = 4;
    struct core *core = core_new(&limits);
    memset(long_name + 1, 'x', STREAM_BYTES_MAX);
    static const char *const names[] = {"", "#", "@"};
    for (size_t i = 0; i < 3; i++) {
        record = stream_record(1, names[i]);
        assert_int_equal(core_replay(core, &record), RC_BAD_NAME);
    }
    record = stream_record(1, long_name);
    assert_int_equal(core_replay(core, &record), RC_BAD_NAME);
    record = stream_record(1, "#lobby");
    assert_int_equal(core_replay(core, &record), RC_OK);
    record = (struct record){
        .kind = RECORD_STANDING, .stream = {1}, .member = {2}, .standing.flags = STAND_MEMBER};
    assert_int_equal(core_replay(core, &record), RC_BAD_FIELD);
    record = (struct record){.kind = RECORD_STANDING, .stream = {9}, .member = {1}};
    assert_int_equal(core_replay(core, &record), RC_BAD_FIELD);
    core_destroy(&core);
}

static void a_membership_that_is_told_twice_counts_once(void **state)
{
    struct stage *stage = *state;
    struct record record = {.kind = RECORD_STANDING, .standing.flags = STAND_MEMBER};

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say_post(stage, ALICE, 1, "#lobby");
    record.stream = stage_held(stage)->stream;
    record.member = stage_held(stage)->account;
    stage_restart(stage);
    assert_int_equal(stage_replay(stage, &record), RC_OK);
    enter(stage, ALICE, "alice", 11);
    say_join(stage, ALICE, "#lobby");
    assert_int_equal(expect(stage, ALICE, VERB_JOINED)->people, 1);
}

static void keys_and_places_are_there_after_a_restart(void **state)
{
    struct stage *stage = *state;
    unsigned char key[STREAM_KEY_BYTES];

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'b');
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    memcpy(key, expect(stage, ALICE, VERB_WELCOME)->key.ptr, sizeof key);
    post(stage, ALICE, 1, "@alice");
    stage_restart(stage);
    stage_clear(stage);
    say_hello(stage, BOB, "alice", 12);
    expect_error(stage, BOB, RC_NICK_IN_USE);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    const struct message *welcome = expect(stage, ALICE, VERB_WELCOME);
    assert_int_equal(welcome->seq, 1);
    assert_int_equal(welcome->key.len, sizeof key);
    assert_memory_equal(welcome->key.ptr, key, sizeof key);
}

/* A restart forgets what was not stored, and no more. */
static void what_was_not_stored_before_a_crash_was_never_acknowledged(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    post(stage, ALICE, 1, "#lobby");
    say_post(stage, ALICE, 2, "#lobby");
    stage_restart(stage);
    expect_silence(stage, ALICE);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 2);
    post(stage, ALICE, 2, "#lobby");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(ping_is_answered_with_the_own_streams_place),
        on_stage(a_probe_comes_back_on_the_sessions_topic_r32),
        on_stage(head_is_announced_a_second_after_the_last_event_r31),
        on_stage(heads_beyond_one_step_come_in_the_next),
        on_stage(republications_beyond_one_step_come_in_the_next),
        on_stage(a_session_that_is_not_heard_expires),
        on_stage(a_refused_command_is_a_sign_of_life_too),
        on_stage(coming_and_going_makes_no_events_r39),
        on_stage(a_session_that_expires_while_its_hello_is_pending_is_new),
        on_stage(an_idle_core_wants_nothing),
        on_stage(a_stopping_broker_takes_nothing_new_but_answers_what_it_has),
        on_stage(a_hello_on_its_way_is_welcomed_while_stopping),
        on_stage(what_is_stored_must_fit_the_tables),
        on_stage(a_record_that_makes_no_sense_is_refused),
        on_stage(a_membership_that_is_told_twice_counts_once),
        on_stage(keys_and_places_are_there_after_a_restart),
        on_stage(what_was_not_stored_before_a_crash_was_never_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
