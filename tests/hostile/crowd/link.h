/* link.h - one connection that speaks CURVE as a client (ZeroMQ RFC 23, 26), without libzmq: thousands of
 * them in one process, none of them blocking.
 *
 * For load tests of our own broker. Belongs to one thread. */
#ifndef TESTS_HOSTILE_CROWD_LINK_H
#define TESTS_HOSTILE_CROWD_LINK_H

#include "shared/base/span.h"

#include <netinet/in.h>
#include <stdint.h>

#define LINK_KEY_BYTES 32

struct link_keys {
    unsigned char public_key[LINK_KEY_BYTES];
    unsigned char secret_key[LINK_KEY_BYTES];
};

/* Where to connect, and as whom; borrowed for the life of a link. */
struct link_target {
    struct sockaddr_in address;
    struct sockaddr_in source; /* sin_family 0: any */
    unsigned char broker_key[LINK_KEY_BYTES];
    const char *socket_type; /* DEALER or SUB */
};

enum link_state {
    LINK_CLOSED, /* fd is -1 */
    LINK_CONNECTING,
    LINK_GREETING, /* greeting and HELLO are sent as they can be, WELCOME is awaited ... */
    LINK_WELCOME,
    LINK_READY,
    LINK_OPEN, /* messages go to and fro */
};

struct link_buffer {
    unsigned char *data; /* owned */
    size_t len, capacity;
};

struct link {
    int fd;
    enum link_state state;
    const struct link_target *target;
    const struct link_keys *keys;
    struct link_keys brief; /* of this connection */
    unsigned char shared[LINK_KEY_BYTES];
    uint64_t nonce;
    struct link_buffer in, out;
};

/* Begin to connect. False: the system has no socket for it (errno). */
bool link_open(struct link *self, const struct link_target *target, const struct link_keys *keys);
void link_close(struct link *self); /* harmless when closed */

/* Read what has come and go on with the handshake; each message's payload goes to `take`.
 * False: the connection is over; close it. */
bool link_read(struct link *self, void (*take)(void *context, struct span payload), void *context);

/* Write what can be written. False: as above. */
bool link_write(struct link *self);
bool link_wants_write(const struct link *self);

/* Queue one message; only in LINK_OPEN. */
void link_send(struct link *self, struct span payload);

#endif
