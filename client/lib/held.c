#include "client/lib/held.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

void held_fini(struct held *self)
{
    held_drop_below(self, UINT64_MAX);
    free(self->item);
    *self = (struct held){0};
}

static uint64_t seq_at(const struct held *self, size_t i)
{
    return self->item[self->start + i]->event.seq;
}

/* The index of the first event with at least this seq. Nearly always that is the end. */
static size_t place_of(const struct held *self, uint64_t seq)
{
    size_t low = 0;
    size_t high = self->count;

    if (high > 0 && seq_at(self, high - 1) < seq)
        return high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (seq_at(self, middle) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_room(struct held *self)
{
    if (self->start + self->count < self->capacity)
        return;
    if (self->start > 0) {
        memmove(self->item, self->item + self->start, self->count * sizeof(struct tell *));
        self->start = 0;
        return;
    }
    self->capacity = self->capacity == 0 ? 8 : self->capacity * 2;
    self->item = x_realloc(self->item, self->capacity, sizeof(struct tell *));
}

bool held_wants(const struct held *self, size_t max, uint64_t seq)
{
    const size_t at = place_of(self, seq);

    if (at < self->count && seq_at(self, at) == seq)
        return false;
    return self->count < max || at < self->count;
}

bool held_put(struct held *self, size_t max, struct tell **tell_p)
{
    if (!held_wants(self, max, (*tell_p)->event.seq)) {
        tell_destroy(tell_p);
        return false;
    }

    const size_t at = place_of(self, (*tell_p)->event.seq);

    if (self->count >= max)
        tell_destroy(&self->item[self->start + --self->count]);
    make_room(self);

    struct tell **place = self->item + self->start + at;

    memmove(place + 1, place, (self->count - at) * sizeof(struct tell *));
    *place = *tell_p;
    self->count++;
    *tell_p = NULL;
    return true;
}

uint64_t held_first_seq(const struct held *self)
{
    return self->count == 0 ? 0 : seq_at(self, 0);
}

struct tell *held_take_first(struct held *self)
{
    if (self->count == 0)
        return NULL;
    self->count--;
    return self->item[self->start++];
}

void held_drop_below(struct held *self, uint64_t seq)
{
    while (self->count > 0 && seq_at(self, 0) < seq) {
        struct tell *tell = held_take_first(self);

        tell_destroy(&tell);
    }
    if (self->count == 0)
        self->start = 0;
}
