/* test_store.c - both stores keep record.h's and store.h's word, and do the same. */
#include "tests/support/check.h"
#include "tests/support/store_box.h"

/* --- accounts ------------------------------------------------------------------------ */

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

/* --- rooms --------------------------------------------------------------------------- */

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

/* --- posts and their numbers --------------------------------------------------------- */

static void a_post_gets_the_next_place_of_its_room(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "hello");

    op.kind_name = SPAN("notice");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_false(box->result.is_duplicate);
    assert_int_equal(box->result.stream.v, lobby.v);
    assert_int_equal(box->result.seq, 2);
    assert_int_equal(box->result.own_seq, 0);
    assert_int_equal(box->result.ts_ms, op.ts_ms);
    assert_int_equal(box->result.next, 2);
    assert_int_equal(box->result.appended_count, 1);

    const struct message event = read_event(box->result.appended[0].wire);
    assert_span_equal(event.text, "hello");
    assert_span_equal(event.kind, "notice");
    assert_int_equal(event.session, 77);
    assert_int_equal(event.number, 1);
    assert_false(message_has(&event, HAS_TO));
    assert_false(message_has(&event, HAS_PEER_SEQ));
}

static void a_private_message_stands_in_both_streams(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const struct op to_self = op_post(box, "alice", alice, "@alice", alice, 77, 1, "note");
    const struct op op = op_post(box, "alice", alice, "@bob", bob, 77, 2, "psst");

    assert_int_equal(box_apply(box, &to_self), RC_OK);
    assert_int_equal(box->result.appended_count, 1);
    assert_int_equal(box->result.own_seq, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.stream.v, bob.v);
    assert_int_equal(box->result.seq, 1);
    assert_int_equal(box->result.own_seq, 2);
    assert_int_equal(box->result.appended_count, 2);

    const struct message theirs = read_event(box->result.appended[0].wire);
    const struct message copy = read_event(box->result.appended[1].wire);
    assert_span_equal(theirs.stream, "@bob");
    assert_span_equal(theirs.from, "alice");
    assert_span_equal(theirs.to, "bob");
    assert_false(message_has(&theirs, HAS_PEER_SEQ));
    assert_false(message_has(&theirs, HAS_KIND));
    assert_span_equal(copy.stream, "@alice");
    assert_span_equal(copy.to, "bob");
    assert_int_equal(copy.seq, 2);
    assert_int_equal(copy.peer_seq, 1);
}

static void a_retry_is_answered_with_the_first_place(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    const struct op again = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "else");

    box_apply(box, &one);
    box_apply(box, &two);
    assert_int_equal(box_apply(box, &again), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.stream.v, bob.v);
    assert_int_equal(box->result.seq, 1);
    assert_int_equal(box->result.own_seq, 1);
    assert_int_equal(box->result.ts_ms, one.ts_ms);
    assert_int_equal(box->result.next, 3);
    assert_int_equal(box->result.appended_count, 0);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).head, 2);
}

static void a_later_number_is_told_which_one_comes_next(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op early = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    const struct op zero = op_post(box, "alice", alice, "#lobby", lobby, 77, 0, "none");

    assert_int_equal(box_apply(box, &early), RC_BAD_FIELD);
    assert_int_equal(box->result.next, 1);
    assert_int_equal(box_apply(box, &zero), RC_BAD_FIELD);
    assert_int_equal(box->result.next, 1);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).head, 1);
}

static void a_session_belongs_to_the_account_that_used_it_first(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op mine = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "mine");
    const struct op theirs = op_post(box, "bob", bob, "#lobby", lobby, 77, 2, "theirs");
    struct op hello = op_hello(box, "bob", 0, 77);
    const struct op stranger = op_hello(box, "carol", 9, 77);

    box_apply(box, &mine);
    assert_int_equal(box_apply(box, &theirs), RC_SESSION_TAKEN);
    assert_int_equal(box_apply(box, &hello), RC_SESSION_TAKEN);
    assert_int_equal(box_apply(box, &stranger), RC_SESSION_TAKEN);
    assert_false(box->result.is_new);
    hello.nick = SPAN("alice");
    assert_int_equal(box_apply(box, &hello), RC_OK);
    assert_int_equal(box->result.next, 2);
    assert_int_equal(box->result.seq, 0);
}

static void a_voided_number_is_never_stored(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op skip = op_void(box, alice, 77, 1, RC_VOIDED);
    const struct op refused = op_void(box, alice, 77, 2, RC_BAD_TEXT);
    const struct op late = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "late");

    assert_int_equal(box_apply(box, &skip), RC_VOIDED);
    assert_false(box->result.is_duplicate);
    assert_int_equal(box->result.next, 2);
    assert_int_equal(box_apply(box, &refused), RC_BAD_TEXT);
    assert_int_equal(box->result.next, 3);
    assert_int_equal(box_apply(box, &late), RC_VOIDED);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.next, 3);
    assert_true(stream_is_none(box->result.stream));
    assert_int_equal(box_apply(box, &refused), RC_BAD_TEXT);
    assert_true(box->result.is_duplicate);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).head, 1);
}

static void voiding_a_stored_number_tells_its_place(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op skip = op_void(box, alice, 77, 1, RC_VOIDED);

    box_apply(box, &op);
    assert_int_equal(box_apply(box, &skip), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.stream.v, lobby.v);
    assert_int_equal(box->result.seq, 2);
}

/* Numbers 1 to 300 of one session, a place in the room for each but every third, which is refused. */
static void fill_window(struct box *box, stream_id alice, stream_id lobby)
{
    for (uint32_t n = 1; n <= 300; n++) {
        const struct op op = n % 3 == 0 ? op_void(box, alice, 77, n, RC_NOT_MEMBER)
                                        : op_post(box, "alice", alice, "#lobby", lobby, 77, n, "x");

        box_apply(box, &op);
    }
}

static void answers_are_remembered_for_the_window_and_no_longer(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct op ops[300];
    struct op_result results[300];

    fill_window(box, alice, lobby);
    for (uint32_t n = 1; n <= 300; n++)
        ops[n - 1] = op_post(box, "alice", alice, "#lobby", lobby, 77, n, "x");
    assert_int_equal(store_apply(box->store, ops, 300, results), RC_OK);
    for (uint32_t n = 1; n <= 300; n++) {
        const struct op_result *result = &results[n - 1];

        if (n <= 300 - POST_WINDOW) {
            assert_int_equal(result->rc, RC_TOO_OLD);
            continue;
        }
        assert_true(result->is_duplicate);
        assert_int_equal(result->rc, n % 3 == 0 ? RC_NOT_MEMBER : RC_OK);
        if (n % 3 != 0)
            assert_int_equal(result->seq, 1 + n - n / 3);
    }
}

static void answers_stay_right_while_the_window_moves_within_one_batch(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    static struct op ops[602];
    static struct op_result results[602];

    fill_window(box, alice, lobby); /* its last place is 201 */
    ops[0] = op_post(box, "alice", alice, "#lobby", lobby, 77, 100, "again");
    for (uint32_t i = 0; i < 300; i++) {
        ops[1 + 2 * i] = op_post(box, "alice", alice, "#lobby", lobby, 77, 301 + i, "new");
        ops[2 + 2 * i] = op_post(box, "alice", alice, "#lobby", lobby, 77, 301 + i - 255, "old");
    }
    ops[601] = op_post(box, "alice", alice, "#lobby", lobby, 77, 344, "too old");
    assert_int_equal(store_apply(box->store, ops, 602, results), RC_OK);
    assert_int_equal(results[0].seq, 68);
    for (uint32_t i = 0; i < 300; i++) {
        const uint32_t old = 301 + i - 255;
        const struct op_result *result = &results[2 + 2 * i];

        assert_int_equal(results[1 + 2 * i].seq, 202 + i);
        assert_true(result->is_duplicate);
        if (old > 300)
            assert_int_equal(result->seq, 202 + old - 301);
        else if (old % 3 != 0)
            assert_int_equal(result->seq, 1 + old - old / 3);
        else
            assert_int_equal(result->rc, RC_NOT_MEMBER);
    }
    assert_int_equal(results[601].rc, RC_TOO_OLD);
}

static void operations_of_a_batch_see_each_other_in_order(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op ops[] = {
        op_hello(box, "bob", 2, 78),
        op_hello(box, "bob", 3, 79),
        op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one"),
        op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one again"),
        op_post(box, "alice", alice, "#lobby", lobby, 77, 3, "early"),
        op_void(box, alice, 77, 2, RC_VOIDED),
        op_post(box, "alice", alice, "#lobby", lobby, 77, 3, "three"),
    };
    struct op_result results[7];

    assert_int_equal(store_apply(box->store, ops, 7, results), RC_OK);
    assert_true(results[0].is_new);
    assert_int_equal(results[1].rc, RC_NICK_IN_USE);
    assert_int_equal(results[2].seq, 2);
    assert_true(results[3].is_duplicate);
    assert_int_equal(results[3].seq, 2);
    assert_int_equal(results[4].rc, RC_BAD_FIELD);
    assert_int_equal(results[4].next, 2);
    assert_int_equal(results[5].rc, RC_VOIDED);
    assert_int_equal(results[6].seq, 3);
    assert_span_equal(read_event(results[2].appended[0].wire).text, "one");
    assert_span_equal(read_event(results[6].appended[0].wire).text, "three");
}

static void the_times_of_a_stream_never_run_back(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "one");
    struct op two = op_post(box, "bob", bob, "@alice", alice, 78, 1, "two");
    struct op three = op_post(box, "alice", alice, "@bob", bob, 77, 2, "three");

    one.ts_ms = 9000;
    two.ts_ms = 5000;
    three.ts_ms = 9500;
    box_apply(box, &one);
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_int_equal(box->result.ts_ms, 9000);
    box_apply(box, &two);
    assert_int_equal(box->result.ts_ms, 9000);
    assert_int_equal(box_apply(box, &three), RC_OK);
    assert_int_equal(box->result.ts_ms, 9500);
}

static void a_post_to_a_stream_that_is_not_there_uses_no_number(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const struct op to_room = op_post(box, "alice", alice, "#none", (stream_id){99}, 77, 1, "x");
    const struct op to_nick = op_post(box, "alice", alice, "@none", (stream_id){99}, 77, 1, "x");

    assert_int_equal(box_apply(box, &to_room), RC_NO_SUCH_ROOM);
    assert_int_equal(box_apply(box, &to_nick), RC_NO_SUCH_NICK);
    assert_int_equal(box->result.next, 1);
}

/* --- confirming ---------------------------------------------------------------------- */

static void confirming_brings_each_sender_one_receipt(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id carol = person(box, "carol");
    const struct op posts[] = {
        op_post(box, "alice", alice, "@bob", bob, 77, 1, "1"),
        op_post(box, "bob", bob, "@carol", carol, 78, 1, "2"), /* bob's copy: no receipt */
        op_post(box, "alice", alice, "@bob", bob, 77, 2, "3"),
        op_post(box, "carol", carol, "@bob", bob, 79, 1, "4"),
        op_post(box, "bob", bob, "@bob", bob, 78, 2, "5"), /* to himself: none either */
        op_post(box, "carol", carol, "@bob", bob, 79, 2, "6"),
    };
    struct op_result results[6];
    const struct op confirm = op_confirm(box, "bob", bob, 5);

    assert_int_equal(store_apply(box->store, posts, 6, results), RC_OK);
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, 5);
    assert_int_equal(box->result.appended_count, 2);
    assert_int_equal(box->result.appended[0].stream.v, alice.v);
    assert_int_equal(box->result.appended[0].seq, 3);
    assert_int_equal(box->result.appended[1].stream.v, carol.v);

    const struct message receipt = read_event(box->result.appended[0].wire);
    assert_span_equal(receipt.type, "receipt");
    assert_span_equal(receipt.stream, "@alice");
    assert_span_equal(receipt.from, "bob");
    assert_int_equal(receipt.upto, 5);
    const struct op hello = op_hello(box, "bob", 0, 78);
    box_apply(box, &hello);
    assert_int_equal(box->result.confirmed, 5);
}

static void confirming_again_or_less_changes_nothing(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "1");
    const struct op two = op_post(box, "alice", alice, "@bob", bob, 77, 2, "2");
    struct op confirm = op_confirm(box, "bob", bob, 99);

    box_apply(box, &one);
    box_apply(box, &two);
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, 2); /* never beyond the head */
    assert_int_equal(box->result.appended_count, 1);
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, 2);
    assert_int_equal(box->result.appended_count, 0);
    confirm.seq = 1;
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, 2);
}

static void a_receipt_makes_no_further_receipt(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "1");
    const struct op by_bob = op_confirm(box, "bob", bob, 1);
    const struct op by_alice = op_confirm(box, "alice", alice, 2);

    box_apply(box, &one);
    box_apply(box, &by_bob);
    assert_int_equal(box_apply(box, &by_alice), RC_OK);
    assert_int_equal(box->result.seq, 2);
    assert_int_equal(box->result.appended_count, 0);
}

static void receipts_beyond_one_result_wait_for_the_next_confirmation(void **state)
{
    struct box *box = *state;
    const stream_id bob = person(box, "bob");
    const struct op confirm = op_confirm(box, "bob", bob, 100);
    size_t receipts = 0;

    for (unsigned i = 0; i < 100; i++) {
        char nick[16];
        stream_id sender;

        snprintf(nick, sizeof(nick), "sender%u", i);
        sender = person(box, nick);
        const struct op op = op_post(box, nick, sender, "@bob", bob, 1000 + i, 1, "x");
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, OP_APPENDED_MAX);
    assert_int_equal(box->result.appended_count, OP_APPENDED_MAX);
    for (size_t i = 0; i < box->result.appended_count; i++)
        receipts += read_event(box->result.appended[i].wire).upto == OP_APPENDED_MAX;
    assert_int_equal(receipts, OP_APPENDED_MAX);
    assert_int_equal(box_apply(box, &confirm), RC_OK);
    assert_int_equal(box->result.seq, 100);
    assert_int_equal(box->result.appended_count, 100 - OP_APPENDED_MAX);
}

static void confirming_very_much_goes_on_with_the_next_confirmation(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    static struct op ops[5000];
    static struct op_result results[5000];
    const struct op confirm = op_confirm(box, "bob", bob, 5000);
    uint64_t seq = 0;

    for (uint32_t i = 0; i < 5000; i++)
        ops[i] = op_post(box, "alice", alice, "@bob", bob, 77, i + 1, "x");
    assert_int_equal(store_apply(box->store, ops, 5000, results), RC_OK);
    for (int i = 0; i < 5 && seq < 5000; i++) {
        assert_int_equal(box_apply(box, &confirm), RC_OK);
        assert_true(box->result.seq > seq);
        assert_int_equal(box->result.appended_count, 1);
        seq = box->result.seq;
    }
    assert_int_equal(seq, 5000);
}

/* --- marks --------------------------------------------------------------------------- */

static struct op op_mark(struct box *box, enum op_kind kind, stream_id account, const char *mark,
                         stream_id stream, uint64_t seq)
{
    return (struct op){.kind = kind,
                       .ts_ms = ++box->now_ms,
                       .account = account,
                       .mark = span_of(mark),
                       .stream = stream,
                       .seq = seq};
}

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

/* --- reading ------------------------------------------------------------------------- */

static stream_id fill_room(struct box *box, uint32_t posts, const char *text)
{
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    for (uint32_t n = 1; n <= posts; n++) {
        struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, n, text);

        op.ts_ms = 100000 + n * 10;
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    return lobby;
}

static void a_page_holds_the_asked_range_byte_for_byte(void **state)
{
    struct box *box = *state;
    const stream_id lobby = fill_room(box, 5, "hello");
    const stream_id alice = {1};
    struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, 6, "last one");
    char wire[512];
    struct store_page page;
    struct span last;

    box_apply(box, &op);
    last = box->result.appended[0].wire;
    memcpy(wire, last.ptr, last.len);
    page = read_range(box, lobby, 3, 0, 0);
    assert_int_equal(page.first, 3);
    assert_int_equal(page.last, 7);
    assert_int_equal(page.count, 5);
    assert_int_equal(page.head, 7);
    assert_int_equal(page.kept, 1);
    assert_memory_equal(page.wire.ptr + page.wire.len - last.len, wire, last.len);

    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT);
    for (uint64_t seq = 3; seq <= 7; seq++) {
        struct message event;

        assert_int_equal(wire_read(&reader, &event), RC_OK);
        assert_int_equal(event.seq, seq);
    }
}

static void an_empty_range_gives_an_empty_page(void **state)
{
    struct box *box = *state;
    const stream_id lobby = fill_room(box, 2, "hello");
    struct store_page page = read_range(box, lobby, 4, 0, 0);

    assert_int_equal(page.count, 0);
    assert_int_equal(page.first, 0);
    assert_int_equal(page.last, 0);
    assert_int_equal(page.head, 3);
    page = read_range(box, lobby, 3, 2, 0);
    assert_int_equal(page.count, 0);
    page = read_range(box, (stream_id){1}, 1, 0, 0);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.kept, 1);
    page = read_range(box, (stream_id){999}, 1, 0, 0);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.head, 0);
}

static void a_page_ends_at_its_limits_but_holds_one_event(void **state)
{
    struct box *box = *state;
    const stream_id lobby = fill_room(box, 20, "0123456789012345678901234567890123456789");
    struct store_range range = {.stream = lobby, .first = 2, .events_max = 7, .bytes_max = 100000};
    struct store_page page;
    size_t one;

    assert_int_equal(store_read(box->reader, &range, &page), RC_OK);
    assert_int_equal(page.count, 7);
    assert_int_equal(page.last, 8);
    range.bytes_max = 1;
    assert_int_equal(store_read(box->reader, &range, &page), RC_OK);
    assert_int_equal(page.count, 1);
    one = page.wire.len;
    range.bytes_max = 3 * one;
    assert_int_equal(store_read(box->reader, &range, &page), RC_OK);
    assert_int_equal(page.count, 3);
}

static void since_begins_at_the_first_event_not_older(void **state)
{
    struct box *box = *state;
    const stream_id lobby = fill_room(box, 50, "x"); /* seq n + 1 at 100000 + 10 n */

    assert_int_equal(read_range(box, lobby, 0, 0, 1).first, 1);
    assert_int_equal(read_range(box, lobby, 0, 0, 100010).first, 2);
    assert_int_equal(read_range(box, lobby, 0, 0, 100011).first, 3);
    assert_int_equal(read_range(box, lobby, 0, 0, 100500).first, 51);
    assert_int_equal(read_range(box, lobby, 0, 0, 100501).count, 0);
    assert_int_equal(read_range(box, lobby, 0, 10, 100050).last, 10);
}

static void a_large_text_comes_back_whole(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    char *text = calloc(1, TEXT_BYTES_MAX + 1);
    struct op op;

    assert_non_null(text);
    memset(text, 'z', TEXT_BYTES_MAX);
    op = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, text);
    assert_int_equal(box_apply(box, &op), RC_OK);
    const struct message event = read_event(read_range(box, lobby, 2, 2, 0).wire);
    assert_span_equal(event.text, text);
    free(text);
}

/* --- a full disk --------------------------------------------------------------------- */

static void a_full_disk_refuses_writing_and_answers_the_rest(void **state)
{
    struct box *box = *state;
    const struct store_limits none_free = {.free_bytes_min = UINT64_MAX};
    const struct store_limits enough = {.free_bytes_min = 1};
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    const struct op three = op_post(box, "alice", alice, "#lobby", lobby, 77, 3, "three");
    const struct op skip = op_void(box, alice, 77, 2, RC_VOIDED);
    const struct op known = op_join(box, "alice", alice, "#lobby", lobby);
    const struct op other = op_join(box, "alice", alice, "#other", (stream_id){0});
    const struct op leave = op_leave(box, "alice", alice, "#lobby", lobby);
    const struct op hello = op_hello(box, "alice", 0, 77);
    const struct op stranger = op_hello(box, "bob", 2, 78);
    const struct op mark = op_mark(box, OP_MARK, alice, "m", lobby, 1);
    const struct op get = op_mark(box, OP_MARK_GET, alice, "m", lobby, 0);

    box_apply(box, &one);
    store_set_limits(box->store, &none_free);
    assert_int_equal(box_apply(box, &two), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &three), RC_DISK_FULL); /* not: expect number 2 */
    assert_int_equal(box_apply(box, &skip), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &other), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &leave), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &stranger), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &mark), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box_apply(box, &known), RC_OK);
    assert_int_equal(box_apply(box, &hello), RC_OK);
    assert_int_equal(box->result.next, 2);
    assert_int_equal(box_apply(box, &get), RC_OK);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).head, 2);
    store_set_limits(box->store, &enough);
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_int_equal(box->result.seq, 3);
    assert_int_equal(store_maintain(box->store), RC_OK);
}

static void a_full_disk_refuses_confirming(void **state)
{
    struct box *box = *state;
    const struct store_limits none_free = {.free_bytes_min = UINT64_MAX};
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "one");
    const struct op confirm = op_confirm(box, "bob", bob, 1);

    box_apply(box, &one);
    store_set_limits(box->store, &none_free);
    assert_int_equal(box_apply(box, &confirm), RC_DISK_FULL);
    assert_int_equal(box->result.appended_count, 0);
}

/* --- replay -------------------------------------------------------------------------- */

struct told {
    struct record record[64];
    char text[64][2][32]; /* name, skeleton */
    size_t count;
};

static void tell(void *context, const struct record *record)
{
    struct told *told = context;
    const size_t at = told->count++;

    assert_true(at < 64);
    told->record[at] = *record;
    snprintf(told->text[at][0], 32, "%.*s", (int)record->name.len, record->name.ptr);
    snprintf(told->text[at][1], 32, "%.*s", (int)record->skeleton.len, record->skeleton.ptr);
}

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
    assert_int_equal(told.count, 6);
    assert_string_equal(told.text[0][0], "@alice");
    assert_string_equal(told.text[0][1], "alice");
    assert_memory_equal(told.record[0].owner_key, "alice", 6);
    assert_int_equal(told.record[0].head, 2);
    assert_int_equal(told.record[0].epoch, 1);
    assert_string_equal(told.text[1][0], "#lobby");
    assert_int_equal(told.record[1].head, 3);
    assert_string_equal(told.text[2][0], "@bob");
    assert_int_equal(told.record[2].confirmed, 1);
    assert_string_equal(told.text[3][0], "#games");
    assert_int_equal(told.record[4].kind, RECORD_MEMBER);
    assert_int_equal(told.record[4].stream.v, lobby.v);
    assert_int_equal(told.record[4].member.v, alice.v);
    assert_int_equal(told.record[5].stream.v, told.record[3].stream.v);
    assert_int_equal(told.record[5].member.v, bob.v);
}

/* --- both do the same ---------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
    return (uint32_t)(next_random(seed) % limit);
}

static const char *const NICKS[] = {"ann", "bob", "cat", "dan", "eve", "fay"};
static const char *const PEOPLE[] = {"@ann", "@bob", "@cat", "@dan", "@eve", "@fay"};
static const char *const ROOMS[] = {"#one", "#two", "#0ne", "#new"};

/* What a core would ask, and what it would never ask: the people are streams 1 to 6, a session belongs
 * mostly to one of them, and numbers are mostly near the one that comes next. */
static struct op random_op(struct box *box, uint64_t *seed, const uint32_t next[8])
{
    const uint32_t who = below(seed, 6);
    const stream_id account = {who + 1};
    const uint32_t slot = below(seed, 20) == 0 ? below(seed, 8) : who;
    const uint64_t session = 500 + slot;
    const uint32_t number = below(seed, 3) > 0 ? next[slot] : next[slot] + 2 - below(seed, 6);
    const uint32_t target = below(seed, 12);
    const char *name = target < 6 ? PEOPLE[target] : ROOMS[target % 4];
    struct op op = {0};

    switch (below(seed, 12)) {
    case 0:
        op = op_hello(box, NICKS[who], (unsigned char)below(seed, 3), session);
        break;
    case 1:
        op = op_join(box, NICKS[who], account, ROOMS[below(seed, 4)], (stream_id){0});
        if (below(seed, 4) == 0)
            op.skeleton = SPAN("one");
        break;
    case 2:
        op = op_leave(box, NICKS[who], account, "#one", (stream_id){7});
        break;
    case 3:
        op = op_void(box, account, session, number, below(seed, 2) ? RC_VOIDED : RC_BAD_TEXT);
        break;
    case 4:
        op = op_confirm(box, NICKS[who], account, below(seed, 200));
        break;
    case 5:
        op = op_mark(box, below(seed, 2) ? OP_MARK : OP_MARK_GET, account, NICKS[below(seed, 2)],
                     account, below(seed, 9));
        break;
    default:
        op = op_post(box, NICKS[who], account, name, (stream_id){target < 6 ? target + 1 : target},
                     session, number, "some text");
    }
    op.ts_ms += below(seed, 100);
    return op;
}

static void assert_same_result(const struct op_result *a, const struct op_result *b)
{
    assert_int_equal(a->rc, b->rc);
    assert_int_equal(a->is_duplicate, b->is_duplicate);
    assert_int_equal(a->stream.v, b->stream.v);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->own_seq, b->own_seq);
    assert_int_equal(a->ts_ms, b->ts_ms);
    assert_int_equal(a->confirmed, b->confirmed);
    assert_int_equal(a->next, b->next);
    assert_int_equal(a->is_new, b->is_new);
    assert_int_equal(a->is_new_room, b->is_new_room);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->appended_count, b->appended_count);
    for (size_t i = 0; i < a->appended_count; i++) {
        assert_int_equal(a->appended[i].stream.v, b->appended[i].stream.v);
        assert_int_equal(a->appended[i].seq, b->appended[i].seq);
        assert_int_equal(a->appended[i].ts_ms, b->appended[i].ts_ms);
        assert_int_equal(a->appended[i].wire.len, b->appended[i].wire.len);
        assert_memory_equal(a->appended[i].wire.ptr, b->appended[i].wire.ptr,
                            a->appended[i].wire.len);
    }
}

static void assert_same_log(struct box *a, struct box *b)
{
    static struct told told[2];

    told[0].count = told[1].count = 0;
    assert_int_equal(store_replay(a->store, tell, &told[0]), RC_OK);
    assert_int_equal(store_replay(b->store, tell, &told[1]), RC_OK);
    assert_int_equal(told[0].count, told[1].count);
    for (size_t i = 0; i < told[0].count; i++) {
        const struct record *one = &told[0].record[i];
        const struct record *other = &told[1].record[i];

        assert_int_equal(one->kind, other->kind);
        assert_int_equal(one->stream.v, other->stream.v);
        assert_int_equal(one->member.v, other->member.v);
        assert_int_equal(one->head, other->head);
        assert_int_equal(one->confirmed, other->confirmed);
        assert_memory_equal(one->owner_key, other->owner_key, sizeof(one->owner_key));
        assert_memory_equal(told[0].text[i], told[1].text[i], sizeof(told[0].text[i]));
    }
    for (uint32_t id = 1; id < 12; id++) {
        for (uint64_t first = 1, step = 0; step < 4; first += 97, step++) {
            const struct store_page one = read_range(a, (stream_id){id}, first, 0, 0);
            const struct store_page other = read_range(b, (stream_id){id}, first, 0, 0);

            assert_int_equal(one.count, other.count);
            assert_int_equal(one.first, other.first);
            assert_int_equal(one.last, other.last);
            assert_int_equal(one.head, other.head);
            assert_int_equal(one.kept, other.kept);
            assert_int_equal(one.wire.len, other.wire.len);
            if (one.wire.len > 0)
                assert_memory_equal(one.wire.ptr, other.wire.ptr, one.wire.len);
        }
    }
}

static void run_same_batches(struct box *a, struct box *b, uint64_t *seed)
{
    uint32_t next[8] = {1, 1, 1, 1, 1, 1, 1, 1};

    for (int turn = 0; turn < 60; turn++) {
        struct op ops[40];
        struct op_result one[40], other[40];
        const size_t count = 1 + below(seed, 40);

        for (size_t i = 0; i < count; i++)
            ops[i] = random_op(a, seed, next);
        assert_int_equal(store_apply(a->store, ops, count, one), RC_OK);
        assert_int_equal(store_apply(b->store, ops, count, other), RC_OK);
        for (size_t i = 0; i < count; i++) {
            assert_same_result(&one[i], &other[i]);
            if (ops[i].session.v >= 500 && one[i].next > next[ops[i].session.v - 500])
                next[ops[i].session.v - 500] = one[i].next;
        }
        if (below(seed, 10) == 0) {
            box_close(b);
            box_open(b);
        }
    }
}

static void random_operations_give_the_same_on_both_stores(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 12; round++) {
        struct box *memory = box_new(false);
        struct box *sqlite = box_new(true);
        uint64_t seed = round;

        for (size_t i = 0; i < 6; i++) {
            person(memory, NICKS[i]);
            person(sqlite, NICKS[i]);
        }
        run_same_batches(memory, sqlite, &seed);
        assert_same_log(memory, sqlite);
        box_close(sqlite);
        box_open(sqlite);
        assert_same_log(memory, sqlite);
        box_destroy(memory);
        box_destroy(sqlite);
    }
}

/* --- both kinds ---------------------------------------------------------------------- */

static int set_up_memory(void **state)
{
    *state = box_new(false);
    return 0;
}

static int set_up_sqlite(void **state)
{
    *state = box_new(true);
    return 0;
}

static int tear_down(void **state)
{
    box_destroy(*state);
    return 0;
}

#define CONTRACT(X)                                               \
    X(a_free_nick_becomes_an_account)                             \
    X(the_same_key_finds_its_account_and_stream_key_again)        \
    X(a_nick_of_another_key_is_refused)                           \
    X(a_key_that_has_another_nick_is_refused)                     \
    X(a_nick_that_looks_like_another_is_refused_but_not_a_room)   \
    X(without_keys_a_nick_is_whoever_says_so)                     \
    X(the_first_join_makes_the_room_and_appends_an_event)         \
    X(joining_again_changes_nothing)                              \
    X(leaving_appends_once)                                       \
    X(a_room_that_looks_like_another_is_refused)                  \
    X(a_post_gets_the_next_place_of_its_room)                     \
    X(a_private_message_stands_in_both_streams)                   \
    X(a_retry_is_answered_with_the_first_place)                   \
    X(a_later_number_is_told_which_one_comes_next)                \
    X(a_session_belongs_to_the_account_that_used_it_first)        \
    X(a_voided_number_is_never_stored)                            \
    X(voiding_a_stored_number_tells_its_place)                    \
    X(answers_are_remembered_for_the_window_and_no_longer)        \
    X(answers_stay_right_while_the_window_moves_within_one_batch) \
    X(operations_of_a_batch_see_each_other_in_order)              \
    X(the_times_of_a_stream_never_run_back)                       \
    X(a_post_to_a_stream_that_is_not_there_uses_no_number)        \
    X(confirming_brings_each_sender_one_receipt)                  \
    X(confirming_again_or_less_changes_nothing)                   \
    X(a_receipt_makes_no_further_receipt)                         \
    X(receipts_beyond_one_result_wait_for_the_next_confirmation)  \
    X(confirming_very_much_goes_on_with_the_next_confirmation)    \
    X(a_mark_is_kept_per_account_name_and_stream)                 \
    X(an_account_has_a_limited_number_of_marks)                   \
    X(a_page_holds_the_asked_range_byte_for_byte)                 \
    X(an_empty_range_gives_an_empty_page)                         \
    X(a_page_ends_at_its_limits_but_holds_one_event)              \
    X(since_begins_at_the_first_event_not_older)                  \
    X(a_large_text_comes_back_whole)                              \
    X(a_full_disk_refuses_writing_and_answers_the_rest)           \
    X(a_full_disk_refuses_confirming)                             \
    X(replay_tells_streams_before_members)

int main(void)
{
#define X(test) cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down),
    const struct CMUnitTest memory[] = {CONTRACT(X)};
#undef X
#define X(test) cmocka_unit_test_setup_teardown(test, set_up_sqlite, tear_down),
    const struct CMUnitTest sqlite[] = {CONTRACT(X)};
#undef X
    const struct CMUnitTest both[] = {
        cmocka_unit_test(random_operations_give_the_same_on_both_stores),
    };

    return cmocka_run_group_tests_name("memory", memory, NULL, NULL) +
           cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL) +
           cmocka_run_group_tests_name("both", both, NULL, NULL);
}
