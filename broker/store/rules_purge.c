/* rules_purge.c - what is removed because somebody says so: a room's events, a person's messages. */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#define PURGE_LOOK_MAX   2048 /* events looked at in one chunk */
#define PURGE_EVENTS_MAX 256  /* of them emptied */

/* In a room what was said before goes as a whole, so readers are told of it by GONE. */
static enum rc purge_room(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct backend *backend = txn->backend;
    struct aged_row rows[REMOVE_CHUNK_MAX];
    size_t count = 0, due = 0;
    struct place *place;
    enum rc rc = txn_place(txn, op->stream, &place);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc == RC_OK)
        rc =
            backend->calls->get_aged(backend, entry_of(op->stream, 1),
                                     entry_of(op->stream, op->seq), rows, REMOVE_CHUNK_MAX, &count);
    if (rc != RC_OK)
        return rc;
    while (due < count && rows[due].ts_ms < op->until_ms)
        due++;
    result->stream = op->stream;
    result->seq = op->seq;
    result->count = due;
    result->is_more = due == REMOVE_CHUNK_MAX;
    if (due == 0)
        return RC_OK;
    return backend->calls->remove_events(backend, rows[0].entry, rows[due - 1].entry);
}

/* The event without its text: who, where and when stay, so nobody's place changes. */
static enum rc empty_event(struct txn *txn, const struct op *op, const struct aged_row *row)
{
    struct message event = {.verb = VERB_EVENT};
    struct stream_row stream;
    char buffer[EVENT_BYTES_BESIDE_STRINGS + STREAM_BYTES_MAX + NAME_BYTES_MAX + 16];
    struct wire_buf buf = {.data = buffer, .capacity = sizeof(buffer)};
    enum rc rc = txn_needed(txn, txn_stream(txn, entry_stream(row->entry), &stream), "stream");

    if (rc != RC_OK)
        return rc;
    message_set(&event, STREAM, stream, stream.name);
    message_set(&event, SEQ, seq, entry_seq(row->entry));
    message_set(&event, TS, ts, row->ts_ms);
    message_set(&event, TYPE, type, SPAN("purged"));
    message_set(&event, FROM, from, op->target_nick);
    rc = wire_write(&buf, &event);
    INVARIANT(rc == RC_OK);
    return txn->backend->calls->purge_event(txn->backend, row->entry,
                                            (struct span){buf.data, buf.len});
}

/* All streams, one behind the other, a piece at a time: there is no index of senders. */
static enum rc purge_person(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct backend *backend = txn->backend;
    const uint64_t first = op->seq == 0 ? entry_of((stream_id){1}, 1) : op->seq;
    struct aged_row *rows = arena_alloc(txn->arena, PURGE_LOOK_MAX * sizeof(*rows));
    size_t count = 0, at = 0;
    enum rc rc = backend->calls->get_aged(backend, first, INT64_MAX, rows, PURGE_LOOK_MAX, &count);

    for (; at < count && result->count < PURGE_EVENTS_MAX && rc == RC_OK; at++) {
        if (!stream_equal(rows[at].sender, op->target) || rows[at].is_purged ||
            rows[at].ts_ms >= op->until_ms)
            continue;
        rc = empty_event(txn, op, &rows[at]);
        result->count++;
    }
    result->stream = op->target;
    result->is_more = at < count || count == PURGE_LOOK_MAX;
    result->seq = at > 0 ? rows[at - 1].entry + 1 : first;
    return rc;
}

enum rc do_purge(struct txn *txn, const struct op *op, struct op_result *result)
{
    if (txn->space == SPACE_FOR_NOTHING)
        return verdict(result, RC_DISK_FULL);
    return stream_is_none(op->target) ? purge_room(txn, op, result) : purge_person(txn, op, result);
}
