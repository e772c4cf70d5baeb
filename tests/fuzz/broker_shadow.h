/* broker_shadow.h - what a broker has stored and said so far, kept beside it, and what it therefore may say.
 *
 * Every function ends the process when a promise is broken. */
#ifndef TESTS_FUZZ_BROKER_SHADOW_H
#define TESTS_FUZZ_BROKER_SHADOW_H

#include "broker/core/core.h"

#include <stdbool.h>

#define SHADOW_EVENTS_MAX  1024
#define SHADOW_STREAMS_MAX 64
#define SHADOW_PEERS_MAX   256
#define SHADOW_MEMBERS_MAX 8

/* Who is in a room, and what it is. */
struct shadow_room {
    uint32_t modes, modes_before; /* ROOM_, now and before the last result */
    size_t members;
    char member[SHADOW_MEMBERS_MAX][NAME_BYTES_MAX + 1];
};

struct shadow_stream {
    struct span name; /* its own copy */
    stream_id id;
    uint64_t head; /* committed */
    uint64_t ts;
    struct shadow_room committed, told;
};

struct shadow_event {
    unsigned stream;
    uint64_t seq;
    uint64_t session; /* 0: nobody's post */
    uint32_t number;
    char from[NAME_BYTES_MAX + 1];
    struct span wire; /* its own copy */
};

struct shadow_peer {
    unsigned char key; /* the byte that its key is made of; 0: none */
    bool was_welcomed;
    uint64_t session;
    char nick[NAME_BYTES_MAX + 1];
    bool has_invited_device; /* of its own person */
};

struct shadow {
    struct shadow_stream stream[SHADOW_STREAMS_MAX];
    size_t streams;
    /* As committed; the first `told` of them are known to the core. */
    struct shadow_event event[SHADOW_EVENTS_MAX];
    size_t events, told;
    struct shadow_peer peer[SHADOW_PEERS_MAX]; /* by id */
};

/* A shadow is zeroed at birth, and may be used again after the end. */
void shadow_fini(struct shadow *self);
/* Nothing more can be kept: the run is to end. */
bool shadow_is_full(const struct shadow *self);

/* A new connection. */
void shadow_connected(struct shadow *self, peer_id peer, unsigned char key);
/* The store has committed this, behind all that came before. */
void shadow_committed(struct shadow *self, const struct op_result *result);
/* The core is about to hear of it. */
void shadow_told(struct shadow *self, const struct op_result *result);
/* A new core has been told all that is stored; it knows no peer. */
void shadow_restarted(struct shadow *self);

void shadow_check(struct shadow *self, const struct effect *effect);
/* A page of this stream that is read for FX_READ or FX_REPUBLISH. */
void shadow_check_page(const struct shadow *self, struct span name, struct span wire);

#endif
