/* HELLO, WELCOME, BYE: who is who, and on which connection (protocol 5). */
#include "tests/support/core/talk.h"

static void a_new_nick_becomes_an_account_r15(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("alice", 11);

    stage_key(stage, ALICE, 'a');
    message_set(&hello, REF, ref, 5);
    stage_say(stage, ALICE, &hello);
    expect_silence(stage, ALICE); /* not before it is stored */
    stage_commit(stage);

    const struct message *welcome = expect(stage, ALICE, VERB_WELCOME);
    assert_int_equal(welcome->ref, 5);
    assert_int_equal(welcome->version, 1);
    assert_span(welcome->nick, "alice");
    assert_int_equal(welcome->session, 11);
    assert_int_equal(welcome->next, 1);
    assert_span(welcome->stream, "@alice");
    assert_int_equal(welcome->seq, 0);
    assert_int_equal(welcome->confirmed, 0);
    assert_int_equal(welcome->epoch, 1);
    assert_int_equal(welcome->key.len, STREAM_KEY_BYTES);
    assert_int_equal(welcome->window, POST_WINDOW);
    assert_int_equal(welcome->ping_ms, PING_MS);
    assert_int_equal(welcome->expire_ms, SESSION_EXPIRE_MS);
    assert_int_equal(welcome->ts, stage->wall_ms);

    struct core_stats stats;
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.accounts, 1);
    assert_int_equal(stats.sessions, 1);
    assert_int_equal(stats.pending, 0);
}

static void everything_before_hello_is_refused_r17(void **state)
{
    struct stage *stage = *state;

    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        if (verb == VERB_HELLO)
            continue;
        struct message message = ask_of(verb, "#lobby");
        message_set(&message, NUMBER, number, 1);
        message_set(&message, TEXT, text, SPAN("hi"));
        message_set(&message, NAME, name, SPAN("mark"));
        stage_say(stage, ALICE, &message);
        const struct message *error = expect(stage, ALICE, VERB_ERROR);
        assert_int_equal(error->ref, 7);
        assert_true(error->code == RC_HELLO_FIRST || error->code == RC_UNKNOWN_VERB);
        /* A number would say that it is used up. */
        assert_false(message_has(error, HAS_NUMBER));
    }
    assert_int_equal(stage->held_count, 0);
    say_post(stage, ALICE, 1, "#lobby");
    expect_error(stage, ALICE, RC_HELLO_FIRST);
}

static void verbs_that_are_not_for_brokers_are_unknown(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_ACK, NULL);
    assert_int_equal(expect_error(stage, ALICE, RC_UNKNOWN_VERB)->ref, 7);
    say(stage, ALICE, VERB_NONE, NULL);
    expect_error(stage, ALICE, RC_UNKNOWN_VERB);
    say(stage, ALICE, VERB_COUNT, NULL);
    expect_error(stage, ALICE, RC_UNKNOWN_VERB);
}

static void no_common_version_is_refused(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("alice", 11);

    hello.low = 2;
    hello.high = 3;
    stage_say(stage, ALICE, &hello);
    expect_error(stage, ALICE, RC_VERSION);
    hello.low = 0;
    hello.high = 0;
    stage_say(stage, ALICE, &hello);
    expect_error(stage, ALICE, RC_VERSION);
    hello.high = 9; /* version 1 is among them */
    stage_say(stage, ALICE, &hello);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->version, 1);
}

static void session_0_and_nicks_of_no_length_are_refused(void **state)
{
    struct stage *stage = *state;
    char long_nick[NAME_BYTES_MAX + 2] = {0};

    memset(long_nick, 'x', NAME_BYTES_MAX + 1);
    say_hello(stage, ALICE, "alice", 0);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    say_hello(stage, ALICE, "", 11);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    say_hello(stage, ALICE, long_nick, 11);
    expect_error(stage, ALICE, RC_BAD_FIELD);
    long_nick[NAME_BYTES_MAX] = '\0';
    enter(stage, ALICE, long_nick, 11);
}

static void a_nick_of_another_key_is_refused_r15(void **state)
{
    struct stage *stage = *state;

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'b');
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "alice", 12);
    expect_error(stage, BOB, RC_NICK_IN_USE);
    assert_int_equal(stage->held_count, 0);
}

static void a_key_has_one_nick_r15(void **state)
{
    struct stage *stage = *state;

    stage_key(stage, ALICE, 'a');
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, ALICE, "alicia", 12);
    expect_error(stage, ALICE, RC_WRONG_NICK);
    stage_key(stage, CAROL, 'c');
    enter(stage, CAROL, "carol", 31);
    say_hello(stage, ALICE, "carol", 12); /* both rules say no: the nick's owner comes first */
    expect_error(stage, ALICE, RC_NICK_IN_USE);
}

static void of_two_who_want_one_nick_at_once_one_gets_it(void **state)
{
    struct stage *stage = *state;

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'b');
    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "alice", 12); /* the core does not know yet */
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    expect_error(stage, BOB, RC_NICK_IN_USE);
}

static void of_two_nicks_that_one_key_wants_at_once_it_gets_one(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'a');
    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    expect_error(stage, BOB, RC_WRONG_NICK);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.accounts, 1);
}

static void two_devices_may_make_their_account_at_once(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    stage_key(stage, ALICE, 'a');
    stage_key(stage, BOB, 'a');
    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "alice", 12);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    expect(stage, BOB, VERB_WELCOME);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.accounts, 1);
    assert_int_equal(stats.sessions, 2);
}

static void names_that_look_like_another_are_refused_r12(void **state)
{
    struct stage *stage = *state;
    const struct message hello = hello_of("a1ice", 12);
    struct core_event event = {.kind = CORE_EV_COMMAND, .now_ms = stage->now_ms};

    enter(stage, ALICE, "alice", 11);
    event.command.peer = BOB;
    event.command.message = &hello;
    event.command.skeleton = SPAN("alice"); /* as the shell's spoof checker would say */
    core_step(stage->core, &event, &stage->fx);
    assert_int_equal(stage->fx.count, 1);
    struct op op = stage->fx.item[0].op;
    struct op_result result;
    const enum rc rc = store_apply(stage->store, &op, 1, &result);
    assert_int_equal(rc, RC_OK);
    assert_int_equal(result.rc, RC_CONFUSABLE);
    core_step(stage->core, &(struct core_event){.kind = CORE_EV_STORED, .stored = &result},
              &stage->fx);
    assert_int_equal(stage->fx.item[0].message.code, RC_CONFUSABLE);
}

static void without_keys_a_nick_is_whoever_says_so(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "alice", 12);
    enter(stage, CAROL, "bob", 13);
}

static void an_account_without_a_key_is_not_taken_over_by_one(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11); /* once, with --insecure */
    stage_key(stage, BOB, 'b');
    say_hello(stage, BOB, "alice", 12);
    expect_error(stage, BOB, RC_NICK_IN_USE);
}

static void a_closed_broker_knows_its_people_and_nobody_new_r15(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    for (enum registration registration = REGISTRATION_INVITE; registration <= REGISTRATION_CLOSED;
         registration++) {
        stage->limits.registration = registration;
        stage_restart(stage);
        say_hello(stage, BOB, "bob", 12);
        expect_error(stage, BOB, RC_NOT_LET_IN);
        enter(stage, ALICE, "alice", 11);
    }
}

static void a_session_belongs_to_who_used_it_first_r16(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    enter(stage, BOB, "bob", 12);
    say_hello(stage, BOB, "bob", 11); /* alive */
    expect_error(stage, BOB, RC_SESSION_TAKEN);

    post(stage, ALICE, 1, "@bob");
    say(stage, ALICE, VERB_BYE, NULL);
    say_hello(stage, BOB, "bob", 11); /* dead: the store remembers */
    stage_commit(stage);
    expect_error(stage, BOB, RC_SESSION_TAKEN);
    say(stage, BOB, VERB_PING, NULL); /* and bob's own session goes on */
    expect(stage, BOB, VERB_PONG);
}

static void of_two_people_with_one_new_session_the_first_gets_it(void **state)
{
    struct stage *stage = *state;

    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 11);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    expect_error(stage, BOB, RC_SESSION_TAKEN);
    say(stage, BOB, VERB_PING, NULL);
    expect_error(stage, BOB, RC_HELLO_FIRST);
}

static void hello_again_is_welcomed_again_r18(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    post(stage, ALICE, 1, "#lobby");
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 2);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 1);
}

static void a_session_moves_to_the_connection_that_says_hello_r18(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    say_post(stage, ALICE, 1, "#lobby"); /* its answer goes where the session is then */
    say_hello(stage, CAROL, "alice", 11);
    say_post(stage, ALICE, 2, "#lobby"); /* still here */
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_ACK)->number, 1);
    assert_int_equal(expect(stage, CAROL, VERB_WELCOME)->next, 3);
    assert_int_equal(expect(stage, CAROL, VERB_ACK)->number, 2);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
    say(stage, CAROL, VERB_PING, NULL);
    expect(stage, CAROL, VERB_PONG);
}

static void a_new_session_on_a_connection_ends_the_one_before(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    enter(stage, ALICE, "alice", 11);
    enter(stage, ALICE, "alice", 12);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 1);
    enter(stage, ALICE, "bob", 13); /* without keys even as somebody else */
    say(stage, ALICE, VERB_WHO, NULL);
    assert_int_equal(expect(stage, ALICE, VERB_PERSON)->devices, 0); /* alice */
    assert_int_equal(expect(stage, ALICE, VERB_PERSON)->devices, 1); /* bob */
}

static void of_two_hellos_on_one_connection_the_later_counts(void **state)
{
    struct stage *stage = *state;
    struct core_stats stats;

    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, ALICE, "alice", 12);
    say_hello(stage, ALICE, "bob", 13); /* without keys even as somebody else */
    say_hello(stage, BOB, "alice", 11); /* takes over what ended on the way */
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->session, 11);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->session, 12);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->session, 13);
    assert_int_equal(expect(stage, BOB, VERB_WELCOME)->session, 11);
    core_get_stats(stage->core, &stats);
    assert_int_equal(stats.sessions, 2);
    post(stage, ALICE, 1, "@alice");
}

static void a_bye_overtakes_a_hello_that_is_pending(void **state)
{
    struct stage *stage = *state;

    say_hello(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_BYE, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST); /* there is nothing to end yet */
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
}

static void bye_ends_the_session_without_an_answer(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    say(stage, ALICE, VERB_BYE, NULL);
    expect_silence(stage, ALICE);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
}

static void a_session_goes_on_where_it_was_after_a_restart(void **state)
{
    struct stage *stage = *state;

    enter(stage, ALICE, "alice", 11);
    join(stage, ALICE, "#lobby");
    post(stage, ALICE, 1, "#lobby");
    post(stage, ALICE, 2, "#lobby");
    stage_restart(stage);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
    say_hello(stage, ALICE, "alice", 11);
    stage_commit(stage);
    assert_int_equal(expect(stage, ALICE, VERB_WELCOME)->next, 3);
    post(stage, ALICE, 3, "#lobby"); /* a member still */
}

static void a_connection_with_another_key_is_not_trusted_r2(void **state)
{
    struct stage *stage = *state;

    stage_key(stage, ALICE, 'a');
    enter(stage, ALICE, "alice", 11);
    stage_key(stage, ALICE, 'x'); /* cannot be: the shell mixed up peers */
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_DENIED);
}

static void a_full_disk_refuses_a_new_account_and_says_when_to_try_again(void **state)
{
    struct stage *stage = *state;
    const struct message *error;

    say_hello(stage, ALICE, "alice", 11);
    stage_fail(stage, RC_DISK_FULL, 0);
    error = expect_error(stage, ALICE, RC_DISK_FULL);
    assert_true(error->retry > 0);
    assert_span(error->error, "disk_full");
    enter(stage, ALICE, "alice", 11);
}

static void accounts_are_bounded_also_those_on_their_way(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.accounts_max = 2;
    reopen_stage(stage, &limits);
    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    say_hello(stage, CAROL, "carol", 13);
    expect_error(stage, CAROL, RC_BUSY); /* the place may come free */
    stage_fail(stage, RC_CONFUSABLE, 0); /* alice's place is free again */
    say_hello(stage, CAROL, "carol", 13);
    stage_commit(stage);
    expect_error(stage, ALICE, RC_CONFUSABLE);
    expect(stage, BOB, VERB_WELCOME);
    expect(stage, CAROL, VERB_WELCOME);
    say_hello(stage, ALICE, "alice", 11);
    expect_error(stage, ALICE, RC_LIMIT);
}

static void sessions_are_bounded_also_those_on_their_way(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.sessions_max = 2;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    say_hello(stage, CAROL, "carol", 13);
    expect_error(stage, CAROL, RC_BUSY);  /* the place may come free */
    say_hello(stage, ALICE, "alice", 14); /* takes its own place */
    stage_commit(stage);
    expect(stage, BOB, VERB_WELCOME);
    expect(stage, ALICE, VERB_WELCOME);
    say_hello(stage, CAROL, "carol", 13);
    expect_error(stage, CAROL, RC_LIMIT);
    say(stage, ALICE, VERB_BYE, NULL);
    enter(stage, CAROL, "carol", 13);
}

/* A peer's HELLO counts on the place of its session, which moves away meanwhile. */
static void a_place_that_was_lost_on_the_way_is_a_limit(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.sessions_max = 1;
    reopen_stage(stage, &limits);
    enter(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "alice", 11);   /* takes the session over */
    say_hello(stage, ALICE, "alice", 12); /* wants its place */
    stage_commit(stage);
    expect(stage, BOB, VERB_WELCOME);
    expect_error(stage, ALICE, RC_LIMIT);
    say(stage, BOB, VERB_PING, NULL);
    expect(stage, BOB, VERB_PONG);
}

static void hello_is_busy_when_too_much_is_pending(void **state)
{
    struct stage *stage = *state;
    struct core_limits limits = stage->limits;

    limits.pending_max = 1;
    reopen_stage(stage, &limits);
    say_hello(stage, ALICE, "alice", 11);
    say_hello(stage, BOB, "bob", 12);
    assert_int_equal(expect_error(stage, BOB, RC_BUSY)->retry, BUSY_RETRY_MS);
    stage_commit(stage);
    expect(stage, ALICE, VERB_WELCOME);
    enter(stage, BOB, "bob", 12);
}

static void the_shells_refusal_of_a_hello_is_told(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("al ice", 11);

    message_set(&hello, REF, ref, 3);
    stage_say_refused(stage, ALICE, &hello, RC_BAD_NAME);
    assert_int_equal(expect_error(stage, ALICE, RC_BAD_NAME)->ref, 3);
    assert_int_equal(stage->held_count, 0);
}

static void welcome_says_nothing_of_brokers_unless_there_are_several(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("alice", 11);

    stage_say(stage, ALICE, &hello);
    stage_commit(stage);
    const struct message *welcome = expect(stage, ALICE, VERB_WELCOME);
    assert_false(message_has(welcome, HAS_CHAT));
    assert_false(message_has(welcome, HAS_BROKERS));
    stage_say(stage, ALICE, &(struct message){.verb = VERB_PING});
    assert_false(message_has(expect(stage, ALICE, VERB_PONG), HAS_BROKERS));
}

static void other_brokers_are_told_by_welcome_and_a_change_by_one_pong(void **state)
{
    const struct message ping = {.verb = VERB_PING};
    struct stage *stage = *state;
    struct message hello = hello_of("alice", 11);

    core_set_chat(stage->core, 77);
    core_set_brokers(stage->core, SPAN("zchat://a:1 zchat://b:1"));
    stage_say(stage, ALICE, &hello);
    stage_commit(stage);
    const struct message *welcome = expect(stage, ALICE, VERB_WELCOME);
    assert_int_equal(welcome->chat, 77);
    assert_span(welcome->brokers, "zchat://a:1 zchat://b:1");
    stage_say(stage, ALICE, &ping);
    assert_false(message_has(expect(stage, ALICE, VERB_PONG), HAS_BROKERS));

    core_set_brokers(stage->core, SPAN("zchat://a:1 zchat://b:1")); /* the same is no change */
    stage_say(stage, ALICE, &ping);
    assert_false(message_has(expect(stage, ALICE, VERB_PONG), HAS_BROKERS));

    core_set_brokers(stage->core, SPAN("zchat://c:1"));
    stage_say(stage, ALICE, &ping);
    assert_span(expect(stage, ALICE, VERB_PONG)->brokers, "zchat://c:1");
    stage_say(stage, ALICE, &ping);
    assert_false(message_has(expect(stage, ALICE, VERB_PONG), HAS_BROKERS));

    core_set_brokers(stage->core, SPAN("")); /* there are no others any more: that is news, too */
    stage_say(stage, ALICE, &ping);
    welcome = expect(stage, ALICE, VERB_PONG);
    assert_true(message_has(welcome, HAS_BROKERS));
    assert_int_equal(welcome->brokers.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(a_new_nick_becomes_an_account_r15),
        on_stage(everything_before_hello_is_refused_r17),
        on_stage(verbs_that_are_not_for_brokers_are_unknown),
        on_stage(no_common_version_is_refused),
        on_stage(session_0_and_nicks_of_no_length_are_refused),
        on_stage(a_nick_of_another_key_is_refused_r15),
        on_stage(a_key_has_one_nick_r15),
        on_stage(of_two_who_want_one_nick_at_once_one_gets_it),
        on_stage(of_two_nicks_that_one_key_wants_at_once_it_gets_one),
        on_stage(two_devices_may_make_their_account_at_once),
        on_stage(names_that_look_like_another_are_refused_r12),
        on_stage(without_keys_a_nick_is_whoever_says_so),
        on_stage(an_account_without_a_key_is_not_taken_over_by_one),
        on_stage(a_closed_broker_knows_its_people_and_nobody_new_r15),
        on_stage(a_session_belongs_to_who_used_it_first_r16),
        on_stage(of_two_people_with_one_new_session_the_first_gets_it),
        on_stage(hello_again_is_welcomed_again_r18),
        on_stage(a_session_moves_to_the_connection_that_says_hello_r18),
        on_stage(a_new_session_on_a_connection_ends_the_one_before),
        on_stage(of_two_hellos_on_one_connection_the_later_counts),
        on_stage(a_bye_overtakes_a_hello_that_is_pending),
        on_stage(bye_ends_the_session_without_an_answer),
        on_stage(a_session_goes_on_where_it_was_after_a_restart),
        on_stage(a_connection_with_another_key_is_not_trusted_r2),
        on_stage(a_full_disk_refuses_a_new_account_and_says_when_to_try_again),
        on_stage(accounts_are_bounded_also_those_on_their_way),
        on_stage(sessions_are_bounded_also_those_on_their_way),
        on_stage(a_place_that_was_lost_on_the_way_is_a_limit),
        on_stage(hello_is_busy_when_too_much_is_pending),
        on_stage(the_shells_refusal_of_a_hello_is_told),
        on_stage(welcome_says_nothing_of_brokers_unless_there_are_several),
        on_stage(other_brokers_are_told_by_welcome_and_a_change_by_one_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
