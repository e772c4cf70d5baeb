/* front.h - the broker's two sockets: ROUTER for commands, PUB for broadcasts (protocol 2, 3).
 *
 * What is sent is gathered and leaves with front_flush(), once a turn: one frame for each peer
 * and one for each stream. Nothing here blocks: what a slow or departed peer cannot take is
 * dropped and counted; clients fetch what they miss. Belongs to the hub's thread. */
#ifndef BROKER_NET_FRONT_H
#define BROKER_NET_FRONT_H

#include "broker/net/bind.h"
#include "shared/base/ids.h"
#include "shared/proto/message.h"
#include "shared/text/url.h"

#include <stdbool.h>

struct doorman;
struct front;
struct zmq_msg_t;

struct front_options {
    const struct broker_url *addresses; /* host and is_ipc are read */
    size_t address_count;
    uint16_t port; /* commands; broadcasts are on port + 1; 0: a free pair */
    /* The broker's CURVE key, raw; NULL: --insecure. Borrowed as long as the front is open: it keeps no copy
     * that would have to be locked too. */
    const unsigned char *public_key;
    const unsigned char *secret_key;
    struct doorman *
        doorman; /* counts the connections of both sockets, outlives the front; NULL: nobody does */
};

/* Open and bind. With keys, nobody gets in unless zap_start() was called on the context.
 * RC_SYSTEM: `why` is one sentence with address and port. */
enum rc front_open(void *zmq_context, const struct front_options *options, struct front **ret,
                   char why[static WHY_BYTES_MAX]) MUST_CHECK;
void front_close(struct front **self_p); /* lingers at most a second */

uint16_t front_port(const struct front *self); /* of the commands; 0 when only ipc is bound */

/* The sockets to poll for ZMQ_POLLIN. The PUB socket never becomes readable, but takes up
 * subscriptions while it is polled; it is another one after front_cut(). */
void *front_commands(struct front *self);
void *front_broadcasts(struct front *self);

struct frame {
    peer_id from;
    /* The CURVE public key the peer has proved; NULL: --insecure. */
    const unsigned char *key;
    /* ADDRESS_BYTES, of struct peer_address; NULL in a refused frame. */
    const unsigned char *address;
    bool is_new; /* its first frame, or the first for thousands of peers */
    struct span payload;
};

/* Take the next frame; it borrows until the next call.
 * RC_END: there is none. RC_MALFORMED (several frames in one message), RC_TOO_BIG: refused, answer
 * ERROR to ret->from, unless that is 0: a peer with a routing id of its own. */
enum rc front_receive(struct front *self, struct frame *ret) MUST_CHECK;

void front_reply(struct front *self, peer_id peer, const struct message *message);

/* Send a whole frame, behind what is gathered for that peer; takes the message's content. */
void front_forward(struct front *self, peer_id peer, struct zmq_msg_t *frame);

struct publication {
    struct span topic;             /* the stream's name */
    const unsigned char *seal_key; /* STREAM_KEY_BYTES; NULL: in clear */
    uint32_t epoch;
    uint64_t seq;
    struct span wire; /* one event */
};
void front_publish(struct front *self, const struct publication *event);
void front_announce(struct front *self, struct span topic, const struct message *message);

/* Send what is gathered: all replies; of broadcasts the frames with fewer than `many` events, or all of
 * them when it is 0. Returns how many frames stay. */
size_t front_flush(struct front *self, size_t many);

/* Cut everybody off the broadcasts: what is published from now on reaches only who was judged by the
 * keyring after this call. libzmq cannot close one peer's connection, so the socket is closed and another
 * one takes over its listening sockets, at once; clients come back by themselves and fetch what they missed.
 * What was gathered for this turn is published behind it. For once a turn, behind keyring_expel().
 * RC_SYSTEM: nobody can listen any more, which is logged: end the process, a restart mends it. */
enum rc front_cut(struct front *self) MUST_CHECK;

/* End the command connections of that key, so that they have to pass the keyring again; returns how many. One that
 * has said nothing yet, or nothing for thousands of peers, is not known: it `is_new` when it speaks. */
size_t front_expel(struct front *self, const unsigned char *key);

struct front_stats {
    uint64_t received;      /* good frames */
    uint64_t refused;       /* the sum of the next four */
    uint64_t refused_parts; /* several frames in one message */
    uint64_t refused_size;  /* over FRAME_BYTES_MAX */
    uint64_t refused_id;    /* a routing id of their own */
    uint64_t refused_key;   /* no key is known of the connection */
    uint64_t sent;          /* frames to peers */
    uint64_t published;     /* frames on PUB */
    uint64_t slow;          /* dropped: the peer's queue is full */
    uint64_t departed;      /* dropped: the peer is gone */
    uint64_t oversized;     /* fits no frame */
};
const struct front_stats *front_get_stats(const struct front *self);

#endif
