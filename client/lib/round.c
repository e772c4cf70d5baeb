#include "client/lib/round.h"

#define NOWHERE    UINT32_MAX
#define LEAVE_MS   500   /* behind BYE: not all at once */
#define LASTING_MS 60000 /* a link that lasted so long was no hasty choice */

void round_init(struct round *self)
{
    *self =
        (struct round){.count = 1, .reconnect_ms = RECONNECT_MIN_MS, .patience_ms = LINK_DOUBT_MS};
}

void round_set(struct round *self, const uint64_t *keys, size_t count, uint64_t chat, bool is_home)
{
    self->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        self->key[i] = keys[i];
    self->at = 0;
    self->home = is_home ? 0 : NOWHERE;
    self->tried = self->passed = 0;
    if (!self->is_known) {
        self->chat = chat;
        self->is_known = chat != 0;
    }
}

static uint32_t bit(uint32_t index)
{
    return UINT32_C(1) << index;
}

static uint32_t all_of(const struct round *self)
{
    return bit(self->count) - 1; /* BROKERS_MAX is below 32 */
}

bool round_has_others(const struct round *self)
{
    return (all_of(self) & ~self->passed & ~bit(self->at)) != 0;
}

uint32_t round_patience_ms(const struct round *self)
{
    return round_has_others(self) ? self->patience_ms : LINK_DEAD_MS;
}

/* One of a set that is not empty. */
static uint32_t pick(uint32_t set, struct model_context *ctx)
{
    uint32_t count = 1;

    for (uint32_t rest = set & (set - 1); rest != 0; rest &= rest - 1)
        count++;

    uint32_t skip = (uint32_t)(context_random(ctx) % count);

    while (skip-- > 0)
        set &= set - 1;
    return (uint32_t)__builtin_ctz(set);
}

static uint32_t back_off(struct round *self, struct model_context *ctx)
{
    const uint32_t delay_ms = context_jitter(ctx, self->reconnect_ms);

    self->reconnect_ms = doubled_ms(self->reconnect_ms, RECONNECT_MAX_MS);
    return delay_ms;
}

static void mind_patience(struct round *self, uint64_t now_ms, enum round_reason reason)
{
    if (self->is_welcome && now_ms - self->since_ms >= LASTING_MS)
        self->patience_ms = LINK_DOUBT_MS;
    else if (self->is_welcome && reason == ROUND_SILENT)
        self->patience_ms = doubled_ms(self->patience_ms, LINK_DEAD_MS);
    self->is_welcome = false;
}

uint32_t round_next(struct round *self, struct model_context *ctx, enum round_reason reason)
{
    uint32_t left;

    mind_patience(self, ctx->now_ms, reason);
    if (!round_has_others(self))
        return back_off(self, ctx);
    self->tried |= bit(self->at);
    left = all_of(self) & ~self->passed & ~self->tried;
    if (left != 0) {
        self->at = pick(left, ctx);
        return (uint32_t)(context_random(ctx) % (reason == ROUND_LEFT ? LEAVE_MS : MOVE_MS));
    }
    self->tried = 0;
    self->at = pick(all_of(self) & ~self->passed & ~bit(self->at), ctx);
    self->patience_ms = doubled_ms(self->patience_ms, LINK_DEAD_MS);
    return back_off(self, ctx);
}

/* Whether that may be the session's chat. */
static bool is_ours(const struct round *self, uint64_t chat)
{
    if (self->at == self->home || !self->is_known)
        return true;
    if (chat != 0 && self->chat != 0)
        return chat == self->chat;
    return self->home != NOWHERE && self->key[self->at] == self->key[self->home];
}

bool round_welcome(struct round *self, uint64_t chat, uint64_t now_ms)
{
    if (!is_ours(self, chat))
        return false;
    self->home = self->at;
    self->chat = chat;
    self->is_known = self->is_welcome = true;
    self->since_ms = now_ms;
    self->tried = self->passed = 0;
    self->reconnect_ms = RECONNECT_MIN_MS;
    return true;
}

bool round_pass(struct round *self)
{
    if (self->at == self->home || !round_has_others(self))
        return false;
    self->passed |= bit(self->at);
    return true;
}
