/* test_store_posts.c - posts, their numbers, and confirming: all stores keep record.h's word. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

#include "broker/store/arena.h"

/* --- posts and their numbers ------------------------------------------------------ */

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
    const stream_id carol = person(box, "carol");
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

    struct op late = op_post(box, "carol", carol, "@bob", bob, 79, 1, "late");
    late.ts_ms = 5000;
    assert_int_equal(box_apply(box, &late), RC_OK);
    assert_int_equal(box->result.appended[0].ts_ms, 9500);
    assert_int_equal(box->result.appended[1].ts_ms, 5000); /* her own stream knows of no later */
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

/* --- confirming ------------------------------------------------------------------- */

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

/* Carol's one message among 300 of alice's, at each end of what the store may read at a time. */
static void a_sender_is_found_wherever_its_message_stands(void **state)
{
    static const uint32_t places[] = {1, 255, 256, 257, 258, 300};
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id carol = person(box, "carol");
    const struct op confirm = op_confirm(box, "bob", bob, 1000000);
    uint32_t number = 0;

    for (uint32_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (uint32_t n = 1; n <= 300; n++) {
            const struct op op = n == places[i]
                                     ? op_post(box, "carol", carol, "@bob", bob, 78, i + 1, "x")
                                     : op_post(box, "alice", alice, "@bob", bob, 77, ++number, "x");

            assert_int_equal(box_apply(box, &op), RC_OK);
        }
        assert_int_equal(box_apply(box, &confirm), RC_OK);
        assert_int_equal(box->result.appended_count, 2);
    }
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

/* Several owners in one transaction. What the results of one borrow lies in its own arena: whichever goes first, the other's
 * stays, and so it does when the store begins its next transaction. */
static void each_part_of_a_transaction_is_answered_in_its_own_place(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "first");
    struct op ops[2] = {op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "second"),
                        op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "again")};
    struct op more = op_post(box, "alice", alice, "#lobby", lobby, 77, 3, "third");
    struct op_result first, others[2];
    struct arena arenas[2] = {{0}, {0}};
    const struct store_part parts[] = {{&one, 1, &first, &arenas[0]}, {ops, 2, others, &arenas[1]}};

    assert_int_equal(store_apply_parts(box->store, parts, 2), RC_OK);
    assert_int_equal(box_apply(box, &more),
                     RC_OK); /* in the store's arena, from its beginning on */
    assert_int_equal(box->result.seq, 4);
    assert_int_equal(first.seq, 2);
    assert_span_equal(read_event(first.appended[0].wire).text, "first");
    arena_fini(&arenas[0]);
    assert_int_equal(others[0].seq, 3);
    assert_span_equal(read_event(others[0].appended[0].wire).text, "second");
    assert_true(others[1].is_duplicate);
    assert_int_equal(others[1].seq, 3);
    arena_fini(&arenas[1]);
}

#define CONTRACT(X)                                               \
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
    X(a_sender_is_found_wherever_its_message_stands)              \
    X(confirming_very_much_goes_on_with_the_next_confirmation)    \
    X(each_part_of_a_transaction_is_answered_in_its_own_place)

STORE_CONTRACT_MAIN(CONTRACT)
