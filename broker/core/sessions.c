#include "broker/core/sessions.h"

#include "shared/base/invariant.h"

#include <stdlib.h>

bool sessions_init(struct sessions *self, uint32_t rows_max, const unsigned char key[16])
{
    *self = (struct sessions){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->links = calloc((size_t)rows_max + 1, sizeof *self->links);
    const bool has_peers = table_init(&self->by_peer, rows_max, key);
    const bool has_ids = table_init(&self->by_id, rows_max, key);
    if (self->row == NULL || self->links == NULL || !has_peers || !has_ids)
        return false;
    for (uint32_t row = 1; row <= rows_max; row++)
        list_append(&self->free, self->links, row);
    return true;
}

void sessions_fini(struct sessions *self)
{
    free(self->row);
    free(self->links);
    table_fini(&self->by_peer);
    table_fini(&self->by_id);
}

static uint64_t peer_hash(const struct sessions *self, peer_id peer)
{
    return table_hash_own(&self->by_peer, peer.v);
}

static uint64_t id_hash(const struct sessions *self, session_id id)
{
    return table_hash(&self->by_id, &id.v, sizeof id.v);
}

uint32_t sessions_by_peer(const struct sessions *self, peer_id peer)
{
    const uint64_t hash = peer_hash(self, peer);
    uint32_t cursor = 0;
    uint32_t row;

    while ((row = table_next(&self->by_peer, hash, &cursor)) != 0) {
        if (self->row[row].peer.v == peer.v)
            return row;
    }
    return 0;
}

uint32_t sessions_by_id(const struct sessions *self, session_id id)
{
    const uint64_t hash = id_hash(self, id);
    uint32_t cursor = 0;
    uint32_t row;

    while ((row = table_next(&self->by_id, hash, &cursor)) != 0) {
        if (self->row[row].id.v == id.v)
            return row;
    }
    return 0;
}

uint32_t sessions_by_id_at(const struct sessions *self, session_id id, uint32_t row)
{
    /* A free row has id 0, which no session has; another session in it has another id. */
    return row != 0 && id.v != 0 && self->row[row].id.v == id.v ? row : sessions_by_id(self, id);
}

uint32_t sessions_add(struct sessions *self, session_id id, peer_id peer, uint32_t person,
                      uint64_t now_ms)
{
    const uint32_t row = self->free.head;

    INVARIANT(sessions_by_id(self, id) == 0 && sessions_by_peer(self, peer) == 0);
    if (row == 0)
        return 0;
    list_remove(&self->free, self->links, row);
    self->row[row] = (struct session){.id = id, .peer = peer, .person = person, .seen_ms = now_ms};
    list_append(&self->by_age, self->links, row);
    table_put(&self->by_peer, peer_hash(self, peer), row);
    table_put(&self->by_id, id_hash(self, id), row);
    self->count++;
    return row;
}

void sessions_remove(struct sessions *self, uint32_t row)
{
    table_remove(&self->by_peer, peer_hash(self, self->row[row].peer), row);
    table_remove(&self->by_id, id_hash(self, self->row[row].id), row);
    list_remove(&self->by_age, self->links, row);
    self->row[row] = (struct session){.id = {0}};
    list_append(&self->free, self->links, row);
    self->count--;
}

void sessions_move(struct sessions *self, uint32_t row, peer_id peer)
{
    INVARIANT(sessions_by_peer(self, peer) == 0);
    table_remove(&self->by_peer, peer_hash(self, self->row[row].peer), row);
    self->row[row].peer = peer;
    table_put(&self->by_peer, peer_hash(self, peer), row);
}

void sessions_touch(struct sessions *self, uint32_t row, uint64_t now_ms)
{
    self->row[row].seen_ms = now_ms;
    list_remove(&self->by_age, self->links, row);
    list_append(&self->by_age, self->links, row);
}

uint32_t sessions_oldest(const struct sessions *self)
{
    return self->by_age.head;
}
