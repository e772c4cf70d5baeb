#include "client/lib/questions.h"

#define FETCH_CREDIT     4
#define FETCH_EVENTS_MAX ((uint64_t)FETCH_CREDIT * FETCH_PAGE_EVENTS_MAX)
#define ASK_MAX_MS       8000

static void forget_reserved(struct questions *self, struct follow *follow)
{
    self->reserved -= follow->reserved;
    follow->reserved = 0;
}

void questions_close(struct questions *self, struct follow *follow)
{
    if (follow->line != LINE_ASKED)
        return;
    if (follow->asked == VERB_HEAD)
        self->heads_out--;
    else
        self->fetches_out--;
    forget_reserved(self, follow);
    follow->ref = 0;
    follow->page_last = 0;
}

void questions_reopen(struct questions *self, struct follow *follow)
{
    if (follow->ref != 0) /* it was not answered */
        follow->ask_ms = doubled_ms(follow->ask_ms, ASK_MAX_MS);
    questions_close(self, follow);
    follow_table_move(self->table, follow, follow->asked == VERB_HEAD ? LINE_HEAD : LINE_FETCH);
}

static void ask(struct questions *self, struct model_context *ctx, struct follow *follow,
                struct message *question)
{
    follow->asked = question->verb;
    follow->ref = context_next_ref(ctx);
    follow->ask_at_ms = ctx->now_ms + follow->ask_ms;
    follow->page_last = 0;
    follow->has_brought = false;
    message_set(question, STREAM, stream, follow_stream(follow));
    message_set(question, REF, ref, follow->ref);
    context_send(ctx, question);
    follow_table_move(self->table, follow, LINE_ASKED);
}

void questions_put_off(struct questions *self, struct model_context *ctx, struct follow *follow,
                       uint32_t delay_ms)
{
    forget_reserved(self, follow);
    follow->ref = 0;
    follow->page_last = 0;
    follow->ask_at_ms = ctx->now_ms + context_jitter(ctx, delay_ms);
    follow->ask_ms = doubled_ms(follow->ask_ms, ASK_MAX_MS);
}

void questions_ask_head(struct questions *self, struct model_context *ctx, struct follow *follow)
{
    struct message head = {.verb = VERB_HEAD};

    self->heads_out++;
    ask(self, ctx, follow, &head);
}

uint64_t questions_fetch_count(const struct questions *self, const struct model_context *ctx,
                               const struct follow *follow)
{
    const uint64_t room = tells_room(&ctx->tells);
    const uint64_t avail = room > self->reserved ? room - self->reserved : 0;
    uint64_t wanted = FETCH_EVENTS_MAX;

    if (follow->next != 0) {
        const uint64_t held = held_first_seq(&follow->held);
        const uint64_t goal = follow_goal(follow);
        const uint64_t last = held > follow->next ? min_u64(held - 1, goal) : goal;

        wanted = min_u64(wanted, last - follow->next + 1);
    }

    /* Small bites would cost a round trip each. */
    const uint64_t least = max_u64(1, min_u64(FETCH_PAGE_EVENTS_MAX, ctx->tells.max / 4));

    return avail < min_u64(wanted, least) ? 0 : min_u64(wanted, avail);
}

void questions_ask_fetch(struct questions *self, struct model_context *ctx, struct follow *follow,
                         uint64_t count)
{
    struct message fetch = {.verb = VERB_FETCH};

    if (follow->next == 0) { /* one page: where it begins is where the stream begins to be told */
        message_set(&fetch, SINCE, since, follow->from.value);
        if (follow_is_history(follow))
            message_set(&fetch, LAST, last, follow->live_at);
        message_set(&fetch, CREDIT, credit, 1);
    } else {
        message_set(&fetch, FIRST, first, follow->next);
        message_set(&fetch, LAST, last, follow->next + count - 1);
        message_set(&fetch, CREDIT, credit, FETCH_CREDIT);
    }
    self->fetches_out++;
    self->reserved += count;
    follow->reserved = (uint32_t)count;
    ask(self, ctx, follow, &fetch);
}
