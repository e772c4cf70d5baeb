/* reach.h - how far one comes towards a broker without being anybody: names, ports, and what listens there.
 *
 * For telling people why they cannot connect. Nothing here sends a key or a name. */
#ifndef CLIENT_LIB_NET_REACH_H
#define CLIENT_LIB_NET_REACH_H

#include "client/lib/net/why.h"
#include "shared/base/rc.h"
#include "shared/text/url.h"

#include <stddef.h>
#include <sys/socket.h>

#define REACH_ADDRESSES_MAX 4

struct reach_addresses {
    struct sockaddr_storage address[REACH_ADDRESSES_MAX];
    socklen_t len[REACH_ADDRESSES_MAX];
    size_t count;
};

/* Where the broker's commands, or its broadcasts, are. It asks the system's resolver, which has time limits of its
 * own. RC_UNREACHABLE: there is no such host; `why` says it in the resolver's words. */
enum rc reach_resolve(const struct broker_url *url, bool is_broadcasts, struct reach_addresses *ret,
                      struct why *why) MUST_CHECK;

/* An address as people write it; of a socket, its path. */
#define REACH_TEXT_BYTES 128
void reach_text(const struct reach_addresses *from, size_t index,
                char buf[static REACH_TEXT_BYTES]);

enum reach_port {
    REACH_OPEN,
    REACH_REFUSED, /* the machine answers: nobody listens */
    REACH_NO_WAY,  /* a router, or this machine, says that there is none */
    REACH_SILENT,  /* no answer at all */
    REACH_MISSING, /* of a socket: there is no such file */
    REACH_FAILED,  /* anything else */
};

/* Try each address, at most timeout_ms. *ret_index is the one that is open, else the first; *ret_error its errno. *ret_fd
 * is the open connection, the caller's to close, or -1. */
enum reach_port reach_connect(const struct reach_addresses *to, int timeout_ms, size_t *ret_index,
                              int *ret_error, int *ret_fd);

enum reach_greeting {
    REACH_CURVE,   /* ZeroMQ that wants encryption */
    REACH_CLEAR,   /* ZeroMQ without */
    REACH_OTHER,   /* ZeroMQ of another kind, or too old */
    REACH_FOREIGN, /* no ZeroMQ */
    REACH_QUIET,   /* says nothing */
    REACH_CLOSED,  /* closes at once */
};

/* What the other end of a connection greets with (ZMTP 3), within timeout_ms. */
enum reach_greeting reach_greet(int fd, int timeout_ms);

#endif
