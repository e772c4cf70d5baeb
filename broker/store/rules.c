/* rules.c - one operation after the other, and what its rules share. */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"

struct span full_name(struct full_name *self, char sigil, struct span bare)
{
    INVARIANT(bare.len > 0 && bare.len <= NAME_BYTES_MAX);
    self->text[0] = sigil;
    memcpy(self->text + 1, bare.ptr, bare.len);
    self->len = bare.len + 1;
    return (struct span){self->text, self->len};
}

struct message event_of(const struct op *op, struct span type)
{
    struct message event = {.verb = VERB_EVENT};

    message_set(&event, TS, ts, op->ts_ms);
    message_set(&event, TYPE, type, type);
    message_set(&event, FROM, from, op->nick);
    return event;
}

enum rc make_stream(struct txn *txn, const struct op *op, struct op_result *result,
                    struct stream_row *row)
{
    struct full_name skeleton;
    stream_id taken;
    enum rc rc;

    row->skeleton = full_name(&skeleton, row->name.ptr[0], op->skeleton);
    rc = find_stream(txn, BY_SKELETON, row->skeleton, &taken);
    if (rc == RC_OK)
        return verdict(result, RC_CONFUSABLE);
    if (rc != RC_END)
        return rc;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    if (txn->last_stream.v >= STREAMS_MAX)
        return verdict(result, RC_LIMIT);
    row->skeleton = arena_copy(txn->arena, row->skeleton);
    row->id = (stream_id){txn->last_stream.v + 1};
    row->epoch = 1;
    row->open_from = 1;
    txn->entropy(txn->entropy_context, row->stream_key, sizeof(row->stream_key));
    txn->last_stream = row->id;
    return txn->backend->calls->add_stream(txn->backend, row);
}

struct appended *one_more_event(struct txn *txn, struct op_result *result, size_t max)
{
    struct appended *appended;

    INVARIANT(result->appended_count < max);
    if (result->appended == NULL)
        result->appended = arena_alloc(txn->arena, max * sizeof(*appended));
    appended = (struct appended *)result->appended;
    return &appended[result->appended_count++];
}

enum rc rekey(struct txn *txn, struct stream_row *row, struct rekeyed *ret)
{
    txn->entropy(txn->entropy_context, row->stream_key, sizeof(row->stream_key));
    row->epoch++;
    if (ret != NULL) {
        *ret = (struct rekeyed){.stream = row->id, .epoch = row->epoch};
        memcpy(ret->key, row->stream_key, sizeof(ret->key));
    }
    return txn->backend->calls->put_stream(txn->backend, row);
}

enum rc rekey_room(struct txn *txn, stream_id room, struct op_result *result)
{
    struct stream_row row;
    struct rekeyed *rekeyed;
    const enum rc rc = txn_needed(txn, txn_stream(txn, room, &row), "room");

    if (rc != RC_OK || !(row.modes & ROOM_PRIVATE))
        return rc;
    rekeyed = arena_alloc(txn->arena, sizeof(*rekeyed));
    result->rekeyed = rekeyed;
    result->rekeyed_count = 1;
    return rekey(txn, &row, rekeyed);
}

enum rc rules_carry_out(struct txn *txn, const struct op *op, struct op_result *ret)
{
    static enum rc (*const carry_out[])(struct txn *, const struct op *, struct op_result *) = {
        [OP_HELLO] = do_hello,       [OP_POST] = do_post,         [OP_VOID] = do_void,
        [OP_JOIN] = do_join,         [OP_LEAVE] = do_leave,       [OP_CONFIRM] = do_confirm,
        [OP_MARK] = do_mark,         [OP_MARK_GET] = do_mark_get, [OP_ROOM] = do_room,
        [OP_STANDING] = do_standing, [OP_KEY_BAN] = do_key_ban,   [OP_ADMIT] = do_admit,
        [OP_REVOKE] = do_revoke,     [OP_ROLE] = do_role,         [OP_PURGE] = do_purge,
    };

    INVARIANT(op->kind >= OP_HELLO && op->kind <= OP_PURGE);
    *ret = (struct op_result){.ticket = op->ticket, .kind = op->kind};
    return carry_out[op->kind](txn, op, ret);
}
