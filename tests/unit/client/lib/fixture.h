/* fixture.h - a model with a clock, its effects, and the broker's words put into its mouth. */
#ifndef TESTS_UNIT_CLIENT_LIB_FIXTURE_H
#define TESTS_UNIT_CLIENT_LIB_FIXTURE_H

#include "client/lib/model.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_OF_TEST UINT64_C(0x1234)
#define PROBE_TOPIC     "~0000000000001234"

/* A message in one line: MSG(ACK, F(NUMBER, number, 1), F(SEQ, seq, 9)). */
#define F(SYMBOL, member_, value) message_set(&m_, SYMBOL, member_, value)
#define MSG(verb_, ...)                             \
    ({                                              \
        struct message m_ = {.verb = VERB_##verb_}; \
        (void)(m_.has = 0, ##__VA_ARGS__);          \
        m_;                                         \
    })
#define S(text_) F(STREAM, stream, SPAN(text_))

struct fixture {
    struct model *model;
    struct model_effects fx;
    uint64_t now_ms;
    struct zchat_event event;
};

static __attribute__((unused)) struct fixture fixture_with(struct model_options options)
{
    struct fixture f = {.now_ms = 1000000};

    options.nick = "alice";
    options.agent = "test 1";
    if (options.session.v == 0)
        options.session.v = SESSION_OF_TEST;
    options.seed = 7;
    if (options.limits.outbox_max == 0)
        options.limits = (struct model_limits)MODEL_LIMITS_DEFAULTS;
    f.model = model_new(&options);
    return f;
}

static __attribute__((unused)) int set_up(void **state)
{
    struct fixture *f = malloc(sizeof(*f));

    *f = fixture_with((struct model_options){.is_inbox = true});
    *state = f;
    return 0;
}

static __attribute__((unused)) void fixture_fini(struct fixture *f)
{
    model_destroy(&f->model);
    model_effects_fini(&f->fx);
}

static __attribute__((unused)) int tear_down(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

/* What is done next is looked at alone. */
static inline void forget(struct fixture *f)
{
    f->fx.count = 0;
}

static inline void receive(struct fixture *f, struct message message)
{
    forget(f);
    model_received(f->model, &message, false, f->now_ms, &f->fx);
}

static inline void broadcast(struct fixture *f, struct message message)
{
    forget(f);
    model_received(f->model, &message, true, f->now_ms, &f->fx);
}

static inline void pass(struct fixture *f, uint64_t ms)
{
    forget(f);
    f->now_ms += ms;
    model_tick(f->model, f->now_ms, &f->fx);
}

/* Go to the next deadline and tick there. Returns how long that was. */
static __attribute__((unused)) uint64_t pass_to_deadline(struct fixture *f)
{
    const uint64_t at = model_next_deadline_ms(f->model);
    const uint64_t wait = at > f->now_ms ? at - f->now_ms : 0;

    assert_true(at != UINT64_MAX);
    pass(f, wait);
    return wait;
}

static __attribute__((unused)) size_t count_of(const struct fixture *f, enum model_effect_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < f->fx.count; i++)
        count += f->fx.item[i].kind == kind;
    return count;
}

static __attribute__((unused)) size_t sent_count(const struct fixture *f, enum verb verb)
{
    size_t count = 0;

    for (size_t i = 0; i < f->fx.count; i++)
        count += f->fx.item[i].kind == MODEL_FX_SEND && f->fx.item[i].message.verb == verb;
    return count;
}

/* The n-th (from 0) message of this verb that was sent since forget(); it must be there. */
static __attribute__((unused)) const struct message *sent(const struct fixture *f, enum verb verb,
                                                          size_t n)
{
    for (size_t i = 0; i < f->fx.count; i++) {
        if (f->fx.item[i].kind == MODEL_FX_SEND && f->fx.item[i].message.verb == verb && n-- == 0)
            return &f->fx.item[i].message;
    }
    fail_msg("message %d of this kind was not sent", (int)verb);
    return NULL;
}

static __attribute__((unused)) bool has_topic(const struct fixture *f, enum model_effect_kind kind,
                                              const char *topic)
{
    for (size_t i = 0; i < f->fx.count; i++) {
        if (f->fx.item[i].kind == kind && span_equal(f->fx.item[i].topic, span_of(topic)))
            return true;
    }
    return false;
}

static inline bool next_tell(struct fixture *f)
{
    forget(f);
    return model_tell(f->model, &f->event, f->now_ms, &f->fx);
}

static inline void assert_no_tell(struct fixture *f)
{
    if (next_tell(f))
        fail_msg("told kind %d, stream %s, seq %llu", (int)f->event.kind, f->event.stream,
                 (unsigned long long)f->event.seq);
}

static inline void assert_told(struct fixture *f, enum zchat_event_kind kind)
{
    assert_true(next_tell(f));
    assert_int_equal(f->event.kind, kind);
}

static __attribute__((unused)) void assert_told_post(struct fixture *f, uint32_t number,
                                                     enum zchat_post_state post)
{
    assert_told(f, ZCHAT_POST);
    assert_int_equal(f->event.number, number);
    assert_int_equal(f->event.post, post);
}

static __attribute__((unused)) void assert_told_event(struct fixture *f, const char *stream,
                                                      uint64_t seq)
{
    assert_told(f, ZCHAT_EVENT);
    assert_string_equal(f->event.stream, stream);
    assert_int_equal(f->event.seq, seq);
}

static __attribute__((unused)) void assert_told_live(struct fixture *f, const char *stream,
                                                     uint64_t seq)
{
    assert_told(f, ZCHAT_LIVE);
    assert_string_equal(f->event.stream, stream);
    assert_int_equal(f->event.seq, seq);
}

/* --- the broker's words -------------------------------------------------- */

static __attribute__((unused)) struct message welcome_message(uint32_t next)
{
    return MSG(WELCOME, F(VERSION, version, 1), F(NICK, nick, SPAN("alice")),
               F(SESSION, session, SESSION_OF_TEST), F(NEXT, next, next), S("@alice"),
               F(SEQ, seq, 0), F(CONFIRMED, confirmed, 0), F(WINDOW, window, 256),
               F(PING_EVERY, ping_ms, PING_MS), F(EXPIRE, expire_ms, SESSION_EXPIRE_MS),
               F(TS, ts, 1));
}

static __attribute__((unused)) void welcome(struct fixture *f, uint32_t next)
{
    receive(f, welcome_message(next));
}

static __attribute__((unused)) void open_link(struct fixture *f)
{
    forget(f);
    model_opened(f->model, f->now_ms, &f->fx);
}

/* Link up, and told so. */
static __attribute__((unused)) void go_up(struct fixture *f)
{
    open_link(f);
    welcome(f, 1);
    assert_told(f, ZCHAT_LINK);
    assert_int_equal(f->event.link, ZCHAT_LINK_UP);
}

static __attribute__((unused)) void answer_error(struct fixture *f, enum rc rc, uint64_t ref)
{
    receive(f, MSG(ERROR, F(CODE, code, rc), F(ERROR, error, span_of(rc_name(rc))),
                   F(TEXT, text, SPAN("no")), F(REF, ref, ref)));
}

static __attribute__((unused)) void refuse_post(struct fixture *f, uint32_t number, enum rc rc)
{
    receive(f, MSG(ERROR, F(CODE, code, rc), F(ERROR, error, span_of(rc_name(rc))),
                   F(TEXT, text, SPAN("no")), F(NUMBER, number, number)));
}

static __attribute__((unused)) void ack(struct fixture *f, uint32_t number, const char *stream,
                                        uint64_t seq)
{
    receive(f, MSG(ACK, F(NUMBER, number, number), F(STREAM, stream, span_of(stream)),
                   F(SEQ, seq, seq), F(TS, ts, 77)));
}

static __attribute__((unused)) struct message event_message(const char *stream, uint64_t seq)
{
    return MSG(EVENT, F(STREAM, stream, span_of(stream)), F(SEQ, seq, seq), F(TS, ts, 1000 + seq),
               F(TYPE, type, SPAN("message")), F(FROM, from, SPAN("bob")),
               F(TEXT, text, SPAN("hello")), F(SESSION, session, 5), F(NUMBER, number, 6));
}

static __attribute__((unused)) struct message head_message(const char *stream, uint64_t seq)
{
    return MSG(HEAD, F(STREAM, stream, span_of(stream)), F(SEQ, seq, seq));
}

static __attribute__((unused)) enum rc request(struct fixture *f, struct message message,
                                               uint32_t *ret_ref)
{
    forget(f);
    return model_request(f->model, &message, f->now_ms, &f->fx, ret_ref);
}

static __attribute__((unused)) uint32_t post_to(struct fixture *f, const char *target,
                                                uint32_t timeout_ms)
{
    uint32_t number = 0;

    forget(f);
    assert_int_equal(model_post(f->model, span_of(target), (struct span){0}, SPAN("hi"), 0,
                                timeout_ms, f->now_ms, &f->fx, &number),
                     RC_OK);
    return number;
}

#endif
