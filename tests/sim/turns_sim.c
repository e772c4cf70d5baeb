/* turns_sim.c - the one order of all that several brokers commit into one store, and how each broker hears of it: its own
 * when the store answers, that of others late and in batches, all of it in order (ADR 0032).
 *
 * One broker alone hears of its own at once: its results are those of the store. With several the store is asked by
 * others before a broker has heard, so each turn holds copies. */
#include "broker/core/core_internal.h"
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

#define CALM_LAG_MS 20

void asked_ops_free(struct asked_op *asked, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(asked[i].bytes);
    free(asked);
}

static struct span copy_of(struct span span)
{
    char *bytes = x_alloc(span.len + 1, 1);

    if (span.len > 0)
        memcpy(bytes, span.ptr, span.len);
    return (struct span){bytes, span.len};
}

static void copy_borrowed(struct op_result *result)
{
    struct appended *appended = x_alloc(result->appended_count + 1, sizeof *appended);
    struct rekeyed *rekeyed = x_alloc(result->rekeyed_count + 1, sizeof *rekeyed);

    for (size_t i = 0; i < result->appended_count; i++) {
        appended[i] = result->appended[i];
        appended[i].wire = copy_of(appended[i].wire);
    }
    for (size_t i = 0; i < result->rekeyed_count; i++)
        rekeyed[i] = result->rekeyed[i];
    result->appended = appended;
    result->rekeyed = rekeyed;
    result->label = copy_of(result->label);
}

static void free_copies(struct op_result *result)
{
    for (size_t i = 0; i < result->appended_count; i++)
        free((char *)result->appended[i].wire.ptr);
    free((struct appended *)result->appended);
    free((struct rekeyed *)result->rekeyed);
    free((char *)result->label.ptr);
}

static bool is_own(const struct world *self, const struct broker *broker, const struct turn *turn)
{
    return turn->broker == broker_index(self, broker) && turn->life == broker->life;
}

/* Others hear of it some time later. */
static void plan_to_follow(struct world *self, struct broker *broker)
{
    const unsigned lag_ms = world_is_storm(self) ? self->weather.lag_ms : CALM_LAG_MS;

    if (broker->core != NULL && broker->follows_at_ms == UINT64_MAX &&
        broker->taken < self->turns && !is_own(self, broker, &self->turn[broker->taken]))
        broker->follows_at_ms = self->now_ms + 1 + world_below(self, lag_ms + 1);
}

static void keep_copies(struct turn *turn, const struct asked_op *asked)
{
    turn->asked = x_alloc(turn->count + 1, sizeof *turn->asked);
    memcpy(turn->asked, asked, turn->count * sizeof *turn->asked);
    for (size_t i = 0; i < turn->count; i++)
        copy_borrowed(&turn->results[i]);
}

void turns_add(struct world *self, const struct turn *turn)
{
    if (self->turns == self->turns_capacity) {
        self->turns_capacity = self->turns_capacity == 0 ? 256 : self->turns_capacity * 2;
        self->turn = x_realloc(self->turn, self->turns_capacity, sizeof *self->turn);
    }
    struct turn *added = &self->turn[self->turns++];
    *added = *turn;
    added->asked = NULL;
    if (!world_has_several(self)) {
        for (size_t i = 0; i < turn->count; i++)
            free(turn->asked[i].bytes);
        return;
    }
    keep_copies(added, turn->asked);
    for (unsigned i = 0; i < self->weather.brokers; i++)
        plan_to_follow(self, &self->broker[i]);
}

/* One broker's turns are told once, and gone. */
static void forget_told(struct world *self, struct turn *turn)
{
    if (world_has_several(self))
        return;
    free(turn->results);
    turn->results = NULL;
}

/* A core hears of each stream from event to event: a turn that came before another one would leave a hole. */
static void check_no_hole(struct world *self, const struct broker *broker,
                          const struct op_result *result)
{
    for (size_t i = 0; i < result->appended_count; i++) {
        const struct appended *event = &result->appended[i];
        const uint32_t row = streams_by_id(&broker->core->streams, event->stream);

        if (row != 0 && event->seq != broker->core->streams.row[row].head + 1)
            world_fail(self, "broker %u hears of %.*s %llu behind %llu", broker_index(self, broker),
                       (int)broker->core->streams.row[row].name_len,
                       broker->core->streams.row[row].name, (unsigned long long)event->seq,
                       (unsigned long long)broker->core->streams.row[row].head);
    }
}

/* Whoever has committed it: each broker puts each event on its own PUB, once. */
static void check_published(struct world *self, const struct broker *broker,
                            const struct op_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < self->fx->count; i++)
        count += self->fx->item[i].kind == FX_PUBLISH;
    if (count != result->appended_count)
        world_fail(self, "broker %u publishes %zu events of %zu", broker_index(self, broker), count,
                   result->appended_count);
}

/* Nobody here has asked for what another broker has done; and a session is alive where it has said HELLO last. */
static void check_foreign(struct world *self, const struct broker *broker, const struct op *op,
                          const struct op_result *result)
{
    const struct core *core = broker->core;
    const uint32_t row = sessions_by_id(&core->sessions, op->session);

    for (size_t i = 0; i < self->fx->count; i++) {
        if (self->fx->item[i].kind == FX_REPLY || self->fx->item[i].kind == FX_STORE)
            world_fail(self, "broker %u answers what was asked of another one",
                       broker_index(self, broker));
    }
    if (op->kind == OP_HELLO && result->rc == RC_OK && row != 0 &&
        stream_equal(core->streams.row[core->sessions.row[row].person].id, result->stream))
        world_fail(self, "broker %u keeps a session of %.*s that has gone to another one",
                   broker_index(self, broker), (int)op->nick.len, op->nick.ptr);
}

static bool tell(struct world *self, struct broker *broker, const struct turn *turn, size_t at)
{
    const struct op_result *result = &turn->results[at];
    struct core_event event = {.kind = CORE_EV_STORED, .stored = result};

    if (!is_own(self, broker, turn)) {
        event.kind = CORE_EV_FOREIGN;
        event.foreign.op = &turn->asked[at].op;
        event.foreign.result = result;
    }
    const bool is_own_turn = event.kind == CORE_EV_STORED;
    check_no_hole(self, broker, result);
    if (!broker_step(self, broker, &event))
        return false;
    check_published(self, broker, result);
    if (is_own_turn)
        check_delivered(self, broker, result);
    else
        check_foreign(self, broker, &turn->asked[at].op, result);
    return true;
}

void turns_take(struct world *self, struct broker *broker, size_t upto)
{
    bool is_alive = true;

    while (is_alive && broker->taken < upto) {
        struct turn *turn = &self->turn[broker->taken++];

        for (size_t i = 0; i < turn->count && is_alive; i++)
            is_alive = tell(self, broker, turn, i);
        forget_told(self, turn);
    }
    if (is_alive && core_next_deadline_ms(broker->core) > self->now_ms)
        check_republished(self, broker);
}

void turns_take_own(struct world *self, struct broker *broker)
{
    broker->results_at_ms = UINT64_MAX;
    turns_take(self, broker, broker->own_turn + 1);
    plan_to_follow(self, broker);
}

void turns_follow(struct world *self, struct broker *broker)
{
    const size_t end = broker->results_at_ms == UINT64_MAX ? self->turns : broker->own_turn;
    const size_t count = end > broker->taken ? end - broker->taken : 0;

    broker->follows_at_ms = UINT64_MAX;
    if (count > 0)
        turns_take(self, broker, broker->taken + 1 + world_below(self, (unsigned)count));
    plan_to_follow(self, broker);
}

void turns_forget(struct world *self, struct broker *broker)
{
    while (!world_has_several(self) && broker->taken < self->turns)
        forget_told(self, &self->turn[broker->taken++]);
    broker->results_at_ms = broker->follows_at_ms = UINT64_MAX;
}

void turns_fini(struct world *self)
{
    for (size_t i = 0; i < self->turns; i++) {
        struct turn *turn = &self->turn[i];

        for (size_t n = 0; turn->asked != NULL && n < turn->count; n++)
            free_copies(&turn->results[n]);
        if (turn->asked != NULL)
            asked_ops_free(turn->asked, turn->count);
        free(turn->results);
    }
    free(self->turn);
}
