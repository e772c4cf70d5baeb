/* heap.h - memory is kept from turn to turn, and goes back to the system once a minute and after many connections
 * have come and gone.
 *
 * glibc gives back only what lies free at the end of its heaps, and users who stay lie between what a crowd of
 * strangers has left (measured: 13 % more after 5,000 half-open connections beside 4,000 users). The same happens
 * slowly under load: what is in use stays the same, the pages that hold it grow by megabytes an hour. So the heaps
 * are gone through: 10 ms for 700 MB, during which other threads wait for memory. Not safe for two threads; the
 * doorman owns it. */
#ifndef BROKER_NET_HEAP_H
#define BROKER_NET_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#define HEAP_CROWD 1000 /* connections that are worth the work */
#define HEAP_PAUSE_MS \
    15000 /* between seeing a crowd go and the work: more than a handshake's time */
#define HEAP_ROUND_MS 60000 /* from round to round while anybody is there */

/* Before other threads run. By itself glibc gives the end of a heap back when 128 kB of it are free, and a turn frees that
 * much: the next one takes it again, page by page (measured: 4 % of the time with CURVE). */
void heap_prepare(void);

/* All zero at first. */
struct heap {
    uint64_t departed; /* when it was gone through last */
    uint64_t due_ms;   /* 0: nobody was there */
    bool is_crowd;     /* it is due for a crowd's sake */
};

/* Connections that have come and ended so far; the clock is the monotonic one. Returns in how many
 * milliseconds to call again at the latest; -1: when more have come. */
long heap_tend(struct heap *self, uint64_t came, uint64_t departed, uint64_t now_ms);

#endif
