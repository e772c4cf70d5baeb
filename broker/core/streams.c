#include "broker/core/streams.h"

#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t REPUBLISH_DELAY_MS[REPUBLISH_LEVELS] = {
    REPUBLISH_MIN_MS, 2000, 4000, 8000, 16000, REPUBLISH_MAX_MS};

bool streams_init(struct streams *self, uint32_t rows_max, const unsigned char key[16])
{
    *self = (struct streams){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->head_links = calloc((size_t)rows_max + 1, sizeof *self->head_links);
    self->republish_links = calloc((size_t)rows_max + 1, sizeof *self->republish_links);
    const bool has_names = table_init(&self->by_name, rows_max, key);
    const bool has_ids = table_init(&self->by_id, rows_max, key);
    return self->row != NULL && self->head_links != NULL && self->republish_links != NULL &&
           has_names && has_ids;
}

void streams_fini(struct streams *self)
{
    free(self->row);
    free(self->head_links);
    free(self->republish_links);
    table_fini(&self->by_name);
    table_fini(&self->by_id);
}

uint32_t streams_by_name(const struct streams *self, struct span name)
{
    uint32_t cursor = 0;
    uint32_t row;

    if (name.len == 0 || name.len > STREAM_BYTES_MAX)
        return 0;
    const uint64_t hash = table_hash(&self->by_name, name.ptr, name.len);
    while ((row = table_next(&self->by_name, hash, &cursor)) != 0) {
        if (span_equal(stream_name(&self->row[row]), name))
            return row;
    }
    return 0;
}

uint32_t streams_by_id(const struct streams *self, stream_id id)
{
    const uint64_t hash = table_hash_own(&self->by_id, id.v);
    uint32_t cursor = 0;
    uint32_t row;

    while ((row = table_next(&self->by_id, hash, &cursor)) != 0) {
        if (stream_equal(self->row[row].id, id))
            return row;
    }
    return 0;
}

uint32_t streams_add(struct streams *self, stream_id id, struct span name)
{
    INVARIANT(name.len >= 2 && name.len <= STREAM_BYTES_MAX);
    if (self->count == self->rows_max)
        return 0;
    const uint32_t row = ++self->count;
    struct stream *stream = &self->row[row];
    stream->id = id;
    memcpy(stream->name, name.ptr, name.len);
    stream->name_len = (uint8_t)name.len;
    stream->epoch = 1;
    table_put(&self->by_name, table_hash(&self->by_name, name.ptr, name.len), row);
    table_put(&self->by_id, table_hash_own(&self->by_id, id.v), row);
    if (stream_is_room(stream))
        self->rooms++;
    else
        self->people++;
    return row;
}

void streams_begin_at(struct streams *self, uint32_t row, uint64_t head, uint64_t confirmed)
{
    struct stream *stream = &self->row[row];

    stream->head = head;
    stream->confirmed = confirmed;
    if (!stream_is_room(stream))
        self->unconfirmed += head - confirmed;
}

void streams_confirmed(struct streams *self, uint32_t row, uint64_t seq)
{
    self->unconfirmed -= seq - self->row[row].confirmed;
    self->row[row].confirmed = seq;
}

void streams_appended(struct streams *self, uint32_t row, uint64_t seq, uint64_t now_ms)
{
    struct stream *stream = &self->row[row];

    if (seq > stream->head) {
        if (!stream_is_room(stream))
            self->unconfirmed += seq - stream->head;
        stream->head = seq;
    }
    list_remove(&self->heads, self->head_links, row);
    list_append(&self->heads, self->head_links, row);
    stream->head_at_ms = now_ms + HEAD_DELAY_MS;
}

void streams_republish_stop(struct streams *self, uint32_t row)
{
    list_remove(&self->republish[self->row[row].republish_level], self->republish_links, row);
}

void streams_republish_at(struct streams *self, uint32_t row, uint32_t level, uint64_t now_ms)
{
    struct stream *stream = &self->row[row];

    streams_republish_stop(self, row);
    stream->republish_level = level < REPUBLISH_LEVELS ? level : REPUBLISH_LEVELS - 1;
    stream->republish_at_ms = now_ms + REPUBLISH_DELAY_MS[stream->republish_level];
    list_append(&self->republish[stream->republish_level], self->republish_links, row);
}

uint32_t streams_take_head_due(struct streams *self, uint64_t now_ms)
{
    const uint32_t row = self->heads.head;

    if (row == 0 || self->row[row].head_at_ms > now_ms)
        return 0;
    list_remove(&self->heads, self->head_links, row);
    return row;
}

uint32_t streams_take_republish_due(struct streams *self, uint64_t now_ms)
{
    for (size_t level = 0; level < REPUBLISH_LEVELS; level++) {
        const uint32_t row = self->republish[level].head;

        if (row != 0 && self->row[row].republish_at_ms <= now_ms) {
            list_remove(&self->republish[level], self->republish_links, row);
            return row;
        }
    }
    return 0;
}

uint64_t streams_next_deadline_ms(const struct streams *self)
{
    uint64_t next = self->heads.head != 0 ? self->row[self->heads.head].head_at_ms : UINT64_MAX;

    for (size_t level = 0; level < REPUBLISH_LEVELS; level++) {
        const uint32_t row = self->republish[level].head;

        if (row != 0 && self->row[row].republish_at_ms < next)
            next = self->row[row].republish_at_ms;
    }
    return next;
}
