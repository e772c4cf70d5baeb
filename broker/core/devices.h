/* devices.h - which key belongs to whom, for ever: a key that was removed stays known (protocol R-42).
 *
 * A fixed table sized at birth; rows are never removed. People are rows of struct streams. */
#ifndef BROKER_CORE_DEVICES_H
#define BROKER_CORE_DEVICES_H

#include "broker/core/list.h"
#include "broker/core/table.h"
#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct device {
    unsigned char key[PUBLIC_KEY_BYTES];
    uint32_t person;
    bool is_revoked;
    bool is_banned;   /* the key, by the broker; its person may be as well */
    bool is_admitted; /* as the shell was told */
    uint8_t label_len;
    char label[MARK_NAME_BYTES_MAX]; /* what its person calls it */
    uint64_t ts_ms;                  /* when it came */
};

struct devices {
    struct device *row; /* 1..count */
    uint32_t count;
    uint32_t rows_max;
    struct table by_key;
    struct links *links; /* of each person's list */
    struct list *by_person;
    uint32_t *live; /* of a person: those that are not revoked */
    struct links *told_links;
    struct list untold; /* the shell may have to be told about them */
};

bool devices_init(struct devices *self, uint32_t rows_max, uint32_t streams_max,
                  const unsigned char key[16]);
void devices_fini(struct devices *self);

/* The row of that key, also of a revoked one; 0: nobody's. */
uint32_t devices_by_key(const struct devices *self, const unsigned char *key);
/* A new key of that person, which nobody may have; a label that is too long is cut. 0: the table is full. */
uint32_t devices_add(struct devices *self, const unsigned char *key, uint32_t person,
                     struct span label, uint64_t ts_ms);
/* It can never be bound again. */
void devices_revoke(struct devices *self, uint32_t row);
/* The shell may have to be told about it; twice is harmless. */
void devices_changed(struct devices *self, uint32_t row);
/* The next one that changed, taken off the list; 0: none. */
uint32_t devices_take_changed(struct devices *self);

/* A person's devices in the order in which they came, revoked ones too; after `row`, 0: the first. */
static inline uint32_t devices_next(const struct devices *self, uint32_t person, uint32_t row)
{
    return row == 0 ? self->by_person[person].head : self->links[row].next;
}

#endif
