#include "client/lib/net/outbox_live.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

void outbox_live_fini(struct outbox_live *self)
{
    free(self->item);
    *self = (struct outbox_live){0};
}

void outbox_live_add(struct outbox_live *self, uint32_t number, size_t offset, size_t size)
{
    INVARIANT(self->count == 0 || self->item[self->count - 1].number < number);
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
        self->item = x_realloc(self->item, self->capacity, sizeof(*self->item));
    }
    self->item[self->count++] = (struct live_post){number, offset, size};
    self->bytes += size;
}

const struct live_post *outbox_live_find(const struct outbox_live *self, uint32_t number)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        if (self->item[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < self->count && self->item[low].number == number ? &self->item[low] : NULL;
}

void outbox_live_remove(struct outbox_live *self, const struct live_post *post)
{
    const size_t at = (size_t)(post - self->item);

    self->bytes -= post->size;
    self->count--;
    memmove(&self->item[at], &self->item[at + 1], (self->count - at) * sizeof(*post));
}
