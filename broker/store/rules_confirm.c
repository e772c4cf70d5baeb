/* rules_confirm.c - confirmed places, receipts, marks (protocol 6.4, 7.5). */
#include "broker/store/rules_internal.h"

/* The senders of the messages that a confirmation covers, each once. */
struct senders {
    stream_id item[OP_APPENDED_MAX];
    size_t count;
};

/* False: there is no room for another one. */
static bool senders_add(struct senders *self, stream_id sender)
{
    for (size_t i = 0; i < self->count; i++) {
        if (stream_equal(self->item[i], sender))
            return true;
    }
    if (self->count == OP_APPENDED_MAX)
        return false;
    self->item[self->count++] = sender;
    return true;
}

/* Collect senders from behind the confirmed place up to `upto`; *ret_upto is how far they and the work
 * allowed to one operation reach. */
static enum rc collect_senders(struct txn *txn, const struct place *owner, uint64_t upto,
                               struct senders *senders, uint64_t *ret_upto)
{
    const stream_id self = owner->row.stream;
    uint64_t at = owner->row.confirmed + 1;
    size_t looked = 0;

    while (at <= upto) {
        struct sender_row rows[256];
        size_t count;
        const enum rc rc =
            txn->backend->calls->get_senders(txn->backend, self, at, upto, rows, 256, &count);

        if (rc != RC_OK)
            return rc;
        for (size_t i = 0; i < count; i++) {
            const stream_id sender = rows[i].sender;

            if (stream_is_none(sender) || stream_equal(sender, self))
                continue;
            if (!senders_add(senders, sender)) {
                *ret_upto = rows[i].seq - 1;
                return RC_OK;
            }
        }
        if (count < 256)
            break;
        at = rows[count - 1].seq + 1;
        looked += count;
        if (looked >= CONFIRM_EVENTS_MAX && at <= upto)
            upto = at - 1;
    }
    *ret_upto = upto;
    return RC_OK;
}

static enum rc append_receipt(struct txn *txn, const struct op *op, stream_id sender, uint64_t upto,
                              struct appended *ret)
{
    struct message event = event_of(op, SPAN("receipt"));
    struct event_row row = {0};
    struct stream_row stream;
    struct full_name name;
    struct place *place;
    enum rc rc = txn_place(txn, sender, &place);

    if (rc == RC_OK)
        rc = txn->backend->calls->get_stream(txn->backend, sender, &stream);
    rc = txn_needed(txn, rc, "sender's stream");
    if (rc != RC_OK)
        return rc;
    message_set(&event, UPTO, upto, upto);
    /* A copy: the row's name lasts only until the backend is called again. */
    full_name(&name, '@', without_sigil(stream.name));
    return txn_append(txn, place, (struct span){name.text, name.len}, &event, &row, ret);
}

enum rc do_confirm(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct senders senders = {.count = 0};
    struct appended *appended;
    struct place *owner;
    uint64_t upto;
    enum rc rc = txn_place(txn, op->stream, &owner);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc != RC_OK)
        return rc;
    result->stream = op->stream;
    result->seq = owner->row.confirmed;
    upto = op->seq < owner->row.head ? op->seq : owner->row.head;
    if (upto <= owner->row.confirmed)
        return RC_OK;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    rc = collect_senders(txn, owner, upto, &senders, &upto);
    if (rc != RC_OK)
        return rc;
    appended = arena_alloc(txn->arena, senders.count * sizeof(*appended));
    for (size_t i = 0; i < senders.count; i++) {
        rc = append_receipt(txn, op, senders.item[i], upto, &appended[i]);
        if (rc != RC_OK)
            return rc;
    }
    owner->row.confirmed = upto;
    txn_place_changed(txn, owner);
    result->seq = upto;
    result->appended = appended;
    result->appended_count = senders.count;
    return RC_OK;
}

/* --- marks --------------------------------------------------------------------------- */

enum rc do_mark(struct txn *txn, const struct op *op, struct op_result *result)
{
    const struct backend_calls *calls = txn->backend->calls;
    uint64_t seq;
    size_t count;
    enum rc rc = calls->get_mark(txn->backend, op->account, op->mark, op->stream, &seq);

    result->stream = op->stream;
    result->seq = op->seq;
    if (rc == RC_OK && seq == op->seq)
        return RC_OK;
    if (rc != RC_OK && rc != RC_END)
        return rc;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    if (rc == RC_END) {
        rc = calls->count_marks(txn->backend, op->account, &count);
        if (rc != RC_OK)
            return rc;
        if (count >= MARKS_PER_ACCOUNT_MAX)
            return verdict(result, RC_LIMIT);
    }
    return calls->put_mark(txn->backend, op->account, op->mark, op->stream, op->seq);
}

enum rc do_mark_get(struct txn *txn, const struct op *op, struct op_result *result)
{
    uint64_t seq = 0;
    const enum rc rc =
        txn->backend->calls->get_mark(txn->backend, op->account, op->mark, op->stream, &seq);

    result->stream = op->stream;
    result->seq = rc == RC_OK ? seq : 0;
    return rc == RC_END ? RC_OK : rc;
}
