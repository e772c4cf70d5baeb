/* round.h - which of a chat's brokers the link goes to, and when (protocol 5.5).
 *
 * Brokers are indices here; what stands behind them the shell knows. One that was lost, or was not reached, is followed by
 * another one at once, each of them once, in an order that the model's seed gives: so the clients of a broker that dies
 * are spread over the others. Between one round and the next the wait grows, and so does the patience with one that is
 * silent: where all are slow, nobody is hunted from one to the other. */
#ifndef CLIENT_LIB_ROUND_H
#define CLIENT_LIB_ROUND_H

#include "client/lib/context.h"
#include "shared/base/limits.h"

struct round {
    uint64_t key[BROKERS_MAX]; /* the same number, the same key */
    uint32_t count;
    uint32_t at;       /* where the link is, or goes next */
    uint32_t home;     /* where the chat was found last, or is to be found */
    uint32_t tried;    /* set of indices: without success since the last WELCOME or pause */
    uint32_t passed;   /* set: of another chat, or does not let us in; until the next WELCOME */
    uint64_t chat;     /* 0: not known */
    bool is_known;     /* there was a WELCOME, or `chat` came from an earlier run */
    bool is_welcome;   /* the link is up */
    uint64_t since_ms; /* that long */
    uint32_t reconnect_ms;
    uint32_t patience_ms;
};

/* One broker, of which nothing is known. */
void round_init(struct round *self);
/* These are the brokers now: 0 is where the link is, or goes first, and home if `is_home`. `chat` counts while the session
 * has none yet. */
void round_set(struct round *self, const uint64_t *keys, size_t count, uint64_t chat, bool is_home);

/* Is there another one to go to? */
bool round_has_others(const struct round *self);
/* How long a broker may be silent when it was asked something. */
uint32_t round_patience_ms(const struct round *self);

enum round_reason {
    ROUND_LOST,   /* it is gone, or was not reached */
    ROUND_SILENT, /* it did not answer in time */
    ROUND_LEFT,   /* it stops, and said so: all of its clients leave now */
};
/* Go on to the next one: self->at. The milliseconds until it is to be opened. */
uint32_t round_next(struct round *self, struct model_context *ctx, enum round_reason reason);

/* WELCOME of the broker at hand tells this chat (0: none). False: it is not ours. */
bool round_welcome(struct round *self, uint64_t chat, uint64_t now_ms);

/* The broker at hand is none for us: it is passed over. False: it is home, or there is no other; so that is final. */
bool round_pass(struct round *self);

#endif
