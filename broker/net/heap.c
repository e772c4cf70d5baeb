#include "broker/net/heap.h"

#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <inttypes.h>
#include <malloc.h>

/* What each of a few heaps may keep free, and the size from which a block is mapped by itself. */
#define KEPT_BYTES   (8 << 20)
#define MAPPED_BYTES (4 << 20)
#define GROWTH_BYTES (1 << 20)

void heap_prepare(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES); /* the line above fixes it at 128 kB */
    (void)mallopt(M_TOP_PAD, GROWTH_BYTES);
}

long heap_tend(struct heap *self, uint64_t departed, uint64_t now_ms)
{
    if (departed < self->departed + HEAP_CROWD)
        return -1;
    if (self->due_ms == 0)
        self->due_ms = now_ms + HEAP_PAUSE_MS;
    if (now_ms < self->due_ms)
        return (long)(self->due_ms - now_ms);
    self->departed = departed;
    self->due_ms = 0;
    (void)malloc_trim(0);
    log_debug("heap.trimmed", "departed=%" PRIu64 " took_ms=%" PRIu64, departed,
              clock_mono_ms() - now_ms);
    return -1;
}
