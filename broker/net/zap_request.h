/* zap_request.h - what libzmq asks about a handshake (RFC 27), read from its frames.
 *
 * Pure: no socket, no clock. Only threads of this process can send such a request, but a peer chooses
 * its key and, by its mechanism, how many frames there are. */
#ifndef BROKER_NET_ZAP_REQUEST_H
#define BROKER_NET_ZAP_REQUEST_H

#include "broker/net/keyring.h"
#include "broker/net/peer_address.h"

#define ZAP_FRAMES 7 /* version, request id, domain, address, identity, mechanism, key */

/* The domains by which the handler knows at which door somebody stands. */
#define ZAP_DOMAIN_COMMANDS   "zchat-commands"
#define ZAP_DOMAIN_BROADCASTS "zchat-broadcasts"
#define ZAP_DOMAIN_BROKERS    "zchat-brokers"

struct zap_request {
    struct span id; /* to be given back with the answer; borrows from the frames; may be empty */
    enum door door;
    struct peer_address address;
    unsigned char key[PUBLIC_KEY_BYTES];
};

/* Read a request of `count` frames, any number. Returns NULL; or why it is refused (static), and of *ret
 * only the id is set: the answer needs it. */
const char *zap_request_read(const struct span *frames, size_t count, struct zap_request *ret);

#endif
