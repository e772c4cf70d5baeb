/* memory_rows.h - the memory store's rows; its own files alone include it. */
#ifndef BROKER_STORE_MEMORY_ROWS_H
#define BROKER_STORE_MEMORY_ROWS_H

#include "broker/store/arena.h"
#include "broker/store/backend.h"
#include "broker/store/map.h"

struct memory_standing {
    stream_id account;
    struct standing standing;
};

/* A stream with all that belongs to it: event n is [n - 1]; the first `removed` of them are nobody's any more. */
struct memory_stream {
    struct stream_row row;
    struct place_row place;
    struct event_row *events;
    size_t event_count;
    size_t removed;
    size_t event_capacity;
    struct memory_standing *standings; /* in the order of accounts */
    size_t standing_count;
};

struct memory_mark {
    stream_id account;
    stream_id stream;
    struct span name;
    uint64_t seq;
};

struct memory_key_ban {
    stream_id stream;
    unsigned char key[PUBLIC_KEY_BYTES];
    uint64_t until_ms;
};

struct memory {
    struct backend base;
    struct backend_calls calls;
    struct arena arena; /* names, sessions, events' bytes */
    uint64_t chat;
    struct memory_stream *streams; /* by id; [0] is REFUSED_STREAM, and the broker's standings */
    size_t stream_count;
    struct map sessions;
    struct memory_mark *marks;
    size_t mark_count;
    struct device_row *devices; /* oldest first */
    size_t device_count;
    struct memory_key_ban *key_bans; /* in the order of stream and key */
    size_t key_ban_count;
    struct invitation_row *invitations;
    size_t invitation_count;
    uint64_t free_bytes_min;
};

static inline struct memory *memory_of(struct backend *base)
{
    return (struct memory *)base;
}

static inline struct memory_stream *stream_at(struct memory *self, stream_id id)
{
    return id.v < self->stream_count ? &self->streams[id.v] : NULL;
}

/* The event of that place if it is kept, else NULL. */
static inline struct event_row *event_at(struct memory *self, uint64_t entry)
{
    const struct memory_stream *stream = stream_at(self, entry_stream(entry));
    const uint64_t seq = entry_seq(entry);

    return stream == NULL || seq <= stream->removed || seq > stream->event_count
               ? NULL
               : &stream->events[seq - 1];
}

void memory_clean_calls(struct backend_calls *calls);
/* Set the calls of memory_people.c, tell its records, and free its rows. */
void memory_people_calls(struct backend_calls *calls);
void memory_people_replay(struct memory *self, store_on_record *on_record, void *context);
void memory_people_free(struct memory *self);

#endif
