/* memory_clean.c - what goes from the log in memory: its bytes stay in the arena, nobody finds them. */
#include "broker/store/memory_rows.h"

static enum rc memory_next_kept(struct backend *base, stream_id from, bool only_kept,
                                struct kept_row *ret)
{
    struct memory *self = memory_of(base);

    for (size_t i = from.v; i < self->stream_count; i++) {
        const struct memory_stream *stream = &self->streams[i];
        const struct span name = stream->row.name;

        if (only_kept && stream->row.keep_s == KEEP_AS_BROKER)
            continue;
        *ret = (struct kept_row){.stream = stream->row.id,
                                 .is_person = name.len > 0 && name.ptr[0] == '@',
                                 .keep_s = stream->row.keep_s,
                                 .head = stream->place.head,
                                 .confirmed = stream->place.confirmed};
        return RC_OK;
    }
    return RC_END;
}

static enum rc memory_get_aged(struct backend *base, uint64_t first, uint64_t last,
                               struct aged_row *ret, size_t max, size_t *ret_count)
{
    struct memory *self = memory_of(base);
    size_t count = 0;

    for (size_t i = entry_stream(first).v; i < self->stream_count && count < max; i++) {
        const struct memory_stream *stream = &self->streams[i];

        for (size_t at = stream->removed; at < stream->event_count && count < max; at++) {
            const struct event_row *event = &stream->events[at];

            if (event->entry >= first && event->entry <= last)
                ret[count++] = (struct aged_row){.entry = event->entry,
                                                 .ts_ms = event->ts_ms,
                                                 .sender = event->sender,
                                                 .is_purged = event->refusal != RC_OK,
                                                 .bytes = event->wire.len};
        }
    }
    *ret_count = count;
    return RC_OK;
}

/* Only ever from the oldest on. */
static enum rc memory_remove_events(struct backend *base, uint64_t first, uint64_t last)
{
    struct memory_stream *stream = stream_at(memory_of(base), entry_stream(first));

    if (entry_seq(last) > stream->removed)
        stream->removed =
            entry_seq(last) < stream->event_count ? (size_t)entry_seq(last) : stream->event_count;
    return RC_OK;
}

static enum rc memory_purge_event(struct backend *base, uint64_t entry, struct span wire)
{
    struct memory *self = memory_of(base);
    struct event_row *event = event_at(self, entry);

    if (event == NULL)
        return RC_OK;
    event->refusal = EVENT_PURGED;
    event->wire = arena_copy(&self->arena, wire);
    return RC_OK;
}

/* What the events that are kept take. */
static enum rc memory_used_bytes(struct backend *base, uint64_t *ret)
{
    struct memory *self = memory_of(base);

    *ret = 0;
    for (size_t i = 0; i < self->stream_count; i++) {
        const struct memory_stream *stream = &self->streams[i];

        for (size_t at = stream->removed; at < stream->event_count; at++)
            *ret += sizeof(struct event_row) + stream->events[at].wire.len;
    }
    return RC_OK;
}

static enum rc memory_nothing(struct backend *base)
{
    (void)base;
    return RC_OK;
}

void memory_clean_calls(struct backend_calls *calls)
{
    calls->next_kept = memory_next_kept;
    calls->get_aged = memory_get_aged;
    calls->remove_events = memory_remove_events;
    calls->purge_event = memory_purge_event;
    calls->used_bytes = memory_used_bytes;
    calls->give_back = memory_nothing;
    calls->scrub = memory_nothing;
}
