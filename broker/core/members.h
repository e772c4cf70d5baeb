/* members.h - who is in which room, and how everybody stands there: operators, bans, mutes, invitations.
 *
 * A fixed table sized at birth. Rooms and people are rows of struct streams. Somebody without a row has a
 * standing of zeros; rows without STAND_MEMBER are there for a ban, a mute or an invitation. */
#ifndef BROKER_CORE_MEMBERS_H
#define BROKER_CORE_MEMBERS_H

#include "broker/core/list.h"
#include "broker/core/record.h"
#include "broker/core/table.h"

#include <stdbool.h>
#include <stdint.h>

struct membership {
    uint32_t room;
    uint32_t person;
    uint64_t serial; /* grows with every membership made: a cursor that no change disturbs */
    struct standing standing;
};

struct tally {
    uint32_t members; /* of a room: its members; of a person: the rooms it is in */
    uint32_t others;  /* rows that are no membership */
    uint32_t ops;     /* memberships with STAND_OP */
};

struct members {
    struct membership *row; /* 1..rows_max */
    uint32_t count;         /* memberships */
    uint32_t rows;          /* in use, the others too */
    uint32_t rows_max;
    uint64_t last_serial;
    struct list free;
    struct links *by_room_links; /* also those of `free` */
    struct links *by_person_links;
    struct list *by_room; /* indexed by stream row */
    struct list *by_person;
    struct tally *tally; /* indexed by stream row */
    struct table pairs;
};

bool members_init(struct members *self, uint32_t rows_max, uint32_t streams_max,
                  const unsigned char key[16]);
void members_fini(struct members *self);

/* How that person stands with the room from now on; all zero forgets it. False: the table is full. */
bool members_set(struct members *self, uint32_t room, uint32_t person,
                 const struct standing *standing);
/* Never NULL; good until the next members_set(). */
const struct standing *members_standing(const struct members *self, uint32_t room, uint32_t person);
static inline bool standing_is_none(const struct standing *self)
{
    return self->flags == 0 && self->banned_until_ms == 0 && self->muted_until_ms == 0;
}
bool members_has(const struct members *self, uint32_t room, uint32_t person);
/* Forget all standings of a room. */
void members_forget(struct members *self, uint32_t room);
/* Forget those of a room that say nothing any more: bans and mutes that are over. */
void members_purge(struct members *self, uint32_t room, uint64_t wall_ms);

/* The memberships of a room or a person after `row` (0: the first), by rising serial; 0 at the end. */
uint32_t members_next_of_room(const struct members *self, uint32_t room, uint32_t row);
uint32_t members_next_of_person(const struct members *self, uint32_t person, uint32_t row);
/* The same with the rows that are no membership. */
uint32_t members_next_standing(const struct members *self, uint32_t room, uint32_t row);

#endif
