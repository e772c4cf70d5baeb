#include "broker/store/map.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <sodium.h>
#include <stdlib.h>

#define CAPACITY_MIN 64

struct map_slot {
    uint64_t key;
    void *value;
    uint32_t age;
};

void map_init(struct map *self)
{
    *self = (struct map){.capacity = CAPACITY_MIN, .age = 1};
    self->slots = x_alloc(CAPACITY_MIN, sizeof(*self->slots));
    randombytes_buf(self->hash_key, sizeof(self->hash_key));
}

void map_init_ours(struct map *self)
{
    map_init(self);
    self->is_ours = true;
}

void map_fini(struct map *self)
{
    free(self->slots);
    *self = (struct map){0};
}

void map_clear(struct map *self)
{
    self->count = 0;
    self->age++;
    if (self->age == 0) { /* the ages have gone round: old slots must not come alive again */
        memset(self->slots, 0, self->capacity * sizeof(*self->slots));
        self->age = 1;
    }
}

/* The upper half of the product: it depends on all bits of the key. */
static uint64_t spread(uint64_t key)
{
    return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
}

static uint64_t hash_of(const struct map *self, uint64_t key)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t at;

    if (self->is_ours)
        return spread(key);
    crypto_shorthash(hash, (const unsigned char *)&key, sizeof(key), self->hash_key);
    memcpy(&at, hash, sizeof(at));
    return at;
}

/* The slot of that key, or the empty one where it belongs. */
static struct map_slot *slot_of(const struct map *self, uint64_t key)
{
    for (uint64_t at = hash_of(self, key);; at++) {
        struct map_slot *slot = &self->slots[at & (self->capacity - 1)];

        if (slot->age != self->age || slot->key == key)
            return slot;
    }
}

void *map_get(const struct map *self, uint64_t key)
{
    const struct map_slot *slot = slot_of(self, key);

    return slot->age == self->age ? slot->value : NULL;
}

static void put(struct map *self, uint64_t key, void *value)
{
    struct map_slot *slot = slot_of(self, key);

    INVARIANT(slot->age != self->age);
    *slot = (struct map_slot){.key = key, .value = value, .age = self->age};
    self->count++;
}

static void grow(struct map *self)
{
    struct map_slot *old = self->slots;
    const size_t old_capacity = self->capacity;

    self->capacity *= 2;
    self->count = 0;
    self->slots = x_alloc(self->capacity, sizeof(*self->slots));
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].age == self->age)
            put(self, old[i].key, old[i].value);
    }
    free(old);
}

void map_put(struct map *self, uint64_t key, void *value)
{
    if (self->count >= self->capacity / 2)
        grow(self);
    put(self, key, value);
}
