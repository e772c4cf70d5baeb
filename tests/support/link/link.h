/* link.h - one connection that speaks ZMTP 3.1 as a client (ZeroMQ RFC 23, 26), with CURVE or without, or plain
 * bytes; without libzmq: thousands of them in one process, none of them blocking.
 *
 * For load tests of our own broker and of what it is compared with. Belongs to one thread. */
#ifndef TESTS_SUPPORT_LINK_H
#define TESTS_SUPPORT_LINK_H

#include "shared/base/span.h"

#include <netinet/in.h>
#include <stdint.h>

#define LINK_KEY_BYTES 32

struct link_keys {
    unsigned char public_key[LINK_KEY_BYTES];
    unsigned char secret_key[LINK_KEY_BYTES];
};

enum link_kind {
    LINK_CURVE,
    LINK_NULL, /* ZMTP without encryption */
    LINK_RAW,  /* no ZMTP: what is sent are bytes, what comes is handed out as far as it goes */
};

/* Where to connect, and as whom; borrowed for the life of a link. */
struct link_target {
    enum link_kind kind;
    struct sockaddr_in address;
    struct sockaddr_in source;                /* sin_family 0: any */
    unsigned char broker_key[LINK_KEY_BYTES]; /* of LINK_CURVE */
    const char *socket_type;                  /* DEALER or SUB */
};

enum link_state {
    LINK_CLOSED, /* fd is -1 */
    LINK_CONNECTING,
    LINK_GREETING, /* greeting and HELLO (or READY) are sent as they can be, WELCOME is awaited ... */
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
    uint64_t received; /* bytes, of this connection */
    struct link_buffer in, out;
};

/* Takes what has come: of ZMTP one message's payload; of LINK_RAW all that is there, and returns how much of it is
 * done with (of ZMTP that does not matter). */
typedef size_t link_take(void *context, struct span payload);

/* Begin to connect. False: the system has no socket for it (errno). */
bool link_open(struct link *self, const struct link_target *target, const struct link_keys *keys);
void link_close(struct link *self); /* harmless when closed */

/* Read what has come and go on with the handshake; what is for the user goes to `take`.
 * False: the connection is over; close it. */
bool link_read(struct link *self, link_take *take, void *context);

/* Throw away what has come, unread, and count it: a listener that costs next to nothing. In LINK_OPEN; from then
 * on the link cannot be read any more. False: as above. */
bool link_skip(struct link *self);

/* Write what can be written. False: as above. */
bool link_write(struct link *self);
bool link_wants_write(const struct link *self);

/* Queue one message (of LINK_RAW: bytes); only in LINK_OPEN. */
void link_send(struct link *self, struct span payload);

#endif
