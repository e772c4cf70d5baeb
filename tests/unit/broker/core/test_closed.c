/* Closed doors: devices that go, bans of the broker, private rooms, mutes (protocol 5.3, 7.3, 7.4, 7.6). The
 * store's answers are made by hand, so the core alone is on trial. */
#include "tests/support/core/talk.h"

enum { OWNER_ID = 1, ALICE_ID = 2, BOB_ID = 3, ROOM_ID = 20 };

static const peer_id OWNER = {4};
static unsigned char KEYS[8][PUBLIC_KEY_BYTES];

static void replay(struct stage *stage, const struct record *record)
{
    assert_int_equal(stage_replay(stage, record), RC_OK);
}

static void replay_person(struct stage *stage, uint32_t id, const char *name, enum role role,
                          unsigned char key)
{
    struct record record = {.kind = RECORD_STREAM, .stream = {id}, .epoch = 1, .role = role};

    record.name = span_of(name);
    memset(record.stream_key, (int)(100 + id), sizeof record.stream_key);
    replay(stage, &record);
    record = (struct record){.kind = RECORD_DEVICE, .member = {id}, .ts_ms = 1000};
    memset(record.key, key, sizeof record.key);
    memset(KEYS[id], key, PUBLIC_KEY_BYTES);
    replay(stage, &record);
}

static void replay_room(struct stage *stage, uint32_t modes, uint64_t open_from)
{
    struct record record = {.kind = RECORD_STREAM, .stream = {ROOM_ID}, .epoch = 3};

    record.name = SPAN("#room");
    record.topic = SPAN("tea");
    record.head = 10;
    record.modes = modes;
    record.open_from = open_from;
    memset(record.stream_key, 33, sizeof record.stream_key);
    replay(stage, &record);
}

static void replay_standing(struct stage *stage, uint32_t person, struct standing standing)
{
    replay(stage, &(struct record){.kind = RECORD_STANDING,
                                   .stream = {ROOM_ID},
                                   .member = {person},
                                   .standing = standing});
}

/* As the store would answer a known device. */
static void let_in(struct stage *stage, peer_id peer, const char *nick, uint32_t id, enum role role)
{
    memcpy(stage->key[peer.v], KEYS[id], PUBLIC_KEY_BYTES);
    say_hello(stage, peer, nick, 10 + peer.v);
    stage_give(stage, &(struct op_result){.stream = {id}, .next = 1, .role = role, .epoch = 1});
    expect(stage, peer, VERB_WELCOME);
}

static void furnish(struct stage *stage, uint32_t modes, uint64_t open_from)
{
    replay_person(stage, OWNER_ID, "@olga", ROLE_OWNER, 'o');
    replay_person(stage, ALICE_ID, "@alice", ROLE_MEMBER, 'a');
    replay_person(stage, BOB_ID, "@bob", ROLE_MEMBER, 'b');
    replay_room(stage, modes, open_from);
}

static void all_come(struct stage *stage)
{
    let_in(stage, OWNER, "olga", OWNER_ID, ROLE_OWNER);
    let_in(stage, ALICE, "alice", ALICE_ID, ROLE_MEMBER);
    let_in(stage, BOB, "bob", BOB_ID, ROLE_MEMBER);
    stage_clear(stage);
}

static struct message about(enum verb verb, const char *room, const char *nick)
{
    struct message message = ask_of(verb, room);

    message_set(&message, NICK, nick, span_of(nick));
    return message;
}

/* --- devices --------------------------------------------------------------------------- */

static void devices_are_known_after_a_restart(void **state)
{
    struct stage *stage = *state;
    struct record gone = {.kind = RECORD_DEVICE, .member = {ALICE_ID}, .is_revoked = true};
    const unsigned char *key;
    bool is_admitted;
    uint32_t row = 0, admitted = 0, count = 0;

    furnish(stage, 0, 1);
    memset(gone.key, 'x', sizeof gone.key);
    replay(stage, &gone);
    while ((row = core_next_device(stage->core, row, &key, &is_admitted)) != 0) {
        assert_int_equal(is_admitted, key[0] != 'x');
        admitted += is_admitted;
        count++;
    }
    assert_int_equal(count, 4);
    assert_int_equal(admitted, 3);
    assert_true(core_has_owner(stage->core));
    stage_key(stage, CAROL, 'x');
    say_hello(stage, CAROL, "alice", 99);
    expect_error(stage, CAROL, RC_REVOKED);
}

static void a_new_device_is_admitted_before_its_welcome_r40(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("alice", 50);
    const char token[INVITE_BYTES] = "a secret token.";

    furnish(stage, 0, 1);
    stage_key(stage, CAROL, 'n');
    say_hello(stage, CAROL, "alice", 50);
    expect_error(stage, CAROL, RC_NICK_IN_USE);
    message_set(&hello, INVITE, invite, ((struct span){token, sizeof token}));
    stage_say(stage, CAROL, &hello);
    assert_true(stage_held(stage)->has_token);
    assert_memory_equal(stage_held(stage)->token, token, INVITE_BYTES);
    stage_give(stage, &(struct op_result){.stream = {ALICE_ID}, .next = 1, .is_new_device = true});
    assert_int_equal(stage->fx.item[0].kind, FX_ADMIT);
    assert_int_equal(stage->fx.item[0].key[0], 'n');
    assert_int_equal(stage->fx.item[1].message.verb, VERB_WELCOME);
}

static void a_bad_invitation_binds_nothing_r15(void **state)
{
    struct stage *stage = *state;
    struct message hello = hello_of("new", 50);
    const char token[INVITE_BYTES] = "a secret token.";

    stage->limits.registration = REGISTRATION_INVITE;
    stage_restart(stage);
    furnish(stage, 0, 1);
    stage_key(stage, CAROL, 'n');
    stage_say(stage, CAROL, &hello);
    expect_error(stage, CAROL, RC_NOT_LET_IN);
    message_set(&hello, INVITE, invite, ((struct span){token, sizeof token}));
    stage_say(stage, CAROL, &hello);
    stage_fail(stage, RC_BAD_INVITE, 0);
    expect_error(stage, CAROL, RC_BAD_INVITE);
    assert_int_equal(stage_count(stage, FX_ADMIT), 0);
    message_set(&hello, INVITE, invite, SPAN("short"));
    stage_say(stage, CAROL, &hello);
    expect_error(stage, CAROL, RC_BAD_FIELD);
}

static void a_removed_device_is_told_ended_and_expelled_r42(void **state)
{
    struct stage *stage = *state;
    struct rekeyed fresh = {.stream = {ALICE_ID}, .epoch = 2};
    const struct message revoke = about(VERB_REVOKE, NULL, "alice");

    furnish(stage, 0, 1);
    all_come(stage);
    stage_say(stage, OWNER, &revoke);
    assert_int_equal(stage_held(stage)->kind, OP_REVOKE);
    assert_int_equal(stage_held(stage)->target.v, ALICE_ID);
    memset(fresh.key, 77, sizeof fresh.key);
    stage_give(stage, &(struct op_result){.rekeyed = &fresh, .rekeyed_count = 1});
    expect(stage, OWNER, VERB_DONE);
    const struct message *error = expect_error(stage, ALICE, RC_REVOKED);
    assert_false(message_has(error, HAS_REF));
    const struct said *expelled = stage_take(stage, FX_EXPEL);
    assert_non_null(expelled);
    assert_int_equal(expelled->effect.key[0], 'a');

    uint32_t epoch = 0;
    const unsigned char *key = core_seal(stage->core, (stream_id){ALICE_ID}, &epoch);
    assert_int_equal(epoch, 2);
    assert_int_equal(key[0], 77);
    say(stage, ALICE, VERB_PING, NULL);
    expect_error(stage, ALICE, RC_HELLO_FIRST);
    say_hello(stage, ALICE, "alice", 12);
    expect_error(stage, ALICE, RC_REVOKED);
}

static void nobody_removes_their_last_device_nor_the_last_owner_r43(void **state)
{
    struct stage *stage = *state;
    struct message revoke = ask_of(VERB_REVOKE, NULL);
    struct message role = about(VERB_ROLE, NULL, "olga");
    struct message ban = about(VERB_BAN, NULL, "olga");

    furnish(stage, 0, 1);
    all_come(stage);
    stage_say(stage, ALICE, &revoke);
    expect_error(stage, ALICE, RC_DENIED);
    message_set(&revoke, KEY, key, ((struct span){(char *)KEYS[ALICE_ID], PUBLIC_KEY_BYTES}));
    stage_say(stage, ALICE, &revoke);
    expect_error(stage, ALICE, RC_DENIED);
    message_set(&role, ROLE, role, SPAN("member"));
    stage_say(stage, OWNER, &role);
    expect_error(stage, OWNER, RC_DENIED);
    stage_say(stage, OWNER, &ban);
    expect_error(stage, OWNER, RC_DENIED);
    assert_int_equal(stage->held_count, 0);
}

/* --- bans of the broker ---------------------------------------------------------------- */

static void a_ban_of_the_broker_ends_sessions_and_is_over_in_time(void **state)
{
    struct stage *stage = *state;
    struct message ban = about(VERB_BAN, NULL, "bob");

    furnish(stage, 0, 1);
    all_come(stage);
    message_set(&ban, SECONDS, seconds, 60);
    stage_say(stage, ALICE, &ban);
    expect_error(stage, ALICE, RC_DENIED);
    stage_say(stage, OWNER, &ban);
    const uint64_t until_ms = stage_held(stage)->until_ms;
    assert_int_equal(until_ms, stage->wall_ms + 60000);
    stage_give(stage, &(struct op_result){.standing = {.banned_until_ms = until_ms}});
    expect(stage, OWNER, VERB_DONE);
    expect_error(stage, BOB, RC_BANNED);
    assert_non_null(stage_take(stage, FX_EXPEL));
    say_hello(stage, BOB, "bob", 12);
    expect_error(stage, BOB, RC_BANNED);
    stage_wait(stage, 58000);
    assert_int_equal(stage_count(stage, FX_ADMIT), 0);
    stage_wait(stage, 4000);
    const struct said *admitted = stage_take(stage, FX_ADMIT);
    assert_non_null(admitted);
    assert_int_equal(admitted->effect.key[0], 'b');
    let_in(stage, BOB, "bob", BOB_ID, ROLE_MEMBER);
}

static void a_ban_that_ended_while_the_broker_was_down_is_lifted(void **state)
{
    struct stage *stage = *state;
    const unsigned char *key;
    bool is_admitted = true;

    furnish(stage, 0, 1);
    replay(stage, &(struct record){.kind = RECORD_STANDING,
                                   .member = {OWNER_ID},
                                   .standing = {.banned_until_ms = stage->wall_ms - 5}});
    assert_int_equal(core_next_device(stage->core, 0, &key, &is_admitted), 1);
    assert_false(is_admitted);
    stage_wait(stage, 1);
    assert_int_equal(stage_count(stage, FX_ADMIT), 1);
}

/* --- private rooms --------------------------------------------------------------------- */

static void a_private_room_is_for_its_members_r35(void **state)
{
    struct stage *stage = *state;

    furnish(stage, ROOM_PRIVATE, 1);
    replay_standing(stage, ALICE_ID, (struct standing){STAND_MEMBER | STAND_OP, 1, 0, 0});
    all_come(stage);
    stage->has_hands_off = true;
    say(stage, BOB, VERB_HEAD, "#room");
    expect_error(stage, BOB, RC_PRIVATE);
    say(stage, BOB, VERB_FETCH, "#room");
    expect_error(stage, BOB, RC_PRIVATE);
    say(stage, BOB, VERB_JOIN, "#room");
    expect_error(stage, BOB, RC_PRIVATE);
    say(stage, BOB, VERB_WHO, "#room");
    expect_error(stage, BOB, RC_PRIVATE);
    say(stage, BOB, VERB_ROOMS, NULL);
    expect(stage, BOB, VERB_END);

    say(stage, ALICE, VERB_HEAD, "#room");
    const struct message *head = expect(stage, ALICE, VERB_HEAD);
    assert_int_equal(head->epoch, 3);
    assert_int_equal(head->key.ptr[0], 33);
    say(stage, ALICE, VERB_JOIN, "#room");
    const struct message *joined = expect(stage, ALICE, VERB_JOINED);
    assert_true(message_has(joined, HAS_PRIVATE | HAS_OP | HAS_EPOCH | HAS_KEY));
    assert_span(joined->topic, "tea");
    say(stage, ALICE, VERB_FETCH, "#room");
    assert_int_equal(stage->fx.item[0].kind, FX_READ);
    assert_int_equal(stage->fx.item[0].read.last, 10); /* the head of this moment */
}

static void a_kick_goes_out_under_the_old_key_and_what_follows_under_the_new_r46(void **state)
{
    struct stage *stage = *state;
    const struct message kick = about(VERB_KICK, "#room", "bob");
    struct rekeyed fresh = {.stream = {ROOM_ID}, .epoch = 4};
    struct appended event = {.stream = {ROOM_ID}, .seq = 11, .ts_ms = 5};

    furnish(stage, ROOM_PRIVATE, 1);
    replay_standing(stage, ALICE_ID, (struct standing){STAND_MEMBER | STAND_OP, 1, 0, 0});
    replay_standing(stage, BOB_ID, (struct standing){STAND_MEMBER, 2, 0, 0});
    all_come(stage);
    stage_say(stage, ALICE, &kick);
    assert_int_equal(stage_held(stage)->change, STANDING_KICK);
    memset(fresh.key, 44, sizeof fresh.key);
    stage_give(stage, &(struct op_result){.stream = {ROOM_ID},
                                          .rekeyed = &fresh,
                                          .rekeyed_count = 1,
                                          .appended = &event,
                                          .appended_count = 1});
    assert_int_equal(stage->fx.item[0].kind, FX_PUBLISH);
    assert_int_equal(stage->fx.item[0].epoch, 3);
    assert_int_equal(stage->fx.item[0].seal_key[0], 33);
    assert_int_equal(expect(stage, ALICE, VERB_DONE)->seq, 11);
    say(stage, ALICE, VERB_HEAD, "#room");
    const struct message *head = expect(stage, ALICE, VERB_HEAD);
    assert_int_equal(head->epoch, 4);
    assert_int_equal(head->key.ptr[0], 44);
    say(stage, BOB, VERB_HEAD, "#room"); /* */
    expect_error(stage, BOB, RC_PRIVATE);
    say_post(stage, BOB, 1, "#room");
    assert_int_equal(stage_held(stage)->kind, OP_VOID);
    assert_int_equal(stage_held(stage)->refusal, RC_NOT_MEMBER);
}

static void what_was_said_in_private_stays_closed_r34_r35(void **state)
{
    struct stage *stage = *state;
    struct message fetch = ask_of(VERB_FETCH, "#room");

    furnish(stage, 0, 7);
    replay_standing(stage, ALICE_ID, (struct standing){STAND_MEMBER, 2, 0, 0});
    replay_standing(stage, BOB_ID, (struct standing){STAND_MEMBER, 8, 0, 0});
    all_come(stage);
    stage->has_hands_off = true;
    stage_say(stage, BOB, &fetch);
    assert_int_equal(expect(stage, BOB, VERB_GONE)->first, 7);
    stage_say(stage, OWNER, &fetch);
    assert_int_equal(expect(stage, OWNER, VERB_GONE)->first, 7);
    stage_say(stage, ALICE, &fetch);
    assert_int_equal(stage->fx.item[0].kind, FX_READ);
    message_set(&fetch, FIRST, first, 7);
    stage_say(stage, BOB, &fetch);
    assert_int_equal(stage->fx.item[0].kind, FX_READ);
    struct message since = ask_of(VERB_FETCH, "#room");
    message_set(&since, SINCE, since, 1);
    stage_say(stage, BOB, &since);
    assert_int_equal(stage->fx.item[0].read.from_least, 7);
}

static void who_is_muted_or_banned_there_does_not_write_r24(void **state)
{
    struct stage *stage = *state;
    struct record ban = {.kind = RECORD_KEY_BAN, .stream = {ROOM_ID}, .until_ms = FOR_EVER_MS};

    furnish(stage, 0, 1);
    replay_standing(stage, ALICE_ID, (struct standing){STAND_MEMBER, 1, 0, stage->wall_ms + 1000});
    replay_standing(stage, BOB_ID, (struct standing){STAND_MEMBER, 2, 0, 0});
    memset(ban.key, 'b', sizeof ban.key);
    replay(stage, &ban);
    all_come(stage);
    say_post(stage, ALICE, 1, "#room");
    assert_int_equal(stage_held(stage)->refusal, RC_MUTED);
    stage_fail(stage, RC_MUTED, 0);
    assert_int_equal(expect_error(stage, ALICE, RC_MUTED)->number, 1);
    say_post(stage, BOB, 1, "#room");
    assert_int_equal(stage_held(stage)->refusal, RC_BANNED);
    stage_fail(stage, RC_BANNED, 0);
    stage_clear(stage);
    stage_wait(stage, 1001);
    say_post(stage, ALICE, 2, "#room"); /* it is over */
    assert_int_equal(stage_held(stage)->kind, OP_POST);
}

static void a_full_mailbox_takes_no_more_r24(void **state)
{
    struct stage *stage = *state;

    stage->limits.mailbox_max = 3;
    stage_restart(stage);
    furnish(stage, 0, 1);
    struct record bert = {.kind = RECORD_STREAM, .stream = {9}, .head = 5, .confirmed = 2};
    bert.name = SPAN("@bert");
    replay(stage, &bert);
    all_come(stage);
    say_post(stage, ALICE, 1, "@bert");
    assert_int_equal(stage_held(stage)->refusal, RC_MAILBOX_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_stage(devices_are_known_after_a_restart),
        on_stage(a_new_device_is_admitted_before_its_welcome_r40),
        on_stage(a_bad_invitation_binds_nothing_r15),
        on_stage(a_removed_device_is_told_ended_and_expelled_r42),
        on_stage(nobody_removes_their_last_device_nor_the_last_owner_r43),
        on_stage(a_ban_of_the_broker_ends_sessions_and_is_over_in_time),
        on_stage(a_ban_that_ended_while_the_broker_was_down_is_lifted),
        on_stage(a_private_room_is_for_its_members_r35),
        on_stage(a_kick_goes_out_under_the_old_key_and_what_follows_under_the_new_r46),
        on_stage(what_was_said_in_private_stays_closed_r34_r35),
        on_stage(who_is_muted_or_banned_there_does_not_write_r24),
        on_stage(a_full_mailbox_takes_no_more_r24),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
