#include "shared/base/histogram.h"

static const uint64_t bounds_us[HISTOGRAM_BOUNDS] = {
    50,     100,    200,    500,     1000,    2000,    5000,     10000,    20000,    50000,
    100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000, 20000000, 50000000, 100000000};

uint64_t histogram_bound_us(size_t bucket)
{
    return bucket < HISTOGRAM_BOUNDS ? bounds_us[bucket] : UINT64_MAX;
}

void histogram_add_many(struct histogram *self, uint64_t us, uint64_t count)
{
    size_t bucket = 0;

    while (bucket < HISTOGRAM_BOUNDS && us > bounds_us[bucket])
        bucket++;
    self->bucket[bucket] += count;
    self->count += count;
    self->sum_us += us * count;
}

void histogram_add(struct histogram *self, uint64_t us)
{
    histogram_add_many(self, us, 1);
}

uint64_t histogram_quantile_us(const struct histogram *self, uint32_t permille)
{
    /* The rank of the one that is looked for: 1 is the shortest. */
    const uint64_t share = self->count / 1000 * permille + self->count % 1000 * permille / 1000;
    const uint64_t rank = share < self->count ? share + 1 : self->count;
    uint64_t below = 0;
    size_t bucket = 0;

    if (self->count == 0)
        return 0;
    while (below + self->bucket[bucket] < rank)
        below += self->bucket[bucket++];
    const uint64_t low = bucket == 0 ? 0 : bounds_us[bucket - 1];
    if (bucket == HISTOGRAM_BOUNDS)
        return low;
    const double part = (double)(rank - below) / (double)self->bucket[bucket];
    return low + (uint64_t)((double)(bounds_us[bucket] - low) * part);
}
