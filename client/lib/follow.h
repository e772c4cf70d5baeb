/* follow.h - streams told in order, each event once, over losses and reconnects (protocol 7).
 *
 * A live follow subscribes, waits for a probe to be sure, asks HEAD, fetches what is missing, and
 * is then fed by broadcasts; a hole or a HEAD beyond what it has makes it fetch again. Reading
 * back (`until`) does the same without a subscription and ends. */
#ifndef CLIENT_LIB_FOLLOW_H
#define CLIENT_LIB_FOLLOW_H

#include "client/lib/context.h"

struct follows;

struct follows *follows_new(const struct model_limits *limits, session_id session);
void follows_destroy(struct follows **self_p);

/* First thing at every call of the model: forget what its last effects borrowed. */
void follows_sweep(struct follows *self);

/* As model_follow() and model_unfollow(). */
enum rc follows_add(struct follows *self, struct model_context *ctx, struct span stream,
                    struct zchat_place from, uint64_t until) MUST_CHECK;
void follows_remove(struct follows *self, struct model_context *ctx, struct span stream);

/* The link: new sockets; WELCOME; neither any more. */
void follows_opened(struct follows *self, struct model_context *ctx);
void follows_welcomed(struct follows *self, struct model_context *ctx);
void follows_lost(struct follows *self, bool has_sockets);
/* Broadcasts come from now on: the live follows make sure of their subscriptions, and of what they missed. */
void follows_listening(struct follows *self, struct model_context *ctx);

/* Messages; those of streams that are not followed are ignored. */
void follows_on_event(struct follows *self, struct model_context *ctx,
                      const struct message *message, bool from_pub);
void follows_on_head(struct follows *self, struct model_context *ctx,
                     const struct message *message);
void follows_on_events(struct follows *self, struct model_context *ctx,
                       const struct message *message);
void follows_on_gone(struct follows *self, struct model_context *ctx,
                     const struct message *message);
void follows_on_probe(struct follows *self, struct model_context *ctx, uint64_t token);
/* ERROR with a ref. False: not an answer to a question of ours. */
bool follows_on_error(struct follows *self, struct model_context *ctx,
                      const struct message *message);

/* As model_unreadable(), and as model_stream_key() for other streams than one's own. */
void follows_unreadable(struct follows *self, struct model_context *ctx, struct span stream,
                        uint32_t epoch, uint64_t seq);
const unsigned char *follows_key(const struct follows *self, struct span stream, uint32_t epoch);
/* JOINED, or HEAD over the DEALER: its key. */
void follows_take_key(struct follows *self, const struct message *message);

/* The stream is known to reach to `seq`. */
void follows_note_head(struct follows *self, struct model_context *ctx, struct span stream,
                       uint64_t seq);
/* Along with a PING: ask HEAD for some of the live streams, in turn. */
void follows_ask_heads(struct follows *self, struct model_context *ctx);

/* Ask what may be asked: there is room for tells again. */
void follows_pump(struct follows *self, struct model_context *ctx);

void follows_tick(struct follows *self, struct model_context *ctx);
uint64_t follows_next_deadline_ms(const struct follows *self, bool is_up);

#endif
