/* hints.h - brokers over one database tell each other that they have committed, so that nobody has to wait until it looks.
 *
 * Each has a PUB socket, and a SUB socket that is connected to those of the others: CURVE both ways, with one key pair that all
 * brokers of the cluster have and the ZAP handler admits at this door alone. A hint is a number, how far the turns are; with each
 * renewal of its lease a broker says it again, as a sign that the database answers it (ADR 0036). It
 * may be late, or never come: whoever hears one looks into the database, and looks there by itself every second.
 * Belongs to the hub's thread. */
#ifndef BROKER_NET_HINTS_H
#define BROKER_NET_HINTS_H

#include "broker/net/bind.h"

#include <stdint.h>

#define HINTS_ENDPOINT_BYTES 80 /* "tcp://[IPv6]:PORT" */

struct hints;

struct hints_options {
    const char *endpoint;            /* where it listens: "tcp://192.0.2.1:5672" */
    const unsigned char *public_key; /* of the cluster; borrowed */
    const unsigned char *secret_key;
};

/* RC_SYSTEM: `why` is one sentence. */
enum rc hints_open(void *zmq_context, const struct hints_options *options, struct hints **ret,
                   char why[static WHY_BYTES_MAX]) MUST_CHECK;
void hints_close(struct hints **self_p);

/* To poll for ZMQ_POLLIN. */
void *hints_socket(const struct hints *self);

/* Say to all who listen that the turns are so far. */
void hints_tell(struct hints *self, uint64_t turn);

/* How far they are, as any of those says who are listened to. False: nobody has said anything since. */
bool hints_take(struct hints *self, uint64_t *ret_turn);

/* Listen to another one, from now on and whenever it is there again; or no more. What is no endpoint is passed over. */
void hints_listen(struct hints *self, const char *endpoint);
void hints_leave(struct hints *self, const char *endpoint);

struct hints_stats {
    uint64_t told;
    uint64_t heard;
};
const struct hints_stats *hints_get_stats(const struct hints *self);

#endif
