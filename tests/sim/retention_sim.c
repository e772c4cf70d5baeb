/* retention_sim.c - what the log keeps no longer: all but the newest events of a stream, a purged room's events, a purged
 * person's texts. Nothing else may go, and who reads is told of each hole. */
#include "broker/core/record.h"
#include "tests/sim/world.h"

#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <string.h>

/* A stream as the store has it. */
struct found {
    stream_id id; /* looked for; none: by name */
    char name[32];
    uint64_t head, confirmed;
    bool is_there;
};

static void on_record(void *context, const struct record *record)
{
    struct found *found = context;
    const bool is_it = stream_is_none(found->id) ? span_equal(record->name, span_of(found->name))
                                                 : stream_equal(record->stream, found->id);

    if (record->kind != RECORD_STREAM || found->is_there || !is_it)
        return;
    *found = (struct found){.id = record->stream,
                            .head = record->head,
                            .confirmed = record->confirmed,
                            .is_there = true};
    snprintf(found->name, sizeof found->name, "%.*s", (int)record->name.len, record->name.ptr);
}

static bool find(struct world *self, struct found *found)
{
    if (store_replay(self->store, on_record, found) != RC_OK)
        world_fail(self, "the store cannot be replayed");
    return found->is_there;
}

uint64_t world_removed(struct world *self, const char *stream)
{
    return self->removed[world_acked(self, stream) - self->acked];
}

static void note_removed(struct world *self, const char *stream, uint64_t upto)
{
    uint64_t *removed = &self->removed[world_acked(self, stream) - self->acked];

    world_tell(self, "%s is removed up to %llu", stream, (unsigned long long)upto);
    if (*removed < upto)
        *removed = upto;
}

/* Told by the store: only what is beyond the newest, and of a person's stream was confirmed. */
static void on_removed(void *context, stream_id stream, uint64_t upto)
{
    struct world *self = context;
    struct found found = {.id = stream};

    if (upto == 0) /* a purge, which we have asked for */
        return;
    if (!find(self, &found)) {
        world_fail(self, "events of stream %u are removed, which is none", stream.v);
        return;
    }
    if (upto + self->weather.keep_events > found.head)
        world_fail(self, "%s ends at %llu and is removed up to %llu: %u are to be kept", found.name,
                   (unsigned long long)found.head, (unsigned long long)upto,
                   self->weather.keep_events);
    if (found.name[0] == '@' && upto > found.confirmed)
        world_fail(self, "%s is confirmed up to %llu and removed up to %llu", found.name,
                   (unsigned long long)found.confirmed, (unsigned long long)upto);
    note_removed(self, found.name, upto);
}

void retention_opened(struct world *self)
{
    store_on_removed_set(self->store, on_removed, self);
}

void retention_clean(struct world *self)
{
    const uint64_t wall_ms = (uint64_t)(1700000000000 + (int64_t)self->now_ms + self->wall_jump_ms);
    struct removed removed;
    enum rc rc = RC_OK;

    while (rc == RC_OK && self->weather.keep_events > 0)
        rc = store_clean(self->store, self->now_ms, wall_ms, &removed);
    INVARIANT(rc == RC_OK || rc == RC_END);
}

/* All chunks of a purge; false when the disk was full. */
static bool carry_out(struct world *self, struct op *op)
{
    struct op_result result = {.is_more = true};

    while (result.is_more) {
        const enum rc rc = store_apply(self->store, op, 1, &result);

        INVARIANT(rc == RC_OK);
        if (result.rc != RC_OK)
            return false;
        if (!stream_is_none(op->target))
            op->seq = result.seq;
        store_release(self->store);
    }
    return true;
}

/* Nothing that the person has said stands in this stream any more; of a purged room (`nick` NULL) nothing at all. */
static void check_purge_of(struct world *self, const char *stream, const char *nick)
{
    struct store_range range = {.stream = world_stream(self, stream),
                                .first = 1,
                                .events_max = 256,
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    while (!stream_is_none(range.stream) && store_read(self->reader, &range, &page) == RC_OK &&
           page.count > 0) {
        struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT | TO_EVERYBODY);
        struct message event;

        while (wire_read(&reader, &event) == RC_OK) {
            const bool is_said = message_has(&event, HAS_TEXT) && message_has(&event, HAS_SESSION);

            if (nick == NULL || (span_equal(event.from, span_of(nick)) && is_said))
                world_fail(self, "%s %llu of %.*s stands behind its purge", stream,
                           (unsigned long long)event.seq, (int)event.from.len, event.from.ptr);
        }
        range.first = page.last + 1;
    }
}

static void check_purge_everywhere(struct world *self, const char *nick)
{
    char name[32];

    for (unsigned i = 0; i < self->weather.rooms; i++) {
        snprintf(name, sizeof name, "#room%u", i);
        check_purge_of(self, name, nick);
    }
    for (unsigned i = 0; i < self->weather.people; i++) {
        snprintf(name, sizeof name, "@%s", self->person[i].nick);
        check_purge_of(self, name, nick);
    }
}

void retention_purge(struct world *self)
{
    const unsigned which = world_below(self, self->weather.rooms + self->weather.people);
    struct person *person =
        which < self->weather.rooms ? NULL : &self->person[which - self->weather.rooms];
    struct op op = {.kind = OP_PURGE, .until_ms = FOR_EVER_MS};
    struct found found = {.is_there = false};

    if (person == NULL)
        snprintf(found.name, sizeof found.name, "#room%u", which);
    else
        snprintf(found.name, sizeof found.name, "@%s", person->nick);
    /* The results of one broker borrow from the store until they are told. */
    if ((!world_has_several(self) && self->broker[0].results_at_ms != UINT64_MAX) ||
        !find(self, &found))
        return;
    if (person != NULL) {
        op.target = found.id;
        op.target_nick = span_of(person->nick);
    } else {
        op.stream = found.id;
        op.name = span_of(found.name);
        op.seq = found.head;
    }
    if (!carry_out(self, &op))
        return;
    if (person == NULL) {
        note_removed(self, found.name, found.head);
        check_purge_of(self, found.name, NULL);
        return;
    }
    world_tell(self, "what %s has said is purged", person->nick);
    person->is_purged = true;
    history_purged(self, person->nick);
    check_purge_everywhere(self, person->nick);
}

/* --- the promises ------------------------------------------------------------------------------ */

bool check_is_purged(struct world *self, struct span nick)
{
    for (unsigned i = 0; i < self->weather.people; i++) {
        if (span_equal(span_of(self->person[i].nick), nick))
            return self->person[i].is_purged;
    }
    return false;
}

static void check_next(struct world *self, const struct client *client,
                       const struct zchat_event *gap, uint64_t next)
{
    if (gap->first != next)
        world_fail(self, "%s is told that %s is gone from %llu on where %llu was next",
                   client->nick, gap->stream, (unsigned long long)gap->first,
                   (unsigned long long)next);
}

/* A gap is told of what was removed, where it stands in the order, and of nothing else. */
void check_gap(struct world *self, struct client *client, const struct zchat_event *gap)
{
    struct history_view *history = &client->history;

    world_tell(self, "%s is told that %s %llu to %llu are gone", client->nick, gap->stream,
               (unsigned long long)gap->first, (unsigned long long)gap->last);
    if (gap->last > world_removed(self, gap->stream))
        world_fail(self, "%s is told that %s %llu to %llu are gone, which are kept", client->nick,
                   gap->stream, (unsigned long long)gap->first, (unsigned long long)gap->last);
    if (strcmp(history->stream, gap->stream) == 0 && gap->first <= history->until) {
        check_next(self, client, gap, history_next(history));
        history->last = gap->last;
        return;
    }
    history_told(self, client, gap);
    for (unsigned i = 0; i < client->follows; i++) {
        struct follow_view *follow = &client->follow[i];

        if (strcmp(follow->stream, gap->stream) != 0)
            continue;
        if (follow->last != 0 || gap->stream[0] == '#')
            check_next(self, client, gap, follow->last + 1);
        follow->last = gap->last;
        follow->has_gap = true;
    }
}
