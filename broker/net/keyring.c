#include "broker/net/keyring.h"

#include "broker/core/table.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct key_row {
    unsigned char key[PUBLIC_KEY_BYTES];
    uint32_t next_free;
    bool is_expelled;
};

struct keyring {
    pthread_mutex_t mutex;
    struct keyring_policy policy;
    bool is_overfull; /* an expelled key found no place */
    struct table index;
    struct key_row *rows; /* from 1 on */
    uint32_t row_count;   /* that were ever used */
    uint32_t rows_max;
    uint32_t first_free;
};

struct keyring *keyring_new(const struct keyring_policy *policy, size_t keys_max)
{
    struct keyring *self = x_alloc(1, sizeof(*self));
    unsigned char key[16];

    INVARIANT(keys_max < UINT32_C(1) << 29);
    INVARIANT(pthread_mutex_init(&self->mutex, NULL) == 0);
    randombytes_buf(key, sizeof(key));
    self->policy = *policy;
    self->rows_max = (uint32_t)keys_max;
    self->rows = x_alloc(keys_max + 1, sizeof(*self->rows));
    if (!table_init(&self->index, self->rows_max, key))
        keyring_destroy(&self);
    return self;
}

void keyring_destroy(struct keyring **self_p)
{
    struct keyring *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    (void)pthread_mutex_destroy(&self->mutex);
    table_fini(&self->index);
    free(self->rows);
    free(self);
}

/* Its row, or 0. */
static uint32_t find(const struct keyring *self, const unsigned char *key, uint64_t hash)
{
    uint32_t cursor = 0, row;

    while ((row = table_next(&self->index, hash, &cursor)) != 0) {
        if (memcmp(self->rows[row].key, key, PUBLIC_KEY_BYTES) == 0)
            return row;
    }
    return 0;
}

/* Its row, made when there is none; 0: the table is full. */
static uint32_t find_or_add(struct keyring *self, const unsigned char *key)
{
    const uint64_t hash = table_hash(&self->index, key, PUBLIC_KEY_BYTES);
    uint32_t row = find(self, key, hash);

    if (row != 0)
        return row;
    if (self->first_free != 0) {
        row = self->first_free;
        self->first_free = self->rows[row].next_free;
    } else if (self->row_count < self->rows_max) {
        row = ++self->row_count;
    } else {
        return 0;
    }
    memcpy(self->rows[row].key, key, PUBLIC_KEY_BYTES);
    table_put(&self->index, hash, row);
    return row;
}

static enum rc set(struct keyring *self, const unsigned char *key, bool is_expelled)
{
    uint32_t row;

    (void)pthread_mutex_lock(&self->mutex);
    row = find_or_add(self, key);
    if (row != 0)
        self->rows[row].is_expelled = is_expelled;
    else if (is_expelled)
        self->is_overfull = true;
    (void)pthread_mutex_unlock(&self->mutex);
    return row != 0 ? RC_OK : RC_LIMIT;
}

enum rc keyring_admit(struct keyring *self, const unsigned char key[static PUBLIC_KEY_BYTES])
{
    return set(self, key, false);
}

enum rc keyring_expel(struct keyring *self, const unsigned char key[static PUBLIC_KEY_BYTES])
{
    return set(self, key, true);
}

void keyring_forget(struct keyring *self, const unsigned char key[static PUBLIC_KEY_BYTES])
{
    uint64_t hash;
    uint32_t row;

    (void)pthread_mutex_lock(&self->mutex);
    hash = table_hash(&self->index, key, PUBLIC_KEY_BYTES);
    row = find(self, key, hash);
    if (row != 0) {
        table_remove(&self->index, hash, row);
        self->rows[row] = (struct key_row){.next_free = self->first_free};
        self->first_free = row;
    }
    (void)pthread_mutex_unlock(&self->mutex);
}

void keyring_set_policy(struct keyring *self, const struct keyring_policy *policy)
{
    (void)pthread_mutex_lock(&self->mutex);
    self->policy = *policy;
    (void)pthread_mutex_unlock(&self->mutex);
}

enum key_verdict keyring_judge(struct keyring *self,
                               const unsigned char key[static PUBLIC_KEY_BYTES], enum door door)
{
    enum key_verdict verdict = KEY_STRANGER;
    uint32_t row;

    (void)pthread_mutex_lock(&self->mutex);
    row = find(self, key, table_hash(&self->index, key, PUBLIC_KEY_BYTES));
    if (row != 0)
        verdict = self->rows[row].is_expelled ? KEY_EXPELLED : KEY_MAY_ENTER;
    else if (!self->is_overfull && (door == DOOR_COMMANDS ? self->policy.strangers_may_ask
                                                          : self->policy.strangers_may_listen))
        verdict = KEY_MAY_ENTER;
    else if (!self->is_overfull && self->policy.strangers_may_ask)
        verdict = KEY_NOT_YET;
    (void)pthread_mutex_unlock(&self->mutex);
    return verdict;
}
