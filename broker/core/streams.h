/* streams.h - the rooms and people the core knows, and what is due for them.
 *
 * Rows are never removed. A person's account is the row of the person's stream. */
#ifndef BROKER_CORE_STREAMS_H
#define BROKER_CORE_STREAMS_H

#include "broker/core/list.h"
#include "broker/core/record.h"
#include "broker/core/table.h"
#include "shared/base/bucket.h"
#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPUBLISH_LEVELS 6

struct stream {
    stream_id id;
    char name[STREAM_BYTES_MAX]; /* with sigil */
    uint8_t name_len;
    uint64_t head;
    uint32_t epoch;
    uint32_t joining;    /* of a room or a person: joins in the store's hands */
    uint32_t leaving;    /* of a room: what ends memberships there */
    uint64_t head_at_ms; /* when HEAD is due, while in `heads` */
    unsigned char stream_key[STREAM_KEY_BYTES];
    unsigned char old_key[STREAM_KEY_BYTES]; /* of the step in which a new one came */
    struct bucket posts;                     /* to it */

    /* of a room */
    uint32_t modes;     /* ROOM_ */
    uint64_t open_from; /* see struct record */
    uint32_t keep_s;    /* KEEP_ of op.h */
    uint16_t topic_len;
    char topic[SUBJECT_BYTES_MAX];

    /* of a person */
    uint64_t confirmed;
    uint64_t confirming; /* asked of the store */
    uint64_t absent;     /* see struct record */
    uint64_t absent_last;
    uint32_t devices;  /* live sessions */
    uint32_t away;     /* of them, those whose person says so */
    uint64_t heard_ms; /* the last sign of life of any */
    uint32_t inboxes;  /* of them, those that confirm */
    uint32_t republish_level;
    uint64_t republish_at_ms;
    enum role role;
    uint64_t banned_until_ms; /* by the broker, wall clock; 0: not */
    bool is_changing;         /* a REVOKE, ROLE or ban of the person is in the store's hands */
    bool was_owner;           /* when that was asked */
    struct bucket asks;
};

struct streams {
    struct stream *row; /* 1..count */
    uint32_t count;
    uint32_t rows_max;
    uint32_t rooms;
    uint32_t people;
    uint64_t unconfirmed; /* the sum over all people: head less confirmed */
    struct table by_name;
    struct table by_id;

    struct links *head_links;
    struct list heads; /* HEAD is due, oldest first: the delay is the same for all */
    struct links *republish_links;
    struct list republish[REPUBLISH_LEVELS]; /* one delay each, so each is in order */
};

bool streams_init(struct streams *self, uint32_t rows_max, const unsigned char key[16]);
void streams_fini(struct streams *self);

/* All return a row number, 0 when there is none. */
uint32_t streams_by_name(const struct streams *self, struct span name);
uint32_t streams_by_id(const struct streams *self, stream_id id);

/* Add a stream; 0 when the table is full. */
uint32_t streams_add(struct streams *self, stream_id id, struct span name);

static inline struct span stream_name(const struct stream *self)
{
    return (struct span){self->name, self->name_len};
}

static inline struct span stream_topic(const struct stream *self)
{
    return (struct span){self->topic, self->topic_len};
}

/* What is longer than a topic may be is cut. */
static inline void stream_set_topic(struct stream *self, struct span topic)
{
    self->topic_len = (uint16_t)(topic.len < sizeof self->topic ? topic.len : sizeof self->topic);
    if (self->topic_len > 0)
        memcpy(self->topic, topic.ptr, self->topic_len);
}

static inline bool stream_is_room(const struct stream *self)
{
    return self->name[0] == '#';
}

/* Its events leave in a box: those of people and of private rooms. */
static inline bool stream_is_sealed(const struct stream *self)
{
    return !stream_is_room(self) || (self->modes & ROOM_PRIVATE) != 0;
}

/* Where a new row stands; and, later, what its person has confirmed. */
void streams_begin_at(struct streams *self, uint32_t row, uint64_t head, uint64_t confirmed);
void streams_confirmed(struct streams *self, uint32_t row, uint64_t seq);

/* An event was appended: HEAD is due HEAD_DELAY_MS after it. */
void streams_appended(struct streams *self, uint32_t row, uint64_t seq, uint64_t now_ms);

/* Publish again after the delay of that level; it replaces what was due before. */
void streams_republish_at(struct streams *self, uint32_t row, uint32_t level, uint64_t now_ms);
void streams_republish_stop(struct streams *self, uint32_t row);

/* The next row that is due, taken off its list; 0 when none is. */
uint32_t streams_take_head_due(struct streams *self, uint64_t now_ms);
uint32_t streams_take_republish_due(struct streams *self, uint64_t now_ms);
uint64_t streams_next_deadline_ms(const struct streams *self);

#endif
