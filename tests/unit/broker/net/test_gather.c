#include "broker/net/gather.h"

#include "tests/support/check.h"

#include <sodium.h>

#define SENT_MAX 2048

struct sent {
    char key[TOPIC_BYTES_MAX];
    size_t key_len;
    char *frame;
    size_t len;
};

struct fixture {
    struct gather *peers;
    struct gather *topics;
    size_t count;
    struct sent sent[SENT_MAX];
};

static void keep(void *context, struct span key, struct span frame)
{
    struct fixture *f = context;
    struct sent *sent = &f->sent[f->count++];

    assert_true(f->count < SENT_MAX);
    assert_true(frame.len <= FRAME_BYTES_MAX);
    memcpy(sent->key, key.ptr, key.len);
    sent->key_len = key.len;
    sent->frame = malloc(frame.len + 1);
    memcpy(sent->frame, frame.ptr, frame.len);
    sent->len = frame.len;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_true(sodium_init() >= 0);
    f->peers = gather_new(false, keep, f);
    f->topics = gather_new(true, keep, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gather_destroy(&f->peers);
    gather_destroy(&f->topics);
    for (size_t i = 0; i < f->count; i++)
        free(f->sent[i].frame);
    free(f);
    return 0;
}

static struct message head(uint64_t seq)
{
    struct message message = {.verb = VERB_HEAD};

    message_set(&message, STREAM, stream, SPAN("#a"));
    message_set(&message, SEQ, seq, seq);
    return message;
}

static void add(struct gather *gather, struct span key, uint64_t seq)
{
    const struct message message = head(seq);

    assert_int_equal(gather_message(gather, key, &message), RC_OK);
}

/* Read a frame's HEADs from `seq` on; returns the next one. */
static uint64_t expect_heads(struct span frame, uint64_t seq, size_t *ret_count)
{
    struct wire_reader reader = wire_reader_over(frame, TO_CLIENT | TO_EVERYBODY);
    struct message message;

    *ret_count = 0;
    while (wire_read(&reader, &message) == RC_OK) {
        assert_int_equal(message.seq, seq);
        seq++;
        (*ret_count)++;
    }
    return seq;
}

static void one_turn_makes_one_frame_for_each_key_in_order(void **state)
{
    struct fixture *f = *state;
    size_t count;

    add(f->peers, SPAN("b"), 1);
    add(f->peers, SPAN("a"), 1);
    add(f->peers, SPAN("b"), 2);
    assert_int_equal(f->count, 0);
    gather_flush(f->peers);
    assert_int_equal(f->count, 2);
    assert_memory_equal(f->sent[0].key, "b", 1);
    (void)expect_heads((struct span){f->sent[0].frame, f->sent[0].len}, 1, &count);
    assert_int_equal(count, 2);
    gather_flush(f->peers);
    assert_int_equal(f->count, 2);
}

static void every_frame_of_a_stream_begins_with_its_topic(void **state)
{
    struct fixture *f = *state;
    uint64_t next = 1;
    struct span topic, body;
    size_t count;

    for (uint64_t seq = 1; seq <= 5000; seq++)
        add(f->topics, SPAN("#a"), seq);
    gather_flush(f->topics);
    assert_true(f->count > 1);
    for (size_t i = 0; i < f->count; i++) {
        assert_int_equal(
            wire_split_topic((struct span){f->sent[i].frame, f->sent[i].len}, &topic, &body),
            RC_OK);
        assert_true(span_equal(topic, SPAN("#a")));
        next = expect_heads(body, next, &count);
        assert_true(count <= MAPS_PER_FRAME_MAX);
    }
    assert_int_equal(next, 5001);
}

static void a_frame_holds_no_more_maps_than_the_protocol_allows(void **state)
{
    struct fixture *f = *state;
    size_t count;

    for (uint64_t seq = 1; seq <= MAPS_PER_FRAME_MAX + 1; seq++) {
        struct message message = {.verb = VERB_BYE};

        assert_int_equal(gather_message(f->peers, SPAN("p"), &message), RC_OK);
    }
    gather_flush(f->peers);
    assert_int_equal(f->count, 2);
    (void)count;
}

static void a_frame_that_is_full_leaves_before_the_next_event(void **state)
{
    struct fixture *f = *state;
    static char event[40000];
    struct span wire = {event, sizeof(event)};

    assert_int_equal(gather_wire(f->peers, SPAN("p"), wire), RC_OK);
    assert_int_equal(gather_wire(f->peers, SPAN("p"), wire), RC_OK);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->sent[0].len, sizeof(event));
    gather_flush(f->peers);
    assert_int_equal(f->count, 2);
    assert_int_equal(f->sent[1].len, sizeof(event));
}

static void the_largest_event_fits_and_one_byte_more_does_not(void **state)
{
    struct fixture *f = *state;
    static char event[FRAME_BYTES_MAX + 1];

    assert_int_equal(gather_wire(f->peers, SPAN("p"), (struct span){event, FRAME_BYTES_MAX}),
                     RC_OK);
    assert_int_equal(gather_wire(f->peers, SPAN("p"), (struct span){event, FRAME_BYTES_MAX + 1}),
                     RC_TOO_BIG);
    assert_int_equal(gather_wire(f->topics, SPAN("#p"), (struct span){event, FRAME_BYTES_MAX}),
                     RC_TOO_BIG);
    gather_flush(f->topics);
    gather_flush(f->peers);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->sent[0].len, FRAME_BYTES_MAX);
}

static void more_keys_than_there_is_room_for_leave_early_and_none_is_lost(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 1000; i++)
        add(f->peers, (struct span){(const char *)&i, sizeof(i)}, 1);
    assert_true(f->count > 0);
    gather_flush(f->peers);
    assert_int_equal(f->count, 1000);
}

static void one_key_can_be_flushed_alone(void **state)
{
    struct fixture *f = *state;

    add(f->peers, SPAN("a"), 1);
    add(f->peers, SPAN("b"), 1);
    gather_flush_key(f->peers, SPAN("b"));
    gather_flush_key(f->peers, SPAN("c"));
    assert_int_equal(f->count, 1);
    add(f->peers, SPAN("b"), 2);
    gather_flush(f->peers);
    assert_int_equal(f->count, 3);
}

static void frames_that_are_not_worth_keeping_leave_and_the_others_go_on(void **state)
{
    struct fixture *f = *state;
    struct span topic, body;
    size_t count;

    for (uint64_t seq = 1; seq <= 8; seq++)
        add(f->topics, SPAN("#busy"), seq);
    add(f->topics, SPAN("#quiet"), 1);
    assert_int_equal(gather_flush_below(f->topics, 8), 1);
    assert_int_equal(f->count, 1);
    assert_memory_equal(f->sent[0].key, "#quiet", 6);
    add(f->topics, SPAN("#quiet"), 2);
    add(f->topics, SPAN("#busy"), 9);
    assert_int_equal(gather_flush_below(f->topics, 8), 1);
    assert_int_equal(f->count, 2);
    gather_flush(f->topics);
    assert_int_equal(f->count, 3);
    assert_memory_equal(f->sent[2].key, "#busy", 5);
    assert_int_equal(
        wire_split_topic((struct span){f->sent[2].frame, f->sent[2].len}, &topic, &body), RC_OK);
    assert_int_equal(expect_heads(body, 1, &count), 10);
    assert_int_equal(gather_flush_below(f->topics, 8), 0);
    assert_int_equal(f->count, 3);
}

static void more_keys_than_there_is_room_for_leave_while_frames_are_kept(void **state)
{
    struct fixture *f = *state;
    char name[16];

    for (uint64_t seq = 1; seq <= 8; seq++)
        add(f->topics, SPAN("#busy"), seq);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "#%u", i);
        add(f->topics, span_of(name), 1);
        (void)gather_flush_below(f->topics, 8);
    }
    gather_flush(f->topics);
    assert_int_equal(f->count, 1001);
}

static void a_key_longer_than_a_topic_is_refused(void **state)
{
    struct fixture *f = *state;
    char key[TOPIC_BYTES_MAX];
    const struct message message = head(1);

    memset(key, 'x', sizeof(key));
    assert_int_equal(gather_message(f->topics, (struct span){key, sizeof(key)}, &message),
                     RC_TOO_BIG);
    assert_int_equal(gather_message(f->topics, (struct span){key, sizeof(key) - 1}, &message),
                     RC_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_turn_makes_one_frame_for_each_key_in_order),
        TEST(every_frame_of_a_stream_begins_with_its_topic),
        TEST(a_frame_holds_no_more_maps_than_the_protocol_allows),
        TEST(a_frame_that_is_full_leaves_before_the_next_event),
        TEST(the_largest_event_fits_and_one_byte_more_does_not),
        TEST(more_keys_than_there_is_room_for_leave_early_and_none_is_lost),
        TEST(one_key_can_be_flushed_alone),
        TEST(frames_that_are_not_worth_keeping_leave_and_the_others_go_on),
        TEST(more_keys_than_there_is_room_for_leave_while_frames_are_kept),
        TEST(a_key_longer_than_a_topic_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
