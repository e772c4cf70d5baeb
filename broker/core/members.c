#include "broker/core/members.h"

#include <stdlib.h>

bool members_init(struct members *self, uint32_t rows_max, uint32_t streams_max,
                  const unsigned char key[16])
{
    *self = (struct members){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->by_room_links = calloc((size_t)rows_max + 1, sizeof *self->by_room_links);
    self->by_person_links = calloc((size_t)rows_max + 1, sizeof *self->by_person_links);
    self->by_room = calloc((size_t)streams_max + 1, sizeof *self->by_room);
    self->by_person = calloc((size_t)streams_max + 1, sizeof *self->by_person);
    self->tally = calloc((size_t)streams_max + 1, sizeof *self->tally);
    const bool has_pairs = table_init(&self->pairs, rows_max, key);
    if (self->row == NULL || self->by_room_links == NULL || self->by_person_links == NULL ||
        self->by_room == NULL || self->by_person == NULL || self->tally == NULL || !has_pairs)
        return false;
    for (uint32_t row = 1; row <= rows_max; row++)
        list_append(&self->free, self->by_room_links, row);
    return true;
}

void members_fini(struct members *self)
{
    free(self->row);
    free(self->by_room_links);
    free(self->by_person_links);
    free(self->by_room);
    free(self->by_person);
    free(self->tally);
    table_fini(&self->pairs);
}

static uint64_t pair_hash(const struct members *self, uint32_t room, uint32_t person)
{
    return table_hash_own(&self->pairs, (uint64_t)room << 32 | person);
}

static uint32_t find(const struct members *self, uint32_t room, uint32_t person)
{
    const uint64_t hash = pair_hash(self, room, person);
    uint32_t cursor = 0;
    uint32_t row;

    while ((row = table_next(&self->pairs, hash, &cursor)) != 0) {
        if (self->row[row].room == room && self->row[row].person == person)
            return row;
    }
    return 0;
}

const struct standing *members_standing(const struct members *self, uint32_t room, uint32_t person)
{
    static const struct standing nothing;
    const uint32_t row = find(self, room, person);

    return row == 0 ? &nothing : &self->row[row].standing;
}

bool members_has(const struct members *self, uint32_t room, uint32_t person)
{
    return (members_standing(self, room, person)->flags & STAND_MEMBER) != 0;
}

/* Count the row in, or out again with -1. */
static void count(struct members *self, uint32_t row, uint32_t by)
{
    const struct membership *membership = &self->row[row];
    struct tally *tallies[] = {&self->tally[membership->room], &self->tally[membership->person]};
    const bool is_member = (membership->standing.flags & STAND_MEMBER) != 0;

    for (unsigned i = 0; i < 2; i++) {
        if (!is_member)
            tallies[i]->others += by;
        else
            tallies[i]->members += by;
        if (is_member && (membership->standing.flags & STAND_OP) != 0)
            tallies[i]->ops += by;
    }
    if (is_member)
        self->count += by;
    self->rows += by;
}

static void drop(struct members *self, uint32_t row)
{
    const uint32_t room = self->row[row].room;
    const uint32_t person = self->row[row].person;

    count(self, row, UINT32_MAX);
    table_remove(&self->pairs, pair_hash(self, room, person), row);
    list_remove(&self->by_room[room], self->by_room_links, row);
    list_remove(&self->by_person[person], self->by_person_links, row);
    list_append(&self->free, self->by_room_links, row);
}

static bool says_nothing(const struct standing *standing, uint64_t wall_ms)
{
    return standing->flags == 0 && standing->banned_until_ms <= wall_ms &&
           standing->muted_until_ms <= wall_ms;
}

bool members_set(struct members *self, uint32_t room, uint32_t person,
                 const struct standing *standing)
{
    uint32_t row = find(self, room, person);
    const bool is_member = (standing->flags & STAND_MEMBER) != 0;

    if (row != 0 && (is_member == ((self->row[row].standing.flags & STAND_MEMBER) != 0)) &&
        !says_nothing(standing, 0)) {
        count(self, row, UINT32_MAX);
        self->row[row].standing = *standing;
        count(self, row, 1);
        return true;
    }
    /* Who becomes a member goes to the end of the lists: they are told in the order of joining. */
    if (row != 0)
        drop(self, row);
    if (says_nothing(standing, 0))
        return true;
    row = self->free.head;
    if (row == 0)
        return false;
    list_remove(&self->free, self->by_room_links, row);
    self->row[row] = (struct membership){room, person, ++self->last_serial, *standing};
    list_append(&self->by_room[room], self->by_room_links, row);
    list_append(&self->by_person[person], self->by_person_links, row);
    table_put(&self->pairs, pair_hash(self, room, person), row);
    count(self, row, 1);
    return true;
}

void members_forget(struct members *self, uint32_t room)
{
    while (self->by_room[room].head != 0)
        drop(self, self->by_room[room].head);
}

void members_purge(struct members *self, uint32_t room, uint64_t wall_ms)
{
    uint32_t next;

    for (uint32_t row = self->by_room[room].head; row != 0; row = next) {
        next = self->by_room_links[row].next;
        if (says_nothing(&self->row[row].standing, wall_ms))
            drop(self, row);
    }
}

uint32_t members_next_standing(const struct members *self, uint32_t room, uint32_t row)
{
    return row == 0 ? self->by_room[room].head : self->by_room_links[row].next;
}

uint32_t members_next_of_room(const struct members *self, uint32_t room, uint32_t row)
{
    do
        row = members_next_standing(self, room, row);
    while (row != 0 && (self->row[row].standing.flags & STAND_MEMBER) == 0);
    return row;
}

uint32_t members_next_of_person(const struct members *self, uint32_t person, uint32_t row)
{
    do
        row = row == 0 ? self->by_person[person].head : self->by_person_links[row].next;
    while (row != 0 && (self->row[row].standing.flags & STAND_MEMBER) == 0);
    return row;
}
