/* pace.h - when broadcasts leave: at once, or in one frame with those of the next commits.
 *
 * A frame costs the broker about 11 us for each listener and an event in it 0.03 us (docs/performance.md), and in a busy
 * room the disk hands out some tens of events a commit. So while more of them are being committed, a frame that
 * has become worth it stays open, for as long as the commit is expected within PACE_WAIT_US of its first event.
 * Acknowledgements never wait, and nothing waits for a slow disk, in a quiet room, or when nothing is on its way.
 *
 * Likewise for what comes in: while many operations are being committed, what arrives can only be part of the next
 * commit, so the hub need not wake for each frame. It lets them pile up for a quarter of a commit. Pure. */
#ifndef BROKER_PACE_H
#define BROKER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_WAIT_US 5000 /* too short for people to see */
#define PACE_WORTH   8    /* events in a frame; with fewer it leaves */
#define PACE_CROWD   8    /* operations in a commit from which on frames are let pile up */
#define PACE_REST_US 1000 /* at most so long */

/* All zero at first. Times are of the monotonic clock, never 0. */
struct pace {
    uint64_t committed_us; /* when the last commit came back */
    uint64_t took_us;      /* and how long it took, as the next one will */
    uint64_t since_us;     /* when the first frame was held; 0: none is */
};

void pace_committed(struct pace *self, uint64_t took_us, uint64_t now_us);

/* May frames stay? `is_coming`: something is being committed. */
bool pace_may_hold(const struct pace *self, bool is_coming, uint64_t now_us);

/* While something is being committed, and the last commit had so many operations: how long frames may pile up before
 * they are read; 0: not at all. */
uint64_t pace_rest_us(const struct pace *self, size_t operations);

/* What came of it: are there frames that stayed? */
void pace_flushed(struct pace *self, bool is_holding, uint64_t now_us);

/* When they have to leave, if nothing happens before; UINT64_MAX: there are none. */
uint64_t pace_deadline_ms(const struct pace *self);

#endif
