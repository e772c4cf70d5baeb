/* What the core is told of other brokers and of who is there, and tells of itself: BROKERS, WHO, SESSIONS. */
#include "tests/support/core/talk.h"

#include "broker/core/core_brokers.h"
#include "broker/core/core_internal.h"

#define OWN   1
#define OTHER 2
#define THIRD 3

static const struct core_broker BROKERS[] = {
    {.id = OWN,
     .name = "one:1",
     .address = "zchat://a:1",
     .agent = "zchat-broker/1",
     .since_ms = 100,
     .seen_ms = 1,
     .turn = 7,
     .turns = 7,
     .is_own = true,
     .is_live = true},
    {.id = OTHER,
     .name = "two:2",
     .address = "zchat://b:1",
     .agent = "zchat-broker/2",
     .since_ms = 200,
     .seen_ms = 1,
     .turn = 5,
     .turns = 7,
     .sessions = 3,
     .is_live = true},
    {.id = THIRD,
     .name = "three:3",
     .since_ms = 300,
     .seen_ms = 1,
     .turn = 7,
     .turns = 7,
     .is_live = true},
};

static void know(struct stage *stage, size_t count)
{
    struct core_broker brokers[3];

    memcpy(brokers, BROKERS, sizeof brokers);
    for (size_t i = 0; i < 3; i++)
        brokers[i].seen_ms = stage->now_ms;
    core_know_brokers(stage->core, brokers, count);
}

static int open_of_several(void **state)
{
    struct core_limits limits = CORE_LIMITS_DEFAULTS;
    struct stage *stage = calloc(1, sizeof *stage);

    limits.accounts_max = limits.rooms_max = limits.memberships_max = limits.pending_max = 64;
    limits.sessions_max = 400; /* two pages */
    limits.account_sessions_max = 3;
    limits.others_max = 64;
    stage_open(stage, &limits);
    know(stage, 3);
    *state = stage;
    return 0;
}

static int close_of_several(void **state)
{
    stage_close(*state);
    free(*state);
    return 0;
}

#define on_several(test) cmocka_unit_test_setup_teardown(test, open_of_several, close_of_several)

/* --- who is where ----------------------------------------------------------------------- */

static stream_id account_of(struct stage *stage, const char *nick)
{
    return stage->core->streams.row[core_person(stage->core, span_of(nick))].id;
}

static struct presence far(struct stage *stage, const char *nick, uint64_t session)
{
    return (struct presence){
        .session = {session}, .account = account_of(stage, nick), .since_ms = 1000 + session};
}

/* These, and nobody else, are in the first page of that broker. */
static void tell(struct stage *stage, uint64_t broker, const struct presence *first,
                 const struct presence *second)
{
    struct presence rows[PRESENCE_PAGE] = {0};

    if (first != NULL)
        rows[0] = *first;
    if (second != NULL)
        rows[255] = *second;
    core_take_presence(stage->core, broker, 0, rows);
}

/* As bob sees it, who is here. */
static void assert_is(struct stage *stage, const char *nick, const char *wanted, unsigned devices)
{
    const struct said *said;
    unsigned found = 0;

    stage_clear(stage);
    say(stage, BOB, VERB_WHO, NULL);
    while ((said = stage_take_reply(stage, BOB, VERB_PERSON)) != NULL) {
        if (!span_equal(said->message.nick, span_of(nick)))
            continue;
        found++;
        assert_span(said->message.state, wanted);
        assert_int_equal(said->message.devices, devices);
    }
    assert_int_equal(found, 1);
}

/* Alice has an account, and bob, an operator, is here. */
static void alice_and_bob(struct stage *stage)
{
    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 22);
    say(stage, ALICE, VERB_BYE, NULL);
    stage->core->streams.row[core_person(stage->core, SPAN("bob"))].role = ROLE_OPERATOR;
}

static void who_is_at_another_broker_is_here_as_there_r39(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    assert_is(stage, "alice", "gone", 0);
    struct presence one = far(stage, "alice", 31), two = far(stage, "alice", 32);
    tell(stage, OTHER, &one, NULL);
    assert_is(stage, "alice", "online", 1);
    tell(stage, OTHER, &one, &two);
    assert_is(stage, "alice", "online", 2);
    one.is_away = true;
    tell(stage, OTHER, &one, &two);
    assert_is(stage, "alice", "online", 2); /* not on both */
    two.is_away = true;
    tell(stage, OTHER, &one, &two);
    assert_is(stage, "alice", "away", 2);
    one.is_silent = true;
    tell(stage, OTHER, &one, &two);
    assert_is(stage, "alice", "away", 2);
    two.is_silent = true;
    tell(stage, OTHER, &one, &two);
    assert_is(stage, "alice", "silent", 2);
    tell(stage, OTHER, NULL, NULL);
    assert_is(stage, "alice", "gone", 0);
}

static void who_is_here_and_elsewhere_is_counted_together(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    struct presence there = far(stage, "bob", 31);
    tell(stage, OTHER, &there, NULL);
    assert_is(stage, "bob", "online", 2);
    there.is_away = true;
    tell(stage, OTHER, &there, NULL);
    assert_is(stage, "bob", "online", 2);
    there.is_silent = true; /* he is heard here */
    tell(stage, OTHER, &there, NULL);
    assert_is(stage, "bob", "online", 2);
}

static void the_people_of_a_broker_that_is_gone_are_gone(void **state)
{
    struct stage *stage = *state;
    struct core_broker dead[2];

    alice_and_bob(stage);
    const struct presence one = far(stage, "alice", 31), two = far(stage, "alice", 32);
    tell(stage, OTHER, &one, NULL);
    tell(stage, THIRD, &two, NULL);
    assert_is(stage, "alice", "online", 2);
    know(stage, 2); /* the third one is there no more */
    assert_is(stage, "alice", "online", 1);
    tell(stage, THIRD, &two, NULL); /* a page that comes late */
    assert_is(stage, "alice", "online", 1);
    memcpy(dead, BROKERS, sizeof dead);
    dead[1].is_live = false;
    core_know_brokers(stage->core, dead, 2);
    assert_is(stage, "alice", "gone", 0);
    know(stage, 3); /* it lives again, and tells */
    tell(stage, THIRD, &two, NULL);
    assert_is(stage, "alice", "online", 1);
}

static void a_session_that_moves_is_counted_once(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    struct presence session = far(stage, "alice", 31);
    tell(stage, OTHER, &session, NULL);
    session.since_ms += 5; /* it goes on at the third one, and the other one has not noticed */
    tell(stage, THIRD, &session, NULL);
    assert_is(stage, "alice", "online", 1);
    session.since_ms -= 5;
    tell(stage, OTHER, &session, NULL); /* said once more, since something else changed there */
    tell(stage, OTHER, NULL, NULL);
    assert_is(stage, "alice", "online", 1);
    enter(stage, ALICE, "alice", 31); /* and then here */
    assert_is(stage, "alice", "online", 1);
    tell(stage, OTHER, &session, NULL);
    assert_is(stage, "alice", "online", 1);
    say(stage, ALICE, VERB_BYE, NULL); /* it went on elsewhere, as that one says */
    assert_is(stage, "alice", "online", 1);
    tell(stage, OTHER, NULL, NULL); /* which was late; it is still where it was told before */
    assert_is(stage, "alice", "online", 1);
    tell(stage, THIRD, NULL, NULL);
    assert_is(stage, "alice", "gone", 0);
}

/* The page of the broker that it left was written later than that of the one where it is. */
static void a_session_that_was_told_late_where_it_was_is_not_lost(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    struct presence session = far(stage, "alice", 31);
    session.since_ms += 5;
    tell(stage, THIRD, &session, NULL);
    session.since_ms -= 5;
    tell(stage, OTHER, &session, NULL);
    assert_is(stage, "alice", "online", 1);
    session.since_ms += 5;
    tell(stage, THIRD, &session, NULL); /* nothing new */
    tell(stage, OTHER, NULL, NULL);
    assert_is(stage, "alice", "online", 1);
    tell(stage, OTHER, &session, NULL);
    know(stage, 2); /* of which the third one is none */
    assert_is(stage, "alice", "online", 1);
    tell(stage, OTHER, NULL, NULL);
    assert_is(stage, "alice", "gone", 0);
}

static void what_is_told_of_nobody_known_is_left_out(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    join(stage, BOB, "#lobby");
    struct presence rows[PRESENCE_PAGE] = {0}, nobody = far(stage, "alice", 31);

    nobody.account = (stream_id){9999};
    tell(stage, OTHER, &nobody, NULL);
    nobody.account =
        stage->core->streams.row[streams_by_name(&stage->core->streams, SPAN("#lobby"))].id;
    tell(stage, OTHER, &nobody, NULL);
    rows[0] = far(stage, "alice", 31);
    core_take_presence(stage->core, OTHER, 2, rows); /* there are two pages, 0 and 1 */
    core_take_presence(stage->core, OWN, 0, rows);
    core_take_presence(stage->core, 77, 0, rows);
    assert_is(stage, "alice", "gone", 0);
    core_take_presence(stage->core, OTHER, 1, rows);
    assert_is(stage, "alice", "online", 1);
}

static void a_share_of_sessions_is_one_for_all_brokers_r50(void **state)
{
    struct stage *stage = *state;

    alice_and_bob(stage);
    const struct presence one = far(stage, "alice", 31), two = far(stage, "alice", 32);
    tell(stage, OTHER, &one, &two);
    enter(stage, ALICE, "alice", 33); /* the third and last */
    say_hello(stage, CAROL, "alice", 34);
    stage_commit_all(stage);
    expect_error(stage, CAROL, RC_LIMIT);
    enter(stage, BOB, "bob", 22);
    const struct presence bobs = far(stage, "bob", 35);
    tell(stage, THIRD, &bobs, NULL);
    say_hello(stage, CAROL, "alice", 35); /* somebody else's takes nothing off the count */
    stage_commit_all(stage);
    expect_error(stage, CAROL, RC_LIMIT);
    say_hello(stage, CAROL, "alice", 32); /* which moves here */
    stage_commit_all(stage);
    expect(stage, CAROL, VERB_WELCOME);
}

/* --- SESSIONS ----------------------------------------------------------------------------- */

static void sessions_of_other_brokers_are_told_with_the_brokers_name(void **state)
{
    struct stage *stage = *state;
    unsigned char key[PUBLIC_KEY_BYTES];

    memset(key, 'A', sizeof key);
    stage_key(stage, ALICE, 'A');
    alice_and_bob(stage);
    struct presence session = far(stage, "alice", 31);
    session.has_key = true;
    memcpy(session.key, key, sizeof key);
    session.is_away = true;
    tell(stage, OTHER, NULL, &session);
    stage_clear(stage);
    say(stage, BOB, VERB_SESSIONS, NULL);
    const struct message *own = expect(stage, BOB, VERB_SESSION);
    assert_span(own->nick, "bob");
    assert_false(message_has(own, HAS_NAME));
    const struct message *row = expect(stage, BOB, VERB_SESSION);
    assert_span(row->nick, "alice");
    assert_span(row->name, "two:2");
    assert_span(row->state, "away");
    assert_int_equal(row->session, 31);
    assert_int_equal(row->ts, session.since_ms);
    assert_memory_equal(row->key.ptr, key, sizeof key);
    assert_false(message_has(expect(stage, BOB, VERB_END), HAS_CURSOR));
}

static void many_sessions_come_in_pages_over_all_brokers(void **state)
{
    struct stage *stage = *state;
    struct presence rows[PRESENCE_PAGE];
    struct message ask = ask_of(VERB_SESSIONS, NULL);
    uint64_t seen = 0, last = 0;
    const struct said *said;

    alice_and_bob(stage);
    for (uint32_t i = 0; i < PRESENCE_PAGE; i++)
        rows[i] = far(stage, "alice", 1000 + i);
    core_take_presence(stage->core, OTHER, 1, rows);
    for (uint32_t i = 0; i < PRESENCE_PAGE; i++)
        rows[i].session.v += 1000;
    core_take_presence(stage->core, THIRD, 0, rows);
    do {
        stage_clear(stage);
        stage_say(stage, BOB, &ask);
        while ((said = stage_take_reply(stage, BOB, VERB_SESSION)) != NULL) {
            assert_int_not_equal(said->message.session, last);
            last = said->message.session;
            seen++;
        }
        said = stage_take_reply(stage, BOB, VERB_END);
        message_set(&ask, CURSOR, cursor, said->message.cursor);
    } while (message_has(&said->message, HAS_CURSOR));
    assert_int_equal(seen, 1 + 2 * PRESENCE_PAGE);
}

/* --- what is told of itself ---------------------------------------------------------------- */

static void what_a_broker_tells_of_its_people_is_what_another_takes(void **state)
{
    struct stage *stage = *state;
    struct presence rows[PRESENCE_PAGE];
    struct message ping = ask_of(VERB_PING, NULL);

    alice_and_bob(stage);
    assert_int_equal(core_presence_pages(stage->core), 2);
    message_set(&ping, AWAY, away, true);
    stage_say(stage, BOB, &ping);
    core_give_presence(stage->core, 0, stage->now_ms, rows);
    for (uint32_t i = 0, found = 0; i < PRESENCE_PAGE; i++) {
        if (rows[i].session.v == 0)
            continue;
        assert_int_equal(++found, 1); /* alice has left */
        assert_int_equal(rows[i].session.v, 22);
        assert_int_equal(rows[i].account.v, account_of(stage, "bob").v);
        assert_true(rows[i].is_away);
        assert_false(rows[i].is_silent);
        assert_false(rows[i].has_key);
        assert_int_equal(rows[i].since_ms, stage->wall_ms);
        core_give_presence(stage->core, 0, stage->now_ms + SILENT_MS, rows);
        assert_true(rows[i].is_silent);
    }
    core_give_presence(stage->core, 1, stage->now_ms, rows);
    for (uint32_t i = 0; i < PRESENCE_PAGE; i++)
        assert_int_equal(rows[i].session.v, 0);
}

/* --- BROKERS ------------------------------------------------------------------------------ */

static const struct message *ask_brokers(struct stage *stage)
{
    stage_clear(stage);
    say(stage, BOB, VERB_BROKERS, NULL);
    return expect(stage, BOB, VERB_BROKER);
}

static void brokers_are_told_to_operators_with_how_they_are_r66(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_BROKERS, NULL);
    expect_error(stage, ALICE, RC_DENIED);
    alice_and_bob(stage);
    know(stage, 2);
    const struct message *own = ask_brokers(stage);
    assert_span(own->name, "one:1");
    assert_span(own->state, "online");
    assert_true(own->member);
    assert_int_equal(own->devices, 1);
    assert_int_equal(own->token, OWN);
    assert_int_equal(own->expire_ms, LEASE_MS);
    const struct message *other = expect(stage, BOB, VERB_BROKER);
    assert_span(other->name, "two:2");
    assert_span(other->address, "zchat://b:1");
    assert_span(other->agent, "zchat-broker/2");
    assert_false(message_has(other, HAS_MEMBER));
    assert_int_equal(other->devices, 3);
    assert_int_equal(other->ts, 200);
    assert_int_equal(other->upto, 5);
    assert_int_equal(other->last, 7);
    assert_int_equal(other->since, stage->wall_ms);
    assert_false(message_has(expect(stage, BOB, VERB_END), HAS_CURSOR));
}

static void assert_other_is(struct stage *stage, const struct core_broker *other,
                            const char *wanted, uint64_t lease_ms)
{
    const struct core_broker brokers[] = {BROKERS[0], *other};

    core_know_brokers(stage->core, brokers, 2);
    (void)ask_brokers(stage);
    const struct message *row = expect(stage, BOB, VERB_BROKER);
    assert_span(row->state, wanted);
    assert_int_equal(row->expire_ms, lease_ms);
    assert_int_equal(row->devices, lease_ms == 0 ? 0 : 3);
}

static void a_broker_is_behind_silent_and_gone_r67(void **state)
{
    struct stage *stage = *state;
    struct core_broker other = BROKERS[1];

    alice_and_bob(stage);
    stage->now_ms += 10000;
    other.seen_ms = stage->now_ms;
    other.lag_ms = BROKER_BEHIND_MS - 1;
    assert_other_is(stage, &other, "online", LEASE_MS);
    other.lag_ms = BROKER_BEHIND_MS;
    assert_other_is(stage, &other, "behind", LEASE_MS);
    other.seen_ms = stage->now_ms - LEASE_SILENT_MS;
    assert_other_is(stage, &other, "silent", LEASE_MS - LEASE_SILENT_MS);
    other.seen_ms = stage->now_ms - LEASE_MS;
    assert_other_is(stage, &other, "gone", 0);
    other.seen_ms = stage->now_ms;
    other.is_live = false; /* as the store's clock has it */
    assert_other_is(stage, &other, "gone", 0);

    /* The database does not answer: it cannot tell of the others, but it is there itself. */
    struct core_broker own = BROKERS[0];
    own.seen_ms = stage->now_ms - 2 * LEASE_MS;
    core_know_brokers(stage->core, &own, 1);
    const struct message *row = ask_brokers(stage);
    assert_span(row->state, "silent");
    assert_int_equal(row->expire_ms, 0);
}

static void one_that_is_alone_tells_of_itself_without_a_lease_r66(void **state)
{
    struct stage *stage = *state;
    struct core_broker alone = BROKERS[0];

    alice_and_bob(stage);
    alone.id = alone.seen_ms = 0;
    core_know_brokers(stage->core, &alone, 1);
    const struct message *row = ask_brokers(stage);
    assert_span(row->state, "online");
    assert_false(message_has(row, HAS_EXPIRE) || message_has(row, HAS_UPTO) ||
                 message_has(row, HAS_TOKEN));
    expect(stage, BOB, VERB_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_several(who_is_at_another_broker_is_here_as_there_r39),
        on_several(who_is_here_and_elsewhere_is_counted_together),
        on_several(the_people_of_a_broker_that_is_gone_are_gone),
        on_several(a_session_that_moves_is_counted_once),
        on_several(a_session_that_was_told_late_where_it_was_is_not_lost),
        on_several(what_is_told_of_nobody_known_is_left_out),
        on_several(a_share_of_sessions_is_one_for_all_brokers_r50),
        on_several(sessions_of_other_brokers_are_told_with_the_brokers_name),
        on_several(many_sessions_come_in_pages_over_all_brokers),
        on_several(what_a_broker_tells_of_its_people_is_what_another_takes),
        on_several(brokers_are_told_to_operators_with_how_they_are_r66),
        on_several(a_broker_is_behind_silent_and_gone_r67),
        on_several(one_that_is_alone_tells_of_itself_without_a_lease_r66),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
