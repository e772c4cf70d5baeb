/* streams.h - the rooms and people the core knows, and what is due for them.
 *
 * Rows are never removed. A person's account is the row of the person's stream. */
#ifndef BROKER_CORE_STREAMS_H
#define BROKER_CORE_STREAMS_H

#include "broker/core/list.h"
#include "broker/core/record.h"
#include "broker/core/table.h"
#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define REPUBLISH_LEVELS 6

struct stream {
    stream_id id;
    char name[STREAM_BYTES_MAX]; /* with sigil */
    uint8_t name_len;
    uint64_t head;
    uint32_t epoch;
    uint32_t members; /* of a room */
    uint32_t joining; /* joins and leaves in the store's hands */
    uint32_t leaving;
    uint64_t head_at_ms; /* when HEAD is due, while in `heads` */

    /* of a person */
    uint64_t confirmed;
    uint64_t confirming; /* asked of the store */
    uint32_t devices;    /* live sessions */
    uint32_t away;       /* of them, those whose person says so */
    uint64_t heard_ms;   /* the last sign of life of any */
    uint32_t inboxes;    /* of them, those that confirm */
    uint32_t republish_level;
    uint64_t republish_at_ms;
    unsigned char owner_key[PUBLIC_KEY_BYTES];
    unsigned char stream_key[STREAM_KEY_BYTES];
};

struct streams {
    struct stream *row; /* 1..count */
    uint32_t count;
    uint32_t rows_max;
    uint32_t rooms;
    uint32_t people;
    struct table by_name;
    struct table by_id;
    struct table by_owner;

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
uint32_t streams_by_owner(const struct streams *self, const unsigned char *key);

/* Add a stream; 0 when the table is full. The owner's key may be NULL or all zero: nobody's. */
uint32_t streams_add(struct streams *self, stream_id id, struct span name,
                     const unsigned char *owner_key);

static inline struct span stream_name(const struct stream *self)
{
    return (struct span){self->name, self->name_len};
}

static inline bool stream_is_room(const struct stream *self)
{
    return self->name[0] == '#';
}

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
