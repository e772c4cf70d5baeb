#include "client/lib/context.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define RETRY_LEAST_MS 20
#define RETRY_MOST_MS  60000 /* a longer wait is asked again; nobody parks us for ever */

static struct model_effect *add_effect(struct model_effects *fx, enum model_effect_kind kind)
{
    if (fx->count == fx->capacity) {
        fx->capacity = fx->capacity == 0 ? 16 : fx->capacity * 2;
        fx->item = x_realloc(fx->item, fx->capacity, sizeof(*fx->item));
    }

    struct model_effect *effect = &fx->item[fx->count++];

    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

void model_effects_fini(struct model_effects *self)
{
    free(self->item);
    *self = (struct model_effects){0};
}

void context_send(struct model_context *ctx, const struct message *message)
{
    struct message *sent = &add_effect(ctx->fx, MODEL_FX_SEND)->message;

    *sent = *message;
    if (message->verb == VERB_PING && ctx->is_away)
        message_set(sent, AWAY, away, true);
}

void context_topic(struct model_context *ctx, enum model_effect_kind kind, struct span topic)
{
    add_effect(ctx->fx, kind)->topic = topic;
}

void context_reconnect(struct model_context *ctx, uint32_t broker, uint32_t delay_ms, enum rc rc)
{
    struct model_effect *effect = add_effect(ctx->fx, MODEL_FX_RECONNECT);

    effect->broker = broker;
    effect->delay_ms = delay_ms;
    effect->rc = rc;
}

uint32_t context_next_ref(struct model_context *ctx)
{
    if (++ctx->last_ref == 0)
        ctx->last_ref = 1;
    return ctx->last_ref;
}

/* splitmix64: small, and good enough to spread clients in time. */
uint64_t context_random(struct model_context *ctx)
{
    uint64_t z = ctx->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t context_jitter(struct model_context *ctx, uint32_t ms)
{
    const uint32_t spread = ms / 2;

    return ms - ms / 4 + (uint32_t)(context_random(ctx) % (spread + 1));
}

uint64_t context_after(struct model_context *ctx, uint32_t ms)
{
    return ctx->now_ms + ms + context_random(ctx) % (ms / 4 + 1);
}

enum rc message_error(const struct message *error)
{
    const enum rc rc = message_has(error, HAS_CODE) ? rc_from_number(error->code) : RC_DENIED;

    if (rc == RC_OK || !rc_is_wire(rc) || (rc == RC_MALFORMED && error->code != RC_MALFORMED))
        return RC_DENIED;
    return rc;
}

struct span message_error_text(const struct message *error)
{
    if (message_has(error, HAS_TEXT) && error->text.len > 0)
        return error->text;
    return span_of(rc_sentence(message_error(error)));
}

uint32_t message_retry_ms(const struct message *message, uint32_t otherwise)
{
    if (!message_has(message, HAS_RETRY))
        return otherwise;
    return (uint32_t)min_u64(max_u64(message->retry, RETRY_LEAST_MS), RETRY_MOST_MS);
}

uint32_t doubled_ms(uint32_t ms, uint32_t most)
{
    return ms >= most / 2 ? most : ms * 2;
}
