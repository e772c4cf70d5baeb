#include "client/lib/net/pump.h"

#include "shared/base/clock.h"
#include "shared/base/invariant.h"
#include "shared/crypt/seal.h"
#include "shared/text/clean.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_PER_TURN 256
#define REOPEN_MS       1000 /* when sockets cannot even be made */

void pump_init(struct pump *self, struct connection *connection, struct model *model,
               struct keeper *keeper, struct roster *roster)
{
    memset(self, 0, sizeof(*self));
    self->connection = connection;
    self->model = model;
    self->keeper = keeper;
    self->roster = roster;
    roster_begin(roster, model);
    self->phase = PUMP_WAITING;
}

static void flush(struct pump *self)
{
    keeper_sync(self->keeper); /* also when there is no link: the turn's posts share one sync */
    if (self->out_len == 0)
        return;
    /* Not taken means: the link is gone or full. The model repeats what matters. */
    (void)connection_send(self->connection, (struct span){self->out, self->out_len});
    self->out_len = 0;
    self->out_maps = 0;
}

static void gather(struct pump *self, const struct message *message)
{
    struct wire_buf buf = {self->out, self->out_len, sizeof(self->out)};
    enum rc rc = self->out_maps < MAPS_PER_FRAME_MAX ? wire_write(&buf, message) : RC_NO_SPACE;

    if (rc == RC_NO_SPACE) {
        flush(self);
        buf = (struct wire_buf){self->out, 0, sizeof(self->out)};
        rc = wire_write(&buf, message);
    }
    INVARIANT(rc == RC_OK); /* every message of ours fits into an empty frame */
    self->out_len = buf.len;
    self->out_maps++;
}

void pump_carry(struct pump *self, uint64_t now_ms)
{
    for (size_t i = 0; i < self->fx.count; i++) {
        const struct model_effect *fx = &self->fx.item[i];

        switch (fx->kind) {
        case MODEL_FX_SEND:
            gather(self, &fx->message);
            break;
        case MODEL_FX_SUBSCRIBE:
        case MODEL_FX_UNSUBSCRIBE:
            connection_subscribe(self->connection, fx->topic, fx->kind == MODEL_FX_SUBSCRIBE);
            break;
        case MODEL_FX_RECONNECT:
            self->out_len = 0;
            self->out_maps = 0;
            self->roster->at = fx->broker;
            connection_move(self->connection, roster_broker(self->roster), fx->rc);
            self->phase = PUMP_WAITING;
            self->open_at_ms = now_ms + fx->delay_ms;
            break;
        }
    }
    self->fx.count = 0;
}

/* Behind the model, which may have refused it: it is another chat's then, and the link is closed. */
static void note_welcome(struct pump *self, const struct message *message, uint64_t now_ms)
{
    if (!model_is_up(self->model))
        return;
    connection_listen(self->connection, now_ms); /* */
    roster_learn(self->roster, self->model, message);
    self->is_welcome = true;
    self->version = (uint32_t)message->version;
    self->broker_agent[0] = '\0';
    if (message_has(message, HAS_AGENT))
        clean_copy(self->broker_agent, sizeof(self->broker_agent), message->agent);
    clean_copy(self->role, sizeof(self->role),
               message_has(message, HAS_ROLE) ? message->role : SPAN("member"));
}

static void note_brokers(struct pump *self, const struct message *pong)
{
    if (!model_is_up(self->model))
        return;
    roster_learn(self->roster, self->model, pong);
    self->is_welcome = true;
}

/* The event of an opened box; whatever else stands there is not what was sealed. */
static void deliver_opened(struct pump *self, const struct message *sealed, struct span plain,
                           uint64_t now_ms)
{
    struct wire_reader reader = wire_reader_over(plain, TO_EVERYBODY);
    struct message message;

    if (wire_read(&reader, &message) != RC_OK || message.verb != VERB_EVENT ||
        !span_equal(message.stream, sealed->stream) || message.seq != sealed->seq)
        return;
    model_received(self->model, &message, true, now_ms, &self->fx);
    pump_carry(self, now_ms);
}

/* A box that does not open is left alone but for its place: FETCH brings its event in clear. */
static void deliver_sealed(struct pump *self, const struct message *sealed, uint64_t now_ms)
{
    char plain[FRAME_BYTES_MAX];
    size_t len;
    struct seal_place place = {sealed->stream, (uint32_t)sealed->epoch, sealed->seq};
    const unsigned char *key = model_stream_key(self->model, sealed->stream, place.epoch);

    if (key != NULL && sealed->box.len <= sizeof(plain) &&
        seal_open(key, &place, sealed->box, plain, &len) == RC_OK) {
        deliver_opened(self, sealed, (struct span){plain, len}, now_ms);
        return;
    }
    model_unreadable(self->model, sealed->stream, place.epoch, sealed->seq, now_ms, &self->fx);
    pump_carry(self, now_ms);
}

static void deliver(struct pump *self, struct span maps, bool from_pub, uint64_t now_ms)
{
    struct wire_reader reader = wire_reader_over(maps, from_pub ? TO_EVERYBODY : TO_CLIENT);
    struct message message;
    enum rc rc;

    while ((rc = wire_read(&reader, &message)) != RC_END) {
        if (rc != RC_OK)
            continue; /* a newer broker's, or damaged; what mattered is asked again */
        if (message.verb == VERB_SEALED) {
            deliver_sealed(self, &message, now_ms);
            continue;
        }
        model_received(self->model, &message, from_pub, now_ms, &self->fx);
        pump_carry(self, now_ms);
        if (message.verb == VERB_WELCOME && !from_pub)
            note_welcome(self, &message, now_ms);
        else if (message.verb == VERB_PONG && message_has(&message, HAS_BROKERS) && !from_pub)
            note_brokers(self, &message);
    }
}

static void receive(struct pump *self, bool from_pub, uint64_t now_ms)
{
    struct span frame, topic;

    for (size_t i = 0; i < FRAMES_PER_TURN && self->phase == PUMP_OPEN; i++) {
        if (!connection_receive(self->connection, from_pub, &frame))
            return;
        if (from_pub && wire_split_topic(frame, &topic, &frame) != RC_OK)
            continue;
        deliver(self, frame, from_pub, now_ms);
    }
}

static void lose(struct pump *self, uint64_t now_ms)
{
    connection_close(self->connection);
    self->phase = PUMP_WAITING;
    self->open_at_ms = now_ms + REOPEN_MS; /* unless the model says otherwise */
    model_lost(self->model, now_ms, &self->fx);
    pump_carry(self, now_ms);
}

static void watch(struct pump *self, uint64_t now_ms)
{
    switch (connection_watch(self->connection, now_ms)) {
    case CONNECTION_SAME:
        return;
    case CONNECTION_LISTENING:
        model_listening(self->model, now_ms, &self->fx);
        pump_carry(self, now_ms);
        return;
    case CONNECTION_READY:
        self->phase = PUMP_OPEN;
        model_opened(self->model, now_ms, &self->fx);
        pump_carry(self, now_ms);
        return;
    case CONNECTION_LOST:
        /* What had arrived before still counts. */
        receive(self, false, now_ms);
        receive(self, true, now_ms);
        lose(self, now_ms);
        return;
    case CONNECTION_REFUSED:
        connection_close(self->connection);
        self->phase = PUMP_STOPPED;
        model_refused(self->model, RC_NOT_LET_IN, now_ms, &self->fx);
        pump_carry(self, now_ms);
        return;
    }
}

void pump_turn(struct pump *self, uint64_t now_ms)
{
    if (self->phase == PUMP_WAITING && now_ms >= self->open_at_ms) {
        self->phase = PUMP_OPENING;
        if (connection_open(self->connection, now_ms, model_patience_ms(self->model)) != RC_OK)
            lose(self, now_ms);
    }
    watch(self, now_ms);
    /* Before the clock: after a pause of ours, the answers that wait here are not late. */
    receive(self, false, now_ms);
    receive(self, true, now_ms);
    if (now_ms >= model_next_deadline_ms(self->model)) {
        model_tick(self->model, now_ms, &self->fx);
        pump_carry(self, now_ms);
    }
    flush(self);
}

uint64_t pump_deadline_ms(const struct pump *self)
{
    uint64_t deadline_ms = model_next_deadline_ms(self->model);
    uint64_t other_ms =
        self->phase == PUMP_WAITING ? self->open_at_ms : connection_deadline_ms(self->connection);

    return other_ms < deadline_ms ? other_ms : deadline_ms;
}

bool pump_take_welcome(struct pump *self)
{
    bool is_welcome = self->is_welcome;

    self->is_welcome = false;
    return is_welcome;
}

void pump_stop(struct pump *self)
{
    struct message bye = {.verb = VERB_BYE};

    if (self->phase == PUMP_OPEN) {
        model_closing(self->model, clock_mono_ms(), &self->fx);
        pump_carry(self, clock_mono_ms());
        gather(self, &bye);
        flush(self);
    }
    self->phase = PUMP_STOPPED;
}

void pump_fini(struct pump *self)
{
    pump_stop(self);
    connection_destroy(&self->connection);
    model_destroy(&self->model);
    model_effects_fini(&self->fx);
}
