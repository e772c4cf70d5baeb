#include "client/tui/unshown.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

void unshown_fini(struct unshown *self)
{
    free(self->range);
    *self = (struct unshown){0};
}

void unshown_add(struct unshown *self, uint64_t first, uint64_t last)
{
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
