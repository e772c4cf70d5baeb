#include "tests/fuzz/client_broker.h"

#include "shared/base/invariant.h"
#include "shared/base/limits.h"

#define PAGE_EVENTS 8
#define TS          UINT64_C(1700000000000)

const char *const broker_streams[BROKER_STREAMS + 1] = {"#a", "#b", "@" BROKER_NICK, NULL};
#define OWN (BROKER_STREAMS - 1)

static unsigned stream_of(struct span name)
{
    unsigned stream = 0;

    while (stream < BROKER_STREAMS && !span_equal(name, span_of(broker_streams[stream])))
        stream++;
    return stream;
}

void client_broker_hear(struct client_broker *self, const struct message *message)
{
    if (self->asked_count == BROKER_ASKED_MAX)
        return;
    self->asked[self->asked_count++] = (struct broker_question){
        .verb = message->verb,
        .has_ref = message_has(message, HAS_REF),
        .ref = message_has(message, HAS_REF) ? message->ref : 0,
        .number = message_has(message, HAS_NUMBER) ? message->number : 0,
        .token = message_has(message, HAS_TOKEN) ? message->token : 0,
        .first = message_has(message, HAS_FIRST) ? message->first : 1,
        .last = message_has(message, HAS_LAST) ? message->last : 0,
        .seq = message_has(message, HAS_SEQ) ? message->seq : 0,
        .stream = message_has(message, HAS_STREAM) ? stream_of(message->stream) : BROKER_STREAMS};
}

void client_broker_cut(struct client_broker *self)
{
    self->asked_count = 0;
}

static void put(struct wire_buf *buf, const struct message *message)
{
    const enum rc rc = wire_write(buf, message);

    INVARIANT(rc == RC_OK);
}

static void put_event(const struct client_broker *self, unsigned stream, uint32_t seq,
                      struct wire_buf *buf)
{
    struct message event = {.verb = VERB_EVENT};

    message_set(&event, STREAM, stream, span_of(broker_streams[stream]));
    message_set(&event, SEQ, seq, seq);
    message_set(&event, TS, ts, TS + seq);
    if (self->event[stream][seq].is_receipt) {
        message_set(&event, TYPE, type, SPAN("receipt"));
        message_set(&event, FROM, from, SPAN("al"));
        message_set(&event, UPTO, upto, self->event[stream][seq].upto);
    } else {
        const uint32_t number = self->event[stream][seq].number;

        message_set(&event, TYPE, type, SPAN("message"));
        message_set(&event, FROM, from, number == 0 ? SPAN("al") : SPAN(BROKER_NICK));
        message_set(&event, TEXT, text, SPAN("hi"));
        message_set(&event, SESSION, session, number == 0 ? 5 : BROKER_SESSION);
        message_set(&event, NUMBER, number, number == 0 ? seq : number);
        if (stream == OWN)
            message_set(&event, TO, to, number == 0 ? SPAN(BROKER_NICK) : SPAN("al"));
    }
    put(buf, &event);
}

bool client_broker_event(struct client_broker *self, unsigned stream, bool is_receipt,
                         struct wire_buf *buf)
{
    if (self->head[stream] == BROKER_EVENTS_MAX)
        return false;
    const uint32_t seq = ++self->head[stream];

    self->event[stream][seq].is_receipt = is_receipt;
    self->event[stream][seq].upto = self->next;
    self->event[stream][seq].number = 0;
    put_event(self, stream, seq, buf);
    return true;
}

static void answer_welcome(const struct client_broker *self, struct message *ret)
{
    ret->verb = VERB_WELCOME;
    message_set(ret, VERSION, version, PROTOCOL_VERSION_HIGH);
    message_set(ret, NICK, nick, SPAN(BROKER_NICK));
    message_set(ret, SESSION, session, BROKER_SESSION);
    message_set(ret, NEXT, next, self->next);
    message_set(ret, STREAM, stream, span_of(broker_streams[OWN]));
    message_set(ret, SEQ, seq, self->head[OWN]);
    message_set(ret, CONFIRMED, confirmed, self->confirmed);
    message_set(ret, WINDOW, window, 4);
    message_set(ret, PING_EVERY, ping_ms, PING_MS);
    message_set(ret, EXPIRE, expire_ms, SESSION_EXPIRE_MS);
    message_set(ret, TS, ts, TS);
}

static void refuse(struct message *ret, enum rc rc)
{
    ret->verb = VERB_ERROR;
    message_set(ret, CODE, code, (uint64_t)rc);
    message_set(ret, ERROR, error, span_of(rc_name(rc)));
    message_set(ret, TEXT, text, span_of(rc_sentence(rc)));
}

/* To us, or (any other stream) to @al, with a copy in the own stream. */
static void keep_post(struct client_broker *self, const struct broker_question *asked)
{
    const bool is_ours = asked->stream < BROKER_STREAMS;
    const unsigned stream = is_ours ? asked->stream : OWN;
    const uint32_t number = self->next++;
    const bool is_kept = asked->verb == VERB_POST && self->head[stream] < BROKER_EVENTS_MAX;

    self->post[number].stream = asked->stream;
    self->post[number].seq = 0;
    if (!is_kept)
        return;
    const uint32_t seq = ++self->head[stream];

    self->event[stream][seq].is_receipt = false;
    self->event[stream][seq].number = number;
    self->post[number].seq = is_ours ? seq : number;
}

/* A post, or a number that is given up; a number has one answer for ever (protocol R-21). */
static void answer_number(struct client_broker *self, const struct broker_question *asked,
                          struct message *ret)
{
    const uint32_t number = (uint32_t)asked->number;

    if (number == 0 || number > self->next || number > BROKER_EVENTS_MAX) {
        ret->verb = VERB_EXPECT;
        message_set(ret, NEXT, next, self->next);
        return;
    }
    if (number == self->next)
        keep_post(self, asked);
    message_set(ret, NUMBER, number, number);
    if (self->post[number].seq == 0) {
        refuse(ret, RC_VOIDED);
        return;
    }
    ret->verb = VERB_ACK;
    const unsigned stream = self->post[number].stream;

    message_set(ret, STREAM, stream,
                stream == BROKER_STREAMS ? SPAN("@al") : span_of(broker_streams[stream]));
    message_set(ret, SEQ, seq, self->post[number].seq);
    message_set(ret, TS, ts, TS + self->post[number].seq);
}

/* What is asked about one of our streams. */
static void answer_stream(struct client_broker *self, const struct broker_question *asked,
                          struct message *ret, struct wire_buf *buf)
{
    const uint32_t head = self->head[asked->stream];
    uint64_t last = asked->last == 0 || asked->last > head ? head : asked->last;

    message_set(ret, STREAM, stream, span_of(broker_streams[asked->stream]));
    message_set(ret, SEQ, seq, head);
    if (asked->verb != VERB_FETCH) {
        ret->verb = asked->verb == VERB_JOIN    ? VERB_JOINED
                    : asked->verb == VERB_LEAVE ? VERB_LEFT
                    : asked->verb == VERB_MARK  ? VERB_MARK
                                                : VERB_HEAD;
        message_set(ret, PEOPLE, people, 2);
        message_set(ret, NAME, name, SPAN("x"));
        put(buf, ret);
        return;
    }
    const uint64_t first = asked->first == 0 ? 1 : asked->first;

    if (last > first + PAGE_EVENTS - 1)
        last = first + PAGE_EVENTS - 1;
    ret->verb = VERB_EVENTS;
    message_set(ret, FIRST, first, first <= last ? first : 0);
    message_set(ret, LAST, last, first <= last ? last : 0);
    message_set(ret, DONE, done, true);
    put(buf, ret);
    for (uint64_t seq = first; seq <= last; seq++)
        put_event(self, asked->stream, (uint32_t)seq, buf);
}

static bool answer_other(struct client_broker *self, const struct broker_question *asked,
                         struct message *ret, bool *ret_is_pub)
{
    switch (asked->verb) {
    case VERB_HELLO:
        answer_welcome(self, ret);
        return true;
    case VERB_POST:
    case VERB_SKIP:
        answer_number(self, asked, ret);
        return true;
    case VERB_CONFIRM:
        if (asked->seq > self->confirmed && asked->seq <= self->head[OWN])
            self->confirmed = asked->seq;
        return false;
    case VERB_BYE:
        return false;
    case VERB_PROBE:
        ret->verb = VERB_PROBE;
        message_set(ret, TOKEN, token, asked->token);
        *ret_is_pub = true;
        return true;
    case VERB_PING:
        ret->verb = VERB_PONG;
        message_set(ret, TS, ts, TS);
        message_set(ret, STREAM, stream, span_of(broker_streams[OWN]));
        message_set(ret, SEQ, seq, self->head[OWN]);
        message_set(ret, CONFIRMED, confirmed, self->confirmed);
        return true;
    default: /* a list, or a verb of a later version */
        ret->verb = VERB_END;
        return true;
    }
}

bool client_broker_answer(struct client_broker *self, size_t which, struct wire_buf *buf,
                          bool *ret_is_pub)
{
    struct message message = {.verb = VERB_NONE};
    struct broker_question asked;

    if (self->asked_count == 0)
        return false;
    which %= self->asked_count;
    asked = self->asked[which];
    self->asked_count--;
    memmove(&self->asked[which], &self->asked[which + 1],
            (self->asked_count - which) * sizeof asked);
    if (asked.has_ref)
        message_set(&message, REF, ref, asked.ref);
    if (asked.stream < BROKER_STREAMS && asked.verb != VERB_POST && asked.verb != VERB_CONFIRM &&
        asked.verb != VERB_WHO) {
        answer_stream(self, &asked, &message, buf);
        return true;
    }
    if (!answer_other(self, &asked, &message, ret_is_pub))
        return false;
    put(buf, &message);
    return true;
}
