/* probe.h - have the subscriptions reached the broker? (protocol 7.1, R-32)
 *
 * Topics are subscribed, the probe's own topic last, then PROBE is sent: when it comes back on that topic,
 * everything subscribed before stands. Rounds are numbered; streams that are added while one is out
 * wait for the next. */
#ifndef CLIENT_LIB_PROBE_H
#define CLIENT_LIB_PROBE_H

#include "client/lib/context.h"

struct probe {
    char topic[18]; /* "~%016x" */
    uint64_t token;
    uint32_t round; /* of the last PROBE sent */
    bool is_out;
    bool is_subscribed, is_last; /* the topic; no stream was subscribed after it */
    uint64_t at_ms;
    uint32_t wait_ms;
    bool has_sockets;
};

void probe_init(struct probe *self, session_id session);

/* The link: none; new sockets (behind the streams' subscriptions). */
void probe_lost(struct probe *self, bool has_sockets);
void probe_opened(struct probe *self, struct model_context *ctx);

/* A stream is subscribed now: the round that will cover it. */
uint32_t probe_cover(struct probe *self);
bool probe_covers(const struct probe *self, uint32_t round);

/* Send PROBE unless one is out or the link is down. */
void probe_start(struct probe *self, struct model_context *ctx);
/* Send another at once: the one that is out, if any, could not come back. */
void probe_restart(struct probe *self, struct model_context *ctx);
/* The time is over: send another, with more patience. */
void probe_repeat(struct probe *self, struct model_context *ctx);
/* Nobody waits any more. */
void probe_stop(struct probe *self, struct model_context *ctx);

/* True when this is the answer to the one that is out. */
bool probe_answer(struct probe *self, uint64_t token);

uint64_t probe_next_deadline_ms(const struct probe *self);

#endif
