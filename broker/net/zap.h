/* zap.h - who is let in: the ZAP handler (RFC 27), on a thread of its own.
 *
 * libzmq asks it about every CURVE handshake. It lets in every well-formed CURVE key of
 * domain ZAP_DOMAIN - whether a key may become a person is the core's business - and gives the
 * connection the User-Id by which the front knows the key: 64 hexadecimal digits.
 *
 * Ours, since czmq's zauth stops on SIGTERM and libzmq then lets every key in. Together with
 * ZMQ_ZAP_ENFORCE_DOMAIN on the sockets, no handler means no entry. */
#ifndef BROKER_NET_ZAP_H
#define BROKER_NET_ZAP_H

#include "shared/base/rc.h"

#define ZAP_DOMAIN   "zchat"
#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

struct zap;

/* Bind and serve; to be called before any socket with CURVE is bound.
 * RC_SYSTEM: errno says why (EADDRINUSE: the context has a handler already). */
enum rc zap_start(void *zmq_context, struct zap **ret) MUST_CHECK;

/* Stops the thread. From then on the context's sockets let nobody new in. */
void zap_stop(struct zap **self_p);

#endif
