#include "broker/past.h"

#include "broker/events_head.h"
#include "shared/base/invariant.h"

#include <zmq.h>

void past_open(struct past *self, const struct hub_parts *parts, struct tally *tally,
               size_t recent_bytes)
{
    self->parts = parts;
    self->tally = tally;
    self->recent = recent_new(recent_bytes);
}

void past_close(struct past *self)
{
    recent_destroy(&self->recent);
}

static void refuse(struct past *self, const struct effect *effect, enum rc rc)
{
    struct message error = {.verb = VERB_ERROR};
    const bool is_search = effect->kind == FX_SEARCH;

    message_set(&error, CODE, code, rc);
    message_set(&error, ERROR, error, span_of(rc_name(rc)));
    message_set(&error, TEXT, text, span_of(rc_sentence(rc)));
    if (rc_is_transient(rc))
        message_set(&error, RETRY, retry, BUSY_RETRY_MS);
    if (effect->name.len > 0)
        message_set(&error, STREAM, stream, effect->name);
    if (is_search ? effect->search.has_ref : effect->read.has_ref)
        message_set(&error, REF, ref, is_search ? effect->search.ref : effect->read.ref);
    self->tally->refused[rc]++;
    front_reply(self->parts->front, effect->peer, &error);
}

/* Behind `buf` what was asked, when all of it is remembered and fits a page. */
static bool recall(struct past *self, const struct effect *effect, struct wire_buf *buf)
{
    const uint64_t first = effect->read.first, last = effect->read.last;
    const size_t least = buf->len;

    return first != 0 && first <= last && last - first < FETCH_PAGE_EVENTS_MAX &&
           recent_read(self->recent, effect->stream, first, last, buf) &&
           buf->len - least <= FETCH_PAGE_BYTES_MAX;
}

static bool fetch(struct past *self, const struct effect *effect)
{
    const struct events_head head = {.name = effect->name,
                                     .has_ref = effect->read.has_ref,
                                     .ref = effect->read.ref,
                                     .first = effect->read.first,
                                     .last = effect->read.last,
                                     .head = effect->seq,
                                     .is_last = true};
    const struct message events = events_head_message(&head);
    struct wire_buf buf = {self->frame, 0, sizeof(self->frame)};
    zmq_msg_t frame;

    INVARIANT(wire_write(&buf, &events) == RC_OK);
    if (!recall(self, effect, &buf) || zmq_msg_init_size(&frame, buf.len) != 0)
        return false;
    memcpy(zmq_msg_data(&frame), buf.data, buf.len);
    front_forward(self->parts->front, effect->peer, &frame);
    (void)zmq_msg_close(&frame);
    self->tally->recalled++;
    return true;
}

/* As events of now: the key that held when they were said, or read, may be a removed device's. */
static void publish(struct past *self, stream_id stream, struct span name, struct span events)
{
    struct wire_reader reader = wire_reader_over(events, TO_CLIENT | TO_EVERYBODY);
    struct message event;
    struct span wire;
    uint32_t epoch;
    const unsigned char *seal_key = core_seal(self->parts->core, stream, &epoch);

    while (events.len > 0 && wire_read_raw(&reader, &event, &wire) == RC_OK)
        front_publish(self->parts->front, &(struct publication){.topic = name,
                                                                .seal_key = seal_key,
                                                                .epoch = epoch,
                                                                .seq = event.seq,
                                                                .wire = wire});
}

static bool republish(struct past *self, const struct effect *effect)
{
    struct wire_buf buf = {self->frame, 0, sizeof(self->frame)};

    if (!recall(self, effect, &buf))
        return false;
    publish(self, effect->stream, effect->name, (struct span){buf.data, buf.len});
    return true;
}

bool past_ask(struct past *self, const struct effect *effect)
{
    enum rc rc;

    switch (effect->kind) {
    case FX_READ:
        if (fetch(self, effect))
            return true;
        break;
    case FX_REPUBLISH:
        if (republish(self, effect))
            return false;
        break;
    case FX_SEARCH:
        break;
    default:
        return false;
    }
    rc = readers_ask(self->parts->readers, effect);
    if (rc == RC_OK || effect->kind == FX_REPUBLISH) /* that comes again */
        return false;
    refuse(self, effect, rc);
    return true;
}

bool past_answer(struct past *self, const struct read_answer *answer)
{
    if (answer->kind == FX_REPUBLISH) {
        publish(self, answer->stream, answer->name,
                (struct span){zmq_msg_data(answer->body), zmq_msg_size(answer->body)});
        return false;
    }
    self->tally->gone += answer->is_gone;
    front_forward(self->parts->front, answer->peer, answer->body);
    return answer->is_last;
}
