/* keybans.h - keys that are banned from a room, or from the broker, whoever's they are (protocol 7.6).
 *
 * A fixed table sized at birth. A room is a row of struct streams; 0 is the broker. */
#ifndef BROKER_CORE_KEYBANS_H
#define BROKER_CORE_KEYBANS_H

#include "broker/core/list.h"
#include "broker/core/table.h"
#include "shared/base/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct keyban {
    uint64_t until_ms; /* wall clock; 0: the row is free */
    uint32_t room;
    unsigned char key[PUBLIC_KEY_BYTES];
};

struct keybans {
    struct keyban *row; /* 1..rows_max */
    uint32_t count;
    uint32_t rows_max;
    struct links *links;
    struct list free;
    struct table by_key;
};

bool keybans_init(struct keybans *self, uint32_t rows_max, const unsigned char key[16]);
void keybans_fini(struct keybans *self);

/* Row number; 0: there is none. */
uint32_t keybans_find(const struct keybans *self, uint32_t room, const unsigned char *key);
/* Until that time; 0 takes it back. False: the table is full. */
bool keybans_set(struct keybans *self, uint32_t room, const unsigned char *key, uint64_t until_ms);
bool keybans_hold(const struct keybans *self, uint32_t room, const unsigned char *key,
                  uint64_t wall_ms);
void keybans_remove(struct keybans *self, uint32_t row);
/* All those of a room. */
void keybans_forget(struct keybans *self, uint32_t room);
/* Those that are over. */
void keybans_purge(struct keybans *self, uint64_t wall_ms);
uint32_t keybans_of_room(const struct keybans *self, uint32_t room);

#endif
