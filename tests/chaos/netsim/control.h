/* control.h - what the wire is told while it runs.
 *
 *   FROM TO KEY VALUE [KEY VALUE ...]      FROM, TO: a host's name, or * for all
 *
 * KEY: loss dup corrupt mangle reorder (%), delay jitter (ms), rate (kbit/s), queue (packets), cut (0, 1).
 * `reset` ends all faults, `stats` prints the counters, `quit` ends. */
#ifndef TESTS_CHAOS_NETSIM_CONTROL_H
#define TESTS_CHAOS_NETSIM_CONTROL_H

#include "tests/chaos/netsim/wire.h"

struct hosts {
    size_t count;
    const char *name[HOSTS_MAX];
    int device[HOSTS_MAX];
};

/* Carry out one line, which is cut up. Answers `ok`, `error ...`, or the counters and `ok` on stdout.
 * False: quit. */
bool control_line(struct wire *wire, const struct hosts *hosts, char *line);

#endif
