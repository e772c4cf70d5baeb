#include "broker/net/zap_queue.h"

#include "shared/base/alloc.h"

#include <limits.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16

void zap_queue_clear(struct zap_queue *self)
{
    free(self->waiting);
    *self = (struct zap_queue){0};
}

static void make_room(struct zap_queue *self)
{
    if (self->count < self->capacity)
        return;
    self->capacity = self->capacity == 0 ? FIRST_CAPACITY : 2 * self->capacity;
    self->waiting = x_realloc(self->waiting, self->capacity, sizeof(*self->waiting));
}

bool zap_queue_put(struct zap_queue *self, const struct zap_waiting *waiting)
{
    size_t hole = self->count;

    if (self->count == ZAP_QUEUE_MAX)
        return false;
    make_room(self);
    self->count++;
    for (; hole > 0; hole = (hole - 1) / 2) {
        const struct zap_waiting *above = &self->waiting[(hole - 1) / 2];

        if (above->due_ms <= waiting->due_ms)
            break;
        self->waiting[hole] = *above;
    }
    self->waiting[hole] = *waiting;
    return true;
}

long zap_queue_wait_ms(const struct zap_queue *self, uint64_t now_ms)
{
    uint64_t wait_ms;

    if (self->count == 0)
        return -1;
    if (self->waiting[0].due_ms <= now_ms)
        return 0;
    wait_ms = self->waiting[0].due_ms - now_ms;
    return wait_ms < INT_MAX ? (long)wait_ms : INT_MAX;
}

/* The one below `hole` that is due first, or `hole` itself when `last` is due before both. */
static size_t next_below(const struct zap_queue *self, size_t hole, const struct zap_waiting *last)
{
    const size_t left = 2 * hole + 1, right = left + 1;
    size_t first = left;

    if (left >= self->count)
        return hole;
    if (right < self->count && self->waiting[right].due_ms < self->waiting[left].due_ms)
        first = right;
    return self->waiting[first].due_ms < last->due_ms ? first : hole;
}

bool zap_queue_take(struct zap_queue *self, uint64_t now_ms, struct zap_waiting *ret)
{
    struct zap_waiting last;
    size_t hole = 0, below;

    if (self->count == 0 || self->waiting[0].due_ms > now_ms)
        return false;
    *ret = self->waiting[0];
    last = self->waiting[--self->count];
    while ((below = next_below(self, hole, &last)) != hole) {
        self->waiting[hole] = self->waiting[below];
        hole = below;
    }
    self->waiting[hole] = last;
    return true;
}
