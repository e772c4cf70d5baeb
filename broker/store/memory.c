/* memory.c - the log in memory: for tests and the simulation. Nothing here can fail, so there is
 * nothing to roll back: the rules look before they write. */
#include "broker/store/memory_rows.h"
#include "broker/store/record_of.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdlib.h>

#define ROOM_BYTES (UINT64_C(1) << 40) /* what statvfs would say */

static void memory_close(struct backend *base, bool has_failed)
{
    struct memory *self = memory_of(base);

    (void)has_failed;
    for (size_t i = 0; i < self->stream_count; i++)
        free(self->streams[i].events);
    memory_people_free(self);
    free(self->streams);
    free(self->marks);
    map_fini(&self->sessions);
    arena_fini(&self->arena);
    free(self);
}

static bool memory_has_room(struct backend *base)
{
    return memory_of(base)->free_bytes_min <= ROOM_BYTES;
}

static void memory_set_limits(struct backend *base, const struct store_limits *limits)
{
    memory_of(base)->free_bytes_min = limits->free_bytes_min;
}

static enum rc memory_nothing(struct backend *base)
{
    (void)base;
    return RC_OK;
}

static enum rc memory_last_stream(struct backend *base, stream_id *ret)
{
    *ret = (stream_id){(uint32_t)memory_of(base)->stream_count - 1};
    return RC_OK;
}

static enum rc memory_find_stream(struct backend *base, enum stream_unique by, struct span value,
                                  stream_id *ret)
{
    struct memory *self = memory_of(base);

    for (size_t i = 1; i < self->stream_count; i++) {
        const struct stream_row *row = &self->streams[i].row;

        if (span_equal(by == BY_NAME ? row->name : row->skeleton, value)) {
            *ret = row->id;
            return RC_OK;
        }
    }
    return RC_END;
}

static enum rc memory_get_stream(struct backend *base, stream_id id, struct stream_row *ret)
{
    const struct memory_stream *stream = stream_at(memory_of(base), id);

    if (stream == NULL)
        return RC_END;
    *ret = stream->row;
    return RC_OK;
}

static enum rc memory_add_stream(struct backend *base, const struct stream_row *row)
{
    struct memory *self = memory_of(base);
    struct memory_stream *stream;

    INVARIANT(row->id.v == self->stream_count);
    if ((self->stream_count & (self->stream_count - 1)) == 0) /* grows at powers of two */
        self->streams =
            x_realloc(self->streams, self->stream_count == 0 ? 1 : self->stream_count * 2,
                      sizeof(*self->streams));
    stream = &self->streams[self->stream_count++];
    *stream = (struct memory_stream){.row = *row, .place.stream = row->id};
    stream->row.name = arena_copy(&self->arena, row->name);
    stream->row.skeleton = arena_copy(&self->arena, row->skeleton);
    stream->row.topic = arena_copy(&self->arena, row->topic);
    return RC_OK;
}

static enum rc memory_put_stream(struct backend *base, const struct stream_row *row)
{
    struct memory *self = memory_of(base);
    struct stream_row *kept = &stream_at(self, row->id)->row;
    const struct stream_row before = *kept;

    *kept = *row;
    kept->name = before.name;
    kept->skeleton = before.skeleton;
    kept->topic =
        span_equal(before.topic, row->topic) ? before.topic : arena_copy(&self->arena, row->topic);
    return RC_OK;
}

static enum rc memory_get_place(struct backend *base, stream_id id, struct place_row *ret)
{
    const struct memory_stream *stream = stream_at(memory_of(base), id);

    if (stream == NULL)
        return RC_END;
    *ret = stream->place;
    return RC_OK;
}

static enum rc memory_put_place(struct backend *base, const struct place_row *row)
{
    stream_at(memory_of(base), row->stream)->place = *row;
    return RC_OK;
}

static enum rc memory_get_session(struct backend *base, session_id id, struct session_row *ret)
{
    const struct session_row *row = map_get(&memory_of(base)->sessions, id.v);

    if (row == NULL)
        return RC_END;
    *ret = *row;
    return RC_OK;
}

static enum rc memory_put_session(struct backend *base, const struct session_row *row)
{
    struct memory *self = memory_of(base);
    struct session_row *kept = map_get(&self->sessions, row->id.v);

    if (kept == NULL) {
        kept = arena_alloc(&self->arena, sizeof(*kept));
        map_put(&self->sessions, row->id.v, kept);
    }
    *kept = *row;
    return RC_OK;
}

static enum rc memory_add_event(struct backend *base, const struct event_row *row)
{
    struct memory *self = memory_of(base);
    struct memory_stream *stream = stream_at(self, entry_stream(row->entry));

    INVARIANT(entry_seq(row->entry) == stream->event_count + 1);
    if (stream->event_count == stream->event_capacity) {
        stream->event_capacity = stream->event_capacity == 0 ? 16 : stream->event_capacity * 2;
        stream->events = x_realloc(stream->events, stream->event_capacity, sizeof(*stream->events));
    }
    stream->events[stream->event_count] = *row;
    stream->events[stream->event_count].wire = arena_copy(&self->arena, row->wire);
    stream->event_count++;
    return RC_OK;
}

static enum rc memory_get_event(struct backend *base, uint64_t entry, struct event_row *ret)
{
    const struct event_row *event = event_at(memory_of(base), entry);

    if (event == NULL)
        return RC_END;
    *ret = *event;
    ret->wire = (struct span){0};
    return RC_OK;
}

static enum rc memory_get_senders(struct backend *base, stream_id id, uint64_t first, uint64_t last,
                                  struct sender_row *ret, size_t max, size_t *ret_count)
{
    const struct memory_stream *stream = stream_at(memory_of(base), id);
    size_t count = 0;

    if (first <= stream->removed)
        first = stream->removed + 1;
    for (uint64_t seq = first; seq <= last && seq <= stream->event_count && count < max; seq++)
        ret[count++] = (struct sender_row){seq, stream->events[seq - 1].sender};
    *ret_count = count;
    return RC_OK;
}

static struct memory_mark *find_mark(struct memory *self, stream_id account, struct span name,
                                     stream_id stream)
{
    for (size_t i = 0; i < self->mark_count; i++) {
        struct memory_mark *mark = &self->marks[i];

        if (stream_equal(mark->account, account) && stream_equal(mark->stream, stream) &&
            span_equal(mark->name, name))
            return mark;
    }
    return NULL;
}

static enum rc memory_get_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t *ret_seq)
{
    const struct memory_mark *mark = find_mark(memory_of(base), account, name, stream);

    if (mark == NULL)
        return RC_END;
    *ret_seq = mark->seq;
    return RC_OK;
}

static enum rc memory_put_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t seq)
{
    struct memory *self = memory_of(base);
    struct memory_mark *mark = find_mark(self, account, name, stream);

    if (mark == NULL) {
        self->marks = x_realloc(self->marks, self->mark_count + 1, sizeof(*self->marks));
        mark = &self->marks[self->mark_count++];
        *mark = (struct memory_mark){account, stream, arena_copy(&self->arena, name), 0};
    }
    mark->seq = seq;
    return RC_OK;
}

static enum rc memory_count_marks(struct backend *base, stream_id account, size_t *ret)
{
    struct memory *self = memory_of(base);
    size_t count = 0;

    for (size_t i = 0; i < self->mark_count; i++)
        count += stream_equal(self->marks[i].account, account);
    *ret = count;
    return RC_OK;
}

static struct record record_of(const struct memory_stream *stream)
{
    struct record record = record_of_stream(&stream->row);

    record.head = stream->place.head;
    record.confirmed = stream->place.confirmed;
    return record;
}

static enum rc memory_replay(struct backend *base, store_on_record *on_record, void *context)
{
    struct memory *self = memory_of(base);

    for (size_t i = 1; i < self->stream_count; i++) {
        const struct record record = record_of(&self->streams[i]);

        on_record(context, &record);
    }
    memory_people_replay(self, on_record, context);
    return RC_OK;
}

/* --- reading: the same object, the same thread ---------------------------------------- */

struct memory_reader {
    struct store_reader base;
    struct memory *memory;
    uint64_t at;
    uint64_t last;
};

static void memory_reader_close(struct store_reader *self)
{
    free(self);
}

static enum rc memory_reader_nothing(struct store_reader *self)
{
    (void)self;
    return RC_OK;
}

static enum rc memory_bounds(struct store_reader *self, stream_id id, uint64_t *ret_kept,
                             uint64_t *ret_head)
{
    const struct memory_stream *stream = stream_at(((struct memory_reader *)self)->memory, id);

    *ret_kept = stream == NULL ? 1 : stream->removed + 1;
    *ret_head = stream == NULL ? 0 : stream->place.head;
    return RC_OK;
}

/* Nothing is ever restored here. */
static enum rc memory_hole(struct store_reader *self, stream_id id, uint64_t first,
                           uint64_t *ret_first, uint64_t *ret_last)
{
    (void)self;
    (void)id;
    (void)first;
    (void)ret_first;
    (void)ret_last;
    return RC_END;
}

static enum rc memory_ts_at(struct store_reader *self, uint64_t first, uint64_t last,
                            uint64_t *ret_entry, uint64_t *ret_ts_ms)
{
    const struct event_row *event = event_at(((struct memory_reader *)self)->memory, first);

    if (event == NULL || first > last)
        return RC_END;
    *ret_entry = first;
    *ret_ts_ms = event->ts_ms;
    return RC_OK;
}

static enum rc memory_seek(struct store_reader *base, uint64_t first, uint64_t last)
{
    struct memory_reader *self = (struct memory_reader *)base;

    self->at = first;
    self->last = last;
    return RC_OK;
}

static enum rc memory_next(struct store_reader *base, struct span *ret_wire)
{
    struct memory_reader *self = (struct memory_reader *)base;
    const struct event_row *event = event_at(self->memory, self->at);

    if (self->at > self->last || event == NULL)
        return RC_END;
    self->at++;
    *ret_wire = event->wire;
    return RC_OK;
}

static enum rc memory_heads(struct store_reader *self, store_on_head *on_head, void *context)
{
    const struct memory *memory = ((struct memory_reader *)self)->memory;

    for (size_t i = 1; i < memory->stream_count; i++) {
        if (memory->streams[i].place.head > 0)
            on_head(context, memory->streams[i].row.id, memory->streams[i].place.head);
    }
    return RC_OK;
}

static enum rc memory_version(struct store_reader *self, uint64_t *ret)
{
    const struct memory *memory = ((struct memory_reader *)self)->memory;

    *ret = 0;
    for (size_t i = 0; i < memory->stream_count; i++)
        *ret += memory->streams[i].place.head;
    return RC_OK;
}

static enum rc memory_get_chat(struct backend *base, uint64_t *ret)
{
    *ret = memory_of(base)->chat;
    return RC_OK;
}

static enum rc memory_put_chat(struct backend *base, uint64_t chat)
{
    memory_of(base)->chat = chat;
    return RC_OK;
}

static enum rc memory_open_reader(struct backend *base, struct store_reader **ret)
{
    static const struct reader_calls calls = {
        .close = memory_reader_close,
        .begin = memory_reader_nothing,
        .end = memory_reader_nothing,
        .bounds = memory_bounds,
        .hole = memory_hole,
        .ts_at = memory_ts_at,
        .seek = memory_seek,
        .next = memory_next,
        .heads = memory_heads,
        .version = memory_version,
    };
    struct memory_reader *self = x_alloc(1, sizeof(*self));

    self->base.calls = &calls;
    self->memory = memory_of(base);
    *ret = &self->base;
    return RC_OK;
}

enum rc store_open_memory(store_entropy *entropy, void *context, struct store **ret)
{
    static const struct backend_calls calls = {
        .close = memory_close,
        .has_room = memory_has_room,
        .set_limits = memory_set_limits,
        .begin = memory_nothing,
        .commit = memory_nothing,
        .rollback = memory_nothing,
        .maintain = memory_nothing,
        .last_stream = memory_last_stream,
        .find_stream = memory_find_stream,
        .get_stream = memory_get_stream,
        .add_stream = memory_add_stream,
        .put_stream = memory_put_stream,
        .get_place = memory_get_place,
        .put_place = memory_put_place,
        .get_session = memory_get_session,
        .put_session = memory_put_session,
        .add_event = memory_add_event,
        .get_event = memory_get_event,
        .get_senders = memory_get_senders,
        .get_mark = memory_get_mark,
        .put_mark = memory_put_mark,
        .count_marks = memory_count_marks,
        .get_chat = memory_get_chat,
        .put_chat = memory_put_chat,
        .replay = memory_replay,
        .open_reader = memory_open_reader,
    };
    struct memory *self = x_alloc(1, sizeof(*self));
    const struct stream_row refused = {.id = REFUSED_STREAM};

    self->calls = calls;
    memory_people_calls(&self->calls);
    memory_clean_calls(&self->calls);
    self->base.calls = &self->calls;
    map_init(&self->sessions);
    (void)memory_add_stream(&self->base, &refused);
    *ret = store_over(&self->base, entropy, context);
    return RC_OK;
}
