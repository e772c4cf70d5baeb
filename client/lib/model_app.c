/* model_app.c - what the application says to the model, and is told by it. */
#include "client/lib/model_internal.h"

void model_send_confirm(struct model *self, bool is_drained)
{
    struct message confirm = {.verb = VERB_CONFIRM};

    if (!self->is_inbox || !self->ctx.is_up)
        return;

    const uint64_t seq = confirm_due(&self->confirm, is_drained);

    if (seq == 0)
        return;
    message_set(&confirm, STREAM, stream, self->ctx.own_stream);
    message_set(&confirm, SEQ, seq, seq);
    context_send(&self->ctx, &confirm);
}

/* The tell taken before was shown. */
static void note_shown(struct model *self)
{
    const struct zchat_event *shown = tells_current(&self->ctx.tells);

    if (!self->is_inbox || self->confirms_late || shown == NULL ||
        !span_equal(span_of(shown->stream), self->ctx.own_stream))
        return;
    if (shown->kind == ZCHAT_EVENT)
        confirm_shown(&self->confirm, shown->seq, shown->seq);
    else if (shown->kind == ZCHAT_GAP)
        confirm_shown(&self->confirm, shown->first, shown->last);
}

void model_shown(struct model *self, uint64_t first, uint64_t last)
{
    confirm_shown(&self->confirm, first, last);
}

bool model_tell(struct model *self, struct zchat_event *ret, uint64_t now_ms,
                struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);

    note_shown(self);

    const bool has_one = tells_take(&ctx->tells, ret);

    model_send_confirm(self, !has_one);
    follows_pump(self->follows, ctx);
    requests_resume(self->requests, ctx);
    return has_one;
}

void model_closing(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    model_enter(self, now_ms, fx);
    model_send_confirm(self, true);
}

const unsigned char *model_stream_key(const struct model *self, struct span stream, uint32_t epoch)
{
    return span_equal(stream, self->ctx.own_stream) ? sealed_key(&self->own_key, epoch)
                                                    : follows_key(self->follows, stream, epoch);
}

void model_unreadable(struct model *self, struct span stream, uint32_t epoch, uint64_t seq,
                      uint64_t now_ms, struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);

    if (model_is_open(self))
        follows_unreadable(self->follows, ctx, stream, epoch, seq);
}

enum rc model_post(struct model *self, struct span target, struct span kind, struct span text,
                   uint32_t number_or_0, uint32_t timeout_ms, uint64_t now_ms,
                   struct model_effects *fx, uint32_t *ret_number)
{
    return outbox_post(self->outbox, model_enter(self, now_ms, fx), target, kind, text, number_or_0,
                       timeout_ms, ret_number);
}

enum rc model_retry(struct model *self, uint32_t number, uint32_t timeout_ms, uint64_t now_ms,
                    struct model_effects *fx, uint32_t *ret_number)
{
    return outbox_retry(self->outbox, model_enter(self, now_ms, fx), number, timeout_ms,
                        ret_number);
}

void model_set_away(struct model *self, bool is_away, uint64_t now_ms, struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);

    ctx->is_away = is_away;
    if (ctx->is_up)
        context_send(ctx, &(struct message){.verb = VERB_PING});
}

enum rc model_restore(struct model *self, uint32_t number, struct span target, struct span kind,
                      struct span text, uint32_t timeout_ms, uint64_t now_ms)
{
    self->ctx.now_ms = now_ms; /* nothing is asked for before model_opened() */
    return outbox_restore(self->outbox, &self->ctx, number, target, kind, text, timeout_ms);
}

enum rc model_restored(struct model *self, uint32_t next)
{
    return outbox_restored(self->outbox, next);
}

enum rc model_next_number(const struct model *self, struct span target, struct span kind,
                          struct span text, uint32_t *ret)
{
    return outbox_next_number(self->outbox, &self->ctx, target, kind, text, ret);
}

bool model_failed(const struct model *self, uint32_t number, struct span *ret_target,
                  struct span *ret_kind, struct span *ret_text)
{
    return outbox_failed(self->outbox, number, ret_target, ret_kind, ret_text);
}

size_t model_unanswered(const struct model *self)
{
    return outbox_count(self->outbox);
}

enum rc model_follow(struct model *self, struct span stream, struct zchat_place from,
                     uint64_t until, uint64_t now_ms, struct model_effects *fx)
{
    return follows_add(self->follows, model_enter(self, now_ms, fx), stream, from, until);
}

void model_unfollow(struct model *self, struct span stream, struct model_effects *fx)
{
    follows_remove(self->follows, model_enter(self, self->ctx.now_ms, fx), stream);
}

enum rc model_request(struct model *self, const struct message *message, uint64_t now_ms,
                      struct model_effects *fx, uint32_t *ret_ref)
{
    return requests_add(self->requests, model_enter(self, now_ms, fx), message, ret_ref);
}
