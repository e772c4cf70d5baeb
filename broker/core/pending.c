#include "broker/core/pending.h"

#include "shared/base/invariant.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool pending_init(struct pending *self, uint32_t rows_max)
{
    *self = (struct pending){.rows_max = rows_max};
    self->row = calloc((size_t)rows_max + 1, sizeof *self->row);
    self->links = calloc((size_t)rows_max + 1, sizeof *self->links);
    if (self->row == NULL || self->links == NULL)
        return false;
    for (uint32_t row = 1; row <= rows_max; row++)
        list_append(&self->free, self->links, row);
    return true;
}

void pending_fini(struct pending *self)
{
    free(self->row);
    free(self->links);
}

uint32_t pending_take(struct pending *self, enum op_kind kind, peer_id asker)
{
    const uint32_t row = self->free.head;

    INVARIANT(row != 0);
    list_remove(&self->free, self->links, row);
    memset(&self->row[row], 0, offsetof(struct ticket, topic));
    self->row[row].kind = kind;
    self->row[row].asker = asker;
    if (asker.v != 0)
        self->asks[asker.v % ASKERS]++;
    self->count++;
    return row;
}

void pending_free(struct pending *self, uint32_t row)
{
    INVARIANT(self->row[row].kind != 0);
    if (self->row[row].asker.v != 0)
        self->asks[self->row[row].asker.v % ASKERS]--;
    self->row[row].kind = 0;
    list_append(&self->free, self->links, row);
    self->count--;
}

struct ticket *pending_get(struct pending *self, ticket_id id)
{
    if (id.v == 0 || id.v > self->rows_max || self->row[id.v].kind == 0)
        return NULL;
    return &self->row[id.v];
}

static void set_name(struct ticket *self, struct span name)
{
    INVARIANT(name.len <= sizeof self->name);
    memcpy(self->name, name.ptr, name.len);
    self->name_len = (uint8_t)name.len;
}

static void set_topic(struct ticket *self, struct span topic)
{
    INVARIANT(topic.len <= sizeof self->topic);
    if (topic.len > 0)
        memcpy(self->topic, topic.ptr, topic.len);
    self->topic_len = (uint16_t)topic.len;
}

void ticket_keep(struct ticket *self, const struct op *op)
{
    self->session = op->session;
    self->number = op->number;
    self->seq = op->seq;
    self->until_ms = op->until_ms;
    self->role = op->role;
    switch (op->kind) {
    case OP_HELLO:
        memcpy(self->key, op->key, sizeof self->key);
        set_name(self, op->nick);
        break;
    case OP_JOIN:
        set_name(self, op->name);
        break;
    case OP_MARK:
    case OP_MARK_GET:
        set_name(self, op->mark);
        break;
    case OP_ADMIT:
        set_name(self, op->target_nick);
        break;
    case OP_ROOM:
        self->has_topic = op->has_topic;
        if (op->has_topic)
            set_topic(self, op->text);
        break;
    case OP_KEY_BAN:
    case OP_REVOKE:
        memcpy(self->key, op->key, sizeof self->key);
        break;
    default:
        break;
    }
}
