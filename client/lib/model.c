#include "client/lib/model_internal.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define HELLO_EVERY_MS   1000
#define HELLO_PUT_OFF_MS 5000
#define BYE_RETRY_MS     1000
#define PING_LEAST_MS    100

struct model *model_new(const struct model_options *options)
{
    struct model *self = x_alloc(1, sizeof(*self));
    const size_t nick_len = strlen(options->nick);

    self->nick = x_strdup(options->nick);
    self->agent = x_strdup(options->agent == NULL ? "" : options->agent);
    self->own_stream = x_alloc(1, nick_len + 2);
    self->own_stream[0] = '@';
    memcpy(self->own_stream + 1, options->nick, nick_len);
    self->session = options->session;
    self->is_inbox = options->is_inbox;
    self->confirms_late = options->confirms_late;
    self->has_invite = options->invite != NULL;
    if (self->has_invite)
        memcpy(self->invite, options->invite, INVITE_BYTES);
    self->ping_ms = PING_MS;
    round_init(&self->round);

    tells_init(&self->ctx.tells, options->limits.tells_max);
    self->ctx.random = options->seed;
    self->ctx.own_stream = span_of(self->own_stream);
    self->outbox = outbox_new(options->limits.outbox_max);
    self->delivery = delivery_new();
    self->requests = requests_new(options->limits.requests_max);
    self->follows = follows_new(&options->limits, options->session);
    return self;
}

static void forget_invite(struct model *self)
{
    explicit_bzero(self->invite, sizeof(self->invite));
    self->has_invite = false;
}

void model_destroy(struct model **self_p)
{
    struct model *self = *self_p;

    if (self == NULL)
        return;
    outbox_destroy(&self->outbox);
    delivery_destroy(&self->delivery);
    requests_destroy(&self->requests);
    follows_destroy(&self->follows);
    tells_fini(&self->ctx.tells);
    forget_invite(self);
    sealed_wipe(&self->own_key);
    free(self->nick);
    free(self->agent);
    free(self->own_stream);
    free(self);
    *self_p = NULL;
}

/* Every entry begins here: what the last effects borrowed may go. */
struct model_context *model_enter(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    self->ctx.now_ms = now_ms;
    self->ctx.fx = fx;
    follows_sweep(self->follows);
    return &self->ctx;
}

/* --- the link -------------------------------------------------------------- */

/* Something that a broker answers at once. */
static void ask(struct model *self, const struct message *message)
{
    context_send(&self->ctx, message);
    if (self->asked_at_ms == 0)
        self->asked_at_ms = self->ctx.now_ms;
}

static void say_hello(struct model *self)
{
    struct message hello = {.verb = VERB_HELLO};

    message_set(&hello, LOW, low, PROTOCOL_VERSION_LOW);
    message_set(&hello, HIGH, high, PROTOCOL_VERSION_HIGH);
    message_set(&hello, NICK, nick, span_of(self->nick));
    message_set(&hello, SESSION, session, self->session.v);
    message_set(&hello, REF, ref, self->hello_ref);
    outbox_tell_number(self->outbox, &hello);
    if (self->is_inbox)
        message_set(&hello, INBOX, inbox, true);
    if (self->agent[0] != '\0')
        message_set(&hello, AGENT, agent, span_of(self->agent));
    if (self->has_invite)
        message_set(&hello, INVITE, invite,
                    ((struct span){(const char *)self->invite, INVITE_BYTES}));
    ask(self, &hello);
    self->hello_at_ms = self->ctx.now_ms + HELLO_EVERY_MS;
}

static void greet(struct model *self)
{
    self->state = LINK_GREETING;
    self->ctx.is_up = false;
    self->hello_ref = context_next_ref(&self->ctx);
    say_hello(self);
}

void model_opened(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);
    self->heard_at_ms = now_ms;
    self->asked_at_ms = 0;
    ctx->is_up = false;
    follows_opened(self->follows, ctx);
    greet(self);
}

void model_listening(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);

    if (self->state == LINK_UP)
        follows_listening(self->follows, ctx);
}

static void close_link(struct model *self, uint32_t delay_ms, enum rc rc)
{
    self->state = LINK_CLOSED;
    self->ctx.is_up = false;
    follows_lost(self->follows, false);
    link_tell(&self->link_tell, &self->ctx, ZCHAT_LINK_DOWN, RC_OK, (struct span){0});
    context_reconnect(&self->ctx, self->round.at, delay_ms, rc);
}

static void reconnect(struct model *self, enum round_reason reason)
{
    close_link(self, round_next(&self->round, &self->ctx, reason), RC_OK);
}

void model_lost(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    model_enter(self, now_ms, fx);
    if (self->state != LINK_REFUSED && (model_is_open(self) || round_has_others(&self->round)))
        reconnect(self, ROUND_LOST);
}

void model_set_brokers(struct model *self, const uint64_t *keys, size_t count, uint64_t chat,
                       bool is_home)
{
    round_set(&self->round, keys, count, chat, is_home);
}

bool model_is_up(const struct model *self)
{
    return self->ctx.is_up;
}

uint32_t model_patience_ms(const struct model *self)
{
    return round_patience_ms(&self->round);
}

static void refuse(struct model *self, enum rc rc, struct span text)
{
    self->state = LINK_REFUSED;
    self->ctx.is_up = false;
    follows_lost(self->follows, false);
    link_tell(&self->link_tell, &self->ctx, ZCHAT_LINK_REFUSED, rc, text);
}

/* By a broker that was never ours: another one may know us. */
static void refuse_here(struct model *self, enum rc rc, struct span text)
{
    if (round_pass(&self->round))
        close_link(self, round_next(&self->round, &self->ctx, ROUND_LOST), rc);
    else
        refuse(self, rc, text);
}

void model_refused(struct model *self, enum rc rc, uint64_t now_ms, struct model_effects *fx)
{
    model_enter(self, now_ms, fx);
    refuse_here(self, rc, span_of(rc_sentence(rc)));
}

static void note_own(struct model *self, const struct message *message)
{
    if (message_has(message, HAS_CONFIRMED)) {
        self->ctx.confirmed = max_u64(self->ctx.confirmed, message->confirmed);
        confirm_known(&self->confirm, message->confirmed);
        model_send_confirm(self, true);
    }
    if (message_has(message, HAS_STREAM | HAS_SEQ) &&
        span_equal(message->stream, self->ctx.own_stream))
        follows_note_head(self->follows, &self->ctx, message->stream, message->seq);
}

/* HEAD or JOINED, over the DEALER. */
static void take_stream_key(struct model *self, const struct message *message)
{
    if (!message_has(message, HAS_STREAM))
        return;
    if (span_equal(message->stream, self->ctx.own_stream))
        sealed_take_key(&self->own_key, message);
    follows_take_key(self->follows, message);
}

static void on_welcome(struct model *self, const struct message *welcome)
{
    struct model_context *ctx = &self->ctx;
    const bool is_new = self->state == LINK_GREETING;

    if (!message_has(welcome, HAS_NEXT) ||
        (message_has(welcome, HAS_SESSION) && welcome->session != self->session.v))
        return;
    if (message_has(welcome, HAS_REF) && welcome->ref != self->hello_ref) /* of an older HELLO */
        return;
    if (message_has(welcome, HAS_PING_EVERY))
        self->ping_ms = (uint32_t)min_u64(max_u64(welcome->ping_ms, PING_LEAST_MS), PING_MS);
    if (is_new && !round_welcome(&self->round, message_has(welcome, HAS_CHAT) ? welcome->chat : 0,
                                 ctx->now_ms)) {
        refuse_here(self, RC_WRONG_BROKER, (struct span){0});
        return;
    }
    take_stream_key(self, welcome);
    if (!is_new) { /* the answer to a HELLO that we repeated */
        note_own(self, welcome);
        return;
    }
    forget_invite(self); /* protocol 2.1 */
    self->state = LINK_UP;
    ctx->is_up = true;
    self->ping_at_ms = ctx->now_ms + self->ping_ms;
    link_tell(&self->link_tell, &self->ctx, ZCHAT_LINK_UP, RC_OK, (struct span){0});
    outbox_welcome(self->outbox, ctx, welcome->next,
                   message_has(welcome, HAS_WINDOW) ? welcome->window : POST_WINDOW);
    requests_restart(self->requests, ctx);
    if (message_has(welcome, HAS_CONFIRMED))
        ctx->confirmed = max_u64(ctx->confirmed, welcome->confirmed);
    follows_welcomed(self->follows, ctx);
    note_own(self, welcome);
}

static void on_bye(struct model *self, const struct message *bye)
{
    const uint32_t delay_ms = message_retry_ms(bye, BYE_RETRY_MS);

    if (round_has_others(&self->round)) {
        reconnect(self, ROUND_LEFT);
        return;
    }
    /* Not all at once: the broker comes back to all of its clients. */
    close_link(self, delay_ms + (uint32_t)(context_random(&self->ctx) % (delay_ms / 2 + 100)),
               RC_OK);
}

/* Without a ref only what HELLO alone can be answered with is meant for it. */
static bool is_hello_answer(const struct model *self, const struct message *error, enum rc rc)
{
    if (self->state != LINK_GREETING)
        return false;
    if (message_has(error, HAS_REF))
        return error->ref == self->hello_ref;
    return !message_has(error, HAS_NUMBER) && rc != RC_MALFORMED && rc != RC_UNKNOWN_VERB &&
           rc != RC_BAD_FIELD && rc != RC_TOO_BIG;
}

static void on_hello_error(struct model *self, const struct message *error, enum rc rc)
{
    if (!rc_is_transient(rc) && rc != RC_LIMIT) {
        refuse_here(self, rc, message_error_text(error));
        return;
    }
    if (rc == RC_STOPPING && round_has_others(&self->round)) {
        reconnect(self, ROUND_LEFT);
        return;
    }

    const uint64_t wait_ms = min_u64(message_retry_ms(error, HELLO_EVERY_MS), HELLO_PUT_OFF_MS);

    link_tell_put_off(&self->link_tell, &self->ctx, rc, message_error_text(error));
    self->hello_at_ms = context_after(&self->ctx, (uint32_t)wait_ms);
}

static void on_error(struct model *self, const struct message *error)
{
    const enum rc rc = message_error(error);

    if (rc == RC_HELLO_FIRST) { /* the broker does not know this connection (any more) */
        if (self->state == LINK_UP) {
            follows_lost(self->follows, true);
            greet(self);
        }
        return;
    }
    if (is_hello_answer(self, error, rc)) {
        on_hello_error(self, error, rc);
        return;
    }
    if (!self->ctx.is_up)
        return;
    if ((rc == RC_REVOKED || rc == RC_BANNED) &&
        (error->has & (HAS_NUMBER | HAS_REF | HAS_STREAM)) == 0) { /* the session is over: R-42 */
        refuse(self, rc, message_error_text(error));
        return;
    }
    if (message_has(error, HAS_NUMBER))
        outbox_error(self->outbox, &self->ctx, error);
    else if (message_has(error, HAS_REF) && !requests_answer(self->requests, &self->ctx, error))
        follows_on_error(self->follows, &self->ctx, error);
}

/* --- messages ---------------------------------------------------------------- */

static void on_event(struct model *self, const struct message *event, bool from_pub)
{
    if (event->seq == 0)
        return;
    if (message_has(event, HAS_UPTO) && span_equal(event->type, SPAN("receipt")) &&
        span_equal(event->stream, self->ctx.own_stream))
        delivery_receipt(self->delivery, &self->ctx, event->from, event->upto);
    follows_on_event(self->follows, &self->ctx, event, from_pub);
}

/* What may come on either socket. */
static bool on_broadcast(struct model *self, const struct message *message, bool from_pub)
{
    switch (message->verb) {
    case VERB_EVENT:
        if (!from_pub && message_has(message, HAS_REF))
            return false; /* somebody asked for it: a row of an answer, no news */
        if (message_has(message, HAS_STREAM | HAS_SEQ | HAS_TS | HAS_TYPE | HAS_FROM))
            on_event(self, message, from_pub);
        return true;
    case VERB_HEAD:
        if (!from_pub)
            take_stream_key(self, message);
        if (message_has(message, HAS_STREAM | HAS_SEQ))
            follows_on_head(self->follows, &self->ctx, message);
        return true;
    case VERB_PROBE:
        if (from_pub && message_has(message, HAS_TOKEN))
            follows_on_probe(self->follows, &self->ctx, message->token);
        return true;
    default:
        return false;
    }
}

/* Answers to what is asked only while the link is up. */
static void on_answer(struct model *self, const struct message *message)
{
    struct model_context *ctx = &self->ctx;

    switch (message->verb) {
    case VERB_ACK:
        if (message_has(message, HAS_NUMBER | HAS_STREAM | HAS_SEQ))
            outbox_ack(self->outbox, ctx, self->delivery, message);
        break;
    case VERB_EXPECT:
        if (message_has(message, HAS_NEXT))
            outbox_expect(self->outbox, ctx, message->next);
        break;
    case VERB_EVENTS:
        if (message_has(message, HAS_STREAM | HAS_FIRST | HAS_LAST | HAS_SEQ | HAS_DONE))
            follows_on_events(self->follows, ctx, message);
        break;
    case VERB_GONE:
        if (message_has(message, HAS_STREAM | HAS_FIRST | HAS_SEQ))
            follows_on_gone(self->follows, ctx, message);
        break;
    default: /* whatever carries the ref of a question */
        if (message->verb == VERB_PONG)
            note_own(self, message);
        else if (message->verb == VERB_JOINED)
            take_stream_key(self, message);
        requests_answer(self->requests, ctx, message);
        break;
    }
}

void model_received(struct model *self, const struct message *message, bool from_pub,
                    uint64_t now_ms, struct model_effects *fx)
{
    model_enter(self, now_ms, fx);
    if (!model_is_open(self))
        return;
    if (!from_pub) { /* broadcasts say nothing about the way of commands */
        self->heard_at_ms = now_ms;
        self->asked_at_ms = 0;
    }
    if (on_broadcast(self, message, from_pub) || from_pub)
        return;
    if (message->verb == VERB_WELCOME)
        on_welcome(self, message);
    else if (message->verb == VERB_ERROR)
        on_error(self, message);
    else if (message->verb == VERB_BYE)
        on_bye(self, message);
    else if (self->state == LINK_UP)
        on_answer(self, message);
}

/* --- time ---------------------------------------------------------------------- */

/* When the broker is given up for dead: sooner where there is another one to go to. */
static uint64_t dead_at_ms(const struct model *self)
{
    const uint64_t at = self->heard_at_ms + LINK_DEAD_MS;

    return self->asked_at_ms == 0
               ? at
               : min_u64(at, self->asked_at_ms + round_patience_ms(&self->round));
}

static uint64_t link_deadline_ms(const struct model *self)
{
    if (!model_is_open(self))
        return NEVER_MS;
    return min_u64(dead_at_ms(self), self->state == LINK_UP ? self->ping_at_ms : self->hello_at_ms);
}

static void tick_link(struct model *self)
{
    struct model_context *ctx = &self->ctx;

    if (!model_is_open(self))
        return;
    if (ctx->now_ms >= dead_at_ms(self)) {
        reconnect(self, ROUND_SILENT);
    } else if (self->state == LINK_GREETING && ctx->now_ms >= self->hello_at_ms) {
        say_hello(self);
    } else if (self->state == LINK_UP && ctx->now_ms >= self->ping_at_ms) {
        ask(self, &(struct message){.verb = VERB_PING});
        follows_ask_heads(self->follows, ctx);
        self->ping_at_ms = ctx->now_ms + self->ping_ms;
    }
}

void model_tick(struct model *self, uint64_t now_ms, struct model_effects *fx)
{
    struct model_context *ctx = model_enter(self, now_ms, fx);

    tick_link(self);
    outbox_tick(self->outbox, ctx);
    requests_tick(self->requests, ctx);
    follows_tick(self->follows, ctx);
}

uint64_t model_next_deadline_ms(const struct model *self)
{
    const bool is_up = self->ctx.is_up;
    uint64_t at = link_deadline_ms(self);

    at = min_u64(at, outbox_next_deadline_ms(self->outbox, is_up));
    at = min_u64(at, requests_next_deadline_ms(self->requests, is_up));
    return min_u64(at, follows_next_deadline_ms(self->follows, is_up));
}
