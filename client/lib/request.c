#include "client/lib/request.h"

#include "shared/base/alloc.h"
#include "shared/proto/verbs.h"

#include <stdlib.h>

#define ASK_AGAIN_MS     2000
#define ASK_AGAIN_MAX_MS 16000
#define SEARCH_AGAIN_MS  (3 * SEARCH_MS) /* an answer may take that long, and wait for others */
#define SEARCH_TRIES_MAX 3               /* one that takes too long would do so for ever */

struct request {
    uint32_t ref;      /* the application's */
    uint32_t wire_ref; /* of the last asking, 0: none; a page's rows must come from one asking */
    struct message message;
    char *texts; /* what the message's spans borrow from */
    uint64_t asked_at_ms, again_at_ms;
    uint32_t again_ms;
    bool is_paused; /* a list that waits for room */
    uint64_t left;  /* of a search: rows that may still come */
    uint32_t busy_count;
    bool is_behind;
    size_t row_count;
    struct tell *row[LIST_PAGE_MAX];
};

struct requests {
    struct request **item;
    uint32_t count, max;
};

struct requests *requests_new(uint32_t requests_max)
{
    struct requests *self = x_alloc(1, sizeof(*self));

    self->max = requests_max;
    self->item = x_alloc(requests_max, sizeof(struct request *));
    return self;
}

static void drop_rows(struct request *request)
{
    while (request->row_count > 0)
        tell_destroy(&request->row[--request->row_count]);
}

static void request_destroy(struct request **request_p)
{
    struct request *request = *request_p;

    drop_rows(request);
    free(request->texts);
    free(request);
    *request_p = NULL;
}

void requests_destroy(struct requests **self_p)
{
    struct requests *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        request_destroy(&self->item[i]);
    free(self->item);
    free(self);
    *self_p = NULL;
}

/* Which answer ends which question, and what the rows of a list are. VERB_NONE: not a request, no rows. */
static enum verb answer_to(enum verb verb)
{
    switch (verb) {
    case VERB_JOIN:
        return VERB_JOINED;
    case VERB_LEAVE:
        return VERB_LEFT;
    case VERB_PING:
        return VERB_PONG;
    case VERB_MARK:
        return VERB_MARK;
    case VERB_ADMIT:
        return VERB_INVITATION;
    case VERB_WHO:
    case VERB_ROOMS:
    case VERB_BANS:
    case VERB_DEVICES:
    case VERB_SESSIONS:
    case VERB_SEARCH:
    case VERB_STATS:
    case VERB_BROKERS:
        return VERB_END;
    case VERB_TOPIC:
    case VERB_MODE:
    case VERB_INVITE:
    case VERB_OP:
    case VERB_DEOP:
    case VERB_KICK:
    case VERB_BAN:
    case VERB_UNBAN:
    case VERB_MUTE:
    case VERB_UNMUTE:
    case VERB_REVOKE:
    case VERB_ROLE:
    case VERB_BACKUP:
    case VERB_PURGE:
        return VERB_DONE;
    default:
        return VERB_NONE;
    }
}

static enum verb row_of(enum verb verb)
{
    switch (verb) {
    case VERB_WHO:
        return VERB_PERSON;
    case VERB_ROOMS:
        return VERB_ROOM;
    case VERB_BANS:
        return VERB_BANNED;
    case VERB_DEVICES:
        return VERB_DEVICE;
    case VERB_SESSIONS:
        return VERB_SESSION;
    case VERB_SEARCH:
        return VERB_EVENT;
    case VERB_STATS:
        return VERB_STAT;
    case VERB_BROKERS:
        return VERB_BROKER;
    default:
        return VERB_NONE;
    }
}

static bool is_list(const struct request *request)
{
    return row_of(request->message.verb) != VERB_NONE;
}

static uint32_t patience_ms(const struct request *request)
{
    return request->message.verb == VERB_SEARCH ? SEARCH_AGAIN_MS : ASK_AGAIN_MS;
}

static void ask(struct request *request, struct model_context *ctx)
{
    if (request->wire_ref == 0)
        request->wire_ref = request->ref;
    else if (is_list(request))
        request->wire_ref = context_next_ref(ctx);
    drop_rows(request);
    request->is_paused = false;
    request->asked_at_ms = ctx->now_ms;
    request->again_at_ms = ctx->now_ms + context_jitter(ctx, request->again_ms);
    message_set(&request->message, REF, ref, request->wire_ref);
    if (request->message.verb == VERB_SEARCH)
        message_set(&request->message, ROWS, count, min_u64(request->left, LIST_PAGE_MAX));
    context_send(ctx, &request->message);
}

static struct span *span_at(struct message *message, enum field field)
{
    const struct field_row *row = field_row(field);

    if ((message->has & UINT64_C(1) << field) == 0 ||
        (row->type != FIELD_TEXT && row->type != FIELD_BYTES))
        return NULL;
    return (struct span *)((char *)message + row->offset);
}

/* Copy what the message's spans borrow. */
static void own_texts(struct request *request)
{
    size_t len = 0;
    char *at;

    for (int i = 0; i < FIELD_COUNT; i++) {
        const struct span *span = span_at(&request->message, (enum field)i);

        len += span == NULL ? 0 : span->len;
    }
    at = request->texts = x_alloc(len + 1, 1);
    for (int i = 0; i < FIELD_COUNT; i++) {
        struct span *span = span_at(&request->message, (enum field)i);

        if (span == NULL)
            continue;
        if (span->len > 0)
            memcpy(at, span->ptr, span->len);
        span->ptr = at;
        at += span->len;
    }
}

enum rc requests_add(struct requests *self, struct model_context *ctx,
                     const struct message *message, uint32_t *ret_ref)
{
    if (answer_to(message->verb) == VERB_NONE)
        return RC_UNKNOWN_VERB;
    if (self->count == self->max)
        return RC_BUSY;

    struct request *request = x_alloc(1, sizeof(*request));

    request->message = *message;
    own_texts(request);
    request->left =
        message_has(message, HAS_ROWS) && message->count > 0 ? message->count : UINT64_MAX;
    request->ref = context_next_ref(ctx);
    request->again_ms = patience_ms(request);
    self->item[self->count++] = request;
    *ret_ref = request->ref;
    if (ctx->is_up)
        ask(request, ctx);
    return RC_OK;
}

void requests_resume(struct requests *self, struct model_context *ctx)
{
    for (uint32_t i = 0; i < self->count && ctx->is_up; i++) {
        if (self->item[i]->is_paused && tells_room(&ctx->tells) > 0)
            ask(self->item[i], ctx);
    }
}

void requests_restart(struct requests *self, struct model_context *ctx)
{
    for (uint32_t i = 0; i < self->count; i++) {
        struct request *request = self->item[i];

        request->again_ms = patience_ms(request);
        if (!request->is_paused)
            ask(request, ctx);
    }
    requests_resume(self, ctx);
}

static struct span span_if(const struct message *message, uint64_t field, struct span value)
{
    return message_has(message, field) ? value : (struct span){0};
}

/* What answers and rows have in common, as far as it is there. */
static struct zchat_event event_of(const struct request *request, const struct message *message)
{
    return (struct zchat_event){
        .ref = request->ref,
        .seq = message_has(message, HAS_SEQ) ? message->seq : 0,
        .ts_ms = message_has(message, HAS_TS) ? message->ts : 0,
        .until_ms = message_has(message, HAS_UNTIL) ? message->until : 0,
        .value = message_has(message, HAS_VALUE) ? message->value : 0,
        .session = message_has(message, HAS_SESSION) ? message->session : 0,
        .people = message_has(message, HAS_PEOPLE) ? (uint32_t)message->people : 0,
        .devices = message_has(message, HAS_DEVICES) ? (uint32_t)message->devices : 0,
        .is_private = message_has(message, HAS_PRIVATE) && message->is_private,
        .is_persistent = message_has(message, HAS_PERSISTENT) && message->persistent,
        .is_op = message_has(message, HAS_OP) && message->op,
        .size = message_has(message, HAS_SIZE) ? message->size : 0,
        .events = message_has(message, HAS_EVENTS) ? message->events : 0,
        .seconds = message_has(message, HAS_SECONDS) ? (uint32_t)message->seconds : 0,
        .seen_ms = message_has(message, HAS_SINCE) ? message->since : 0,
        .lease_ms = message_has(message, HAS_EXPIRE) ? (uint32_t)message->expire_ms : 0,
        .upto = message_has(message, HAS_UPTO) ? message->upto : 0,
        .last = message_has(message, HAS_LAST) ? message->last : 0,
    };
}

static struct tell_texts texts_of(const struct message *message)
{
    return (struct tell_texts){
        .stream = span_if(message, HAS_STREAM, message->stream),
        .from = span_if(message, HAS_NICK, message->nick),
        .state = span_if(message, HAS_STATE, message->state),
        .topic = span_if(message, HAS_TOPIC, message->topic),
        .role = span_if(message, HAS_ROLE, message->role),
        .address = span_if(message, HAS_ADDRESS, message->address),
        .agent = span_if(message, HAS_AGENT, message->agent),
    };
}

/* Take it out of the table; its memory is the caller's. */
static void forget(struct requests *self, const struct request *request)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->item[i] == request) {
            self->item[i] = self->item[--self->count];
            return;
        }
    }
}

static void finish(struct requests *self, struct model_context *ctx, struct request *request,
                   const struct message *answer)
{
    const uint64_t round_trip_ms = ctx->now_ms - request->asked_at_ms;
    const bool is_error = answer->verb == VERB_ERROR;
    struct zchat_event event = event_of(request, answer);
    struct tell_texts texts = texts_of(answer);

    event.kind = ZCHAT_ANSWER;
    event.cursor = answer->verb == VERB_END && message_has(answer, HAS_CURSOR) ? answer->cursor : 0;
    event.is_behind = request->is_behind;
    event.rc = is_error ? (zchat_rc)message_error(answer) : RC_OK;
    event.round_trip_ms = (uint32_t)min_u64(round_trip_ms, UINT32_MAX);
    if (texts.stream.len == 0)
        texts.stream = span_if(&request->message, HAS_STREAM, request->message.stream);
    if (is_error)
        texts.text = message_error_text(answer);
    else if (answer->verb == VERB_INVITATION)
        texts.key = answer->invite;
    tells_add(&ctx->tells, &event, &texts);
    forget(self, request);
    request_destroy(&request);
}

static struct tell *tell_of_found(const struct request *request, const struct message *row)
{
    struct tell *tell = tell_of_event(row);

    tell->event.kind = ZCHAT_FOUND;
    tell->event.ref = request->ref;
    return tell;
}

static void hold_row(struct request *request, const struct message *row)
{
    static const enum zchat_event_kind KINDS[VERB_COUNT] = {
        [VERB_PERSON] = ZCHAT_PERSON, [VERB_ROOM] = ZCHAT_ROOM,       [VERB_BANNED] = ZCHAT_BAN,
        [VERB_DEVICE] = ZCHAT_DEVICE, [VERB_SESSION] = ZCHAT_SESSION, [VERB_STAT] = ZCHAT_STAT,
        [VERB_BROKER] = ZCHAT_BROKER,
    };
    struct zchat_event event = event_of(request, row);
    struct tell_texts texts = texts_of(row);
    const uint64_t needed = verb_row(row->verb)->needed;
    const bool is_member = message_has(row, HAS_MEMBER) && row->member;

    if (request->row_count == LIST_PAGE_MAX || row->verb != row_of(request->message.verb) ||
        !message_has(row, needed))
        return;
    if (row->verb == VERB_EVENT) {
        request->row[request->row_count++] = tell_of_found(request, row);
        return;
    }
    event.kind = KINDS[row->verb];
    event.is_member = row->verb == VERB_ROOM && is_member;
    event.is_own = (row->verb == VERB_DEVICE || row->verb == VERB_BROKER) && is_member;
    texts.key = span_if(row, HAS_KEY, row->key);
    texts.text = span_if(row, HAS_NAME, row->name);
    if (row->verb == VERB_BROKER && message_has(row, HAS_TOKEN))
        event.session = row->token;
    request->row[request->row_count++] = tell_new(&event, &texts);
}

static void end_page(struct requests *self, struct model_context *ctx, struct request *request,
                     const struct message *end)
{
    const uint64_t asked = message_has(&request->message, HAS_CURSOR) ? request->message.cursor : 0;

    for (size_t i = 0; i < request->row_count; i++)
        tells_push(&ctx->tells, &request->row[i]);
    request->left -= min_u64(request->left, request->row_count);
    request->row_count = 0;
    request->busy_count = 0;
    request->is_behind = request->is_behind || (message_has(end, HAS_DONE) && !end->done);
    if (!message_has(end, HAS_CURSOR) || end->cursor == asked || /* the same again never ends */
        request->left == 0) {
        finish(self, ctx, request, end);
        return;
    }
    message_set(&request->message, CURSOR, cursor, end->cursor);
    request->again_ms = patience_ms(request);
    request->again_at_ms = NEVER_MS;
    request->is_paused = true;
    requests_resume(self, ctx);
}

static bool is_hopeless(struct request *request, enum rc rc)
{
    return request->message.verb == VERB_SEARCH && rc == RC_BUSY &&
           ++request->busy_count == SEARCH_TRIES_MAX;
}

bool requests_answer(struct requests *self, struct model_context *ctx,
                     const struct message *message)
{
    struct request *request = NULL;

    if (!message_has(message, HAS_REF) || message->ref == 0)
        return false;
    for (uint32_t i = 0; i < self->count && request == NULL; i++) {
        if (self->item[i]->wire_ref == message->ref && !self->item[i]->is_paused)
            request = self->item[i];
    }
    if (request == NULL)
        return false;

    if (message->verb == VERB_ERROR && rc_is_transient(message_error(message)) &&
        !is_hopeless(request, message_error(message)))
        request->again_at_ms =
            context_after(ctx, message_retry_ms(message, ASK_AGAIN_MS)); /* not a moment before */
    else if (message->verb == VERB_ERROR)
        finish(self, ctx, request, message);
    else if (message->verb != answer_to(request->message.verb))
        hold_row(request, message);
    else if (is_list(request))
        end_page(self, ctx, request, message);
    else if (message_has(message, verb_row(message->verb)->needed))
        finish(self, ctx, request, message);
    return true;
}

void requests_tick(struct requests *self, struct model_context *ctx)
{
    if (!ctx->is_up)
        return;
    for (uint32_t i = 0; i < self->count; i++) {
        struct request *request = self->item[i];

        if (request->is_paused || ctx->now_ms < request->again_at_ms)
            continue;
        request->again_ms = doubled_ms(request->again_ms, ASK_AGAIN_MAX_MS);
        ask(request, ctx);
    }
}

uint64_t requests_next_deadline_ms(const struct requests *self, bool is_up)
{
    uint64_t at = NEVER_MS;

    for (uint32_t i = 0; i < self->count && is_up; i++) {
        if (!self->item[i]->is_paused)
            at = min_u64(at, self->item[i]->again_at_ms);
    }
    return at;
}
