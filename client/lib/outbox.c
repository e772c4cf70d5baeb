#include "client/lib/outbox.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define EXPECT_EVERY_MS  100 /* one lost post is answered by an EXPECT for each post behind it */
#define BURST_AFTER_LOSS 16  /* posts sent at a timer; grows with every answer */

enum post_state {
    POST_WAITING, /* is sent until answered */
    POST_UNKNOWN, /* its deadline is over: no longer sent */
    POST_SKIPPING /* later posts need its number out of the way */
};

struct post {
    char *target;
    char *kind;
    char *text;
    size_t text_len;
    uint64_t deadline_ms;
    enum post_state state;
};

struct outbox {
    struct post **ring; /* post `n` at n % posts_max; NULL: answered for good */
    uint32_t posts_max;
    uint32_t first; /* oldest without a final answer */
    uint32_t send;  /* next to send on this connection */
    uint32_t end;   /* number of the next new post */
    size_t count;   /* posts in the ring */
    bool is_numbered, was_welcomed;
    bool is_resumed; /* repeats an earlier run's posts under their numbers, from the first on */
    uint32_t restored_end; /* numbers below it are an earlier run's; 0: nothing was restored */

    uint32_t window, burst;
    uint32_t retry_ms;
    uint64_t retry_at_ms, paused_until_ms;
    bool is_wait_told; /* that the broker puts posts off: once until something is answered */
    uint64_t expect_at_ms;
    uint32_t expect_last;

    struct {
        uint32_t number;
        struct post *post;
    } failed[OUTBOX_FAILED_MAX];
    size_t next_failed;
};

struct outbox *outbox_new(uint32_t posts_max)
{
    struct outbox *self = x_alloc(1, sizeof(*self));

    INVARIANT(posts_max > 0);
    self->posts_max = posts_max;
    self->ring = x_alloc(posts_max, sizeof(struct post *));
    self->first = self->send = self->end = 1;
    self->window = self->burst = POST_WINDOW;
    self->retry_ms = RETRY_MIN_MS;
    self->retry_at_ms = NEVER_MS;
    return self;
}

static void post_destroy(struct post **post_p)
{
    struct post *post = *post_p;

    if (post == NULL)
        return;
    free(post->target);
    free(post->kind);
    free(post->text);
    free(post);
    *post_p = NULL;
}

void outbox_destroy(struct outbox **self_p)
{
    struct outbox *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->posts_max; i++)
        post_destroy(&self->ring[i]);
    for (size_t i = 0; i < OUTBOX_FAILED_MAX; i++)
        post_destroy(&self->failed[i].post);
    free(self->ring);
    free(self);
    *self_p = NULL;
}

size_t outbox_count(const struct outbox *self)
{
    return self->count;
}

static struct post **slot(const struct outbox *self, uint32_t number)
{
    return &self->ring[number % self->posts_max];
}

static struct post *post_at(const struct outbox *self, uint32_t number)
{
    return number < self->first || number >= self->end ? NULL : *slot(self, number);
}

/* The post leaves the ring and belongs to the caller. */
static struct post *take_out(struct outbox *self, uint32_t number)
{
    struct post *post = *slot(self, number);

    *slot(self, number) = NULL;
    self->count--;
    while (self->first < self->end && *slot(self, self->first) == NULL)
        self->first++;
    if (self->send < self->first)
        self->send = self->first;
    return post;
}

static void tell_state(struct model_context *ctx, uint32_t number, const struct post *post,
                       enum zchat_post_state state, enum rc rc, struct span text)
{
    const struct zchat_event event = {
        .kind = ZCHAT_POST, .post = state, .number = number, .rc = (zchat_rc)rc};
    const struct tell_texts texts = {.stream = span_of(post->target), .text = text};

    tells_add(&ctx->tells, &event, &texts);
}

/* --- sending ------------------------------------------------------------- */

/* The newest post that somebody waits for; 0: none. Numbers before it must not stand in its way. */
static uint32_t last_wanted(const struct outbox *self)
{
    for (uint32_t n = self->end; n-- > self->first;) {
        const struct post *post = post_at(self, n);

        if (post != NULL && post->state == POST_WAITING)
            return n;
    }
    return 0;
}

static void send_post(struct model_context *ctx, uint32_t number, const struct post *post)
{
    struct message message = {.verb = VERB_POST};

    message_set(&message, NUMBER, number, number);
    message_set(&message, STREAM, stream, span_of(post->target));
    message_set(&message, TEXT, text, ((struct span){post->text, post->text_len}));
    if (post->kind[0] != '\0')
        message_set(&message, KIND, kind, span_of(post->kind));
    context_send(ctx, &message);
}

/* False: this number stays where it is until somebody wants to pass it. */
static bool send_number(struct outbox *self, struct model_context *ctx, uint32_t number)
{
    struct post *post = post_at(self, number);

    if (post == NULL)
        return true;
    if (post->state == POST_WAITING) {
        send_post(ctx, number, post);
        return true;
    }
    if (post->state == POST_UNKNOWN && last_wanted(self) < number)
        return false;

    struct message skip = {.verb = VERB_SKIP};

    post->state = POST_SKIPPING;
    message_set(&skip, NUMBER, number, number);
    context_send(ctx, &skip);
    return true;
}

/* Something that was sent has no answer and is worth sending again. */
static bool is_outstanding(const struct outbox *self)
{
    const uint32_t wanted = last_wanted(self);

    for (uint32_t n = self->first; n < self->send; n++) {
        const struct post *post = post_at(self, n);

        if (post != NULL && (post->state != POST_UNKNOWN || wanted > n))
            return true;
    }
    return false;
}

static void arm(struct outbox *self, struct model_context *ctx)
{
    self->retry_at_ms =
        is_outstanding(self) ? ctx->now_ms + context_jitter(ctx, self->retry_ms) : NEVER_MS;
}

/* Send what the window allows; nothing more is sent while the broker asked for a pause. */
static void pump(struct outbox *self, struct model_context *ctx)
{
    const uint64_t limit =
        (uint64_t)self->first + (self->burst < self->window ? self->burst : self->window);

    if (!ctx->is_up || ctx->now_ms < self->paused_until_ms)
        return;
    while (self->send < self->end && self->send < limit && send_number(self, ctx, self->send))
        self->send++;
    if (self->retry_at_ms == NEVER_MS)
        arm(self, ctx);
}

static void go_back(struct outbox *self, struct model_context *ctx, uint32_t number)
{
    if (number < self->send)
        self->send = number < self->first ? self->first : number;
    pump(self, ctx);
}

/* An answer came: the way is open again. */
static void progress(struct outbox *self, struct model_context *ctx)
{
    self->is_wait_told = false;
    self->retry_ms = RETRY_MIN_MS;
    self->burst = doubled_ms(self->burst, self->window);
    self->retry_at_ms = NEVER_MS;
    pump(self, ctx);
}

/* --- the application ------------------------------------------------------ */

static enum rc check_post(struct span target, struct span kind, struct span text)
{
    if (target.len < 2 || target.len > STREAM_BYTES_MAX ||
        (target.ptr[0] != '#' && target.ptr[0] != '@'))
        return RC_BAD_NAME;
    if (text.len == 0)
        return RC_BAD_TEXT;
    if (text.len > TEXT_BYTES_MAX)
        return RC_TOO_BIG;
    return kind.len > 16 ? RC_BAD_FIELD : RC_OK;
}

static enum rc check_room(const struct outbox *self, const struct model_context *ctx)
{
    if (self->end == UINT32_MAX)
        return RC_LIMIT;
    if (self->end - self->first >= self->posts_max ||
        ctx->tells.post_count >= 2 * (uint64_t)self->posts_max)
        return RC_BUSY;
    return RC_OK;
}

static uint64_t deadline_of(const struct model_context *ctx, uint32_t timeout_ms)
{
    return timeout_ms == 0 ? NEVER_MS : ctx->now_ms + timeout_ms;
}

static uint32_t put(struct outbox *self, struct post *post)
{
    const uint32_t number = self->end++;

    INVARIANT(*slot(self, number) == NULL);
    *slot(self, number) = post;
    self->count++;
    self->is_numbered = true;
    return number;
}

static uint32_t append(struct outbox *self, struct model_context *ctx, struct post *post)
{
    const uint32_t number = put(self, post);

    pump(self, ctx);
    return number;
}

static struct post *post_new(struct span target, struct span kind, struct span text,
                             uint64_t deadline_ms)
{
    struct post *post = x_alloc(1, sizeof(*post));

    if (span_equal(kind, SPAN("message")))
        kind = (struct span){0};
    post->target = x_spandup(target);
    post->kind = x_spandup(kind);
    post->text = x_spandup(text);
    post->text_len = text.len;
    post->deadline_ms = deadline_ms;
    return post;
}

enum rc outbox_next_number(const struct outbox *self, const struct model_context *ctx,
                           struct span target, struct span kind, struct span text, uint32_t *ret)
{
    enum rc rc = check_post(target, kind, text);

    if (rc == RC_OK)
        rc = check_room(self, ctx);
    if (rc == RC_OK)
        *ret = self->end;
    return rc;
}

enum rc outbox_post(struct outbox *self, struct model_context *ctx, struct span target,
                    struct span kind, struct span text, uint32_t number_or_0, uint32_t timeout_ms,
                    uint32_t *ret_number)
{
    uint32_t next;
    enum rc rc = outbox_next_number(self, ctx, target, kind, text, &next);

    if (rc == RC_OK && number_or_0 != 0 && (self->is_numbered || number_or_0 == UINT32_MAX))
        rc = RC_BAD_FIELD;
    if (rc != RC_OK)
        return rc;
    if (number_or_0 != 0) {
        self->is_resumed = true;
        self->first = self->send = self->end = number_or_0;
    }
    *ret_number = append(self, ctx, post_new(target, kind, text, deadline_of(ctx, timeout_ms)));
    return RC_OK;
}

enum rc outbox_restore(struct outbox *self, struct model_context *ctx, uint32_t number,
                       struct span target, struct span kind, struct span text, uint32_t timeout_ms)
{
    const enum rc rc = check_post(target, kind, text);

    if (rc != RC_OK)
        return rc;
    if (number == 0 || number == UINT32_MAX || (self->count > 0 && number < self->end))
        return RC_BAD_FIELD;
    if (self->count > 0 && number - self->first >= self->posts_max)
        return RC_LIMIT;
    if (self->count == 0)
        self->first = self->send = number;
    self->end = number; /* those between were answered */

    const struct zchat_event event = {.kind = ZCHAT_POST, .post = ZCHAT_WAITING, .number = number};
    const struct tell_texts texts = {.stream = target, .message_kind = kind, .text = text};

    put(self, post_new(target, kind, text, deadline_of(ctx, timeout_ms)));
    tells_add(&ctx->tells, &event, &texts);
    return RC_OK;
}

enum rc outbox_restored(struct outbox *self, uint32_t next)
{
    if (self->count == 0 || next < self->end)
        return RC_BAD_FIELD;
    if (next - self->first > self->posts_max)
        return RC_LIMIT;
    self->end = self->restored_end = next;
    return RC_OK;
}

bool outbox_failed(const struct outbox *self, uint32_t number, struct span *ret_target,
                   struct span *ret_kind, struct span *ret_text)
{
    for (size_t i = 0; i < OUTBOX_FAILED_MAX && post_at(self, number) == NULL; i++) {
        const struct post *post = self->failed[i].post;

        if (post == NULL || self->failed[i].number != number)
            continue;
        *ret_target = span_of(post->target);
        *ret_kind = span_of(post->kind);
        *ret_text = (struct span){post->text, post->text_len};
        return true;
    }
    return false;
}

static enum rc retry_failed(struct outbox *self, struct model_context *ctx, uint32_t number,
                            uint32_t timeout_ms, uint32_t *ret_number)
{
    for (size_t i = 0; i < OUTBOX_FAILED_MAX; i++) {
        struct post *post = self->failed[i].post;

        if (post == NULL || self->failed[i].number != number)
            continue;

        const enum rc rc = check_room(self, ctx);

        if (rc != RC_OK)
            return rc;
        self->failed[i].post = NULL;
        post->state = POST_WAITING;
        post->deadline_ms = deadline_of(ctx, timeout_ms);
        *ret_number = append(self, ctx, post);
        return RC_OK;
    }
    return RC_BAD_FIELD;
}

enum rc outbox_retry(struct outbox *self, struct model_context *ctx, uint32_t number,
                     uint32_t timeout_ms, uint32_t *ret_number)
{
    struct post *post = post_at(self, number);

    if (post == NULL)
        return retry_failed(self, ctx, number, timeout_ms, ret_number);
    if (post->state != POST_UNKNOWN)
        return RC_BUSY;
    post->state = POST_WAITING;
    post->deadline_ms = deadline_of(ctx, timeout_ms);
    *ret_number = number;
    go_back(self, ctx, number);
    return RC_OK;
}

/* --- answers -------------------------------------------------------------- */

static void fail(struct outbox *self, struct model_context *ctx, uint32_t number, enum rc rc,
                 struct span text)
{
    struct post *post = take_out(self, number);

    if (rc == RC_TOO_OLD) { /* it may well be stored: trying under a new number could double it */
        tell_state(ctx, number, post, ZCHAT_UNKNOWN, rc, text);
        post_destroy(&post);
        return;
    }
    tell_state(ctx, number, post, ZCHAT_FAILED, rc, text);
    post_destroy(&self->failed[self->next_failed].post);
    self->failed[self->next_failed].post = post;
    self->failed[self->next_failed].number = number;
    self->next_failed = (self->next_failed + 1) % OUTBOX_FAILED_MAX;
}

/* Broker and outbox do not mean the same posts by their numbers: nothing of it can be trusted. What an earlier
 * run left may be stored, so that one is not offered for another try. */
static void give_up(struct outbox *self, struct model_context *ctx, uint32_t next)
{
    for (uint32_t n = self->first; n < self->end; n++) {
        if (post_at(self, n) != NULL)
            fail(self, ctx, n, n < self->restored_end ? RC_TOO_OLD : RC_BAD_FIELD,
                 SPAN("the broker expects another number of this session"));
    }
    self->first = self->send = self->end = next;
    self->retry_at_ms = NEVER_MS;
}

/* A number beyond ours: somebody else posts in this session. A number below ours is an old answer that came
 * late, or a broker that was set back to an old copy; going back with it would give new posts numbers that are
 * taken, and their answers would be those of other posts. So it is never followed down. */
static bool has_lost_count(const struct outbox *self, uint64_t next)
{
    if (self->is_resumed) /* a run is repeated: the broker may know numbers beyond ours */
        return false;
    /* Everything below `first` was answered, and nothing left the earlier run that it had not written down. Posts
     * that this run added since must not hide that its copy of the outbox is an old one. */
    if (self->restored_end != 0 && !self->was_welcomed)
        return next < self->first || next > self->restored_end;
    return next > (self->was_welcomed ? self->end : self->first);
}

void outbox_tell_number(const struct outbox *self, struct message *hello)
{
    if (!self->is_resumed && self->first > 1)
        message_set(hello, NUMBER, number, self->first);
}

void outbox_welcome(struct outbox *self, struct model_context *ctx, uint64_t next, uint64_t window)
{
    next = min_u64(max_u64(next, 1), UINT32_MAX);
    self->window = self->burst = (uint32_t)min_u64(max_u64(window, 1), UINT16_MAX);
    if (has_lost_count(self, next))
        give_up(self, ctx, (uint32_t)next);
    self->was_welcomed = true;
    self->retry_ms = RETRY_MIN_MS;
    self->retry_at_ms = NEVER_MS;
    self->paused_until_ms = 0;
    self->expect_last = 0;
    go_back(self, ctx, self->first);
}

void outbox_ack(struct outbox *self, struct model_context *ctx, struct delivery *delivery,
                const struct message *ack)
{
    const uint32_t number = (uint32_t)min_u64(ack->number, UINT32_MAX);
    struct post *post = post_at(self, number);

    if (post == NULL) /* told before, or never asked */
        return;

    const struct zchat_event event = {
        .kind = ZCHAT_POST,
        .post = ZCHAT_STORED,
        .number = number,
        .seq = ack->seq,
        .ts_ms = message_has(ack, HAS_TS) ? ack->ts : 0,
    };

    post = take_out(self, number);
    post_destroy(&post);
    tells_add(&ctx->tells, &event, &(struct tell_texts){.stream = ack->stream});
    delivery_stored(delivery, ctx, number, ack->stream, ack->seq);
    progress(self, ctx);
}

void outbox_expect(struct outbox *self, struct model_context *ctx, uint64_t next)
{
    if (self->count == 0 || !ctx->is_up || ctx->now_ms < self->paused_until_ms)
        return;
    if (next < self->first || next >= self->send) /* an old answer that came late */
        return;
    if (next <= self->expect_last && ctx->now_ms < self->expect_at_ms + EXPECT_EVERY_MS)
        return;
    self->expect_last = (uint32_t)next;
    self->expect_at_ms = ctx->now_ms;
    go_back(self, ctx, (uint32_t)next);
}

void outbox_error(struct outbox *self, struct model_context *ctx, const struct message *error)
{
    const uint32_t number = (uint32_t)min_u64(error->number, UINT32_MAX);
    const enum rc rc = message_error(error);

    if (post_at(self, number) == NULL)
        return;
    if (!rc_is_transient(rc)) {
        fail(self, ctx, number, rc, message_error_text(error));
        progress(self, ctx);
        return;
    }

    if (!self->is_wait_told && rc != RC_STOPPING &&
        post_at(self, number)->state == POST_WAITING) { /* people want to know why nothing moves */
        self->is_wait_told = true;
        tell_state(ctx, number, post_at(self, number), ZCHAT_WAITING, rc,
                   message_error_text(error));
    }

    /* The window is answered post by post; the pauses do not add up. */
    self->paused_until_ms = context_after(ctx, message_retry_ms(error, BUSY_RETRY_MS));
    self->retry_at_ms = NEVER_MS;
    self->burst = BURST_AFTER_LOSS;
    self->send = number < self->send ? number : self->send;
}

/* --- time ----------------------------------------------------------------- */

static void expire(struct outbox *self, struct model_context *ctx)
{
    for (uint32_t n = self->first; n < self->end; n++) {
        struct post *post = post_at(self, n);

        if (post == NULL || post->state != POST_WAITING || ctx->now_ms < post->deadline_ms)
            continue;
        post->state = POST_UNKNOWN;
        tell_state(ctx, n, post, ZCHAT_UNKNOWN, RC_TIMEOUT, span_of(rc_sentence(RC_TIMEOUT)));
    }
}

void outbox_tick(struct outbox *self, struct model_context *ctx)
{
    expire(self, ctx);
    if (!ctx->is_up || ctx->now_ms < self->paused_until_ms)
        return;
    if (self->paused_until_ms != 0) {
        self->paused_until_ms = 0;
        pump(self, ctx);
    }
    if (ctx->now_ms < self->retry_at_ms)
        return;
    self->retry_ms = doubled_ms(self->retry_ms, RETRY_MAX_MS);
    self->burst = BURST_AFTER_LOSS;
    self->retry_at_ms = NEVER_MS;
    go_back(self, ctx, self->first);
}

uint64_t outbox_next_deadline_ms(const struct outbox *self, bool is_up)
{
    uint64_t at = NEVER_MS;

    for (uint32_t n = self->first; n < self->end; n++) {
        const struct post *post = post_at(self, n);

        if (post != NULL && post->state == POST_WAITING)
            at = min_u64(at, post->deadline_ms);
    }
    if (!is_up)
        return at;
    if (self->paused_until_ms != 0)
        return min_u64(at, self->paused_until_ms);
    return min_u64(at, self->retry_at_ms);
}
