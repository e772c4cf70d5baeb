/* pump.h - carries the model's effects to the sockets, and what the sockets bring to the model.
 *
 * Frames are gathered: what one turn wants to say leaves in one frame. */
#ifndef CLIENT_LIB_NET_PUMP_H
#define CLIENT_LIB_NET_PUMP_H

#include "client/lib/model.h"
#include "client/lib/net/connection.h"
#include "client/lib/net/keeper.h"
#include "client/lib/net/roster.h"
#include "shared/base/limits.h"

enum pump_phase {
    PUMP_WAITING, /* no sockets until open_at_ms */
    PUMP_OPENING, /* sockets are connecting; the model does not know yet */
    PUMP_OPEN,    /* the DEALER has shaken hands; the model was told */
    PUMP_STOPPED, /* refused for good */
};

struct pump {
    struct connection *connection;
    struct model *model;
    struct keeper *keeper; /* the handle's: posts are on disk before they leave */
    struct roster *roster; /* the handle's: whom effects mean */
    struct model_effects fx;
    enum pump_phase phase;
    uint64_t open_at_ms;

    char out[FRAME_BYTES_MAX];
    size_t out_len;
    size_t out_maps;

    bool is_welcome; /* or told of other brokers, since the last call of pump_take_welcome() */
    uint32_t version;
    char broker_agent[AGENT_BYTES_MAX + 1];
    char role[17]; /* of this person at the broker; "": not known yet */
};

/* Takes connection and model over. */
void pump_init(struct pump *self, struct connection *connection, struct model *model,
               struct keeper *keeper, struct roster *roster);
/* Says BYE when there is a connection; the model has only its last tells to give from then on. */
void pump_stop(struct pump *self);
/* Stops, and waits at most 200 ms for what was said to leave. */
void pump_fini(struct pump *self);

/* Carry out and empty self->fx. After every call of the model. */
void pump_carry(struct pump *self, uint64_t now_ms);

/* Read what the sockets have, tell the model what became of them and what time it is, send what
 * was gathered. */
void pump_turn(struct pump *self, uint64_t now_ms);

/* The time at which pump_turn() has something to do even if nothing arrives. */
uint64_t pump_deadline_ms(const struct pump *self);

/* True once after each WELCOME, and after a PONG that tells of other brokers. */
bool pump_take_welcome(struct pump *self);

#endif
