/* context.h - what the parts of the model share during one call.
 *
 * model.c sets now_ms and fx at every entry; the parts keep neither. */
#ifndef CLIENT_LIB_CONTEXT_H
#define CLIENT_LIB_CONTEXT_H

#include "client/lib/model.h"
#include "client/lib/tells.h"

#define NEVER_MS UINT64_MAX

struct model_context {
    struct tells tells;
    struct model_effects *fx;
    uint64_t now_ms;
    uint64_t random; /* state of the jitter's generator */
    uint32_t last_ref;
    bool is_away;           /* told with every PING */
    bool is_up;             /* WELCOME came on this connection */
    struct span own_stream; /* "@nick" */
    uint64_t confirmed;     /* how far the own stream is confirmed, as the broker said */
    bool was_welcomed;      /* once in this session, so `confirmed` is known */
};

/* Ask for an effect. What the spans borrow must live until the next call of the model. */
void context_send(struct model_context *ctx, const struct message *message);
void context_topic(struct model_context *ctx, enum model_effect_kind kind, struct span topic);
void context_reconnect(struct model_context *ctx, uint32_t broker, uint32_t delay_ms, enum rc rc);

/* A number for a question; never 0, and not given again for a long time. */
uint32_t context_next_ref(struct model_context *ctx);

uint64_t context_random(struct model_context *ctx);
uint32_t context_jitter(struct model_context *ctx, uint32_t ms); /* ms +- 25 % */
/* The time in ms, or up to a quarter later: when somebody asked us to wait. */
uint64_t context_after(struct model_context *ctx, uint32_t ms);

/* The code of an ERROR; what this version does not know is like `denied` (protocol 9). */
enum rc message_error(const struct message *error);
/* Its sentence, or ours when it has none. */
struct span message_error_text(const struct message *error);
/* Its `retry` within sensible bounds, or `otherwise`. */
uint32_t message_retry_ms(const struct message *message, uint32_t otherwise);

uint32_t doubled_ms(uint32_t ms, uint32_t most);

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
