/* clock.h - the shell's clocks; the core and the model get time in their events. */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ms(void); /* CLOCK_MONOTONIC */
uint64_t clock_mono_us(void); /* the same, for what takes less */
uint64_t clock_wall_ms(void); /* CLOCK_REALTIME, since 1970 */

#endif
