#include "broker/net/heap.h"

#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <inttypes.h>
#include <malloc.h>

/* What each of a few heaps may keep free, and the size from which a block is mapped by itself. */
#define KEPT_BYTES   (8 << 20)
#define MAPPED_BYTES (4 << 20)
#define GROWTH_BYTES (1 << 20)

void heap_prepare(unsigned io_threads)
{
    (void)mallopt(M_ARENA_MAX, (int)io_threads + 1);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES); /* the line above fixes it at 128 kB */
    (void)mallopt(M_TOP_PAD, GROWTH_BYTES);
}

static void go_through(struct heap *self, uint64_t departed, uint64_t now_ms)
{
    self->departed = departed;
    self->due_ms = 0;
    (void)malloc_trim(0);
    log_debug("heap.trimmed", "departed=%" PRIu64 " took_ms=%" PRIu64, departed,
              clock_mono_ms() - now_ms);
}

long heap_tend(struct heap *self, uint64_t came, uint64_t departed, uint64_t now_ms)
{
    if (self->due_ms != 0 && now_ms >= self->due_ms)
        go_through(self, departed, now_ms);
    if (self->due_ms == 0 && (came > departed || departed > self->departed))
        self->due_ms = now_ms + HEAP_ROUND_MS;
    return self->due_ms == 0 ? -1 : (long)(self->due_ms - now_ms);
}
