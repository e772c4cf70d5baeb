/* arena.h - bytes that die together: what results, batches and the memory store borrow.
 *
 * Grows by chunks and gives single pieces back never; running out of memory ends the process. */
#ifndef BROKER_STORE_ARENA_H
#define BROKER_STORE_ARENA_H

#include "shared/base/span.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the newest first */
    struct arena_chunk *spare;  /* cleared ones, of the usual size */
    size_t spare_count;
};

/* An arena is born empty: `struct arena arena = {0};`. */
void arena_fini(struct arena *self);

/* Forget all pieces; keeps some chunks of the usual size for the next time. */
void arena_clear(struct arena *self);

/* `size_bytes` zeroed bytes, aligned for any type. */
void *arena_alloc(struct arena *self, size_t size_bytes);

/* Room for at most `size_bytes`, not zeroed; arena_keep() says how many were used. Nothing else
 * may be taken in between. */
char *arena_reserve(struct arena *self, size_t size_bytes);
void arena_keep(struct arena *self, size_t size_bytes);

/* A copy. */
struct span arena_copy(struct arena *self, struct span bytes);

#endif
