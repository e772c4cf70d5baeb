#include "client/lib/follow.h"

#include "client/lib/follow_table.h"
#include "client/lib/probe.h"
#include "client/lib/questions.h"
#include "client/lib/sealed.h"
#include "shared/base/alloc.h"

#include <stdlib.h>

#define HEADS_OUT_MAX   64 /* HEAD questions without an answer */
#define FETCHES_OUT_MAX 16 /* the broker allows FETCH_OUTSTANDING_MAX */
#define HEADS_PER_PING  64
#define UNKNOWN_PLACE   UINT64_MAX

struct follows {
    struct follow_table table;
    struct probe probe;
    struct questions questions;
    uint32_t held_max;
    bool has_sockets;
};

struct follows *follows_new(const struct model_limits *limits, session_id session)
{
    struct follows *self = x_alloc(1, sizeof(*self));

    follow_table_init(&self->table, limits->follows_max);
    probe_init(&self->probe, session);
    self->questions.table = &self->table;
    self->held_max = limits->held_max;
    return self;
}

void follows_destroy(struct follows **self_p)
{
    struct follows *self = *self_p;

    if (self == NULL)
        return;
    follow_table_fini(&self->table);
    free(self);
    *self_p = NULL;
}

void follows_sweep(struct follows *self)
{
    follow_table_sweep(&self->table);
}

/* --- where a follow stands ------------------------------------------------- */

static void leave(struct follows *self, struct model_context *ctx, struct follow *follow)
{
    questions_close(&self->questions, follow);
    if (!follow_is_history(follow) && self->has_sockets)
        context_topic(ctx, MODEL_FX_UNSUBSCRIBE, follow_stream(follow));
    follow_table_remove(&self->table, follow);
}

/* It cannot go on: the application is told why, once. */
static void end(struct follows *self, struct model_context *ctx, struct follow *follow, enum rc rc,
                struct span text)
{
    const struct zchat_event event = {.kind = ZCHAT_ANSWER, .rc = (zchat_rc)rc};

    tells_add(&ctx->tells, &event,
              &(struct tell_texts){.stream = follow_stream(follow), .text = text});
    leave(self, ctx, follow);
}

/* Line a located follow up for what it needs next; a history that is told is over. */
static void settle(struct follows *self, struct model_context *ctx, struct follow *follow)
{
    if (follow->ended_rc != RC_OK) {
        end(self, ctx, follow, follow->ended_rc, span_of(rc_sentence(follow->ended_rc)));
        return;
    }
    if (follow_is_complete(follow) && follow_is_history(follow)) {
        leave(self, ctx, follow);
        return;
    }
    questions_close(&self->questions, follow);
    follow_table_move(&self->table, follow, follow_is_complete(follow) ? LINE_IDLE : LINE_FETCH);
}

/* --- telling --------------------------------------------------------------- */

static void tell_live_if_due(struct model_context *ctx, struct follow *follow)
{
    if (!follow->is_located || follow->is_live_told || follow->next <= follow->live_at)
        return;

    const uint64_t seq = follow_is_history(follow) ? follow->live_at : follow->next - 1;
    const struct zchat_event event = {.kind = ZCHAT_LIVE, .seq = seq};

    follow->is_live_told = true;
    tells_add(&ctx->tells, &event, &(struct tell_texts){.stream = follow_stream(follow)});
}

/* What is read back has an end, though answers to others of the same stream may bring more. */
static bool is_wanted(const struct follow *follow, uint64_t seq)
{
    return !follow_is_history(follow) ||
           seq <= (follow->is_located ? follow->live_at : follow->until);
}

/* Tell the held events whose turn has come, as far as there is room. */
static void drain(struct model_context *ctx, struct follow *follow)
{
    held_drop_below(&follow->held, follow->next);
    while (held_first_seq(&follow->held) == follow->next && is_wanted(follow, follow->next) &&
           tells_room(&ctx->tells) > 0) {
        struct tell *tell = held_take_first(&follow->held);

        if (tell == NULL)
            break;
        follow_note_put_out(ctx, follow, &tell->event);
        tells_push(&ctx->tells, &tell);
        follow->next++;
        tell_live_if_due(ctx, follow);
        if (follow->ended_rc != RC_OK)
            break;
    }
}

/* True when the event is new: told or held. What finds no room is left to FETCH. */
static bool take(struct follows *self, struct model_context *ctx, struct follow *follow,
                 const struct message *message)
{
    struct tell *tell;

    if (message->seq < follow->next || !is_wanted(follow, message->seq))
        return false;
    if (follow->next != message->seq) {
        if (!held_wants(&follow->held, self->held_max, message->seq))
            return false;
        tell = tell_of_event(message);
        return held_put(&follow->held, self->held_max, &tell);
    }
    if (tells_room(&ctx->tells) == 0)
        return false;
    tell = tell_of_event(message);
    follow_note_put_out(ctx, follow, &tell->event);
    tells_push(&ctx->tells, &tell);
    follow->next++;
    tell_live_if_due(ctx, follow);
    if (follow->ended_rc == RC_OK)
        drain(ctx, follow);
    return true;
}

/* --- asking ----------------------------------------------------------------- */

void follows_pump(struct follows *self, struct model_context *ctx)
{
    struct follow *follow;

    if (!ctx->is_up)
        return;
    while (self->questions.heads_out < HEADS_OUT_MAX &&
           (follow = self->table.line[LINE_HEAD].first) != NULL)
        questions_ask_head(&self->questions, ctx, follow);
    while (self->questions.fetches_out < FETCHES_OUT_MAX &&
           (follow = self->table.line[LINE_FETCH].first) != NULL) {
        drain(ctx, follow);
        if (follow_is_complete(follow) || follow->ended_rc != RC_OK) {
            settle(self, ctx, follow);
            continue;
        }

        const uint64_t count = questions_fetch_count(&self->questions, ctx, follow);

        if (count == 0)
            break;
        questions_ask_fetch(&self->questions, ctx, follow, count);
    }
}

/* A FETCH is answered to its end. */
static void finish_fetch(struct follows *self, struct model_context *ctx, struct follow *follow)
{
    drain(ctx, follow);
    if (follow->ended_rc == RC_OK && !follow->has_brought && !follow_is_complete(follow) &&
        tells_room(&ctx->tells) > 0) {
        questions_put_off(
            &self->questions, ctx, follow,
            follow->ask_ms); /* an answer that brings nothing is not asked in a hurry */
        return;
    }
    follow->ask_ms = FETCH_RETRY_MS;
    settle(self, ctx, follow);
    follows_pump(self, ctx);
}

/* --- the application --------------------------------------------------------- */

enum rc follows_add(struct follows *self, struct model_context *ctx, struct span stream,
                    struct zchat_place from, uint64_t until)
{
    struct follow *follow;
    enum rc rc = follow_check(ctx, stream, from);

    if (rc == RC_OK)
        rc = follow_table_add(&self->table, stream, until != 0, until != 0 ? LINE_HEAD : LINE_PROBE,
                              &follow);
    if (rc != RC_OK)
        return rc;
    follow->from = from;
    if (from.kind == ZCHAT_FROM_CONFIRMED)
        follow->from.value = ctx->was_welcomed ? ctx->confirmed : UNKNOWN_PLACE;
    follow->until = until;
    follow->ask_ms = FETCH_RETRY_MS;
    if (until == 0) {
        follow->probe_round = probe_cover(&self->probe);
        if (self->has_sockets)
            context_topic(ctx, MODEL_FX_SUBSCRIBE, follow_stream(follow));
        probe_start(&self->probe, ctx);
    }
    follows_pump(self, ctx);
    return RC_OK;
}

void follows_remove(struct follows *self, struct model_context *ctx, struct span stream)
{
    for (int is_history = 0; is_history <= 1; is_history++) {
        struct follow *follow = follow_table_find(&self->table, stream, is_history != 0);

        if (follow != NULL)
            leave(self, ctx, follow);
    }
    if (self->table.line[LINE_PROBE].count == 0)
        probe_stop(&self->probe, ctx);
    follows_pump(self, ctx);
}

/* --- the link ------------------------------------------------------------------ */

/* Nothing that was asked will be answered; whether subscriptions stand is not known. */
static void start_again(struct follows *self, struct follow *follow)
{
    questions_close(&self->questions, follow);
    follow->ask_ms = FETCH_RETRY_MS;
    if (!follow_is_history(follow)) {
        follow->probe_round = probe_cover(&self->probe);
        follow_table_move(&self->table, follow, LINE_PROBE);
    } else {
        follow_table_move(&self->table, follow, follow->is_located ? LINE_FETCH : LINE_HEAD);
    }
}

void follows_lost(struct follows *self, bool has_sockets)
{
    self->has_sockets = has_sockets;
    probe_lost(&self->probe, has_sockets);
    for (int line = 0; line < LINE_COUNT; line++) {
        /* They move to the end of some line: go through as many as stand here now. */
        for (uint32_t n = self->table.line[line].count; n > 0; n--)
            start_again(self, self->table.line[line].first);
    }
}

void follows_opened(struct follows *self, struct model_context *ctx)
{
    follows_lost(self, true);
    for (struct follow *follow = self->table.line[LINE_PROBE].first; follow != NULL;
         follow = follow->behind)
        context_topic(ctx, MODEL_FX_SUBSCRIBE, follow_stream(follow));
    probe_opened(&self->probe, ctx);
}

void follows_listening(struct follows *self, struct model_context *ctx)
{
    if (!self->has_sockets)
        return;
    for (int line = 0; line < LINE_COUNT; line++) {
        for (uint32_t n = line == LINE_PROBE ? 0 : self->table.line[line].count; n > 0; n--) {
            struct follow *follow = self->table.line[line].first;

            if (follow_is_history(follow)) /* needs no broadcasts */
                follow_table_move(&self->table, follow, (enum follow_line)line);
            else
                start_again(self, follow);
        }
    }
    if (self->table.line[LINE_PROBE].count > 0)
        probe_restart(&self->probe, ctx);
}

/* What follows from the confirmed place begins where that was when the session began: what another device
 * confirms from then on may be a receipt for a post of ours. */
static void fix_confirmed(struct follows *self, const struct model_context *ctx)
{
    for (int line = 0; line < LINE_COUNT; line++) {
        for (struct follow *follow = self->table.line[line].first; follow != NULL;
             follow = follow->behind) {
            if (follow->from.kind == ZCHAT_FROM_CONFIRMED && follow->from.value == UNKNOWN_PLACE)
                follow->from.value = ctx->confirmed;
        }
    }
}

void follows_welcomed(struct follows *self, struct model_context *ctx)
{
    if (!ctx->was_welcomed)
        fix_confirmed(self, ctx);
    ctx->was_welcomed = true;
    if (self->table.line[LINE_PROBE].count > 0)
        probe_start(&self->probe, ctx);
    follows_pump(self, ctx);
}

/* --- messages -------------------------------------------------------------------- */

void follows_on_probe(struct follows *self, struct model_context *ctx, uint64_t token)
{
    struct follow *follow = self->table.line[LINE_PROBE].first;

    if (!probe_answer(&self->probe, token))
        return;
    while (follow != NULL) {
        struct follow *behind = follow->behind;

        if (probe_covers(&self->probe, follow->probe_round))
            follow_table_move(&self->table, follow, LINE_HEAD);
        follow = behind;
    }
    if (self->table.line[LINE_PROBE].count > 0)
        probe_start(&self->probe, ctx);
    else
        probe_stop(&self->probe, ctx);
    follows_pump(self, ctx);
}

void follows_on_event(struct follows *self, struct model_context *ctx,
                      const struct message *message, bool from_pub)
{
    for (int is_history = from_pub ? 0 : 1; is_history >= 0; is_history--) {
        struct follow *follow = follow_table_find(&self->table, message->stream, is_history != 0);

        if (follow == NULL)
            continue;

        const bool is_new = take(self, ctx, follow, message);

        follow->head = max_u64(follow->head, message->seq);
        follow->has_brought |= is_new;
        if (follow->ended_rc != RC_OK) {
            settle(self, ctx, follow);
            follows_pump(self, ctx);
        } else if (!from_pub) {
            if (follow->page_last != 0 && message->seq >= follow->page_last)
                finish_fetch(self, ctx, follow);
        } else if (follow->line == LINE_IDLE && !follow_is_complete(follow)) {
            settle(self, ctx, follow);
            follows_pump(self, ctx);
        }
    }
}

void follows_note_head(struct follows *self, struct model_context *ctx, struct span stream,
                       uint64_t seq)
{
    struct follow *follow = follow_table_find(&self->table, stream, false);

    if (follow == NULL || seq <= follow->head)
        return;
    follow->head = seq;
    if (follow->line == LINE_IDLE && !follow_is_complete(follow)) {
        settle(self, ctx, follow);
        follows_pump(self, ctx);
    }
}

/* The place to begin at, now that the head is known; 0: FETCH will tell. */
static uint64_t place_of(const struct follow *follow, uint64_t head)
{
    const uint64_t end = follow_is_history(follow) ? min_u64(follow->until, head) : head;

    switch (follow->from.kind) {
    case ZCHAT_FROM_SEQ:
        return max_u64(follow->from.value, 1);
    case ZCHAT_FROM_LAST:
        return follow->from.value >= end ? 1 : end - follow->from.value + 1;
    case ZCHAT_FROM_TIME:
        return head == 0 ? 1 : 0;
    case ZCHAT_FROM_CONFIRMED:
        return min_u64(follow->from.value, head) + 1;
    default:
        return head + 1;
    }
}

static void locate(struct follows *self, struct model_context *ctx, struct follow *follow,
                   uint64_t head)
{
    follow->head = max_u64(follow->head, head);
    if (!follow->is_located) {
        follow->live_at = follow_is_history(follow) ? min_u64(follow->until, head) : head;
        follow->is_located = true;
        follow->next = place_of(follow, head);
    }
    follow->ask_ms = FETCH_RETRY_MS;
    tell_live_if_due(ctx, follow);
    if (follow->next != 0)
        drain(ctx, follow);
    settle(self, ctx, follow);
}

void follows_on_head(struct follows *self, struct model_context *ctx, const struct message *message)
{
    for (int is_history = 1; is_history >= 0; is_history--) {
        struct follow *follow = follow_table_find(&self->table, message->stream, is_history != 0);

        if (follow != NULL && message_has(message, HAS_REF) && follow->asked == VERB_HEAD &&
            follow->ref != 0 && follow->ref == message->ref)
            locate(self, ctx, follow, message->seq);
    }
    follows_note_head(self, ctx, message->stream, message->seq);
    follows_pump(self, ctx);
}

/* The follow that asked FETCH and is answered by this, or NULL. */
static struct follow *fetcher_of(const struct follows *self, const struct message *message)
{
    struct follow *follow = message_has(message, HAS_REF)
                                ? follow_table_find_asked(&self->table, (uint32_t)message->ref)
                                : NULL;

    if (follow == NULL || follow->asked != VERB_FETCH ||
        !span_equal(follow_stream(follow), message->stream))
        return NULL;
    return follow;
}

void follows_on_events(struct follows *self, struct model_context *ctx,
                       const struct message *message)
{
    struct follow *follow = fetcher_of(self, message);

    if (follow == NULL) {
        follows_note_head(self, ctx, message->stream, message->seq);
        return;
    }
    follow->head = max_u64(follow->head, message->seq);
    follow->ask_at_ms = ctx->now_ms + follow->ask_ms;
    if (follow->next == 0) { /* from a time on: here it begins */
        follow->next = message->first != 0 ? message->first : message->seq + 1;
        follow->has_brought = true;
        tell_live_if_due(ctx, follow);
    }
    if (message->done && message->first == 0)
        finish_fetch(self, ctx, follow);
    else if (message->done)
        follow->page_last = message->last;
}

void follows_on_gone(struct follows *self, struct model_context *ctx, const struct message *message)
{
    struct follow *follow = fetcher_of(self, message);

    if (follow == NULL)
        return;
    follow->head = max_u64(follow->head, message->seq);
    if (follow_last_again(follow, message)) {
        follow->has_brought = true;
    } else if (message->first > follow->next) {
        const uint64_t last = follow_is_history(follow)
                                  ? min_u64(message->first - 1, follow->live_at)
                                  : message->first - 1;
        const struct zchat_event gap = {.kind = ZCHAT_GAP, .first = follow->next, .last = last};

        /* From a time on, what is older was not asked for; nor is what lies behind the end of a history. */
        if (follow->next != 0 && follow->next <= last)
            tells_add(&ctx->tells, &gap, &(struct tell_texts){.stream = follow_stream(follow)});
        follow->next = message->first;
        follow->has_brought = true;
        tell_live_if_due(ctx, follow);
    }
    finish_fetch(self, ctx, follow);
}

bool follows_on_error(struct follows *self, struct model_context *ctx,
                      const struct message *message)
{
    const uint32_t ref = (uint32_t)message->ref;
    struct follow *asked = follow_table_find_asked(&self->table, ref);
    struct follow *follow = asked != NULL ? asked : follow_table_find_head(&self->table, ref);
    const enum rc rc = message_error(message);

    if (follow == NULL)
        return false;
    if (!rc_is_transient(rc) && rc != RC_LIMIT) {
        end(self, ctx, follow, rc, message_error_text(message));
        follows_pump(self, ctx);
    } else if (asked != NULL) {
        questions_put_off(&self->questions, ctx, follow,
                          max_u64(follow->ask_ms, message_retry_ms(message, 0)));
    }
    return true;
}

/* --- sealed streams -------------------------------------------------------------------- */

/* A HEAD beside the questions: its answer is a head and perhaps a key, its refusal ends the follow. */
static void ask_head_aside(struct model_context *ctx, struct follow *follow)
{
    struct message head = {.verb = VERB_HEAD};

    follow->head_ref = context_next_ref(ctx);
    message_set(&head, STREAM, stream, follow_stream(follow));
    message_set(&head, REF, ref, follow->head_ref);
    context_send(ctx, &head);
}

void follows_unreadable(struct follows *self, struct model_context *ctx, struct span stream,
                        uint32_t epoch, uint64_t seq)
{
    struct follow *follow = follow_table_find(&self->table, stream, false);

    if (follow == NULL || seq == 0)
        return;
    if (ctx->is_up && sealed_wants_head(&follow->key, epoch, ctx->now_ms))
        ask_head_aside(ctx, follow);
    follows_note_head(self, ctx, stream, seq);
}

const unsigned char *follows_key(const struct follows *self, struct span stream, uint32_t epoch)
{
    const struct follow *follow = follow_table_find(&self->table, stream, false);

    return follow == NULL ? NULL : sealed_key(&follow->key, epoch);
}

void follows_take_key(struct follows *self, const struct message *message)
{
    struct follow *follow = follow_table_find(&self->table, message->stream, false);

    if (follow != NULL)
        sealed_take_key(&follow->key, message);
}

/* --- time ---------------------------------------------------------------------------- */

void follows_ask_heads(struct follows *self, struct model_context *ctx)
{
    uint32_t n = self->table.line[LINE_IDLE].count;

    for (n = n < HEADS_PER_PING ? n : HEADS_PER_PING; n > 0; n--) {
        struct follow *follow = self->table.line[LINE_IDLE].first;

        follow_table_move(&self->table, follow, LINE_IDLE);
        if (!span_equal(follow_stream(follow), ctx->own_stream)) /* PONG tells it */
            ask_head_aside(ctx, follow);
    }
}

/* No probe came back: subscribe again, the probe's topic last. */
static void probe_again(struct follows *self, struct model_context *ctx)
{
    for (struct follow *follow = self->table.line[LINE_PROBE].first; follow != NULL;
         follow = follow->behind) {
        context_topic(ctx, MODEL_FX_UNSUBSCRIBE, follow_stream(follow));
        context_topic(ctx, MODEL_FX_SUBSCRIBE, follow_stream(follow));
        follow->probe_round = probe_cover(&self->probe);
    }
    probe_repeat(&self->probe, ctx);
}

void follows_tick(struct follows *self, struct model_context *ctx)
{
    struct follow *follow = self->table.line[LINE_ASKED].first;

    if (!ctx->is_up)
        return;
    if (ctx->now_ms >= probe_next_deadline_ms(&self->probe))
        probe_again(self, ctx);
    while (follow != NULL) {
        struct follow *behind = follow->behind;

        if (ctx->now_ms >= follow->ask_at_ms)
            questions_reopen(&self->questions, follow);
        follow = behind;
    }
    follows_pump(self, ctx);
}

uint64_t follows_next_deadline_ms(const struct follows *self, bool is_up)
{
    uint64_t at = is_up ? probe_next_deadline_ms(&self->probe) : NEVER_MS;
    const struct follow *follow = is_up ? self->table.line[LINE_ASKED].first : NULL;

    for (; follow != NULL; follow = follow->behind)
        at = min_u64(at, follow->ask_at_ms);
    return at;
}
