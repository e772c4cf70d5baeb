/* members.h - who is in which room. Rooms and people are rows of struct streams. */
#ifndef BROKER_CORE_MEMBERS_H
#define BROKER_CORE_MEMBERS_H

#include "broker/core/list.h"
#include "broker/core/table.h"

#include <stdbool.h>
#include <stdint.h>

struct membership {
    uint32_t room;
    uint32_t person;
    uint64_t serial; /* grows with every membership made: a cursor that no change disturbs */
};

struct members {
    struct membership *row; /* 1..rows_max */
    uint32_t count;
    uint32_t rows_max;
    uint64_t last_serial;
    struct list free;
    struct links *by_room_links; /* also those of `free` */
    struct links *by_person_links;
    struct list *by_room; /* indexed by stream row */
    struct list *by_person;
    struct table pairs;
};

bool members_init(struct members *self, uint32_t rows_max, uint32_t streams_max,
                  const unsigned char key[16]);
void members_fini(struct members *self);

/* False: the table is full. Adding twice is harmless. */
bool members_add(struct members *self, uint32_t room, uint32_t person);
/* False: was no member. */
bool members_remove(struct members *self, uint32_t room, uint32_t person);
bool members_has(const struct members *self, uint32_t room, uint32_t person);

/* The memberships of a room or a person after `row` (0: the first), by rising serial; 0 at the end. */
uint32_t members_next_of_room(const struct members *self, uint32_t room, uint32_t row);
uint32_t members_next_of_person(const struct members *self, uint32_t person, uint32_t row);

#endif
