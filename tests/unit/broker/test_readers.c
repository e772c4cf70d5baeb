/* The pool of readers over a store in memory: what one FETCH is answered with. */
#include "broker/readers.h"

#include "shared/base/clock.h"
#include "shared/wire/wire.h"
#include "tests/support/check.h"

#include <sodium.h>
#include <zmq.h>

#define WAIT_MS 5000

struct fixture {
    void *context;
    struct store *store;
    struct readers *readers;
    stream_id alice;
    stream_id room;
};

static struct op_result apply(struct fixture *f, const struct op *op)
{
    struct op_result result;

    assert_int_equal(store_apply(f->store, op, 1, &result), RC_OK);
    assert_int_equal(result.rc, RC_OK);
    store_release(f->store);
    return result;
}

static void post(struct fixture *f, uint32_t number, struct span text)
{
    const struct op op = {.kind = OP_POST,
                          .ts_ms = 1000 + number,
                          .account = f->alice,
                          .nick = SPAN("alice"),
                          .session = {7},
                          .number = number,
                          .stream = f->room,
                          .name = SPAN("#a"),
                          .text = text,
                          .kind_name = SPAN("message")};

    (void)apply(f, &op);
}

/* A room with alice's join as event 1. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct op hello = {.kind = OP_HELLO,
                             .ts_ms = 1000,
                             .nick = SPAN("alice"),
                             .skeleton = SPAN("alice"),
                             .session = {7},
                             .key = {1}};
    struct op join = {.kind = OP_JOIN,
                      .ts_ms = 1000,
                      .nick = SPAN("alice"),
                      .name = SPAN("#a"),
                      .skeleton = SPAN("a")};

    assert_true(sodium_init() >= 0);
    f->context = zmq_ctx_new();
    assert_int_equal(store_open_memory(NULL, NULL, &f->store), RC_OK);
    f->alice = apply(f, &hello).stream;
    join.account = f->alice;
    f->room = apply(f, &join).stream;
    assert_int_equal(readers_start(f->store, f->context, 2, NULL, &f->readers), RC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    readers_stop(&f->readers);
    zmq_ctx_term(f->context);
    store_close(&f->store);
    free(f);
    return 0;
}

static struct effect fetch(const struct fixture *f, uint64_t first, uint64_t last, uint32_t credit)
{
    struct effect effect = {.kind = FX_READ, .peer = {5}, .stream = f->room, .name = SPAN("#a")};

    effect.read.has_ref = true;
    effect.read.ref = 77;
    effect.read.first = first;
    effect.read.last = last;
    effect.read.credit = credit;
    return effect;
}

static struct read_answer take(struct fixture *f)
{
    zmq_pollitem_t item = {.socket = readers_socket(f->readers), .events = ZMQ_POLLIN};
    struct read_answer answer;
    enum rc rc;

    while ((rc = readers_take(f->readers, &answer)) == RC_END)
        assert_true(zmq_poll(&item, 1, WAIT_MS) > 0);
    assert_int_equal(rc, RC_OK);
    return answer;
}

/* The frame's first map; *ret_reader stands behind it. */
static struct message header(const struct read_answer *answer, struct wire_reader *ret_reader)
{
    struct span frame = {zmq_msg_data(answer->body), zmq_msg_size(answer->body)};
    struct message message;

    assert_true(frame.len <= FRAME_BYTES_MAX);
    *ret_reader = wire_reader_over(frame, TO_CLIENT);
    assert_int_equal(wire_read(ret_reader, &message), RC_OK);
    return message;
}

/* Check a page: header and all its events; returns the header. */
static struct message page(const struct read_answer *answer)
{
    struct wire_reader reader;
    struct message events = header(answer, &reader);
    struct message event;

    assert_int_equal(events.verb, VERB_EVENTS);
    assert_true(message_has(&events, HAS_REF | HAS_DONE));
    assert_int_equal(events.ref, 77);
    assert_int_equal(events.done, answer->is_last);
    for (uint64_t seq = events.first; events.first != 0 && seq <= events.last; seq++) {
        assert_int_equal(wire_read(&reader, &event), RC_OK);
        assert_int_equal(event.verb, VERB_EVENT);
        assert_int_equal(event.seq, seq);
    }
    assert_int_equal(wire_read(&reader, &event), RC_END);
    return events;
}

static void ask(struct fixture *f, struct effect effect)
{
    assert_int_equal(readers_ask(f->readers, &effect), RC_OK);
}

static void a_fetch_is_answered_with_header_and_events(void **state)
{
    struct fixture *f = *state;
    struct read_answer answer;
    struct message events;

    for (uint32_t number = 1; number <= 9; number++)
        post(f, number, SPAN("hello"));
    ask(f, fetch(f, 3, 8, 1));
    answer = take(f);
    assert_int_equal(answer.kind, FX_READ);
    assert_int_equal(answer.peer.v, 5);
    assert_true(answer.is_last);
    events = page(&answer);
    assert_int_equal(events.first, 3);
    assert_int_equal(events.last, 8);
    assert_int_equal(events.seq, 10);
}

static void credit_bounds_the_pages_and_the_last_one_says_so(void **state)
{
    struct fixture *f = *state;
    struct message events;
    struct read_answer answer;
    uint64_t next = 1;

    for (uint32_t number = 1; number <= 4 * FETCH_PAGE_EVENTS_MAX; number++)
        post(f, number, SPAN("x"));
    ask(f, fetch(f, 1, 0, 3));
    for (int i = 1; i <= 3; i++) {
        answer = take(f);
        assert_int_equal(answer.is_last, i == 3);
        events = page(&answer);
        assert_int_equal(events.first, next);
        next = events.last + 1;
    }
    assert_int_equal(next, 3 * FETCH_PAGE_EVENTS_MAX + 1);
}

static void reading_ends_early_when_the_range_is_read(void **state)
{
    struct fixture *f = *state;
    struct read_answer answer;

    for (uint32_t number = 1; number <= 300; number++)
        post(f, number, SPAN("x"));
    ask(f, fetch(f, 1, 0, 16));
    answer = take(f);
    assert_false(answer.is_last);
    answer = take(f);
    assert_true(answer.is_last);
    assert_int_equal(page(&answer).last, 301);
}

static void large_events_make_pages_that_fit_a_frame(void **state)
{
    struct fixture *f = *state;
    static char text[TEXT_BYTES_MAX];
    struct read_answer answer;
    uint64_t next = 1;

    memset(text, 'x', sizeof(text));
    for (uint32_t number = 1; number <= 20; number++)
        post(f, number, (struct span){text, sizeof(text)});
    ask(f, fetch(f, 1, 0, 16));
    do {
        struct message events;

        answer = take(f);
        events = page(&answer);
        assert_int_equal(events.first, next);
        next = events.last + 1;
    } while (!answer.is_last);
    assert_int_equal(next, 22);
}

static void nothing_to_read_is_an_empty_page(void **state)
{
    struct fixture *f = *state;
    struct read_answer answer;
    struct message events;

    ask(f, fetch(f, 2, 0, 16)); /* behind the head, which is 1 */
    answer = take(f);
    assert_true(answer.is_last);
    events = page(&answer);
    assert_int_equal(events.first, 0);
    assert_int_equal(events.last, 0);
    assert_int_equal(events.seq, 1);
}

static void since_begins_at_the_first_event_not_older(void **state)
{
    struct fixture *f = *state;
    struct effect effect = fetch(f, 0, 0, 1);
    struct read_answer answer;

    for (uint32_t number = 1; number <= 9; number++)
        post(f, number, SPAN("x"));
    effect.read.since_ms = 1005;
    ask(f, effect);
    answer = take(f);
    assert_int_equal(page(&answer).first, 6);
}

static void republication_brings_events_and_their_stream(void **state)
{
    struct fixture *f = *state;
    struct effect effect = fetch(f, 2, 5, 1);
    struct read_answer answer;
    struct wire_reader reader;
    struct message event;

    for (uint32_t number = 1; number <= 9; number++)
        post(f, number, SPAN("x"));
    effect.kind = FX_REPUBLISH;
    ask(f, effect);
    answer = take(f);
    assert_int_equal(answer.kind, FX_REPUBLISH);
    assert_true(answer.is_last);
    assert_true(span_equal(answer.name, SPAN("#a")));
    assert_true(stream_equal(answer.stream, effect.stream));
    reader = wire_reader_over((struct span){zmq_msg_data(answer.body), zmq_msg_size(answer.body)},
                              TO_EVERYBODY);
    for (uint64_t seq = 2; seq <= 5; seq++) {
        assert_int_equal(wire_read(&reader, &event), RC_OK);
        assert_int_equal(event.seq, seq);
    }
    assert_int_equal(wire_read(&reader, &event), RC_END);
}

static void too_many_questions_are_refused_and_the_others_answered(void **state)
{
    struct fixture *f = *state;
    struct effect effect = fetch(f, 1, 0, 1);
    size_t asked = 0;

    while (readers_ask(f->readers, &effect) == RC_OK) {
        asked++;
        assert_true(asked < 10000);
    }
    for (size_t i = 0; i < asked; i++)
        assert_true(take(f).is_last);
    ask(f, effect);
    assert_true(take(f).is_last);
}

static void the_size_of_what_is_no_servers_is_asked_and_not_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(readers_database_bytes(f->readers, 1), 0);
    assert_int_equal(readers_database_bytes(f->readers, 2), 0);
    ask(f, fetch(f, 1, 1, 1)); /* its answer is the only one */
    (void)take(f);
    struct read_answer answer;
    for (uint64_t end_ms = clock_mono_ms() + 50; clock_mono_ms() < end_ms;)
        assert_int_equal(readers_take(f->readers, &answer), RC_END);
    assert_int_equal(readers_database_bytes(f->readers, 70000), 0);
}

static void stopping_drops_what_is_asked(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        ask(f, fetch(f, 1, 0, 16));
    readers_stop(&f->readers);
    assert_null(f->readers);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_fetch_is_answered_with_header_and_events),
        TEST(credit_bounds_the_pages_and_the_last_one_says_so),
        TEST(reading_ends_early_when_the_range_is_read),
        TEST(large_events_make_pages_that_fit_a_frame),
        TEST(nothing_to_read_is_an_empty_page),
        TEST(since_begins_at_the_first_event_not_older),
        TEST(republication_brings_events_and_their_stream),
        TEST(too_many_questions_are_refused_and_the_others_answered),
        TEST(the_size_of_what_is_no_servers_is_asked_and_not_told),
        TEST(stopping_drops_what_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
