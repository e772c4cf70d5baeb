/* table.h - a hash index over rows that live elsewhere.
 *
 * Peers choose nicks, rooms and session numbers, so hashes are SipHash under a secret key
 * (czmq's zhashx aborts on chosen collisions). What the broker itself numbers is spread by a multiplication with a secret
 * number, at a tenth of the price. Sized once; the caller bounds the number of rows. */
#ifndef BROKER_CORE_TABLE_H
#define BROKER_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    uint64_t *hash;
    uint32_t *row; /* 0: free */
    uint32_t mask;
    unsigned char key[16];
    uint64_t factor; /* odd, of the key */
};

/* Room for rows_max rows at a load of at most a half. False: no memory. */
bool table_init(struct table *self, uint32_t rows_max, const unsigned char key[16]);
void table_fini(struct table *self);

uint64_t table_hash(const struct table *self, const void *bytes, size_t len);
/* Of a number that no peer chooses. */
uint64_t table_hash_own(const struct table *self, uint64_t number);
void table_put(struct table *self, uint64_t hash, uint32_t row);
/* Harmless when it is not there. */
void table_remove(struct table *self, uint64_t hash, uint32_t row);

/* The rows of that hash, one a call, 0 at the end; *cursor begins at 0. The caller compares
 * the real keys. */
uint32_t table_next(const struct table *self, uint64_t hash, uint32_t *cursor);

#endif
