#include "broker/store/import.h"

#include "broker/store/rules_internal.h"
#include "broker/store/store_internal.h"
#include "shared/base/alloc.h"
#include "shared/wire/wire.h"

#include <stdlib.h>

#define WIRE_BYTES_MAX (EVENT_BYTES_BESIDE_STRINGS + TEXT_BYTES_MAX + 1024)

struct import {
    struct txn *txn;
    struct place *place;
    struct full_name room;
    char wire[WIRE_BYTES_MAX];
};

static enum rc find_room(struct import *self, struct span room, struct span skeleton)
{
    const struct op op = {.kind = OP_JOIN, .skeleton = skeleton};
    struct stream_row row = {.name = room};
    struct op_result result = {.rc = RC_OK};
    stream_id id;
    enum rc rc = find_stream(self->txn, BY_NAME, room, &id);

    if (rc == RC_END) {
        rc = make_stream(self->txn, &op, &result, &row);
        if (rc == RC_OK)
            rc = result.rc;
        id = row.id;
    }
    return rc == RC_OK ? txn_needed(self->txn, txn_place(self->txn, id, &self->place), "place")
                       : rc;
}

enum rc import_begin(struct store *store, struct span room, struct span skeleton,
                     struct import **ret)
{
    struct import *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->txn = store_txn(store);
    full_name(&self->room, '#', without_sigil(room));
    rc = txn_begin(self->txn, SPACE_FOR_ALL);
    if (rc == RC_OK) {
        rc = find_room(self, room, skeleton);
        if (rc == RC_OK) {
            *ret = self;
            return RC_OK;
        }
        if (import_end(&self, false) != RC_OK)
            rc = RC_STORE;
        return rc;
    }
    free(self);
    return rc;
}

/* Whose it is here, so that what is purged of a person is all of it. Names of strangers are but names. */
static enum rc find_sender(struct import *self, const struct message *event, stream_id *ret)
{
    struct full_name name;
    enum rc rc;

    *ret = (stream_id){0};
    if (!span_equal(event->type, SPAN("message")))
        return RC_OK;
    rc = find_stream(self->txn, BY_NAME, full_name(&name, '@', event->from), ret);
    return rc == RC_END ? RC_OK : rc;
}

enum rc import_event(struct import *self, const struct message *event, uint64_t *ret_last_ms)
{
    struct place_row *place = &self->place->row;
    struct message map = *event;
    struct event_row row = {.entry = entry_of(place->stream, place->head + 1), .ts_ms = event->ts};
    struct wire_buf buf = {.data = self->wire, .capacity = sizeof(self->wire)};
    enum rc rc = find_sender(self, event, &row.sender);

    if (rc != RC_OK)
        return rc;
    if (event->ts < place->ts_ms) {
        *ret_last_ms = place->ts_ms;
        return RC_BAD_FIELD;
    }
    message_set(&map, STREAM, stream, ((struct span){self->room.text, self->room.len}));
    message_set(&map, SEQ, seq, place->head + 1);
    if (wire_write(&buf, &map) != RC_OK)
        return RC_TOO_BIG;
    row.wire = (struct span){buf.data, buf.len};
    if (span_equal(event->type, SPAN("purged")))
        row.refusal = EVENT_PURGED;
    rc = self->txn->backend->calls->add_event(self->txn->backend, &row);
    if (rc != RC_OK)
        return rc;
    place->head++;
    place->ts_ms = event->ts;
    txn_place_changed(self->txn, self->place);
    return RC_OK;
}

enum rc import_end(struct import **self_p, bool is_kept)
{
    struct import *self = *self_p;
    struct backend *backend = self->txn->backend;
    const enum rc rc = is_kept ? txn_commit(self->txn) : backend->calls->rollback(backend);

    free(self);
    *self_p = NULL;
    return rc;
}
