#include "broker/net/callers.h"

#include "broker/core/table.h"
#include "shared/base/alloc.h"

#include <sodium.h>
#include <stdlib.h>

#define NONE UINT32_MAX /* no descriptor: the end of a list */

struct links {
    uint32_t before;
    uint32_t behind;
};

struct list {
    uint32_t first;
    uint32_t last;
};

enum { OF_ALL, OF_ADDRESS, LISTS };

struct row {
    uint64_t id;
    uint32_t door;    /* 0: nobody */
    uint32_t address; /* row; 0: told to go */
    bool is_pending;
    struct links links[LISTS]; /* of the half-open */
};

struct address {
    struct peer_address address;
    uint32_t count;
    uint32_t pending_count;
    struct list pending;
    uint32_t next_free;
};

struct callers {
    struct row *rows; /* by descriptor */
    uint32_t fds_max;
    uint32_t count;
    uint32_t staying;
    struct list pending;
    struct table index;
    struct address *addresses; /* from 1 on */
    uint32_t address_used;     /* rows that were ever used */
    uint32_t address_count;
    uint32_t first_free;
};

struct callers *callers_new(uint32_t fds_max)
{
    struct callers *self = x_alloc(1, sizeof(*self));
    unsigned char key[16];

    randombytes_buf(key, sizeof(key));
    self->fds_max = fds_max;
    self->rows = x_alloc(fds_max, sizeof(*self->rows));
    self->addresses = x_alloc((size_t)fds_max + 1, sizeof(*self->addresses));
    self->pending = (struct list){NONE, NONE};
    if (!table_init(&self->index, fds_max, key))
        callers_destroy(&self);
    return self;
}

void callers_destroy(struct callers **self_p)
{
    struct callers *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    table_fini(&self->index);
    free(self->rows);
    free(self->addresses);
    free(self);
}

static struct row *row_of(const struct callers *self, int fd)
{
    return fd >= 0 && (uint32_t)fd < self->fds_max && self->rows[fd].door != 0 ? &self->rows[fd]
                                                                               : NULL;
}

/* The half-open, oldest first */

static void append(struct callers *self, struct list *list, int which, uint32_t fd)
{
    self->rows[fd].links[which] = (struct links){list->last, NONE};
    if (list->last != NONE)
        self->rows[list->last].links[which].behind = fd;
    else
        list->first = fd;
    list->last = fd;
}

static void take_out(struct callers *self, struct list *list, int which, uint32_t fd)
{
    const struct links links = self->rows[fd].links[which];

    if (links.before != NONE)
        self->rows[links.before].links[which].behind = links.behind;
    else
        list->first = links.behind;
    if (links.behind != NONE)
        self->rows[links.behind].links[which].before = links.before;
    else
        list->last = links.before;
}

/* Addresses */

static uint32_t address_row(struct callers *self, const struct peer_address *address)
{
    const uint64_t hash = table_hash(&self->index, address->bytes, sizeof(address->bytes));
    uint32_t cursor = 0, row;

    while ((row = table_next(&self->index, hash, &cursor)) != 0) {
        if (peer_address_equal(&self->addresses[row].address, address))
            return row;
    }
    row = self->first_free; /* there are never more than descriptors */
    if (row != 0)
        self->first_free = self->addresses[row].next_free;
    else
        row = ++self->address_used;
    self->addresses[row] = (struct address){.address = *address, .pending = {NONE, NONE}};
    table_put(&self->index, hash, row);
    self->address_count++;
    return row;
}

static void discharge(struct callers *self, uint32_t row)
{
    struct address *address = &self->addresses[row];
    const unsigned char *bytes = address->address.bytes;

    if (--address->count > 0)
        return;
    table_remove(&self->index, table_hash(&self->index, bytes, ADDRESS_BYTES), row);
    address->next_free = self->first_free;
    self->first_free = row;
    self->address_count--;
}

/* Coming and going */

bool callers_come(struct callers *self, const struct caller *caller)
{
    const uint32_t fd = (uint32_t)caller->fd;
    struct address *address;
    struct row *row;

    if (caller->fd < 0 || fd >= self->fds_max)
        return false;
    row = &self->rows[fd];
    if (row->door != 0)
        callers_leave(self, caller->fd, row->door);
    *row = (struct row){.id = caller->id, .door = caller->door, .is_pending = true};
    row->address = address_row(self, &caller->address);
    address = &self->addresses[row->address];
    address->count++;
    address->pending_count++;
    append(self, &self->pending, OF_ALL, fd);
    append(self, &address->pending, OF_ADDRESS, fd);
    self->count++;
    self->staying++;
    return true;
}

void callers_enter(struct callers *self, int fd)
{
    struct row *row = row_of(self, fd);
    struct address *address;

    if (row == NULL || !row->is_pending)
        return;
    address = &self->addresses[row->address];
    row->is_pending = false;
    address->pending_count--;
    take_out(self, &self->pending, OF_ALL, (uint32_t)fd);
    take_out(self, &address->pending, OF_ADDRESS, (uint32_t)fd);
}

void callers_tell_to_go(struct callers *self, int fd)
{
    struct row *row = row_of(self, fd);

    if (row == NULL || row->address == 0)
        return;
    callers_enter(self, fd);
    discharge(self, row->address);
    row->address = 0;
    self->staying--;
}

void callers_leave(struct callers *self, int fd, uint32_t door)
{
    struct row *row = row_of(self, fd);

    if (row == NULL || row->door != door)
        return;
    callers_tell_to_go(self, fd);
    row->door = 0;
    self->count--;
}

void callers_leave_all(struct callers *self, uint32_t door)
{
    for (uint32_t fd = 0; fd < self->fds_max && self->count > 0; fd++)
        callers_leave(self, (int)fd, door);
}

/* Questions */

static const struct address *address_of(const struct callers *self, int fd)
{
    const struct row *row = row_of(self, fd);

    return row == NULL || row->address == 0 ? NULL : &self->addresses[row->address];
}

int callers_oldest_pending(const struct callers *self)
{
    return self->pending.first == NONE ? -1 : (int)self->pending.first;
}

int callers_oldest_pending_of(const struct callers *self, int fd)
{
    const struct address *address = address_of(self, fd);

    return address == NULL || address->pending.first == NONE ? -1 : (int)address->pending.first;
}

uint32_t callers_count(const struct callers *self)
{
    return self->count;
}

uint32_t callers_staying(const struct callers *self)
{
    return self->staying;
}

uint32_t callers_address_count(const struct callers *self)
{
    return self->address_count;
}

uint32_t callers_count_of(const struct callers *self, int fd)
{
    const struct address *address = address_of(self, fd);

    return address == NULL ? 0 : address->count;
}

uint32_t callers_pending_of(const struct callers *self, int fd)
{
    const struct address *address = address_of(self, fd);

    return address == NULL ? 0 : address->pending_count;
}

uint64_t callers_id(const struct callers *self, int fd)
{
    const struct row *row = row_of(self, fd);

    return row == NULL ? 0 : row->id;
}
