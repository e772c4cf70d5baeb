/* deferred.h - rows that a transaction writes together at its end: events, places, sessions.
 *
 * A statement has its price whatever it does, so backends that have statements give each table one. */
#ifndef BROKER_STORE_DEFERRED_H
#define BROKER_STORE_DEFERRED_H

#include "broker/store/arena.h"
#include "broker/store/rows.h"

struct deferred_rows {
    size_t row_bytes;
    char *rows; /* `count` of them, in the order of writing */
    size_t count;
    size_t capacity;
};

struct deferred {
    struct deferred_rows events; /* struct event_row */
    struct deferred_rows places;
    struct deferred_rows sessions;
    struct arena wires; /* what `events` point to */
    size_t wire_bytes;  /* of them */
};

void deferred_init(struct deferred *self);
void deferred_fini(struct deferred *self);

/* Copy one more row; an event's wire too. */
void deferred_event(struct deferred *self, const struct event_row *row);
void deferred_place(struct deferred *self, const struct place_row *row);
void deferred_session(struct deferred *self, const struct session_row *row);

/* In the order of the table each page is looked for once. */
void deferred_sort_events(struct deferred *self);

/* They are written. */
void deferred_drop_events(struct deferred *self);
/* All of them are written, or undone. */
void deferred_drop(struct deferred *self);

static inline const struct event_row *deferred_event_at(const struct deferred *self, size_t at)
{
    return &((const struct event_row *)(const void *)self->events.rows)[at];
}

static inline const struct place_row *deferred_place_at(const struct deferred *self, size_t at)
{
    return &((const struct place_row *)(const void *)self->places.rows)[at];
}

static inline const struct session_row *deferred_session_at(const struct deferred *self, size_t at)
{
    return &((const struct session_row *)(const void *)self->sessions.rows)[at];
}

#endif
