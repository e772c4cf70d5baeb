#include "shared/base/clock.h"

#include "shared/base/invariant.h"

#include <time.h>

static uint64_t read_us(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);

    INVARIANT(result == 0); /* fails only for a clock that does not exist */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}
