/* test_store_people.c - accounts, rooms, marks and replay: all stores keep record.h's word. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

/* --- accounts --------------------------------------------------------------------- */

static void a_free_nick_becomes_an_account(void **state)
{
    struct box *box = *state;
    const struct op op = op_hello(box, "alice", 1, 77);

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_new);
    assert_int_equal(box->result.stream.v, 1);
    assert_int_equal(box->result.seq, 0);
    assert_int_equal(box->result.confirmed, 0);
    assert_int_equal(box->result.next, 1);
    assert_int_equal(box->result.epoch, 1);
    assert_int_equal(box->result.appended_count, 0);
}

static void the_same_key_finds_its_account_and_stream_key_again(void **state)
{
    struct box *box = *state;
    const struct op op = op_hello(box, "alice", 1, 77);
    struct op_result first;

    box_apply(box, &op);
    first = box->result;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_false(box->result.is_new);
    assert_int_equal(box->result.stream.v, first.stream.v);
    assert_memory_equal(box->result.key, first.key, sizeof(first.key));
}

static void a_nick_of_another_key_is_refused(void **state)
{
    struct box *box = *state;
    const struct op mine = op_hello(box, "alice", 1, 77);
    const struct op theirs = op_hello(box, "alice", 2, 78);

    box_apply(box, &mine);
    assert_int_equal(box_apply(box, &theirs), RC_NICK_IN_USE);
    assert_true(stream_is_none(box->result.stream));
}

static void a_key_that_has_another_nick_is_refused(void **state)
{
    struct box *box = *state;
    const struct op mine = op_hello(box, "alice", 1, 77);
    const struct op second = op_hello(box, "alicia", 1, 78);

    box_apply(box, &mine);
    assert_int_equal(box_apply(box, &second), RC_WRONG_NICK);
    assert_false(box->result.is_new);
}

static void a_nick_that_looks_like_another_is_refused_but_not_a_room(void **state)
{
    struct box *box = *state;
    const struct op mine = op_hello(box, "bob", 1, 77);
    struct op like = op_hello(box, "b0b", 2, 78);
    struct op like_room = op_join(box, "bob", (stream_id){1}, "#b0b", (stream_id){0});

    like.skeleton = SPAN("bob");
    like_room.skeleton = SPAN("bob");
    box_apply(box, &mine);
    assert_int_equal(box_apply(box, &like), RC_CONFUSABLE);
    assert_int_equal(box_apply(box, &like_room), RC_OK);
}

static void without_keys_a_nick_is_whoever_says_so(void **state)
{
    struct box *box = *state;
    const struct op alice = op_hello(box, "alice", 0, 77);
    const struct op bob = op_hello(box, "bob", 0, 78);
    const struct op keyed = op_hello(box, "alice", 5, 79);

    assert_int_equal(box_apply(box, &alice), RC_OK);
    assert_int_equal(box_apply(box, &bob), RC_OK);
    assert_int_equal(box_apply(box, &alice), RC_OK);
    assert_false(box->result.is_new);
    assert_int_equal(box_apply(box, &keyed), RC_NICK_IN_USE);
}

/* --- rooms ------------------------------------------------------------------------ */

static void the_first_join_makes_the_room_and_appends_an_event(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const struct op op = op_join(box, "alice", alice, "#lobby", (stream_id){0});

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_new);
    assert_true(box->result.is_new_room);
    assert_int_equal(box->result.seq, 1);
    assert_int_equal(box->result.appended_count, 1);

    const struct message event = read_event(box->result.appended[0].wire);
    assert_span_equal(event.type, "join");
    assert_span_equal(event.stream, "#lobby");
    assert_span_equal(event.from, "alice");
    assert_int_equal(event.seq, 1);
    assert_int_equal(event.ts, op.ts_ms);
}

static void joining_again_changes_nothing(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op by_name = op_join(box, "alice", alice, "#lobby", (stream_id){0});
    const struct op by_id = op_join(box, "alice", alice, "#lobby", lobby);

    assert_int_equal(box_apply(box, &by_name), RC_OK);
    assert_int_equal(box->result.stream.v, lobby.v);
    assert_false(box->result.is_new);
    assert_false(box->result.is_new_room);
    assert_int_equal(box->result.appended_count, 0);
    assert_int_equal(box_apply(box, &by_id), RC_OK);
    assert_int_equal(box->result.seq, 1);
    assert_int_equal(box->result.appended_count, 0);
}

static void leaving_appends_once(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op op = op_leave(box, "alice", alice, "#lobby", lobby);

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_new);
    assert_int_equal(box->result.seq, 2);
    assert_span_equal(read_event(box->result.appended[0].wire).type, "leave");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_false(box->result.is_new);
    assert_int_equal(box->result.seq, 2);
    assert_int_equal(box->result.appended_count, 0);
}

static void a_room_that_looks_like_another_is_refused(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct op op = op_join(box, "alice", alice, "#l0bby", (stream_id){0});

    room(box, "#lobby", "alice", alice);
    op.skeleton = SPAN("lobby");
    assert_int_equal(box_apply(box, &op), RC_CONFUSABLE);
    assert_int_equal(box->result.appended_count, 0);
}

/* --- marks ------------------------------------------------------------------------ */

static void a_mark_is_kept_per_account_name_and_stream(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    struct op op = op_mark(box, OP_MARK, alice, "reader", bob, 5);

    assert_int_equal(box_apply(box, &op), RC_OK);
    op.seq = 4;
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 4);
    op = op_mark(box, OP_MARK_GET, alice, "reader", bob, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 4);
    op = op_mark(box, OP_MARK_GET, alice, "reader", alice, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 0);
    op = op_mark(box, OP_MARK_GET, alice, "reade", bob, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 0);
    op = op_mark(box, OP_MARK_GET, bob, "reader", bob, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 0);
}

static void an_account_has_a_limited_number_of_marks(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    char name[16] = "first";
    struct op op = op_mark(box, OP_MARK, alice, name, alice, 1);
    enum rc rc = box_apply(box, &op);
    unsigned count = 1;

    while (rc == RC_OK && count < 100000) {
        snprintf(name, sizeof(name), "m%u", count);
        op = op_mark(box, OP_MARK, alice, name, alice, 1);
        rc = box_apply(box, &op);
        count += rc == RC_OK;
    }
    assert_int_equal(rc, RC_LIMIT);
    assert_int_equal(count, 1024);
    op = op_mark(box, OP_MARK, alice, "first", alice, 2);
    assert_int_equal(box_apply(box, &op), RC_OK);
}

/* --- replay ----------------------------------------------------------------------- */

static void replay_tells_streams_before_members(void **state)
{
    struct box *box = *state;
    static struct told told;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const stream_id bob = person(box, "bob");
    const struct op ops[] = {
        op_join(box, "bob", bob, "#lobby", lobby),
        op_join(box, "bob", bob, "#games", (stream_id){0}),
        op_leave(box, "bob", bob, "#lobby", lobby),
        op_post(box, "alice", alice, "@bob", bob, 77, 1, "psst"),
        op_confirm(box, "bob", bob, 1),
    };
    struct op_result results[5];

    assert_int_equal(store_apply(box->store, ops, 5, results), RC_OK);
    told.count = 0;
    assert_int_equal(store_replay(box->store, tell, &told), RC_OK);
    assert_int_equal(told.count, 8);
    assert_string_equal(told.text[0][0], "@alice");
    assert_string_equal(told.text[0][1], "alice");
    assert_int_equal(told.record[0].head, 2);
    assert_int_equal(told.record[0].epoch, 1);
    assert_int_equal(told.record[0].open_from, 1);
    assert_string_equal(told.text[1][0], "#lobby");
    assert_int_equal(told.record[1].head, 3);
    assert_string_equal(told.text[2][0], "@bob");
    assert_int_equal(told.record[2].confirmed, 1);
    assert_string_equal(told.text[3][0], "#games");
    assert_int_equal(told.record[4].kind, RECORD_DEVICE);
    assert_int_equal(told.record[4].member.v, alice.v);
    assert_memory_equal(told.record[4].key, "alice", 6);
    assert_int_equal(told.record[6].kind, RECORD_STANDING);
    assert_int_equal(told.record[6].stream.v, lobby.v);
    assert_int_equal(told.record[6].member.v, alice.v);
    assert_int_equal(told.record[6].standing.flags, STAND_MEMBER | STAND_OP);
    assert_int_equal(told.record[6].standing.since, 1);
    assert_int_equal(told.record[7].stream.v, told.record[3].stream.v);
    assert_int_equal(told.record[7].member.v, bob.v);
}

#define CONTRACT(X)                                             \
    X(a_free_nick_becomes_an_account)                           \
    X(the_same_key_finds_its_account_and_stream_key_again)      \
    X(a_nick_of_another_key_is_refused)                         \
    X(a_key_that_has_another_nick_is_refused)                   \
    X(a_nick_that_looks_like_another_is_refused_but_not_a_room) \
    X(without_keys_a_nick_is_whoever_says_so)                   \
    X(the_first_join_makes_the_room_and_appends_an_event)       \
    X(joining_again_changes_nothing)                            \
    X(leaving_appends_once)                                     \
    X(a_room_that_looks_like_another_is_refused)                \
    X(a_mark_is_kept_per_account_name_and_stream)               \
    X(an_account_has_a_limited_number_of_marks)                 \
    X(replay_tells_streams_before_members)

STORE_CONTRACT_MAIN(CONTRACT)
