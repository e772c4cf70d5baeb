/* bucket.h - a token bucket: how often somebody may do something.
 *
 * It holds up to `burst` tokens and gains `rate_per_s` of them each second; what is done takes its cost.
 * Pure arithmetic: the caller brings the time, any that never runs backwards; one that does counts as
 * standing still. A bucket of zeros is a full one, so a table of them needs no beginning. */
#ifndef SHARED_BASE_BUCKET_H
#define SHARED_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_TOKENS_MAX UINT32_C(1000000000) /* as rate or as burst; more counts as this */

struct bucket {
    uint64_t missing; /* thousandths of a token from full */
    uint64_t told_ms; /* when that was so */
};

/* Take `cost` tokens, or none. Returns 0: taken; else the milliseconds until they will be there, if nobody
 * takes some before, and the bucket is as it was. UINT64_MAX: never, since the cost is above the burst or
 * the bucket gains nothing. A change of rate or burst counts from the next call. */
static inline uint64_t bucket_take(struct bucket *self, uint32_t rate_per_s, uint32_t burst,
                                   uint32_t cost, uint64_t now_ms)
{
    const uint64_t rate = rate_per_s < BUCKET_TOKENS_MAX ? rate_per_s : BUCKET_TOKENS_MAX;
    const uint64_t room = 1000 * (uint64_t)(burst < BUCKET_TOKENS_MAX ? burst : BUCKET_TOKENS_MAX);
    const uint64_t price = 1000 * (uint64_t)cost;
    const uint64_t passed_ms = now_ms > self->told_ms ? now_ms - self->told_ms : 0;

    /* A token a second is a thousandth a millisecond. Divided, since a product could be too big. */
    if (rate > 0 && passed_ms > self->missing / rate)
        self->missing = 0;
    else
        self->missing -= passed_ms * rate;
    if (now_ms > self->told_ms)
        self->told_ms = now_ms;
    if (self->missing > room)
        self->missing = room; /* the burst has become less */
    if (price <= room - self->missing) {
        self->missing += price;
        return 0;
    }
    if (price > room || rate == 0)
        return UINT64_MAX;
    return (self->missing + price - room + rate - 1) / rate;
}

/* True when nothing is missing: whoever keeps a table of them may forget this one. */
static inline bool bucket_is_full(const struct bucket *self, uint32_t rate_per_s, uint64_t now_ms)
{
    const uint64_t passed_ms = now_ms > self->told_ms ? now_ms - self->told_ms : 0;

    return self->missing == 0 || (rate_per_s > 0 && passed_ms > self->missing / rate_per_s);
}

#endif
