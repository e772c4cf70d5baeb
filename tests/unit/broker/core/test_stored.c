/* What another broker over the same store has done (ADR 0032): each kind of operation, told as CORE_EV_FOREIGN. Beside this,
 * every test on a stage has a second core that follows, and is compared (tests/support/core/follower.c). */
#include "tests/support/core/talk.h"

#include "broker/core/core_internal.h"

/* Two brokers over one store: what one commits the other is told, in order. */
struct pair {
    struct stage here, there;
};

static void tell_other(struct stage *stage, const struct op *op, const struct op_result *result)
{
    struct stage *other = stage->context;
    struct core_event event = {.kind = CORE_EV_FOREIGN};

    event.foreign.op = op;
    event.foreign.result = result;
    stage_event(other, event);
}

static void open_stages(struct pair *pair, const struct core_limits *limits)
{
    stage_open(&pair->here, limits);
    stage_open_over(&pair->there, &pair->here);
    pair->here.context = &pair->there;
    pair->there.context = &pair->here;
    pair->here.on_committed = pair->there.on_committed = tell_other;
}

static void close_stages(struct pair *pair)
{
    stage_close(&pair->there);
    stage_close(&pair->here);
}

static int open_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);

    open_stages(pair, NULL);
    *state = pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;

    stage_check_follower(&pair->here);
    stage_check_follower(&pair->there);
    close_stages(pair);
    free(pair);
    return 0;
}

#define on_pair(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

/* Alice is here and Bob there, both in a room that Alice has made. */
static void meet(struct pair *pair)
{
    enter_inbox(&pair->here, ALICE, "alice", 11);
    enter_inbox(&pair->there, BOB, "bob", 22);
    join(&pair->here, ALICE, "#lobby");
    join(&pair->there, BOB, "#lobby");
    stage_clear(&pair->here);
    stage_clear(&pair->there);
}

static void say_about(struct stage *stage, peer_id peer, enum verb verb, const char *room,
                      const char *nick)
{
    struct message order = ask_of(verb, room);

    message_set(&order, NICK, nick, span_of(nick));
    stage_say(stage, peer, &order);
    stage_commit_all(stage);
}

static void an_account_and_a_room_of_another_broker_are_known(void **state)
{
    struct pair *pair = *state;

    enter(&pair->here, ALICE, "alice", 11);
    join(&pair->here, ALICE, "#lobby");
    expect_silence(&pair->there, ALICE);
    enter(&pair->there, BOB, "bob", 22);
    say(&pair->there, BOB, VERB_JOIN, "#lobby"); /* not to be made */
    stage_commit_all(&pair->there);
    assert_int_equal(expect(&pair->there, BOB, VERB_JOINED)->people, 2);
    say_post(&pair->there, BOB, 1, "@alice");
    stage_commit_all(&pair->there);
    assert_int_equal(expect(&pair->there, BOB, VERB_ACK)->seq, 1);
}

static void a_post_at_another_broker_is_published_here_and_answered_there(void **state)
{
    struct pair *pair = *state;
    struct core_stats stats;

    meet(pair);
    say_post(&pair->there, BOB, 1, "#lobby");
    assert_int_equal(stage_count(&pair->here, FX_PUBLISH), 0); /* it is not stored yet */
    stage_commit(&pair->there);
    const struct message *event = expect_topic(&pair->here, "#lobby", VERB_EVENT);
    assert_int_equal(event->seq, 3);
    assert_span(event->from, "bob");
    assert_int_equal(stage_count(&pair->here, FX_REPLY), 0);
    assert_int_equal(stage_count(&pair->here, FX_STORE), 0);
    assert_int_equal(expect(&pair->there, BOB, VERB_ACK)->seq, 3);
    core_get_stats(pair->here.core, &stats);
    assert_int_equal(stats.count[COUNT_POSTS], 0); /* it is the other one's */
    say(&pair->here, ALICE, VERB_HEAD, "#lobby");
    assert_int_equal(expect(&pair->here, ALICE, VERB_HEAD)->seq, 3);
}

static void what_is_for_a_person_is_published_again_where_the_person_is(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_post(&pair->there, BOB, 1, "@alice");
    stage_commit_all(&pair->there);
    const struct said *said = stage_take_topic(&pair->here, "@alice", VERB_EVENT);
    assert_non_null(said);
    assert_non_null(said->effect.seal_key);
    stage_wait(&pair->here, 1500);
    stage_wait(&pair->there, 1500);
    assert_int_equal(stage_count(&pair->here, FX_REPUBLISH), 1);
    const struct said *again = stage_take(&pair->there, FX_REPUBLISH);
    assert_non_null(again); /* the sender's own copy */
    assert_span(again->effect.name, "@bob");
    assert_null(stage_take(&pair->there, FX_REPUBLISH));
}

static void a_confirmation_at_another_broker_counts_here_and_brings_the_receipt(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    enter_inbox(&pair->there, CAROL, "alice", 33); /* another device */
    post(&pair->there, BOB, 1, "@alice");
    stage_clear(&pair->here);
    say_confirm(&pair->there, CAROL, "@alice", 1);
    stage_commit_all(&pair->there);
    const struct message *receipt = expect_topic(&pair->here, "@bob", VERB_EVENT);
    assert_span(receipt->type, "receipt");
    say_confirm(&pair->here, ALICE, "@alice", 1); /* is confirmed already */
    assert_int_equal(pair->here.held_count, 0);
    stage_clear(&pair->here);
    stage_wait(&pair->here, 5000);
    assert_int_equal(stage_count(&pair->here, FX_REPUBLISH), 0);
}

static void a_post_that_was_stored_for_another_broker_is_answered_with_its_place(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_post(&pair->there, BOB, 1, "#lobby");
    say_post(&pair->there, BOB, 2, "#lobby");
    stage_commit_all(&pair->there);
    stage_clear(&pair->there); /* the answers are lost, and Bob comes here */
    stage_clear(&pair->here);
    say_hello(&pair->here, BOB, "bob", 22);
    stage_commit_all(&pair->here);
    assert_int_equal(expect(&pair->here, BOB, VERB_WELCOME)->next, 3);
    say_post(&pair->here, BOB, 1, "#lobby");
    say_post(&pair->here, BOB, 2, "#lobby");
    say_post(&pair->here, BOB, 3, "#lobby");
    stage_commit_all(&pair->here);
    assert_int_equal(expect(&pair->here, BOB, VERB_ACK)->seq, 3);
    assert_int_equal(expect(&pair->here, BOB, VERB_ACK)->seq, 4);
    assert_int_equal(expect(&pair->here, BOB, VERB_ACK)->seq, 5);
}

static void a_post_that_both_brokers_have_in_hand_is_stored_once(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_hello(&pair->here, BOB, "bob", 22);
    stage_commit_all(&pair->here);
    stage_clear(&pair->here);
    enter(&pair->there, BOB, "bob", 22); /* there and here once more: no session is left behind */
    say_post(&pair->there, BOB, 1, "#lobby");
    say_hello(&pair->here, BOB, "bob", 22);
    stage_commit_all(&pair->here);
    expect(&pair->here, BOB, VERB_WELCOME);
    say_post(&pair->here, BOB, 1, "#lobby");
    stage_commit_all(&pair->there); /* this one is the first, though its session is gone */
    expect_silence(&pair->there, BOB);
    stage_clear(&pair->here);
    stage_commit_all(&pair->here);
    assert_int_equal(expect(&pair->here, BOB, VERB_ACK)->seq, 3);
    assert_int_equal(stage_count(&pair->here, FX_PUBLISH), 0);
}

static void numbers_that_were_used_up_elsewhere_are_used_up_here(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_post(&pair->there, BOB, 1, "#lobby"); /* and before that is stored Bob comes here */
    say_skip(&pair->there, BOB, 2);
    enter(&pair->here, BOB, "bob", 22);
    stage_commit_all(&pair->there);
    stage_clear(&pair->here);
    say_post(&pair->here, BOB, 3, "#lobby");
    stage_commit_all(&pair->here);
    assert_int_equal(expect(&pair->here, BOB, VERB_ACK)->number, 3);
}

static void the_numbers_of_somebody_elses_session_have_no_say(void **state)
{
    struct pair *pair = *state;
    struct core_event event = {.kind = CORE_EV_FOREIGN};
    struct op op = {.kind = OP_POST, .session = {11}, .number = 7};
    const struct op_result result = {.kind = OP_POST, .rc = RC_SESSION_TAKEN};

    meet(pair);
    op.account = pair->here.core->streams.row[core_person(pair->here.core, SPAN("bob"))].id;
    op.stream = op.account;
    op.name = SPAN("@bob");
    event.foreign.op = &op;
    event.foreign.result = &result;
    stage_event(&pair->here, event);
    assert_int_equal(pair->here.fx.count, 0);
    post(&pair->here, ALICE, 1, "#lobby");
}

static void a_session_is_alive_where_it_has_said_hello_last(void **state)
{
    struct pair *pair = *state;
    struct core_stats stats;

    meet(pair);
    enter(&pair->here, BOB, "bob", 22);
    core_get_stats(pair->there.core, &stats);
    assert_int_equal(stats.sessions, 0);
    expect_silence(&pair->there, BOB);
    say_post(&pair->there, BOB, 1, "#lobby"); /* late, on the connection of before */
    expect_error(&pair->there, BOB, RC_HELLO_FIRST);
    assert_int_equal(pair->there.held_count, 0);
}

static void the_session_of_another_person_stays(void **state)
{
    struct pair *pair = *state;
    struct core_stats stats;

    meet(pair);
    enter(&pair->there, CAROL, "carol", 11); /* the number of Alice's, who has posted nothing yet */
    core_get_stats(pair->here.core, &stats);
    assert_int_equal(stats.sessions, 1);
    post(&pair->here, ALICE, 1, "#lobby");
}

static void leaving_elsewhere_is_leaving(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say(&pair->there, BOB, VERB_LEAVE, "#lobby");
    stage_commit_all(&pair->there);
    assert_span(expect_topic(&pair->here, "#lobby", VERB_EVENT)->type, "leave");
    enter(&pair->here, BOB, "bob", 22);
    say_post(&pair->here, BOB, 1, "#lobby");
    stage_commit_all(&pair->here);
    expect_error(&pair->here, BOB, RC_NOT_MEMBER);
}

static void who_is_put_out_elsewhere_is_out(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_about(&pair->here, ALICE, VERB_KICK, "#lobby", "bob");
    assert_span(expect_topic(&pair->there, "#lobby", VERB_EVENT)->type, "kick");
    assert_span(expect_topic(&pair->there, "@bob", VERB_EVENT)->type, "kick");
    say_post(&pair->there, BOB, 1, "#lobby");
    stage_commit_all(&pair->there);
    expect_error(&pair->there, BOB, RC_NOT_MEMBER);
}

static void a_mute_and_a_ban_hold_at_every_broker(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say_about(&pair->here, ALICE, VERB_MUTE, "#lobby", "bob");
    say_post(&pair->there, BOB, 1, "#lobby");
    stage_commit_all(&pair->there);
    expect_error(&pair->there, BOB, RC_MUTED);
    say_about(&pair->here, ALICE, VERB_BAN, "#lobby", "bob");
    say_join(&pair->there, BOB, "#lobby");
    expect_error(&pair->there, BOB, RC_BANNED);
    say_about(&pair->here, ALICE, VERB_UNBAN, "#lobby", "bob");
    say_join(&pair->there, BOB, "#lobby");
    stage_commit_all(&pair->there);
    expect(&pair->there, BOB, VERB_JOINED);
}

static void topic_and_modes_are_the_same_everywhere(void **state)
{
    struct pair *pair = *state;
    struct message topic = ask_of(VERB_TOPIC, "#lobby");
    struct message mode = ask_of(VERB_MODE, "#lobby");

    meet(pair);
    message_set(&topic, TOPIC, topic, SPAN("tea"));
    stage_say(&pair->here, ALICE, &topic);
    stage_commit_all(&pair->here);
    message_set(&mode, PRIVATE, is_private, true);
    stage_say(&pair->here, ALICE, &mode);
    stage_commit_all(&pair->here);
    stage_clear(&pair->there);
    say(&pair->there, BOB, VERB_JOIN, "#lobby");
    const struct message *joined = expect(&pair->there, BOB, VERB_JOINED);
    assert_span(joined->topic, "tea");
    assert_true(joined->is_private);
}

/* Who is put out of a private room elsewhere reads nothing that comes after. */
static void a_new_key_of_another_broker_seals_here_what_comes_behind_it(void **state)
{
    struct pair *pair = *state;
    struct message mode = ask_of(VERB_MODE, "#lobby");

    meet(pair);
    message_set(&mode, PRIVATE, is_private, true);
    stage_say(&pair->here, ALICE, &mode);
    stage_commit_all(&pair->here);
    stage_clear(&pair->there);
    say_about(&pair->here, ALICE, VERB_KICK, "#lobby", "bob");
    const struct said *kick = stage_take_topic(&pair->there, "#lobby", VERB_EVENT);
    assert_non_null(kick);
    say_post(&pair->here, ALICE, 1, "#lobby");
    stage_commit_all(&pair->here);
    const struct said *post = stage_take_topic(&pair->there, "#lobby", VERB_EVENT);
    assert_non_null(post);
    assert_int_equal(post->effect.epoch, kick->effect.epoch + 1);
    say(&pair->there, BOB, VERB_HEAD, "#lobby");
    expect_error(&pair->there, BOB, RC_PRIVATE);
}

static void keyed_peers(struct pair *pair)
{
    stage_key(&pair->here, ALICE, 1);
    stage_key(&pair->there, ALICE, 1);
    stage_key(&pair->here, BOB, 2);
    stage_key(&pair->there, BOB, 2);
}

/* A third broker makes an owner. */
static void make_owner(struct pair *pair, const char *nick)
{
    struct core_event event = {.kind = CORE_EV_FOREIGN};
    const struct core *core = pair->here.core;
    struct op op = {.kind = OP_ROLE, .role = ROLE_OWNER, .ts_ms = pair->here.wall_ms};
    struct op_result result;

    op.target = core->streams.row[core_person(core, span_of(nick))].id;
    op.target_nick = span_of(nick);
    assert_int_equal(store_apply(pair->here.store, &op, 1, &result), RC_OK);
    event.foreign.op = &op;
    event.foreign.result = &result;
    stage_event(&pair->here, event);
    stage_event(&pair->there, event);
}

static void a_role_that_was_given_elsewhere_holds_here(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    assert_false(core_has_owner(pair->there.core));
    make_owner(pair, "alice");
    assert_true(core_has_owner(pair->there.core));
    enter(&pair->there, ALICE, "alice", 12);
    say(&pair->there, ALICE, VERB_SESSIONS, NULL);
    expect(&pair->there, ALICE, VERB_SESSION);
}

static void a_new_device_is_let_in_everywhere_and_a_removed_one_nowhere(void **state)
{
    struct pair *pair = *state;
    struct message revoke = ask_of(VERB_REVOKE, NULL);

    keyed_peers(pair);
    say_hello(&pair->there, BOB, "bob", 22);
    stage_commit_all(&pair->there);
    assert_non_null(stage_take(&pair->here, FX_ADMIT));
    enter(&pair->here, ALICE, "alice", 11);
    make_owner(pair, "alice");
    stage_clear(&pair->there);
    message_set(&revoke, NICK, nick, SPAN("bob"));
    stage_say(&pair->here, ALICE, &revoke);
    stage_commit_all(&pair->here);
    expect_error(&pair->there, BOB, RC_REVOKED);
    assert_non_null(stage_take(&pair->there, FX_EXPEL));
    say_hello(&pair->there, BOB, "bob", 22);
    expect_error(&pair->there, BOB, RC_REVOKED);
}

/* What is not known here may have been made there a moment ago, and who made it has come here since. */
static void who_is_not_known_here_yet_is_for_the_store_to_judge(void **state)
{
    struct pair *pair = *state;
    struct core_limits limits = pair->here.limits;

    limits.others_max = limits.pending_max;
    close_stages(pair);
    open_stages(pair, &limits);
    keyed_peers(pair);
    pair->here.on_committed = NULL; /* nobody there has heard */
    enter(&pair->here, ALICE, "alice", 11);
    post(&pair->here, ALICE, 1, "@alice");
    limits.registration = REGISTRATION_CLOSED;
    core_set_limits(pair->there.core, &limits);
    say_hello(&pair->there, BOB, "bob", 22); /* really new */
    stage_commit_all(&pair->there);
    expect_error(&pair->there, BOB, RC_NOT_LET_IN);
    say_hello(&pair->there, BOB, "alice", 22); /* a key that is nobody's */
    stage_commit_all(&pair->there);
    expect_error(&pair->there, BOB, RC_NICK_IN_USE);
    say_hello(&pair->there, ALICE, "alice", 11);
    stage_commit_all(&pair->there);
    assert_int_equal(expect(&pair->there, ALICE, VERB_WELCOME)->next, 2);
}

static void a_ban_by_the_broker_ends_the_sessions_at_all_of_them(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    make_owner(pair, "alice");
    say_about(&pair->here, ALICE, VERB_BAN, NULL, "bob");
    expect_error(&pair->there, BOB, RC_BANNED);
    say_hello(&pair->there, BOB, "bob", 22);
    expect_error(&pair->there, BOB, RC_BANNED);
}

static void a_banned_key_is_banned_at_every_broker(void **state)
{
    struct pair *pair = *state;
    struct message ban = ask_of(VERB_BAN, "#lobby");
    unsigned char key[PUBLIC_KEY_BYTES];

    keyed_peers(pair);
    memset(key, 2, sizeof key);
    enter(&pair->here, ALICE, "alice", 11);
    join(&pair->here, ALICE, "#lobby");
    message_set(&ban, KEY, key, core_key(key));
    stage_say(&pair->here, ALICE, &ban);
    stage_commit_all(&pair->here);
    enter(&pair->there, BOB, "bob", 22);
    say_join(&pair->there, BOB, "#lobby");
    expect_error(&pair->there, BOB, RC_BANNED);
}

/* Marks, invitations and purges live in the store alone. */
static void what_only_the_store_knows_changes_nothing_here(void **state)
{
    struct pair *pair = *state;
    struct message mark = ask_of(VERB_MARK, "#lobby");

    meet(pair);
    message_set(&mark, NAME, name, SPAN("read"));
    message_set(&mark, SEQ, seq, 2);
    stage_say(&pair->there, BOB, &mark);
    stage_commit_all(&pair->there);
    expect(&pair->there, BOB, VERB_MARK);
    assert_int_equal(pair->here.fx.count, 0);
    enter(&pair->here, BOB, "bob", 23);
    struct message asked = ask_of(VERB_MARK, "#lobby");
    message_set(&asked, NAME, name, SPAN("read"));
    stage_say(&pair->here, BOB, &asked);
    stage_commit_all(&pair->here);
    assert_int_equal(expect(&pair->here, BOB, VERB_MARK)->seq, 2);
}

static void what_another_broker_was_refused_changes_nothing_here(void **state)
{
    struct pair *pair = *state;

    meet(pair);
    say(&pair->there, BOB, VERB_LEAVE, "#lobby");
    say_join(&pair->there, BOB, "#lobby");
    say_about(&pair->here, ALICE, VERB_BAN, "#lobby", "bob"); /* before both */
    stage_clear(&pair->here);
    stage_commit_all(&pair->there);
    assert_int_equal(stage_count(&pair->here, FX_PUBLISH), 0);
    expect(&pair->there, BOB, VERB_LEFT);
    expect_error(&pair->there, BOB, RC_BANNED);
}

static void a_room_that_both_make_is_one(void **state)
{
    struct pair *pair = *state;

    enter(&pair->here, ALICE, "alice", 11);
    enter(&pair->there, BOB, "bob", 22);
    say_join(&pair->here, ALICE, "#lobby");
    say_join(&pair->there, BOB, "#lobby");
    stage_commit_all(&pair->there);
    assert_true(expect(&pair->there, BOB, VERB_JOINED)->op);
    stage_commit_all(&pair->here);
    const struct message *joined = expect(&pair->here, ALICE, VERB_JOINED);
    assert_false(message_has(joined, HAS_OP));
    assert_int_equal(joined->people, 2);
}

/* One account is all there may be; both brokers have one in the store's hands. */
static void both_make_the_last_account(struct pair *pair, uint32_t others_max)
{
    const struct core_limits limits = {.accounts_max = 1,
                                       .rooms_max = 1,
                                       .memberships_max = 4,
                                       .room_members_max = 4,
                                       .sessions_max = 4,
                                       .pending_max = 4,
                                       .others_max = others_max,
                                       .hash_key = "sixteen bytes.."};

    close_stages(pair);
    open_stages(pair, &limits);
    say_hello(&pair->here, ALICE, "alice", 11);
    say_hello(&pair->there, BOB, "bob", 22);
    stage_commit_all(&pair->here);
    expect(&pair->here, ALICE, VERB_WELCOME);
}

static void tables_have_room_for_what_others_make_at_the_same_time(void **state)
{
    struct pair *pair = *state;

    both_make_the_last_account(pair, 4);
    assert_false(core_is_overrun(pair->there.core));
    stage_commit_all(&pair->there);
    expect(&pair->there, BOB, VERB_WELCOME);
    assert_false(core_is_overrun(pair->here.core));
    say_hello(&pair->there, CAROL, "carol", 33);
    expect_error(&pair->there, CAROL, RC_LIMIT);
}

/* Then it does not know any more how things stand, and takes nothing new. */
static void a_broker_whose_tables_are_too_small_says_so(void **state)
{
    struct pair *pair = *state;

    both_make_the_last_account(pair, 0);
    assert_true(core_is_overrun(pair->there.core));
    stage_clear(&pair->there);
    say_hello(&pair->there, CAROL, "carol", 33);
    expect_error(&pair->there, CAROL, RC_STOPPING);
    close_stages(pair);
    open_stages(pair, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_pair(an_account_and_a_room_of_another_broker_are_known),
        on_pair(a_post_at_another_broker_is_published_here_and_answered_there),
        on_pair(what_is_for_a_person_is_published_again_where_the_person_is),
        on_pair(a_confirmation_at_another_broker_counts_here_and_brings_the_receipt),
        on_pair(a_post_that_was_stored_for_another_broker_is_answered_with_its_place),
        on_pair(a_post_that_both_brokers_have_in_hand_is_stored_once),
        on_pair(numbers_that_were_used_up_elsewhere_are_used_up_here),
        on_pair(the_numbers_of_somebody_elses_session_have_no_say),
        on_pair(a_session_is_alive_where_it_has_said_hello_last),
        on_pair(the_session_of_another_person_stays),
        on_pair(leaving_elsewhere_is_leaving),
        on_pair(who_is_put_out_elsewhere_is_out),
        on_pair(a_mute_and_a_ban_hold_at_every_broker),
        on_pair(topic_and_modes_are_the_same_everywhere),
        on_pair(a_new_key_of_another_broker_seals_here_what_comes_behind_it),
        on_pair(a_role_that_was_given_elsewhere_holds_here),
        on_pair(a_new_device_is_let_in_everywhere_and_a_removed_one_nowhere),
        on_pair(who_is_not_known_here_yet_is_for_the_store_to_judge),
        on_pair(a_ban_by_the_broker_ends_the_sessions_at_all_of_them),
        on_pair(a_banned_key_is_banned_at_every_broker),
        on_pair(what_only_the_store_knows_changes_nothing_here),
        on_pair(what_another_broker_was_refused_changes_nothing_here),
        on_pair(a_room_that_both_make_is_one),
        on_pair(tables_have_room_for_what_others_make_at_the_same_time),
        on_pair(a_broker_whose_tables_are_too_small_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
