/* heap.h - memory is kept from turn to turn, and what is free goes back to the system four times a minute.
 *
 * glibc gives back only what lies free at the end of its heaps, and users who stay lie between what a crowd of
 * strangers has left (measured: 13 % more after 5,000 half-open connections beside 4,000 users). The same happens
 * slowly under load: what is in use stays the same, the pages that hold it grow by megabytes an hour, and where they
 * go back once a minute they swing by 5 MB in between (docs/results, soak). So the heaps are gone through: 10 ms for
 * 700 MB, during which other threads wait for memory. Not safe for two threads; the doorman owns it. */
#ifndef BROKER_NET_HEAP_H
#define BROKER_NET_HEAP_H

#include <stdint.h>

/* From round to round while anybody is there; more than a handshake's time, after which a crowd has gone. */
#define HEAP_ROUND_MS 15000

/* Before other threads run. By itself glibc gives the end of a heap back when 128 kB of it are free, and a turn frees that
 * much: the next one takes it again, page by page (measured: 4 % of the time with CURVE).
 *
 * As many heaps as libzmq has I/O threads, and one more: only of the first does a round give the end back, and
 * each other one keeps what a burst has left there. glibc would open eight a core. One for all costs 20 % more CPU a
 * delivery at 100 members. */
void heap_prepare(unsigned io_threads);

/* All zero at first. */
struct heap {
    uint64_t departed; /* when it was gone through last */
    uint64_t due_ms;   /* 0: nobody was there */
};

/* Connections that have come and ended so far; the clock is the monotonic one. Returns in how many
 * milliseconds to call again at the latest; -1: when more have come. */
long heap_tend(struct heap *self, uint64_t came, uint64_t departed, uint64_t now_ms);

#endif
