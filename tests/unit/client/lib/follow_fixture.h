/* follow_fixture.h - a broker that answers probes, HEAD and FETCH. */
#ifndef TESTS_UNIT_CLIENT_LIB_FOLLOW_FIXTURE_H
#define TESTS_UNIT_CLIENT_LIB_FOLLOW_FIXTURE_H

#include "tests/unit/client/lib/fixture.h"

static __attribute__((unused)) enum rc follow(struct fixture *f, const char *stream,
                                              enum zchat_place_kind kind, uint64_t value,
                                              uint64_t until)
{
    const struct zchat_place place = {kind, value};

    forget(f);
    return model_follow(f->model, span_of(stream), place, until, f->now_ms, &f->fx);
}

static __attribute__((unused)) void answer_probe(struct fixture *f)
{
    broadcast(f, MSG(PROBE, F(TOKEN, token, sent(f, VERB_PROBE, 0)->token)));
}

/* Answer the n-th HEAD that was sent. */
static __attribute__((unused)) void answer_head(struct fixture *f, size_t n, uint64_t seq)
{
    const struct message *head = sent(f, VERB_HEAD, n);
    struct message answer = *head;

    message_set(&answer, SEQ, seq, seq);
    receive(f, answer);
}

/* Follow and go on until the place is known. */
static __attribute__((unused)) void locate(struct fixture *f, const char *stream,
                                           enum zchat_place_kind kind, uint64_t value,
                                           uint64_t head)
{
    assert_int_equal(follow(f, stream, kind, value, 0), RC_OK);
    answer_probe(f);
    answer_head(f, 0, head);
}

static __attribute__((unused)) struct message
events_message(const struct message *fetch, uint64_t first, uint64_t last, uint64_t head, bool done)
{
    return MSG(EVENTS, F(STREAM, stream, fetch->stream), F(FIRST, first, first),
               F(LAST, last, last), F(SEQ, seq, head), F(DONE, done, done),
               F(REF, ref, fetch->ref));
}

/* One page that answers `fetch`, header and events; the effects of all of it are kept. */
static __attribute__((unused)) void answer_page(struct fixture *f, struct message fetch,
                                                uint64_t first, uint64_t last, uint64_t head,
                                                bool done)
{
    char stream[STREAM_BYTES_MAX + 1] = "";
    const struct message header = events_message(&fetch, first, last, head, done);

    memcpy(stream, fetch.stream.ptr, fetch.stream.len);
    forget(f);
    model_received(f->model, &header, false, f->now_ms, &f->fx);
    for (uint64_t seq = first; seq != 0 && seq <= last; seq++) {
        const struct message event = event_message(stream, seq);

        model_received(f->model, &event, false, f->now_ms, &f->fx);
    }
}

/* As receive(), but what was sent before stays to be seen. */
static __attribute__((unused)) void receive_quietly(struct fixture *f, struct message message)
{
    model_received(f->model, &message, false, f->now_ms, &f->fx);
}

static __attribute__((unused)) void assert_told_events(struct fixture *f, const char *stream,
                                                       uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        assert_told_event(f, stream, seq);
}

#endif
