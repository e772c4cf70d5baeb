#include "broker/net/throttle.h"

#include "shared/base/alloc.h"

#include <sodium.h>
#include <stdlib.h>

#define WAYS 4 /* places in which one stranger may stand */

struct place {
    uint64_t hash; /* who; two of the same hash share a bucket */
    struct bucket bucket;
};

struct throttle {
    struct place *places;
    size_t mask; /* of sets of WAYS places */
    uint32_t rate_per_s;
    uint32_t burst;
    unsigned char key[crypto_shorthash_KEYBYTES];
};

struct throttle *throttle_new(size_t places, uint32_t rate_per_s, uint32_t burst)
{
    struct throttle *self = x_alloc(1, sizeof(*self));
    size_t sets = 1;

    while (sets * WAYS < places)
        sets *= 2;
    self->places = x_alloc(sets * WAYS, sizeof(*self->places));
    self->mask = sets - 1;
    self->rate_per_s = rate_per_s;
    self->burst = burst;
    randombytes_buf(self->key, sizeof(self->key));
    return self;
}

void throttle_set(struct throttle *self, uint32_t rate_per_s, uint32_t burst)
{
    self->rate_per_s = rate_per_s;
    self->burst = burst;
}

void throttle_destroy(struct throttle **self_p)
{
    struct throttle *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    free(self->places);
    free(self);
}

static uint64_t hash_of(const struct throttle *self, const void *who, size_t who_len)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash;

    crypto_shorthash(bytes, who, who_len, self->key);
    memcpy(&hash, bytes, sizeof(hash));
    return hash;
}

/* Their place, or the one of their set that is missing least by now, made theirs. */
static struct place *place_of(struct throttle *self, uint64_t hash, uint64_t now_ms)
{
    struct place *set = &self->places[(hash & self->mask) * WAYS];
    struct place *least = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash)
            return &set[i];
        (void)bucket_take(&set[i].bucket, self->rate_per_s, self->burst, 0, now_ms);
        if (set[i].bucket.missing < least->bucket.missing)
            least = &set[i];
    }
    *least = (struct place){.hash = hash};
    return least;
}

bool throttle_take(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms)
{
    struct place *place;

    if (self->rate_per_s == 0)
        return true;
    place = place_of(self, hash_of(self, who, who_len), now_ms);
    return bucket_take(&place->bucket, self->rate_per_s, self->burst, 1, now_ms) == 0;
}
