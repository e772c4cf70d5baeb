/* What is kept no longer, and what is removed because somebody says so. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

/* Alice and bob are in #lobby; alice writes there in session 7. */
struct lobby {
    stream_id alice, bob, room;
};

static struct lobby lobby(struct box *box)
{
    struct lobby self = {.alice = person(box, "alice"), .bob = person(box, "bob")};
    struct op op;

    self.room = room(box, "#lobby", "alice", self.alice);
    op = op_join(box, "bob", self.bob, "#lobby", self.room);
    assert_int_equal(box_apply(box, &op), RC_OK);
    return self;
}

static void say(struct box *box, const struct lobby *lobby, uint32_t number, const char *text)
{
    const struct op op =
        op_post(box, "alice", lobby->alice, "#lobby", lobby->room, 7, number, text);

    assert_int_equal(box_apply(box, &op), RC_OK);
}

static void set_keep(struct box *box, struct store_keep keep)
{
    const struct store_limits limits = {.keep = keep};

    store_set_limits(box->store, &limits);
}

/* Clean until nothing is due, over two passes; returns the chunks. */
static unsigned clean(struct box *box)
{
    static uint64_t mono_ms = 1000;
    struct removed removed;
    unsigned chunks = 0;

    for (unsigned idle = 0; idle < 3;) {
        const enum rc rc = store_clean(box->store, mono_ms, box->now_ms, &removed);

        assert_true(rc == RC_OK || rc == RC_END);
        if (rc == RC_OK) /* it says what it took */
            assert_int_equal(read_range(box, removed.stream, removed.first, removed.last, 0).count,
                             0);
        chunks += rc == RC_OK;
        idle = rc == RC_OK ? 0 : idle + 1;
        mono_ms += rc == RC_OK ? 1 : 1000;
    }
    return chunks;
}

static void nothing_goes_unless_it_is_asked_for(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);

    say(box, &at, 1, "one");
    box->now_ms += 1000000;
    assert_int_equal(clean(box), 0);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).count, 3);
}

static void what_is_too_old_is_gone_and_numbers_go_on(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct store_page page;

    say(box, &at, 1, "old");
    box->now_ms += 5000;
    say(box, &at, 2, "new");
    set_keep(box, (struct store_keep){.age_ms = 3000});
    assert_true(clean(box) > 0);
    page = read_range(box, at.room, 1, 0, 0);
    assert_int_equal(page.kept, 4);
    assert_int_equal(page.first, 4);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.head, 4);
    say(box, &at, 3, "next");
    assert_int_equal(box->result.seq, 5);
    box->now_ms += 5000;
    assert_true(clean(box) > 0);
    page = read_range(box, at.room, 1, 0, 0);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.kept, 6);
    assert_int_equal(page.head, 5);
    box_close(box); /* memory begins anew, a disk does not */
    box_open(box);
    if (box->kind == BOX_MEMORY)
        return;
    say(box, &at, 4, "after");
    assert_int_equal(box->result.seq, 6);
}

static void a_repeat_of_what_is_gone_is_too_old(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct op op;

    say(box, &at, 1, "old");
    box->now_ms += 5000;
    say(box, &at, 2, "new");
    set_keep(box, (struct store_keep){.age_ms = 3000});
    clean(box);
    op = op_post(box, "alice", at.alice, "#lobby", at.room, 7, 1, "old");
    assert_int_equal(box_apply(box, &op), RC_TOO_OLD);
    assert_int_equal(box->result.next, 3);
    op = op_post(box, "alice", at.alice, "#lobby", at.room, 7, 2, "new");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.seq, 4);
}

static void of_each_stream_the_last_events_are_kept(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct store_page page;

    for (uint32_t i = 1; i <= 20; i++)
        say(box, &at, i, "text");
    set_keep(box, (struct store_keep){.events = 5});
    clean(box);
    page = read_range(box, at.room, 1, 0, 0);
    assert_int_equal(page.kept, 18);
    assert_int_equal(page.count, 5);
    assert_int_equal(page.head, 22);
}

static void more_than_a_chunk_goes_in_several(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);

    for (uint32_t i = 1; i <= 1200; i++)
        say(box, &at, i, "text");
    set_keep(box, (struct store_keep){.events = 1});
    assert_true(clean(box) >= 3);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).kept, 1202);
}

static void private_messages_stay_until_they_are_confirmed_or_too_old(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct op op;

    for (uint32_t i = 1; i <= 9; i++) {
        op = op_post(box, "alice", at.alice, "@bob", at.bob, 7, i, "psst");
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    set_keep(box, (struct store_keep){.events = 2});
    clean(box);
    assert_int_equal(read_range(box, at.bob, 1, 0, 0).kept, 1);
    op = op_confirm(box, "bob", at.bob, 4);
    assert_int_equal(box_apply(box, &op), RC_OK);
    clean(box);
    assert_int_equal(read_range(box, at.bob, 1, 0, 0).kept, 5);
    box->now_ms += 10000;
    set_keep(box, (struct store_keep){.age_ms = 5000});
    clean(box);
    assert_int_equal(read_range(box, at.bob, 1, 0, 0).kept, 10);
    /* The rest is confirmed all the same, with nobody to thank. */
    op = op_confirm(box, "bob", at.bob, 9);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 9);
    assert_int_equal(box->result.appended_count, 0);
}

static struct op op_keep(struct box *box, const struct lobby *lobby, uint32_t keep_s)
{
    return (struct op){.kind = OP_ROOM,
                       .ts_ms = ++box->now_ms,
                       .nick = SPAN("alice"),
                       .account = lobby->alice,
                       .stream = lobby->room,
                       .name = SPAN("#lobby"),
                       .has_keep = true,
                       .keep_s = keep_s};
}

static void a_room_has_a_time_of_its_own(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    const stream_id other = room(box, "#other", "bob", at.bob);
    struct op op = op_keep(box, &at, 2);
    struct told told = {.count = 0};

    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.keep_s, 2);
    assert_int_equal(box->result.appended_count, 1);
    assert_span_equal(read_event(box->result.appended[0].wire).text, "kept for 2 s");
    op = op_keep(box, &at, 2); /* as it is already */
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 0);
    assert_int_equal(store_replay(box->store, tell, &told), RC_OK);
    for (size_t i = 0; i < told.count; i++) {
        if (strcmp(told.text[i][0], "#lobby") == 0)
            assert_int_equal(told.record[i].keep_s, 2);
    }
    box->now_ms += 5000;
    clean(box);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).kept, 4);
    assert_int_equal(read_range(box, other, 1, 0, 0).kept, 1);

    op = op_keep(box, &at, KEEP_FOR_EVER);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_span_equal(read_event(box->result.appended[0].wire).text, "kept for ever");
    box->now_ms += 5000;
    set_keep(box, (struct store_keep){.age_ms = 1, .events = 1});
    clean(box);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).count, 1);
    assert_int_equal(read_range(box, other, 1, 0, 0).count, 0);
}

static void when_all_is_too_large_the_oldest_of_all_streams_goes(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    const stream_id other = room(box, "#other", "alice", at.alice);
    char text[8001];
    uint32_t number = 0;

    memset(text, 'x', 8000);
    text[8000] = '\0';
    for (int i = 0; i < 60; i++, box->now_ms += 1000)
        say(box, &at, ++number, text);
    for (int i = 0; i < 60; i++, box->now_ms += 1000) {
        const struct op op = op_post(box, "alice", at.alice, "#other", other, 7, ++number, text);
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    set_keep(box, (struct store_keep){.size_bytes = 500000});
    clean(box);
    assert_true(read_range(box, at.room, 1, 0, 0).kept > 50);
    assert_true(read_range(box, other, 1, 0, 0).kept < 30);
    assert_int_equal(read_range(box, other, 60, 0, 0).count, 2);
}

static struct op op_purge_room(struct box *box, const struct lobby *lobby, uint64_t upto,
                               uint64_t until_ms)
{
    return (struct op){.kind = OP_PURGE,
                       .ts_ms = ++box->now_ms,
                       .account = lobby->alice,
                       .stream = lobby->room,
                       .name = SPAN("#lobby"),
                       .seq = upto,
                       .until_ms = until_ms};
}

static void a_room_is_purged_up_to_a_place_and_a_time(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct op op;

    say(box, &at, 1, "one");
    const uint64_t before_ms = box->now_ms + 1;
    say(box, &at, 2, "two");
    say(box, &at, 3, "three");
    op = op_purge_room(box, &at, 5, before_ms);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.count, 3);
    assert_false(box->result.is_more);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).kept, 4);
    op = op_purge_room(box, &at, 4, FOR_EVER_MS);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.count, 1);
    assert_int_equal(read_range(box, at.room, 1, 0, 0).kept, 5);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.count, 0);
}

/* Purge a person chunk by chunk; returns how many messages. */
static uint64_t purge_alice(struct box *box, const struct lobby *lobby, uint64_t until_ms)
{
    struct op op = {.kind = OP_PURGE,
                    .account = lobby->bob,
                    .target = lobby->alice,
                    .target_nick = SPAN("alice"),
                    .until_ms = until_ms};
    uint64_t count = 0;

    do {
        op.ts_ms = ++box->now_ms;
        assert_int_equal(box_apply(box, &op), RC_OK);
        count += box->result.count;
        op.seq = box->result.seq;
    } while (box->result.is_more);
    return count;
}

static void what_a_person_wrote_becomes_empty_in_every_stream(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct store_page page;
    struct message event;
    struct op op;

    say(box, &at, 1, "in the room");
    const uint64_t ts_ms = box->result.ts_ms;
    op = op_post(box, "alice", at.alice, "@bob", at.bob, 7, 2, "to bob");
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_post(box, "bob", at.bob, "@alice", at.alice, 8, 1, "to alice");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(purge_alice(box, &at, FOR_EVER_MS), 3); /* with her own copy */
    page = read_range(box, at.room, 3, 3, 0);
    assert_int_equal(page.count, 1);
    event = read_event(page.wire);
    assert_span_equal(event.type, "purged");
    assert_span_equal(event.from, "alice");
    assert_span_equal(event.stream, "#lobby");
    assert_int_equal(event.seq, 3);
    assert_int_equal(event.ts, ts_ms);
    assert_false(message_has(&event, HAS_TEXT));
    assert_span_equal(read_event(read_range(box, at.bob, 1, 1, 0).wire).type, "purged");
    assert_span_equal(read_event(read_range(box, at.alice, 1, 1, 0).wire).type, "purged");
    assert_span_equal(read_event(read_range(box, at.alice, 2, 2, 0).wire).text, "to alice");
    assert_span_equal(read_event(read_range(box, at.room, 1, 1, 0).wire).type, "join");
    assert_int_equal(purge_alice(box, &at, FOR_EVER_MS), 0);
    /* A repeat is answered as ever, and bob's confirmation thanks her. */
    op = op_post(box, "alice", at.alice, "#lobby", at.room, 7, 1, "in the room");
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.seq, 3);
    op = op_confirm(box, "bob", at.bob, 1);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.appended_count, 1);
}

static void a_long_life_is_purged_in_chunks_and_up_to_a_time(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);

    for (uint32_t i = 1; i <= 3000; i++)
        say(box, &at, i, "text");
    const uint64_t before_ms = box->now_ms + 1;
    say(box, &at, 3001, "stays");
    assert_int_equal(purge_alice(box, &at, before_ms), 3000);
    assert_span_equal(read_event(read_range(box, at.room, 3003, 0, 0).wire).text, "stays");
}

static void events_are_found_by_time_when_the_first_are_gone(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    uint64_t when[11];

    for (uint32_t i = 1; i <= 10; i++, box->now_ms += 100) {
        say(box, &at, i, "text");
        when[i] = box->result.ts_ms;
    }
    set_keep(box, (struct store_keep){.events = 6});
    clean(box);
    assert_int_equal(read_range(box, at.room, 0, 0, 1).first, 7);
    assert_int_equal(read_range(box, at.room, 0, 0, when[8]).first, 10);
    assert_int_equal(read_range(box, at.room, 0, 0, when[10] + 1).count, 0);
}

static void a_client_says_which_number_comes_next(void **state)
{
    struct box *box = *state;
    const struct lobby at = lobby(box);
    struct op op = op_hello(box, "alice", 1, 7);

    say(box, &at, 1, "one");
    snprintf((char *)op.key, sizeof(op.key), "alice");
    memset(op.key + 6, 1, sizeof(op.key) - 6);
    op.number = 2; /* as it is */
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.next, 2);
    op.number = 40; /* a log of which this is an old copy has answered up to 39 */
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.next, 40);
    op.number = 3; /* never back */
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.next, 40);
    say(box, &at, 40, "forty");
    struct op repeat = op_post(box, "alice", at.alice, "#lobby", at.room, 7, 39, "lost");
    assert_int_equal(box_apply(box, &repeat), RC_TOO_OLD);
    repeat.number = 1; /* the chain of answers ends at the jump */
    assert_int_equal(box_apply(box, &repeat), RC_TOO_OLD);
}

#define CONTRACT(X)                                              \
    X(nothing_goes_unless_it_is_asked_for)                       \
    X(what_is_too_old_is_gone_and_numbers_go_on)                 \
    X(a_repeat_of_what_is_gone_is_too_old)                       \
    X(of_each_stream_the_last_events_are_kept)                   \
    X(more_than_a_chunk_goes_in_several)                         \
    X(private_messages_stay_until_they_are_confirmed_or_too_old) \
    X(a_room_has_a_time_of_its_own)                              \
    X(when_all_is_too_large_the_oldest_of_all_streams_goes)      \
    X(a_room_is_purged_up_to_a_place_and_a_time)                 \
    X(what_a_person_wrote_becomes_empty_in_every_stream)         \
    X(a_long_life_is_purged_in_chunks_and_up_to_a_time)          \
    X(events_are_found_by_time_when_the_first_are_gone)          \
    X(a_client_says_which_number_comes_next)

STORE_CONTRACT_MAIN(CONTRACT)
