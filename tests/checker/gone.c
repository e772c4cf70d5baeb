#include "tests/checker/gone.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

void gone_add(struct gone *self, const struct gone_range *range)
{
    self->range = x_realloc(self->range, self->count + 1, sizeof(*self->range));
    self->range[self->count++] = *range;
}

void gone_fini(struct gone *self)
{
    free(self->range);
    *self = (struct gone){0};
}

static int by_place(const void *left, const void *right)
{
    const struct gone_range *a = left;
    const struct gone_range *b = right;

    if (a->stream != b->stream)
        return a->stream < b->stream ? -1 : 1;
    return a->first == b->first ? 0 : a->first < b->first ? -1 : 1;
}

void gone_sort(struct gone *self)
{
    if (self->count > 0)
        qsort(self->range, self->count, sizeof(*self->range), by_place);
}

bool gone_has(const struct gone *self, uint32_t stream, uint64_t first, uint64_t last)
{
    uint64_t at = first;

    for (size_t i = 0; i < self->count && at <= last; i++) {
        const struct gone_range *range = &self->range[i];

        if (range->stream == stream && range->first <= at && range->last >= at)
            at = range->last + 1;
    }
    return at > last;
}

bool gone_excuses(const struct gone *self, uint32_t stream, uint64_t seq, uint64_t told)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct gone_range *range = &self->range[i];

        if (range->stream == stream && range->first <= seq && range->last >= seq &&
            told >= range->since)
            return true;
    }
    return false;
}
