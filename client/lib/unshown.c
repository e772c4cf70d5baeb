#include "client/lib/unshown.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

void unshown_fini(struct unshown *self)
{
    free(self->range);
    *self = (struct unshown){0};
}

void unshown_add(struct unshown *self, const struct zchat_event *told)
{
    const uint64_t first = told->kind == ZCHAT_GAP ? told->first : told->seq;
    const uint64_t last = told->kind == ZCHAT_GAP ? told->last : told->seq;

    if (told->kind != ZCHAT_EVENT && told->kind != ZCHAT_GAP)
        return;
    if (self->count > 0 && self->range[self->count - 1].last + 1 == first) {
        self->range[self->count - 1].last = last;
        return;
    }
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 8 : 2 * self->capacity;
        self->range = x_realloc(self->range, self->capacity, sizeof(*self->range));
    }
    self->range[self->count].first = first;
    self->range[self->count].last = last;
    self->count++;
}

void unshown_flush(struct unshown *self, struct confirm *confirm)
{
    for (size_t i = 0; i < self->count; i++)
        confirm_shown(confirm, self->range[i].first, self->range[i].last);
    self->count = 0;
}
