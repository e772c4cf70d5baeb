/* test_store_read.c - pages of events, and what a full disk leaves possible, on all stores. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

/* --- reading ---------------------------------------------------------------------- */

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
    assert_int_equal(page.there, 3);
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

/* --- a full disk ------------------------------------------------------------------ */

static void a_full_disk_refuses_writing_and_answers_the_rest(void **state)
{
    struct box *box = *state;
    const struct store_limits none_free = BOX_LIMITS_FULL;
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
    const struct store_limits none_free = BOX_LIMITS_FULL;
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const struct op one = op_post(box, "alice", alice, "@bob", bob, 77, 1, "one");
    const struct op confirm = op_confirm(box, "bob", bob, 1);

    box_apply(box, &one);
    store_set_limits(box->store, &none_free);
    assert_int_equal(box_apply(box, &confirm), RC_DISK_FULL);
    assert_int_equal(box->result.appended_count, 0);
}

static void note_head(void *context, stream_id stream, uint64_t head)
{
    uint64_t *heads = context;

    assert_in_range(stream.v, 1, 7);
    assert_int_equal(heads[stream.v], 0); /* each once */
    heads[stream.v] = head;
}

static void heads_tell_where_streams_with_events_stand(void **state)
{
    struct box *box = *state;
    const stream_id lobby = fill_room(box, 5, "hello");
    uint64_t heads[8] = {0};

    assert_int_equal(store_read_heads(box->reader, note_head, heads), RC_OK);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(heads[i], i == lobby.v ? 6 : 0);
}

static void the_version_changes_with_what_is_committed(void **state)
{
    struct box *box = *state;
    uint64_t first = 0, same = 1, other = 0;
    const stream_id alice = {1};
    const stream_id lobby = fill_room(box, 1, "hello");
    const struct op more = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "more");

    assert_int_equal(store_read_version(box->reader, &first), RC_OK);
    assert_int_equal(store_read_size(box->reader, &same), box->kind == BOX_PG ? RC_OK : RC_END);
    assert_int_equal(store_read_version(box->reader, &same), RC_OK);
    assert_true(first == same);
    assert_int_equal(box_apply(box, &more), RC_OK);
    assert_int_equal(store_read_version(box->reader, &other), RC_OK);
    assert_true(other != first);
}

#define CONTRACT(X)                                     \
    X(a_page_holds_the_asked_range_byte_for_byte)       \
    X(an_empty_range_gives_an_empty_page)               \
    X(a_page_ends_at_its_limits_but_holds_one_event)    \
    X(since_begins_at_the_first_event_not_older)        \
    X(a_large_text_comes_back_whole)                    \
    X(a_full_disk_refuses_writing_and_answers_the_rest) \
    X(a_full_disk_refuses_confirming)                   \
    X(heads_tell_where_streams_with_events_stand)       \
    X(the_version_changes_with_what_is_committed)

STORE_CONTRACT_MAIN(CONTRACT)
