#include "broker/core/table.h"

#include "shared/base/invariant.h"

#include <sodium/crypto_shorthash.h>

#include <stdlib.h>
#include <string.h>

_Static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8, "SipHash-2-4");

bool table_init(struct table *self, uint32_t rows_max, const unsigned char key[16])
{
    uint32_t size = 16;

    while (size < UINT32_C(1) << 30 && size / 2 < rows_max)
        size *= 2;
    self->mask = size - 1;
    self->hash = calloc(size, sizeof *self->hash);
    self->row = calloc(size, sizeof *self->row);
    memcpy(self->key, key, sizeof self->key);
    memcpy(&self->factor, key, sizeof self->factor);
    self->factor |= 1;
    return self->hash != NULL && self->row != NULL;
}

void table_fini(struct table *self)
{
    free(self->hash);
    free(self->row);
    self->hash = NULL;
    self->row = NULL;
}

uint64_t table_hash(const struct table *self, const void *bytes, size_t len)
{
    unsigned char out[8];
    uint64_t hash;

    crypto_shorthash(out, bytes, len, self->key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}

/* The low bits choose the place, and those of a product know only the low bits of the number. */
uint64_t table_hash_own(const struct table *self, uint64_t number)
{
    const uint64_t product = number * self->factor;

    return product ^ product >> 32;
}

void table_put(struct table *self, uint64_t hash, uint32_t row)
{
    uint32_t at = (uint32_t)hash & self->mask;

    INVARIANT(row != 0);
    while (self->row[at] != 0)
        at = (at + 1) & self->mask;
    self->row[at] = row;
    self->hash[at] = hash;
}

/* Close the hole at `hole` by moving back what was pushed over it: lookups stop at free places. */
static void close_hole(struct table *self, uint32_t hole)
{
    uint32_t at = hole;

    for (;;) {
        at = (at + 1) & self->mask;
        if (self->row[at] == 0)
            break;
        const uint32_t home = (uint32_t)self->hash[at] & self->mask;
        if (((at - home) & self->mask) < ((at - hole) & self->mask))
            continue; /* it stands between its home and the hole: leave it */
        self->row[hole] = self->row[at];
        self->hash[hole] = self->hash[at];
        hole = at;
    }
    self->row[hole] = 0;
}

void table_remove(struct table *self, uint64_t hash, uint32_t row)
{
    uint32_t at = (uint32_t)hash & self->mask;

    for (; self->row[at] != 0; at = (at + 1) & self->mask) {
        if (self->row[at] == row && self->hash[at] == hash) {
            close_hole(self, at);
            return;
        }
    }
}

uint32_t table_next(const struct table *self, uint64_t hash, uint32_t *cursor)
{
    for (;;) {
        const uint32_t at = ((uint32_t)hash + *cursor) & self->mask;

        if (self->row[at] == 0)
            return 0;
        (*cursor)++;
        if (self->hash[at] == hash)
            return self->row[at];
    }
}
