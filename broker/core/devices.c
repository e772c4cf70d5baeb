#include "broker/core/devices.h"

#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

bool devices_init(struct devices *self, uint32_t rows_max, uint32_t streams_max,
                  const unsigned char key[16])
{
    *self = (struct devices){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->links = calloc((size_t)rows_max + 1, sizeof *self->links);
    self->told_links = calloc((size_t)rows_max + 1, sizeof *self->told_links);
    self->by_person = calloc((size_t)streams_max + 1, sizeof *self->by_person);
    self->live = calloc((size_t)streams_max + 1, sizeof *self->live);
    const bool has_keys = table_init(&self->by_key, rows_max, key);
    return self->row != NULL && self->links != NULL && self->told_links != NULL &&
           self->by_person != NULL && self->live != NULL && has_keys;
}

void devices_fini(struct devices *self)
{
    free(self->row);
    free(self->links);
    free(self->told_links);
    free(self->by_person);
    free(self->live);
    table_fini(&self->by_key);
}

uint32_t devices_by_key(const struct devices *self, const unsigned char *key)
{
    const uint64_t hash = table_hash(&self->by_key, key, PUBLIC_KEY_BYTES);
    uint32_t cursor = 0;
    uint32_t row;

    while ((row = table_next(&self->by_key, hash, &cursor)) != 0) {
        if (memcmp(self->row[row].key, key, PUBLIC_KEY_BYTES) == 0)
            return row;
    }
    return 0;
}

uint32_t devices_add(struct devices *self, const unsigned char *key, uint32_t person,
                     struct span label, uint64_t ts_ms)
{
    INVARIANT(devices_by_key(self, key) == 0);
    if (self->count == self->rows_max)
        return 0;
    const uint32_t row = ++self->count;
    struct device *device = &self->row[row];
    *device = (struct device){.person = person, .ts_ms = ts_ms};
    memcpy(device->key, key, PUBLIC_KEY_BYTES);
    device->label_len =
        (uint8_t)(label.len < sizeof device->label ? label.len : sizeof device->label);
    if (device->label_len > 0)
        memcpy(device->label, label.ptr, device->label_len);
    table_put(&self->by_key, table_hash(&self->by_key, key, PUBLIC_KEY_BYTES), row);
    list_append(&self->by_person[person], self->links, row);
    self->live[person]++;
    return row;
}

void devices_revoke(struct devices *self, uint32_t row)
{
    struct device *device = &self->row[row];

    if (device->is_revoked)
        return;
    device->is_revoked = true;
    self->live[device->person]--;
}

void devices_changed(struct devices *self, uint32_t row)
{
    if (!list_has(&self->untold, self->told_links, row))
        list_append(&self->untold, self->told_links, row);
}

uint32_t devices_take_changed(struct devices *self)
{
    const uint32_t row = self->untold.head;

    if (row != 0)
        list_remove(&self->untold, self->told_links, row);
    return row;
}
