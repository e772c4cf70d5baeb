/* histogram.h - how long things took, in buckets that grow by 1, 2, 5: fixed memory whatever comes.
 *
 * Plain numbers: copied, added up and sent like any struct. Not safe for two threads. */
#ifndef SHARED_BASE_HISTOGRAM_H
#define SHARED_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 20 /* 50 us to 100 s; what took longer counts in one more bucket */

struct histogram {
    uint64_t count;
    uint64_t sum_us;
    uint64_t
        bucket[HISTOGRAM_BOUNDS +
               1]; /* not cumulative; [i] holds what took at most bound i, and more than i - 1 */
};

/* The longest time that bucket holds; UINT64_MAX for the last one. */
uint64_t histogram_bound_us(size_t bucket);

void histogram_add(struct histogram *self, uint64_t us);

/* The same, of `count` things that took as long. */
void histogram_add_many(struct histogram *self, uint64_t us, uint64_t count);

/* The time below which `permille` of 1000 lie, between the bounds of its bucket by proportion; 0 when nothing was
 * added. What lies in the last bucket is told as its lower bound. */
uint64_t histogram_quantile_us(const struct histogram *self, uint32_t permille);

#endif
