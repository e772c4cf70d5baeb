/* map.h - from a 64-bit number to something that somebody else owns.
 *
 * Peers choose session numbers, so their slots are found with SipHash under a random key. Numbers that the broker gives
 * one after the other need no such care: a multiplication spreads them, at a tenth of the price. Entries cannot be
 * removed one by one; clearing costs nothing. */
#ifndef BROKER_STORE_MAP_H
#define BROKER_STORE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two */
    size_t count;
    uint32_t age; /* slots of another age are empty */
    bool is_ours;
    unsigned char hash_key[16];
};

void map_init(struct map *self);
/* For keys that no peer can choose. */
void map_init_ours(struct map *self);
void map_fini(struct map *self);

/* Forget all entries. */
void map_clear(struct map *self);

/* NULL when it is not there. */
void *map_get(const struct map *self, uint64_t key);

/* `key` must not be there yet; `value` is not NULL. */
void map_put(struct map *self, uint64_t key, void *value);

#endif
