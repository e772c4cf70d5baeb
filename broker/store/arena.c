#include "broker/store/arena.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK_BYTES 32768

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

void arena_fini(struct arena *self)
{
    while (self->chunks != NULL) {
        struct arena_chunk *chunk = self->chunks;

        self->chunks = chunk->next;
        free(chunk);
    }
}

void arena_clear(struct arena *self)
{
    struct arena_chunk *kept = NULL;

    while (self->chunks != NULL) {
        struct arena_chunk *chunk = self->chunks;

        self->chunks = chunk->next;
        if (kept == NULL && chunk->capacity == CHUNK_BYTES)
            kept = chunk;
        else
            free(chunk);
    }
    if (kept != NULL) {
        kept->used = 0;
        kept->next = NULL;
        self->chunks = kept;
    }
}

char *arena_reserve(struct arena *self, size_t size_bytes)
{
    struct arena_chunk *chunk = self->chunks;

    if (chunk == NULL || chunk->capacity - chunk->used < size_bytes) {
        const size_t capacity = size_bytes > CHUNK_BYTES ? aligned(size_bytes) : CHUNK_BYTES;

        chunk = x_alloc(1, sizeof(*chunk) + capacity);
        chunk->capacity = capacity;
        chunk->next = self->chunks;
        self->chunks = chunk;
    }
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
