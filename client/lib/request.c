#include "client/lib/request.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

#define ASK_AGAIN_MS     2000
#define ASK_AGAIN_MAX_MS 16000

struct request {
    uint32_t ref;      /* the application's */
    uint32_t wire_ref; /* of the last asking, 0: none; a page's rows must come from one asking */
    struct message message;
    char *stream, *name;
    uint64_t asked_at_ms, again_at_ms;
    uint32_t again_ms;
    bool is_paused; /* a list that waits for room */
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
    free(request->stream);
    free(request->name);
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

static bool is_list(const struct request *request)
{
    return request->message.verb == VERB_WHO || request->message.verb == VERB_ROOMS;
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
    context_send(ctx, &request->message);
}

static bool is_request(enum verb verb)
{
    return verb == VERB_JOIN || verb == VERB_LEAVE || verb == VERB_WHO || verb == VERB_ROOMS ||
           verb == VERB_PING || verb == VERB_MARK;
}

enum rc requests_add(struct requests *self, struct model_context *ctx,
                     const struct message *message, uint32_t *ret_ref)
{
    if (!is_request(message->verb))
        return RC_UNKNOWN_VERB;
    if (self->count == self->max)
        return RC_BUSY;

    struct request *request = x_alloc(1, sizeof(*request));

    request->message = *message;
    if (message_has(message, HAS_STREAM))
        request->message.stream = span_of(request->stream = x_spandup(message->stream));
    if (message_has(message, HAS_NAME))
        request->message.name = span_of(request->name = x_spandup(message->name));
    request->ref = context_next_ref(ctx);
    request->again_ms = ASK_AGAIN_MS;
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

        request->again_ms = ASK_AGAIN_MS;
        if (!request->is_paused)
            ask(request, ctx);
    }
    requests_resume(self, ctx);
}

static void finish(struct requests *self, struct model_context *ctx, struct request *request,
                   const struct message *answer)
{
    const bool is_error = answer->verb == VERB_ERROR;
    const uint64_t round_trip_ms = ctx->now_ms - request->asked_at_ms;
    const struct zchat_event event = {
        .kind = ZCHAT_ANSWER,
        .ref = request->ref,
        .rc = is_error ? (zchat_rc)message_error(answer) : RC_OK,
        .seq = message_has(answer, HAS_SEQ) ? answer->seq : 0,
        .people = message_has(answer, HAS_PEOPLE) ? (uint32_t)answer->people : 0,
        .ts_ms = message_has(answer, HAS_TS) ? answer->ts : 0,
        .round_trip_ms = (uint32_t)min_u64(round_trip_ms, UINT32_MAX),
    };
    const struct tell_texts texts = {
        .stream = message_has(answer, HAS_STREAM) ? answer->stream : span_of(request->stream),
        .text = is_error ? message_error_text(answer) : (struct span){0},
    };

    tells_add(&ctx->tells, &event, &texts);
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->item[i] == request) {
            self->item[i] = self->item[--self->count];
            break;
        }
    }
    request_destroy(&request);
}

static void hold_row(struct request *request, const struct message *row)
{
    const bool is_person = row->verb == VERB_PERSON;

    if (request->row_count == LIST_PAGE_MAX || !is_list(request) ||
        !message_has(row, is_person ? HAS_NICK | HAS_STATE : HAS_STREAM))
        return;

    const struct zchat_event event = {
        .kind = is_person ? ZCHAT_PERSON : ZCHAT_ROOM,
        .ref = request->ref,
        .seq = message_has(row, HAS_SEQ) ? row->seq : 0,
        .people = message_has(row, HAS_PEOPLE) ? (uint32_t)row->people : 0,
        .devices = message_has(row, HAS_DEVICES) ? (uint32_t)row->devices : 0,
        .is_member = message_has(row, HAS_MEMBER) && row->member,
    };
    const struct tell_texts texts = {
        .stream = message_has(row, HAS_STREAM) ? row->stream : (struct span){0},
        .from = is_person ? row->nick : (struct span){0},
        .state = is_person ? row->state : (struct span){0},
    };

    request->row[request->row_count++] = tell_new(&event, &texts);
}

static void end_page(struct requests *self, struct model_context *ctx, struct request *request,
                     const struct message *end)
{
    const uint64_t asked = message_has(&request->message, HAS_CURSOR) ? request->message.cursor : 0;

    for (size_t i = 0; i < request->row_count; i++)
        tells_push(&ctx->tells, &request->row[i]);
    request->row_count = 0;
    if (!message_has(end, HAS_CURSOR) || end->cursor == asked) { /* the same again never ends */
        finish(self, ctx, request, end);
        return;
    }
    message_set(&request->message, CURSOR, cursor, end->cursor);
    request->again_ms = ASK_AGAIN_MS;
    request->again_at_ms = NEVER_MS;
    request->is_paused = true;
    requests_resume(self, ctx);
}

/* Which answer ends which question. */
static bool is_answer_to(const struct request *request, enum verb verb)
{
    switch (request->message.verb) {
    case VERB_JOIN:
        return verb == VERB_JOINED;
    case VERB_LEAVE:
        return verb == VERB_LEFT;
    case VERB_PING:
        return verb == VERB_PONG;
    case VERB_MARK:
        return verb == VERB_MARK;
    default:
        return verb == VERB_END;
    }
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

    if (message->verb == VERB_PERSON || message->verb == VERB_ROOM)
        hold_row(request, message);
    else if (message->verb == VERB_ERROR && rc_is_transient(message_error(message)))
        request->again_at_ms =
            ctx->now_ms + context_jitter(ctx, message_retry_ms(message, ASK_AGAIN_MS));
    else if (message->verb == VERB_ERROR)
        finish(self, ctx, request, message);
    else if (is_answer_to(request, message->verb) && is_list(request))
        end_page(self, ctx, request, message);
    else if (is_answer_to(request, message->verb))
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
