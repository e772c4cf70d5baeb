/* peer_address.h - where a connection comes from, as far as limits care.
 *
 * An IPv4 address counts whole, of IPv6 the first 64 bits: whoever has one such network has all of its
 * addresses. Everything on a socket file is one address, "local". */
#ifndef BROKER_NET_PEER_ADDRESS_H
#define BROKER_NET_PEER_ADDRESS_H

#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <sys/socket.h>

struct peer_address {
    unsigned char bytes[ADDRESS_BYTES]; /* IPv4 as ::ffff:a.b.c.d; local: all ff */
};

/* Of a socket's other end; what is neither IPv4 nor IPv6 is local. */
struct peer_address peer_address_of(const struct sockaddr *remote);

/* As libzmq tells it to a ZAP handler: "192.0.2.1", "fe80::1%eth0", or "localhost:UID:GID:PID" for a
 * socket file; what cannot be read counts as local, so it is limited too. */
struct peer_address peer_address_parse(struct span text);

bool peer_address_equal(const struct peer_address *a, const struct peer_address *b);

#endif
