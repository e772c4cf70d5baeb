/* follower.c - a second core, that of another broker over the same store, which hears of this one what the store
 * keeps for it (broker/store/turn.h). */
#include "broker/store/turn.h"
#include "tests/support/core/as_stored.h"
#include "tests/support/core/stage.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

struct follower {
    struct core *core;
    struct effects fx;      /* of its last step */
    struct turn_bytes turn; /* it is told what the store would keep for it */
    struct batch *told;     /* what the effects borrow from */
};

static void on_record(void *context, const struct record *record)
{
    struct follower *follower = context;
    const enum rc rc = core_replay(follower->core, record);

    INVARIANT(rc == RC_OK);
}

void stage_follow(struct stage *self)
{
    struct core_limits limits = self->limits;

    INVARIANT(self->follower == NULL);
    self->follower = x_alloc(1, sizeof *self->follower);
    limits.others_max = limits.pending_max;
    self->follower->core = core_new(&limits);
    INVARIANT(self->follower->core != NULL);
    const enum rc rc = store_replay(self->store, on_record, self->follower);
    INVARIANT(rc == RC_OK);
}

void stage_unfollow(struct stage *self)
{
    if (self->follower == NULL)
        return;
    core_destroy(&self->follower->core);
    batch_destroy(&self->follower->told);
    turn_bytes_fini(&self->follower->turn);
    free(self->follower);
    self->follower = NULL;
}

/* It has no clients: whatever it says beside what is for everybody would be said to somebody of the other broker. */
static void check_silence(const struct effects *fx)
{
    for (size_t i = 0; i < fx->count; i++) {
        const enum effect_kind kind = fx->item[i].kind;

        INVARIANT(kind == FX_PUBLISH || kind == FX_ANNOUNCE || kind == FX_ADMIT ||
                  kind == FX_EXPEL);
    }
}

static void follower_step(struct stage *self, struct core_event *event)
{
    struct follower *follower = self->follower;

    event->now_ms = self->now_ms;
    event->wall_ms = self->wall_ms;
    core_step(follower->core, event, &follower->fx);
    INVARIANT(!core_is_overrun(follower->core));
    check_silence(&follower->fx);
}

void stage_tell_follower(struct stage *self, const struct op *op, const struct op_result *result)
{
    struct core_event event = {.kind = CORE_EV_FOREIGN};
    struct follower *follower = self->follower;

    if (follower == NULL)
        return;
    follower->fx.count = 0;
    if (!turn_encode(&follower->turn, op, result, 1))
        return;
    batch_destroy(&follower->told);
    const enum rc rc =
        turn_decode((struct span){follower->turn.data, follower->turn.len}, &follower->told);

    INVARIANT(rc == RC_OK && batch_count(follower->told) == 1);
    event.foreign.op = batch_ops(follower->told);
    event.foreign.result = batch_results(follower->told);
    follower_step(self, &event);
}

void stage_wake_follower(struct stage *self)
{
    struct core_event event = {.kind = CORE_EV_TICK};

    while (self->follower != NULL && core_next_deadline_ms(self->follower->core) <= self->now_ms)
        follower_step(self, &event);
}

static const struct effect *next_published(const struct effects *fx, size_t *at)
{
    while (*at < fx->count) {
        const struct effect *effect = &fx->item[(*at)++];

        if (effect->kind == FX_PUBLISH)
            return effect;
    }
    return NULL;
}

static bool is_same_key(const unsigned char *a, const unsigned char *b)
{
    return a == NULL || b == NULL ? a == b : memcmp(a, b, STREAM_KEY_BYTES) == 0;
}

void stage_compare_follower(const struct stage *self)
{
    const struct effect *own, *others;
    size_t at = 0, others_at = 0;

    if (self->follower == NULL)
        return;
    do {
        own = next_published(&self->fx, &at);
        others = next_published(&self->follower->fx, &others_at);
        INVARIANT((own == NULL) == (others == NULL));
        INVARIANT(own == NULL ||
                  (stream_equal(own->stream, others->stream) && own->seq == others->seq &&
                   own->epoch == others->epoch && span_equal(own->wire, others->wire) &&
                   is_same_key(own->seal_key, others->seal_key)));
    } while (own != NULL);
}

static void check(const struct core *core, const struct stage *stage, const char *who)
{
    const char *why;

    if (core_is_as_stored(core, stage->store, stage->wall_ms, &why))
        return;
    fprintf(stderr, "%s: %s\n", who, why);
    INVARIANT(!"a core knows all as it is stored");
}

void stage_check_follower(const struct stage *self)
{
    check(self->core, self, "the broker that asked");
    if (self->follower != NULL)
        check(self->follower->core, self, "the other broker");
}

enum rc stage_replay(struct stage *self, const struct record *record)
{
    stage_unfollow(self);
    return core_replay(self->core, record);
}
