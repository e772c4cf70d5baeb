#include "broker/net/heap.h"

#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <inttypes.h>
#include <malloc.h>

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
