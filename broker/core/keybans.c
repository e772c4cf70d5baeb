#include "broker/core/keybans.h"

#include <stdlib.h>
#include <string.h>

bool keybans_init(struct keybans *self, uint32_t rows_max, const unsigned char key[16])
{
    *self = (struct keybans){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->links = calloc((size_t)rows_max + 1, sizeof *self->links);
    const bool has_keys = table_init(&self->by_key, rows_max, key);
    if (self->row == NULL || self->links == NULL || !has_keys)
        return false;
    for (uint32_t row = 1; row <= rows_max; row++)
        list_append(&self->free, self->links, row);
    return true;
}

void keybans_fini(struct keybans *self)
{
    free(self->row);
    free(self->links);
    table_fini(&self->by_key);
}

static uint64_t hash_of(const struct keybans *self, uint32_t room, const unsigned char *key)
{
    unsigned char bytes[sizeof room + PUBLIC_KEY_BYTES];

    memcpy(bytes, &room, sizeof room);
    memcpy(bytes + sizeof room, key, PUBLIC_KEY_BYTES);
    return table_hash(&self->by_key, bytes, sizeof bytes);
}

uint32_t keybans_find(const struct keybans *self, uint32_t room, const unsigned char *key)
{
    uint32_t cursor = 0;
    uint32_t row;

    if (self->count == 0) /* it is asked for every post */
        return 0;
    const uint64_t hash = hash_of(self, room, key);
    while ((row = table_next(&self->by_key, hash, &cursor)) != 0) {
        if (self->row[row].room == room && memcmp(self->row[row].key, key, PUBLIC_KEY_BYTES) == 0)
            return row;
    }
    return 0;
}

bool keybans_hold(const struct keybans *self, uint32_t room, const unsigned char *key,
                  uint64_t wall_ms)
{
    const uint32_t row = keybans_find(self, room, key);

    return row != 0 && self->row[row].until_ms > wall_ms;
}

void keybans_remove(struct keybans *self, uint32_t row)
{
    table_remove(&self->by_key, hash_of(self, self->row[row].room, self->row[row].key), row);
    self->row[row] = (struct keyban){.until_ms = 0};
    list_append(&self->free, self->links, row);
    self->count--;
}

bool keybans_set(struct keybans *self, uint32_t room, const unsigned char *key, uint64_t until_ms)
{
    uint32_t row = keybans_find(self, room, key);

    if (row != 0 && until_ms == 0) {
        keybans_remove(self, row);
        return true;
    }
    if (row == 0) {
        row = self->free.head;
        if (until_ms == 0 || row == 0)
            return until_ms == 0;
        list_remove(&self->free, self->links, row);
        self->row[row].room = room;
        memcpy(self->row[row].key, key, PUBLIC_KEY_BYTES);
        table_put(&self->by_key, hash_of(self, room, key), row);
        self->count++;
    }
    self->row[row].until_ms = until_ms;
    return true;
}

void keybans_forget(struct keybans *self, uint32_t room)
{
    for (uint32_t row = 1; row <= self->rows_max && self->count > 0; row++) {
        if (self->row[row].until_ms != 0 && self->row[row].room == room)
            keybans_remove(self, row);
    }
}

void keybans_purge(struct keybans *self, uint64_t wall_ms)
{
    for (uint32_t row = 1; row <= self->rows_max && self->count > 0; row++) {
        /* Those of the broker end with a word to the shell. */
        if (self->row[row].until_ms != 0 && self->row[row].room != 0 &&
            self->row[row].until_ms <= wall_ms)
            keybans_remove(self, row);
    }
}

uint32_t keybans_of_room(const struct keybans *self, uint32_t room)
{
    uint32_t count = 0;

    for (uint32_t row = 1; row <= self->rows_max && self->count > 0; row++)
        count += self->row[row].until_ms != 0 && self->row[row].room == room;
    return count;
}
