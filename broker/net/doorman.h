/* doorman.h - how many connections there may be, in all and from one address.
 *
 * A thread that listens to the monitors of both sockets. libzmq has no such limits, and no way to refuse
 * a connection before its handshake, so what is too many is shut down right after it was accepted
 * (shutdown(2), never close(2): the descriptor stays libzmq's, which finds the connection ended and
 * closes it).
 *
 * Half-open are connections whose handshake has not come to its end. Beyond their limit the oldest of the
 * address goes, if it has said nothing for 2 s although it is its turn: so one who opens and says nothing
 * cannot keep others of that address out, and a crowd that comes back at once is not cut for our being slow. When
 * all places are taken, the oldest half-open one of all goes on the same terms, or else the newcomer. libzmq
 * does not tell whose handshake succeeded, but the system tells how many bytes the peer has
 * confirmed: READY is more than the CURVE server says before. That is not known on a socket file, so
 * everybody there counts as inside at once, of the one address "local".
 *
 * By the time an event is read, its descriptor may be closed and be another connection's. That is
 * harmless: who is counted is told by the descriptor's own peer, and cut_off() compares before it shuts. */
#ifndef BROKER_NET_DOORMAN_H
#define BROKER_NET_DOORMAN_H

#include "shared/base/rc.h"

#include <stdint.h>

struct doorman;

struct doorman_limits {
    uint32_t connections_max;
    uint32_t per_address;
    uint32_t pending_per_address; /* half-open; 0: no limit, for a broker without CURVE */
};

/* As many connections as there are descriptors (RLIMIT_NOFILE), but for a reserve: files, threads, and
 * those that are accepted while others are still being closed. */
uint32_t doorman_default_max(void);

/* RC_SYSTEM: errno says why. */
enum rc doorman_start(void *zmq_context, const struct doorman_limits *limits,
                      struct doorman **ret) MUST_CHECK;

/* Other limits from now on, by the owner's thread. Nobody who is inside is cut for it. */
void doorman_set_limits(struct doorman *self, const struct doorman_limits *limits);

/* Watch a socket, from before its first bind until doorman_leave(), in the socket's own thread. A socket
 * has one monitor only. RC_SYSTEM: errno says why. */
enum rc doorman_watch(struct doorman *self, void *socket) MUST_CHECK;

/* To be called before the socket is closed; its connections are no longer counted. */
void doorman_leave(struct doorman *self, void *socket);

/* Logs what it did. All sockets were left. */
void doorman_stop(struct doorman **self_p);

struct doorman_stats {
    uint32_t connections; /* now, with those that are being closed */
    uint32_t addresses;   /* now */
    uint32_t peak;        /* connections at most */
    uint64_t accepted;
    uint64_t cut_full;    /* shut down: connections-max */
    uint64_t cut_address; /* connections-per-address */
    uint64_t cut_pending; /* handshakes-pending-max */
    uint64_t hung_up;     /* no descriptor was left (spare.h) */
};
/* Any thread may ask. */
void doorman_get_stats(struct doorman *self, struct doorman_stats *ret);

#endif
