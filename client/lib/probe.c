#include "client/lib/probe.h"

#include <inttypes.h>
#include <stdio.h>

void probe_init(struct probe *self, session_id session)
{
    *self = (struct probe){.wait_ms = PROBE_MS};
    snprintf(self->topic, sizeof(self->topic), "~%016" PRIx64, session.v);
}

void probe_lost(struct probe *self, bool has_sockets)
{
    self->is_out = false;
    self->is_subscribed = self->is_subscribed && has_sockets;
    self->is_last = self->is_last && self->is_subscribed;
    self->wait_ms = PROBE_MS;
    self->has_sockets = has_sockets;
}

/* Subscribed anew, since only a fresh subscription stands behind the others. */
static void subscribe(struct probe *self, struct model_context *ctx)
{
    if (self->is_subscribed)
        context_topic(ctx, MODEL_FX_UNSUBSCRIBE, span_of(self->topic));
    context_topic(ctx, MODEL_FX_SUBSCRIBE, span_of(self->topic));
    self->is_subscribed = self->is_last = true;
}

void probe_opened(struct probe *self, struct model_context *ctx)
{
    self->is_subscribed = false;
    subscribe(self, ctx);
}

uint32_t probe_cover(struct probe *self)
{
    self->is_last = false;
    return self->round + 1;
}

bool probe_covers(const struct probe *self, uint32_t round)
{
    return round <= self->round;
}

static void send_probe(struct probe *self, struct model_context *ctx)
{
    struct message message = {.verb = VERB_PROBE};

    if (!self->is_last)
        subscribe(self, ctx);
    self->round++;
    self->is_out = true;
    self->token = context_random(ctx);
    self->at_ms = ctx->now_ms + self->wait_ms;
    message_set(&message, TOKEN, token, self->token);
    context_send(ctx, &message);
}

void probe_start(struct probe *self, struct model_context *ctx)
{
    if (!ctx->is_up || !self->has_sockets || self->is_out)
        return;
    self->wait_ms = PROBE_MS;
    send_probe(self, ctx);
}

void probe_restart(struct probe *self, struct model_context *ctx)
{
    self->is_out = false;
    probe_start(self, ctx);
}

void probe_repeat(struct probe *self, struct model_context *ctx)
{
    self->wait_ms = doubled_ms(self->wait_ms, PROBE_MAX_MS);
    send_probe(self, ctx);
}

/* The topic is given back: while it stands, a probe of the next round could overtake the
 * subscriptions it is to prove. */
void probe_stop(struct probe *self, struct model_context *ctx)
{
    self->is_out = false;
    if (self->is_subscribed && self->has_sockets)
        context_topic(ctx, MODEL_FX_UNSUBSCRIBE, span_of(self->topic));
    self->is_subscribed = self->is_last = false;
}

bool probe_answer(struct probe *self, uint64_t token)
{
    if (!self->is_out || token != self->token)
        return false;
    self->is_out = false;
    return true;
}

uint64_t probe_next_deadline_ms(const struct probe *self)
{
    return self->is_out ? self->at_ms : NEVER_MS;
}
