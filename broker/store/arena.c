#include "broker/store/arena.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK_BYTES 32768
#define CHUNKS_KEPT_MAX \
    16 /* cleared, for the next time: what is given back is taken again at once */

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t capacity;
    alignas(max_align_t) char data[];
};

static size_t aligned(size_t size_bytes)
{
    return (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

void arena_fini(struct arena *self)
{
    free_chunks(self->chunks);
    free_chunks(self->spare);
    *self = (struct arena){0};
}

void arena_clear(struct arena *self)
{
    while (self->chunks != NULL) {
        struct arena_chunk *chunk = self->chunks;

        self->chunks = chunk->next;
        if (self->spare_count < CHUNKS_KEPT_MAX && chunk->capacity == CHUNK_BYTES) {
            chunk->next = self->spare;
            self->spare = chunk;
            self->spare_count++;
        } else {
            free(chunk);
        }
    }
}

/* Not zeroed: whoever wants zeros asks for them. */
static struct arena_chunk *take_chunk(struct arena *self, size_t size_bytes)
{
    struct arena_chunk *chunk = self->spare;

    if (size_bytes <= CHUNK_BYTES && chunk != NULL) {
        self->spare = chunk->next;
        self->spare_count--;
    } else {
        const size_t capacity = size_bytes > CHUNK_BYTES ? aligned(size_bytes) : CHUNK_BYTES;

        chunk = x_realloc(NULL, 1, sizeof(*chunk) + capacity);
        chunk->capacity = capacity;
    }
    chunk->used = 0;
    chunk->next = self->chunks;
    self->chunks = chunk;
    return chunk;
}

char *arena_reserve(struct arena *self, size_t size_bytes)
{
    struct arena_chunk *chunk = self->chunks;

    if (chunk == NULL || chunk->capacity - chunk->used < size_bytes)
        chunk = take_chunk(self, size_bytes);
    return chunk->data + chunk->used;
}

void arena_keep(struct arena *self, size_t size_bytes)
{
    struct arena_chunk *chunk = self->chunks;

    INVARIANT(chunk != NULL && size_bytes <= chunk->capacity - chunk->used);
    chunk->used += aligned(size_bytes);
    if (chunk->used > chunk->capacity)
        chunk->used = chunk->capacity;
}

void *arena_alloc(struct arena *self, size_t size_bytes)
{
    void *bytes = arena_reserve(self, size_bytes);

    arena_keep(self, size_bytes);
    return memset(bytes, 0, size_bytes);
}

struct span arena_copy(struct arena *self, struct span bytes)
{
    char *copy;

    if (bytes.len == 0)
        return (struct span){0};
    copy = arena_reserve(self, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    arena_keep(self, bytes.len);
    return (struct span){copy, bytes.len};
}
