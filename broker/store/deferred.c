#include "broker/store/deferred.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define CAPACITY_MIN 64

void deferred_init(struct deferred *self)
{
    *self = (struct deferred){.events = {.row_bytes = sizeof(struct event_row)},
                              .places = {.row_bytes = sizeof(struct place_row)},
                              .sessions = {.row_bytes = sizeof(struct session_row)}};
}

void deferred_fini(struct deferred *self)
{
    free(self->events.rows);
    free(self->places.rows);
    free(self->sessions.rows);
    arena_fini(&self->wires);
}

static void add(struct deferred_rows *self, const void *row)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? CAPACITY_MIN : self->capacity * 2;
        self->rows = x_realloc(self->rows, self->capacity, self->row_bytes);
    }
    memcpy(self->rows + self->count++ * self->row_bytes, row, self->row_bytes);
}

void deferred_event(struct deferred *self, const struct event_row *row)
{
    struct event_row kept = *row;

    kept.wire = arena_copy(&self->wires, row->wire);
    self->wire_bytes += row->wire.len;
    add(&self->events, &kept);
}

void deferred_place(struct deferred *self, const struct place_row *row)
{
    add(&self->places, row);
}

void deferred_session(struct deferred *self, const struct session_row *row)
{
    add(&self->sessions, row);
}

static int by_entry(const void *left, const void *right)
{
    const uint64_t a = ((const struct event_row *)left)->entry;
    const uint64_t b = ((const struct event_row *)right)->entry;

    return (a > b) - (a < b);
}

/* Events of one stream come in order already. */
void deferred_sort_events(struct deferred *self)
{
    for (size_t i = 1; i < self->events.count; i++) {
        if (deferred_event_at(self, i)->entry < deferred_event_at(self, i - 1)->entry) {
            qsort(self->events.rows, self->events.count, self->events.row_bytes, by_entry);
            return;
        }
    }
}

void deferred_drop_events(struct deferred *self)
{
    self->events.count = 0;
    self->wire_bytes = 0;
    arena_clear(&self->wires);
}

void deferred_drop(struct deferred *self)
{
    deferred_drop_events(self);
    self->places.count = 0;
    self->sessions.count = 0;
}
