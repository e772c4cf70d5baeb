/* connection.h - the two sockets of a client: DEALER for commands, SUB for broadcasts.
 *
 * The DEALER never reconnects by itself (RECONNECT_IVL -1): the model says when. The SUB is connected after WELCOME
 * and by libzmq again when the broker cuts it. Socket monitors tell early what libzmq hides: refused,
 * handshake failed, gone. */
#ifndef CLIENT_LIB_NET_CONNECTION_H
#define CLIENT_LIB_NET_CONNECTION_H

#include "client/lib/net/keys.h"
#include "client/lib/net/why.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"
#include "shared/text/url.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct connection;

enum connection_change {
    CONNECTION_SAME,
    CONNECTION_LISTENING, /* the SUB has shaken hands, for the first time or again */
    CONNECTION_READY,     /* the DEALER has: HELLO can be said */
    CONNECTION_LOST,      /* one of them is gone, or never came: close and open again */
    CONNECTION_REFUSED,   /* the broker knows this key and does not let it in */
};

/* NULL: the system has no sockets for us. `url` and `keys` are copied. */
struct connection *connection_new(const struct broker_url *url, const struct key_pair *keys);
/* Waits at most 200 ms for what was sent last. */
void connection_destroy(struct connection **self_p);

/* Close what was open and connect anew; a broker that says nothing for patience_ms on the way is lost. RC_SYSTEM: no
 * sockets. */
enum rc connection_open(struct connection *self, uint64_t now_ms, uint32_t patience_ms) MUST_CHECK;
/* From now on it is this broker; closed. What was wrong with the one before is told until more is known; `rc` not RC_OK:
 * with that it was passed over. */
void connection_move(struct connection *self, const struct broker_url *url, enum rc rc);
void connection_close(struct connection *self);
/* WELCOME came: connect the SUB, once. Subscriptions can be made before. */
void connection_listen(struct connection *self, uint64_t now_ms);
bool connection_is_open(const struct connection *self);

/* What became of the sockets since the last call; also LOST when `now_ms` is beyond
 * connection_deadline_ms(). */
enum connection_change connection_watch(struct connection *self, uint64_t now_ms);
/* Until when a handshake that is under way must be done; UINT64_MAX when none is, or when closed. */
uint64_t connection_deadline_ms(const struct connection *self);

/* Why there is no connection: RC_OK and "" when there is one; RC_WRONG_BROKER when the handshake failed again
 * and again as it does with another key; else RC_UNREACHABLE. The sentence is copied into `why`. */
enum rc connection_trouble(const struct connection *self, struct why *why);

void connection_subscribe(struct connection *self, struct span topic, bool is_wanted);

/* Queue one frame. False: it was not taken; whoever sent it repeats it. */
bool connection_send(struct connection *self, struct span frame);

/* Take the next frame; its bytes live until the next call. False: there is none now. */
bool connection_receive(struct connection *self, bool from_pub, struct span *ret_frame);

/* Wait until something happens at the sockets or the caller's own descriptors; sets their
 * revents. Returns true when one of the caller's is ready. */
bool connection_wait(struct connection *self, int timeout_ms, struct pollfd *extra,
                     size_t extra_count);

#endif
