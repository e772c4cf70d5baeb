/* rules_post.c - posts and their numbers (protocol 6.1, 6.2). */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"

/* The number was used up: answer as it was answered then (protocol ). */
static enum rc answer_again(struct txn *txn, const struct op *op, struct session *session,
                            struct op_result *result)
{
    struct event_row first;
    const enum rc rc = txn_answer(txn, session, op->number, &first);

    if (rc == RC_END)
        return verdict(result, RC_TOO_OLD);
    if (rc != RC_OK)
        return rc;
    result->is_duplicate = true;
    result->ts_ms = first.ts_ms;
    if (stream_is_none(entry_stream(first.entry)))
        return verdict(result, first.refusal);
    result->stream = entry_stream(first.entry);
    result->seq = entry_seq(first.entry);
    result->own_seq = first.own_seq;
    return RC_OK;
}

/* *ret is the session when the number is its next one, else NULL and the verdict is given. On a full
 * disk every new number is refused alike: EXPECT would make the client send again at once. */
static enum rc check_number(struct txn *txn, const struct op *op, struct op_result *result,
                            struct session **ret)
{
    struct session *session;
    const enum rc rc = txn_session(txn, op->session, &session);

    *ret = NULL;
    if (rc != RC_OK)
        return rc;
    if (session->row.last != 0 && !stream_equal(session->row.account, op->account))
        return verdict(result, RC_SESSION_TAKEN);
    result->next = session->row.last + 1;
    if (op->number == 0)
        return verdict(result, RC_BAD_FIELD);
    if (op->number <= session->row.last)
        return answer_again(txn, op, session, result);
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    if (op->number != result->next)
        return verdict(result, RC_BAD_FIELD);
    if (op->number == UINT32_MAX)
        return verdict(result, RC_LIMIT);
    *ret = session;
    return RC_OK;
}

/* Use the number up without a message: its answer is the refusal, for ever. */
static enum rc use_up(struct txn *txn, const struct op *op, struct session *session,
                      enum rc refusal, struct op_result *result)
{
    struct place *place;
    enum rc rc = txn_needed(txn, txn_place(txn, REFUSED_STREAM, &place), "place of stream 0");

    if (rc != RC_OK)
        return rc;

    const struct event_row row = {.entry = entry_of(REFUSED_STREAM, place->row.head + 1),
                                  .ts_ms = op->ts_ms,
                                  .refusal = refusal,
                                  .prev = session->row.entry};
    rc = txn->backend->calls->add_event(txn->backend, &row);
    if (rc != RC_OK)
        return rc;
    place->row.head++;
    txn_place_changed(txn, place);
    txn_use_number(txn, session, op->account, &row);
    result->next = session->row.last + 1;
    return verdict(result, refusal);
}

enum rc do_void(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct session *session;
    const enum rc rc = check_number(txn, op, result, &session);

    if (rc != RC_OK || session == NULL)
        return rc;
    INVARIANT(rc_is_wire(op->refusal) && !rc_is_transient(op->refusal));
    return use_up(txn, op, session, op->refusal, result);
}

/* Where a post goes: `own` is NULL unless the sender gets a copy. */
struct target {
    struct place *place;
    struct place *own;
};

static enum rc find_target(struct txn *txn, const struct op *op, struct op_result *result,
                           struct target *ret)
{
    const bool is_private = op->name.ptr[0] == '@';
    enum rc rc = txn_place(txn, op->stream, &ret->place);

    ret->own = NULL;
    if (rc == RC_OK && is_private && !stream_equal(op->stream, op->account))
        rc = txn_place(txn, op->account, &ret->own);
    if (rc == RC_END)
        return verdict(result, is_private ? RC_NO_SUCH_NICK : RC_NO_SUCH_ROOM);
    return rc;
}

static enum rc append_post(struct txn *txn, const struct op *op, const struct target *target,
                           struct event_row *row, struct op_result *result)
{
    const size_t count = target->own == NULL ? 1 : 2;
    struct appended *appended = arena_alloc(txn->arena, count * sizeof(*appended));
    struct message event = event_of(op, SPAN("message"));
    enum rc rc;

    message_set(&event, TEXT, text, op->text);
    message_set(&event, SESSION, session, op->session.v);
    message_set(&event, NUMBER, number, op->number);
    if (op->name.ptr[0] == '@')
        message_set(&event, TO, to, without_sigil(op->name));
    if (!span_equal(op->kind_name, event.type))
        message_set(&event, KIND, kind, op->kind_name);
    row->sender = op->account;
    row->own_seq = target->own == NULL ? 0 : target->own->row.head + 1;
    rc = txn_append(txn, target->place, op->name, &event, row, &appended[0]);
    if (rc == RC_OK && target->own != NULL) {
        struct event_row copy = {.sender = op->account};
        struct full_name own_name;

        message_set(&event, PEER_SEQ, peer_seq, appended[0].seq);
        event.ts = op->ts_ms; /* raised for the other stream, perhaps */
        rc = txn_append(txn, target->own, full_name(&own_name, '@', op->nick), &event, &copy,
                        &appended[1]);
    }
    result->appended = appended;
    result->appended_count = count;
    return rc;
}

enum rc do_post(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct session *session;
    struct target target;
    enum rc rc = check_number(txn, op, result, &session);

    if (rc != RC_OK || session == NULL)
        return rc;
    rc = find_target(txn, op, result, &target);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    if (op->name.ptr[0] == '#') { /* the core has asked, but a kick may have come before */
        const struct standing *standing;

        rc = txn_standing(txn, op->stream, op->account, &standing);
        if (rc != RC_OK)
            return rc;
        if (!(standing->flags & STAND_MEMBER))
            return use_up(txn, op, session, RC_NOT_MEMBER, result);
    }

    struct event_row row = {.prev = session->row.entry};
    rc = append_post(txn, op, &target, &row, result);
    if (rc != RC_OK)
        return rc;
    txn_use_number(txn, session, op->account, &row);
    result->stream = op->stream;
    result->seq = result->appended[0].seq;
    result->own_seq = row.own_seq;
    result->ts_ms = result->appended[0].ts_ms;
    result->next = session->row.last + 1;
    return RC_OK;
}
