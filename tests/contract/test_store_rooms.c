/* test_store_rooms.c - modes, operators, bans and keys of rooms: all stores keep record.h's word (protocol
 * 7.3, 7.4, 7.6). */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

static struct op op_standing(struct box *box, stream_id room_id, stream_id target, const char *nick,
                             enum standing_change change)
{
    return (struct op){.kind = OP_STANDING,
                       .ts_ms = ++box->now_ms,
                       .nick = SPAN("alice"),
                       .account = {1},
                       .stream = room_id,
                       .name = SPAN("#den"),
                       .target = target,
                       .target_nick = span_of(nick),
                       .change = change};
}

/* Apply it, and once more: that appends nothing. */
static void change_twice(struct box *box, struct op op, size_t events)
{
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, events);
    op.ts_ms++;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 0);
    assert_int_equal(box->result.rekeyed_count, 0);
}

/* Alice's private room #den, bob invited and in it. */
struct den {
    stream_id alice, bob, room;
};

static struct den den_of(struct box *box)
{
    struct den den = {.alice = person(box, "alice"), .bob = person(box, "bob")};
    struct op op = op_join(box, "alice", den.alice, "#den", (stream_id){0});

    op.modes_set = ROOM_PRIVATE;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.standing.flags, STAND_MEMBER | STAND_OP);
    assert_int_equal(box->result.modes, ROOM_PRIVATE);
    den.room = box->result.stream;
    op = op_standing(box, den.room, den.bob, "bob", STANDING_INVITE);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_join(box, "bob", den.bob, "#den", den.room);
    assert_int_equal(box_apply(box, &op), RC_OK);
    return den;
}

static void a_private_room_opens_once_to_who_is_invited(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    struct op op = op_join(box, "bob", den.bob, "#den", den.room);

    assert_int_equal(box->result.standing.flags, STAND_MEMBER);
    assert_int_equal(box->result.standing.since, 2);
    op.kind = OP_LEAVE;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.rekeyed_count, 1); /* */
    assert_int_equal(box->result.rekeyed[0].epoch, 2);
    op.kind = OP_JOIN;
    assert_int_equal(box_apply(box, &op), RC_PRIVATE);
    assert_int_equal(box->result.appended_count, 0);
    change_twice(box, op_standing(box, den.room, den.bob, "bob", STANDING_INVITE), 1);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.epoch, 2);
}

static void an_invitation_to_a_room_is_told_in_the_persons_stream(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    const stream_id carol = person(box, "carol");
    const struct op op = op_standing(box, den.room, carol, "carol", STANDING_INVITE);

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 1);
    const struct message event = read_event(box->result.appended[0].wire);
    assert_span_equal(event.stream, "@carol");
    assert_span_equal(event.type, "invite");
    assert_span_equal(event.room, "#den");
    assert_span_equal(event.from, "alice");
    assert_span_equal(event.to, "carol");
}

static void a_kick_ends_the_membership_and_rekeys_R_46(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    struct op op = op_standing(box, den.room, den.bob, "bob", STANDING_KICK);

    op.text = SPAN("rude");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.standing.flags, 0);
    assert_int_equal(box->result.rekeyed_count, 1);
    assert_int_equal(box->result.rekeyed[0].stream.v, den.room.v);
    assert_int_equal(box->result.appended_count, 2);
    const struct message there = read_event(box->result.appended[0].wire);
    const struct message own = read_event(box->result.appended[1].wire);
    assert_span_equal(there.stream, "#den");
    assert_span_equal(there.text, "rude");
    assert_false(message_has(&there, HAS_ROOM));
    assert_span_equal(own.stream, "@bob");
    assert_span_equal(own.room, "#den");
    assert_span_equal(own.type, "kick");
    assert_int_equal(box_apply(box, &op), RC_NOT_MEMBER);
    assert_int_equal(box->result.rekeyed_count, 0);
}

static void who_was_kicked_before_in_the_batch_posts_no_more_R_48(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    const struct op ops[] = {
        op_post(box, "bob", den.bob, "#den", den.room, 77, 1, "here"),
        op_standing(box, den.room, den.bob, "bob", STANDING_KICK),
        op_post(box, "bob", den.bob, "#den", den.room, 77, 2, "still here"),
        op_post(box, "bob", den.bob, "#den", den.room, 77, 2, "again"),
    };
    struct op_result results[4];

    assert_int_equal(store_apply(box->store, ops, 4, results), RC_OK);
    assert_int_equal(results[0].rc, RC_OK);
    assert_int_equal(results[2].rc, RC_NOT_MEMBER);
    assert_false(results[2].is_duplicate);
    assert_int_equal(results[2].next, 3);
    assert_int_equal(results[2].appended_count, 0);
    assert_int_equal(results[3].rc, RC_NOT_MEMBER);
    assert_true(results[3].is_duplicate);
}

static void a_ban_keeps_out_until_it_ends_or_is_taken_back(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    struct op ban = op_standing(box, den.room, den.bob, "bob", STANDING_BAN);
    struct op join = op_join(box, "bob", den.bob, "#den", den.room);
    struct op modes = {.kind = OP_ROOM,
                       .ts_ms = ++box->now_ms,
                       .nick = SPAN("alice"),
                       .name = SPAN("#den"),
                       .stream = den.room,
                       .modes_clear = ROOM_PRIVATE};

    ban.until_ms = 9000;
    assert_int_equal(box_apply(box, &ban), RC_OK);
    assert_int_equal(box->result.appended_count, 2);
    assert_int_equal(box->result.rekeyed_count, 1);
    assert_int_equal(read_event(box->result.appended[0].wire).until, 9000);
    assert_int_equal(box_apply(box, &ban), RC_OK);
    assert_int_equal(box->result.appended_count, 0);
    assert_int_equal(box_apply(box, &modes), RC_OK);
    assert_int_equal(box_apply(box, &join), RC_BANNED);
    join.ts_ms = 9000;
    assert_int_equal(box_apply(box, &join), RC_OK);
    ban.until_ms = FOR_EVER_MS;
    assert_int_equal(box_apply(box, &ban), RC_OK);
    const struct message event = read_event(box->result.appended[0].wire);
    assert_false(message_has(&event, HAS_UNTIL));
    assert_int_equal(box_apply(box, &join), RC_BANNED);
    change_twice(box, op_standing(box, den.room, den.bob, "bob", STANDING_UNBAN), 1);
    assert_int_equal(box_apply(box, &join), RC_OK);
}

static void a_banned_key_does_not_come_in(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct op ban = {.kind = OP_KEY_BAN, .stream = lobby, .until_ms = 5000};
    struct op join = op_join(box, "bob", bob, "#lobby", lobby);

    memset(ban.key, 4, sizeof(ban.key));
    memset(join.key, 4, sizeof(join.key));
    assert_int_equal(box_apply(box, &ban), RC_OK);
    assert_int_equal(box_apply(box, &ban), RC_OK);
    assert_int_equal(box_apply(box, &join), RC_BANNED);
    ban.until_ms = 0;
    assert_int_equal(box_apply(box, &ban), RC_OK);
    assert_int_equal(box_apply(box, &join), RC_OK);
}

static void operators_and_mutes_change_once(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    const stream_id carol = person(box, "carol");
    struct op op = op_standing(box, den.room, carol, "carol", STANDING_OP);

    assert_int_equal(box_apply(box, &op), RC_NOT_MEMBER);
    change_twice(box, op_standing(box, den.room, den.bob, "bob", STANDING_OP), 1);
    assert_int_equal(box->result.standing.flags, STAND_MEMBER | STAND_OP);
    change_twice(box, op_standing(box, den.room, den.bob, "bob", STANDING_DEOP), 1);
    assert_int_equal(box->result.standing.flags, STAND_MEMBER);
    op = op_standing(box, den.room, den.bob, "bob", STANDING_MUTE);
    op.until_ms = 90000;
    change_twice(box, op, 1);
    assert_int_equal(box->result.standing.muted_until_ms, 90000);
    change_twice(box, op_standing(box, den.room, den.bob, "bob", STANDING_UNMUTE), 1);
}

static void a_room_that_opens_is_read_from_the_event_that_says_so_R_35(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box); /* head 2 */
    struct op op = {.kind = OP_ROOM,
                    .ts_ms = ++box->now_ms,
                    .nick = SPAN("alice"),
                    .name = SPAN("#den"),
                    .stream = den.room,
                    .modes_clear = ROOM_PRIVATE,
                    .modes_set = ROOM_PERSISTENT,
                    .has_topic = true,
                    .text = SPAN("all welcome")};

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 3);
    assert_int_equal(box->result.open_from, 3);
    assert_int_equal(box->result.modes, ROOM_PERSISTENT);
    assert_int_equal(box->result.rekeyed_count, 0);
    assert_span_equal(read_event(box->result.appended[0].wire).text, "public");
    assert_span_equal(read_event(box->result.appended[1].wire).text, "all welcome");
    assert_span_equal(read_event(box->result.appended[2].wire).text, "persistent");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 0);

    op.modes_set = ROOM_PRIVATE;
    op.modes_clear = ROOM_PERSISTENT;
    op.text = SPAN("");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 3);
    const struct message topic = read_event(box->result.appended[0].wire);
    assert_span_equal(topic.type, "topic");
    assert_true(message_has(&topic, HAS_TEXT));
    assert_int_equal(topic.text.len, 0);
    assert_span_equal(read_event(box->result.appended[1].wire).text, "passing");
    assert_span_equal(read_event(box->result.appended[2].wire).text, "private");
    assert_int_equal(box->result.rekeyed_count, 1); /* */
    assert_int_equal(box->result.open_from, 3);
}

static void an_empty_room_begins_anew_R_44(void **state)
{
    struct box *box = *state;
    const struct den den = den_of(box);
    struct op op = op_standing(box, den.room, den.bob, "bob", STANDING_BAN);

    op.until_ms = FOR_EVER_MS;
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_leave(box, "alice", den.alice, "#den", den.room);
    assert_int_equal(box_apply(box, &op), RC_OK);
    const uint64_t head = box->result.seq;
    const uint32_t epoch = box->result.rekeyed[0].epoch;
    op = op_join(box, "bob", den.bob, "#den", den.room); /* even who was banned */
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_adopted);
    assert_int_equal(box->result.standing.flags, STAND_MEMBER | STAND_OP);
    assert_int_equal(box->result.standing.banned_until_ms, 0);
    assert_int_equal(box->result.modes, 0);
    assert_int_equal(box->result.open_from, head + 1);
    assert_int_equal(box->result.standing.since, head + 1);
    assert_int_equal(box->result.epoch, epoch + 1);
}

static void a_persistent_room_keeps_all_while_nobody_is_in_it_R_44(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_join(box, "alice", alice, "#keep", (stream_id){0});

    op.modes_set = ROOM_PERSISTENT;
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_leave(box, "alice", alice, "#keep", box->result.stream);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.rekeyed_count, 0);
    op.kind = OP_JOIN;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_false(box->result.is_adopted);
    assert_int_equal(box->result.standing.flags, STAND_MEMBER);
    assert_int_equal(box->result.modes, ROOM_PERSISTENT);
}

static void a_full_disk_still_lets_a_room_be_defended(void **state)
{
    struct box *box = *state;
    const struct store_limits none_free = BOX_LIMITS_FULL;
    const struct den den = den_of(box);
    struct op op = op_standing(box, den.room, den.bob, "bob", STANDING_OP);

    store_set_limits(box->store, &none_free);
    assert_int_equal(box_apply(box, &op), RC_DISK_FULL);
    op.change = STANDING_KICK;
    assert_int_equal(box_apply(box, &op), RC_OK);
    op.change = STANDING_BAN;
    op.until_ms = FOR_EVER_MS;
    assert_int_equal(box_apply(box, &op), RC_OK);
    op.change = STANDING_UNBAN;
    assert_int_equal(box_apply(box, &op), RC_OK);
}

#define CONTRACT(X)                                               \
    X(a_private_room_opens_once_to_who_is_invited)                \
    X(an_invitation_to_a_room_is_told_in_the_persons_stream)      \
    X(a_kick_ends_the_membership_and_rekeys_R_46)                 \
    X(who_was_kicked_before_in_the_batch_posts_no_more_R_48)      \
    X(a_ban_keeps_out_until_it_ends_or_is_taken_back)             \
    X(a_banned_key_does_not_come_in)                              \
    X(operators_and_mutes_change_once)                            \
    X(a_room_that_opens_is_read_from_the_event_that_says_so_R_35) \
    X(an_empty_room_begins_anew_R_44)                             \
    X(a_persistent_room_keeps_all_while_nobody_is_in_it_R_44)     \
    X(a_full_disk_still_lets_a_room_be_defended)

STORE_CONTRACT_MAIN(CONTRACT)
