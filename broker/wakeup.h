/* wakeup.h - how the hub sleeps, and what it has to look at when it wakes.
 *
 * To find a socket of libzmq empty costs two questions to the system, so a look at all of them costs more than the
 * frames that a busy hub finds. After a rest (broker/pace.h) only those are looked at whose descriptor says that something came;
 * as libzmq may take that sign while it sends, everything is looked at every so often. */
#ifndef BROKER_WAKEUP_H
#define BROKER_WAKEUP_H

#include "broker/hub.h"

enum look {
    LOOK_COMMANDS = 1,
    LOOK_STORED = 2,
    LOOK_READ = 4,
    LOOK_BACKUP = 8,
    LOOK_WATCH = 16,
    LOOK_SIGNAL = 32,
    LOOK_ALL = 63,
};

struct wakeup {
    const struct hub_parts *parts;
    int descriptor
        [5]; /* of those in the order above but for the first; the watch's -1: there is none */
    unsigned rests; /* since everything was looked at */
};

struct wakeup wakeup_over(const struct hub_parts *parts);

/* Sleep until something comes, `ms` at most (-1: for ever), or a signal interrupts. When `is_stopping`, only what is stored and signals
 * count. Returns what to look at, here and below: a set of enum look. */
unsigned wakeup_wait(struct wakeup *self, long ms, bool is_stopping);

/* Sleep until a commit is there, or a signal, `us` (under a second) at most. */
unsigned wakeup_rest(struct wakeup *self, uint64_t us);

#endif
