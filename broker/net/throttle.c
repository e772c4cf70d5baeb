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
    uint32_t patience_ms;
    unsigned char key[crypto_shorthash_KEYBYTES];
};

struct throttle *throttle_new(size_t places, uint32_t rate_per_s, uint32_t burst,
                              uint32_t patience_ms)
{
    struct throttle *self = x_alloc(1, sizeof(*self));
    size_t sets = 1;

    while (sets * WAYS < places)
        sets *= 2;
    self->places = x_alloc(sets * WAYS, sizeof(*self->places));
    self->mask = sets - 1;
    self->rate_per_s = rate_per_s;
    self->burst = burst;
    self->patience_ms = patience_ms;
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

/* How much a bucket holds: the burst, and what grows while somebody is patient. What is missing beyond the burst
 * is promised to those who wait. */
static uint32_t room_of(const struct throttle *self)
{
    const uint64_t room =
        self->burst + (uint64_t)self->rate_per_s * self->patience_ms / UINT64_C(1000);

    return room < BUCKET_TOKENS_MAX ? (uint32_t)room : BUCKET_TOKENS_MAX;
}

static bool take(const struct throttle *self, struct bucket *bucket, uint32_t cost, uint64_t now_ms)
{
    return bucket_take(bucket, self->rate_per_s, room_of(self), cost, now_ms) == 0;
}

/* Their place, or the one of their set that is missing least by now, made theirs. */
static struct place *place_of(struct throttle *self, uint64_t hash, uint64_t now_ms)
{
    struct place *set = &self->places[(hash & self->mask) * WAYS];
    struct place *least = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash)
            return &set[i];
        (void)take(self, &set[i].bucket, 0, now_ms);
        if (set[i].bucket.missing < least->bucket.missing)
            least = &set[i];
    }
    *least = (struct place){.hash = hash};
    return least;
}

uint64_t throttle_take(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms)
{
    const uint64_t at_once = UINT64_C(1000) * self->burst; /* thousandths of a token */
    struct bucket *bucket;

    if (self->rate_per_s == 0)
        return 0;
    bucket = &place_of(self, hash_of(self, who, who_len), now_ms)->bucket;
    if (!take(self, bucket, 1, now_ms))
        return THROTTLE_TOO_OFTEN;
    if (bucket->missing <= at_once)
        return 0;
    return (bucket->missing - at_once + self->rate_per_s - 1) / self->rate_per_s;
}

void throttle_give_back(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms)
{
    struct bucket *bucket = &place_of(self, hash_of(self, who, who_len), now_ms)->bucket;

    bucket->missing -= bucket->missing < 1000 ? bucket->missing : 1000;
}
