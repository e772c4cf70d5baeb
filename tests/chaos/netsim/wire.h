/* wire.h - the lossy wire between the hosts: faults of every direction, and packets on their way.
 *
 * Single-threaded; one wire a process. Time is in nanoseconds of CLOCK_MONOTONIC and comes from outside. */
#ifndef TESTS_CHAOS_NETSIM_WIRE_H
#define TESTS_CHAOS_NETSIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTS_MAX        16
#define PACKET_BYTES_MAX 65536

/* What happens to packets from one host to one other. Percentages are 0 to 100. */
struct faults {
    double loss_pct, dup_pct, corrupt_pct, mangle_pct, reorder_pct;
    double delay_ms, jitter_ms;
    double rate_kbit; /* 0: unlimited */
    double queue_max; /* packets on their way; 0: unlimited */
    double is_cut;    /* not 0: nothing passes */
};

struct direction {
    struct faults faults;
    uint64_t busy_until_ns; /* the rate's clock */
    uint64_t on_way;
    uint64_t sent, lost, overflowed, doubled, damaged;
};

struct packet {
    uint64_t due_ns;
    uint64_t order; /* among those due at one time */
    size_t from, to;
    size_t len;
    uint8_t *data;
};

struct wire;

struct wire *wire_new(uint64_t seed);
void wire_destroy(struct wire **self_p);

struct direction *wire_direction(struct wire *self, size_t from, size_t to);

/* Copies the packet, or loses it. */
void wire_put(struct wire *self, size_t from, size_t to, const uint8_t *data, size_t len,
              uint64_t now_ns);

/* UINT64_MAX: nothing is on its way. */
uint64_t wire_next_due_ns(const struct wire *self);

/* The next packet that is due; the caller frees ret->data. False: none. */
bool wire_take(struct wire *self, uint64_t now_ns, struct packet *ret);

#endif
