/* zap.h - who is let in: the ZAP handler (RFC 27), on a thread of its own.
 *
 * libzmq asks it about every CURVE handshake. It asks the keyring, limits how often one address and one
 * key may try, and gives the connection the User-Id by which the front knows the key: 64 hexadecimal
 * digits. Whether a key may become a person is the core's business.
 *
 * Ours, since czmq's zauth stops on SIGTERM and libzmq then lets every key in. Together with
 * ZMQ_ZAP_ENFORCE_DOMAIN on the sockets, no handler means no entry.
 *
 * What a refusal does to a client of libzmq 4.3.4 (measured):
 *   300  No word; the connection is closed at once or, more often, when its HANDSHAKE_IVL ends (10 s, front.c).
 *        Then the client comes back by itself. For who is refused now, but not for good: too many
 *        handshakes, or not known yet.
 *   400  The client gets an ERROR, and never tries again on that socket. For keys that were expelled,
 *        strangers where there is no way in, and what is no CURVE handshake of ours.
 *
 * So 300 is hard on a script that runs one command after another: the first one that is refused hangs until it
 * gives up. A key that comes too often therefore waits for its turn, up to 1.5 s, and is judged then; the rate that
 * is let in is the same. Refused is who would have to wait longer, who finds 1,024 waiting, and any address
 * that comes too often. */
#ifndef BROKER_NET_ZAP_H
#define BROKER_NET_ZAP_H

#include "broker/net/keyring.h"

#include <stdint.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

struct zap;

/* Handshakes a second, and at once after a rest; a client makes two for each connection. Rate 0: no limit. */
struct zap_options {
    struct keyring *keyring; /* NULL: every key may enter; outlives the handler */
    bool has_cluster;        /* DOOR_BROKERS lets this key in, and no other; without it nobody */
    unsigned char cluster_key[PUBLIC_KEY_BYTES];
    uint32_t per_address;
    uint32_t per_address_burst;
    uint32_t per_key;
    uint32_t per_key_burst;
};

/* Bind and serve; to be called before any socket with CURVE is bound.
 * RC_SYSTEM: errno says why (EADDRINUSE: the context has a handler already). */
enum rc zap_start(void *zmq_context, const struct zap_options *options,
                  struct zap **ret) MUST_CHECK;

/* Other rates for handshakes from now on; the keyring stays. By the owner's thread. */
void zap_set_rates(struct zap *self, const struct zap_options *options);

/* Stops the thread, and logs what it did. From then on the context's sockets let nobody new in. */
void zap_stop(struct zap **self_p);

struct zap_stats {
    uint64_t admitted;
    uint64_t malformed;   /* no request of ours, another mechanism, or no key */
    uint64_t expelled;    /* keys that were expelled */
    uint64_t strangers;   /* keys that are not known, where they may not enter */
    uint64_t per_address; /* over the address's limit */
    uint64_t per_key;     /* over the key's limit by more than may be waited for */
    uint64_t delayed;     /* waited for their key's next turn; counted above as well when it came */
};
/* Any thread may ask. */
void zap_get_stats(struct zap *self, struct zap_stats *ret);

#endif
