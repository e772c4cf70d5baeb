/* sessions.h - the sessions that are alive: on which connection, of whom, how far. */
#ifndef BROKER_CORE_SESSIONS_H
#define BROKER_CORE_SESSIONS_H

#include "broker/core/list.h"
#include "broker/core/table.h"
#include "shared/base/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct session {
    session_id id;
    peer_id peer;
    uint32_t person;          /* row of struct streams */
    uint32_t device;          /* row of struct devices; 0 with --insecure */
    uint32_t accepted;        /* the last number handed to the store */
    uint32_t stored;          /* the last number it has answered */
    uint32_t pending;         /* posts in the store's hands */
    uint32_t fetches;         /* reads without their last frame */
    uint32_t searches;        /* without their answer */
    uint32_t brokers_version; /* of the list of brokers that it was told last */
    bool is_inbox;
    bool is_away;
    uint64_t seen_ms;
    uint64_t since_ms;    /* wall clock: when it began */
    uint64_t too_fast_ms; /* when it was last told that it is too fast */
};

struct sessions {
    struct session *row; /* 1..rows_max */
    uint32_t count;
    uint32_t rows_max;
    struct links *links;
    struct list free;
    struct list by_age; /* longest unheard first */
    struct table by_peer;
    struct table by_id;
};

bool sessions_init(struct sessions *self, uint32_t rows_max, const unsigned char key[16]);
void sessions_fini(struct sessions *self);

/* Row numbers; 0 when there is none. */
uint32_t sessions_by_peer(const struct sessions *self, peer_id peer);
uint32_t sessions_by_id(const struct sessions *self, session_id id);
/* The same; `row` is where it stood some time ago, and mostly still does. */
uint32_t sessions_by_id_at(const struct sessions *self, session_id id, uint32_t row);

/* Add a live session; 0 when the table is full. `id` and `peer` must not be there yet. */
uint32_t sessions_add(struct sessions *self, session_id id, peer_id peer, uint32_t person,
                      uint64_t now_ms);
void sessions_remove(struct sessions *self, uint32_t row);
/* The session goes on over another connection. */
void sessions_move(struct sessions *self, uint32_t row, peer_id peer);
/* It was heard. */
void sessions_touch(struct sessions *self, uint32_t row, uint64_t now_ms);
/* The session longest unheard, or 0. */
uint32_t sessions_oldest(const struct sessions *self);

#endif
