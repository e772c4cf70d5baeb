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
    const bool has_pairs = table_init(&self->pairs, rows_max, key);
    if (self->row == NULL || self->by_room_links == NULL || self->by_person_links == NULL ||
        self->by_room == NULL || self->by_person == NULL || !has_pairs)
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
    table_fini(&self->pairs);
}

static uint64_t pair_hash(const struct members *self, uint32_t room, uint32_t person)
{
    const uint32_t pair[2] = {room, person};

    return table_hash(&self->pairs, pair, sizeof pair);
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

bool members_has(const struct members *self, uint32_t room, uint32_t person)
{
    return find(self, room, person) != 0;
}

bool members_add(struct members *self, uint32_t room, uint32_t person)
{
    if (find(self, room, person) != 0)
        return true;
    const uint32_t row = self->free.head;
    if (row == 0)
        return false;
    list_remove(&self->free, self->by_room_links, row);
    self->row[row] = (struct membership){room, person, ++self->last_serial};
    list_append(&self->by_room[room], self->by_room_links, row);
    list_append(&self->by_person[person], self->by_person_links, row);
    table_put(&self->pairs, pair_hash(self, room, person), row);
    self->count++;
    return true;
}

bool members_remove(struct members *self, uint32_t room, uint32_t person)
{
    const uint32_t row = find(self, room, person);

    if (row == 0)
        return false;
    table_remove(&self->pairs, pair_hash(self, room, person), row);
    list_remove(&self->by_room[room], self->by_room_links, row);
    list_remove(&self->by_person[person], self->by_person_links, row);
    list_append(&self->free, self->by_room_links, row);
    self->count--;
    return true;
}

uint32_t members_next_of_room(const struct members *self, uint32_t room, uint32_t row)
{
    return row == 0 ? self->by_room[room].head : self->by_room_links[row].next;
}

uint32_t members_next_of_person(const struct members *self, uint32_t person, uint32_t row)
{
    return row == 0 ? self->by_person[person].head : self->by_person_links[row].next;
}
