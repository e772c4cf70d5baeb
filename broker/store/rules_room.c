/* rules_room.c - rooms: who is in them, their modes and topics (protocol 7.3, 7.6). */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"

static enum rc append_to_room(struct txn *txn, const struct op *op, struct place *room,
                              struct message *event, size_t max, struct op_result *result)
{
    struct event_row row = {0};
    const enum rc rc =
        txn_append(txn, room, op->name, event, &row, one_more_event(txn, result, max));

    result->seq = room->row.head;
    return rc;
}

static void describe_room(const struct stream_row *row, struct op_result *result)
{
    result->stream = row->id;
    result->modes = row->modes;
    result->open_from = row->open_from;
    result->keep_s = row->keep_s;
}

/* The operation's room and its place. RC_NO_SUCH_ROOM is a verdict. */
static enum rc get_room(struct txn *txn, stream_id id, struct op_result *result,
                        struct stream_row *ret_row, struct place **ret_place)
{
    enum rc rc = txn_stream(txn, id, ret_row);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc == RC_OK)
        rc = txn_needed(txn, txn_place(txn, id, ret_place), "place of a room");
    if (rc != RC_OK)
        return rc;
    describe_room(ret_row, result);
    result->seq = (*ret_place)->row.head;
    return RC_OK;
}

/* --- JOIN ---------------------------------------------------------------------------- */

/* The room of the operation: by number, or by name, made when it is not there. */
static enum rc find_room(struct txn *txn, const struct op *op, struct op_result *result,
                         stream_id *ret)
{
    struct stream_row row = {.name = op->name, .modes = op->modes_set};
    enum rc rc;

    *ret = op->stream;
    if (!stream_is_none(op->stream))
        return RC_OK;
    rc = find_stream(txn, BY_NAME, op->name, ret);
    if (rc != RC_END)
        return rc;
    rc = make_stream(txn, op, result, &row);
    if (rc == RC_OK && result->rc == RC_OK) {
        result->is_new_room = true;
        *ret = row.id;
    }
    return rc;
}

/* Whether the person may come into a room that somebody keeps. Refusals are verdicts. */
static enum rc check_join(struct txn *txn, const struct op *op, const struct stream_row *row,
                          const struct standing *standing, struct op_result *result)
{
    uint64_t until_ms = 0;
    enum rc rc = RC_END;

    if (standing->banned_until_ms > op->ts_ms)
        return verdict(result, RC_BANNED);
    if (!is_zero(op->key, sizeof(op->key)))
        rc = txn->backend->calls->get_key_ban(txn->backend, row->id, op->key, &until_ms);
    if (rc == RC_OK && until_ms > op->ts_ms)
        return verdict(result, RC_BANNED);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    if ((row->modes & ROOM_PRIVATE) && !(standing->flags & STAND_INVITED))
        return verdict(result, RC_PRIVATE);
    return RC_OK;
}

/* A room that nobody is in and nobody wants to keep begins anew (protocol R-44). What was said while it was
 * private stays closed: `head` is before the adopter's own join. */
static enum rc adopt(struct txn *txn, const struct op *op, uint64_t head, struct stream_row *row,
                     struct op_result *result)
{
    const enum rc rc = txn_drop_standings(txn, row->id);

    if (rc != RC_OK)
        return rc;
    if (row->modes & ROOM_PRIVATE)
        row->open_from = head + 1;
    row->modes = op->modes_set;
    row->topic = (struct span){0};
    row->keep_s = KEEP_AS_BROKER;
    result->is_adopted = true;
    describe_room(row, result);
    return rekey(txn, row, NULL);
}

static enum rc become_member(struct txn *txn, const struct op *op, struct place *room,
                             struct op_result *result)
{
    const struct standing *before;
    struct message event = event_of(op, SPAN("join"));
    enum rc rc = txn_standing(txn, room->row.stream, op->account, &before);

    if (rc != RC_OK)
        return rc;
    result->standing = *before;
    result->standing.flags = STAND_MEMBER;
    if (result->is_new_room || result->is_adopted)
        result->standing.flags |= STAND_OP;
    result->standing.since = room->row.head + 1;
    result->standing.banned_until_ms = 0; /* it is over */
    result->is_new = true;
    rc = txn_set_standing(txn, room->row.stream, op->account, &result->standing);
    return rc == RC_OK ? append_to_room(txn, op, room, &event, 1, result) : rc;
}

/* Join a room that one is not in. */
static enum rc enter_room(struct txn *txn, const struct op *op, struct stream_row *row,
                          struct place *room, struct op_result *result)
{
    enum rc rc = RC_OK;

    if (!result->is_new_room) {
        const bool is_kept = row->modes & ROOM_PERSISTENT;

        if (!is_kept)
            rc = txn->backend->calls->has_members(txn->backend, row->id);
        if (rc != RC_OK && rc != RC_END)
            return rc;
        const bool is_adopted = rc == RC_END;
        rc = is_adopted ? RC_OK : check_join(txn, op, row, &result->standing, result);
        if (rc != RC_OK || result->rc != RC_OK)
            return rc;
        if (txn->space != SPACE_FOR_ALL)
            return verdict(result, RC_DISK_FULL);
        if (is_adopted)
            rc = adopt(txn, op, room->row.head, row, result);
    }
    return rc == RC_OK ? become_member(txn, op, room, result) : rc;
}

enum rc do_join(struct txn *txn, const struct op *op, struct op_result *result)
{
    const struct standing *standing;
    struct stream_row row;
    struct place *room;
    stream_id id;
    enum rc rc = find_room(txn, op, result, &id);

    if (rc == RC_OK && result->rc == RC_OK)
        rc = get_room(txn, id, result, &row, &room);
    if (rc == RC_OK && result->rc == RC_OK)
        rc = txn_standing(txn, id, op->account, &standing);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    result->standing = *standing;
    if (!(standing->flags & STAND_MEMBER))
        rc = enter_room(txn, op, &row, room, result);
    result->epoch = row.epoch;
    memcpy(result->key, row.stream_key, sizeof(result->key));
    return rc;
}

/* --- LEAVE --------------------------------------------------------------------------- */

enum rc do_leave(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct message event = event_of(op, SPAN("leave"));
    const struct standing *standing;
    struct place *room;
    enum rc rc = txn_place(txn, op->stream, &room);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc == RC_OK)
        rc = txn_standing(txn, op->stream, op->account, &standing);
    if (rc != RC_OK)
        return rc;
    result->stream = op->stream;
    result->seq = room->row.head;
    result->standing = *standing;
    if (!(standing->flags & STAND_MEMBER))
        return RC_OK;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    result->standing.flags = 0;
    result->standing.since = 0;
    result->is_new = true;
    rc = txn_set_standing(txn, op->stream, op->account, &result->standing);
    if (rc == RC_OK)
        rc = append_to_room(txn, op, room, &event, 1, result);
    return rc == RC_OK ? rekey_room(txn, op->stream, result) : rc;
}

/* --- TOPIC and MODE ------------------------------------------------------------------ */

#define ROOM_EVENTS_MAX 4

static enum rc append_text(struct txn *txn, const struct op *op, struct place *room,
                           struct span type, struct span text, struct op_result *result)
{
    struct message event = event_of(op, type);

    message_set(&event, TEXT, text, text);
    return append_to_room(txn, op, room, &event, ROOM_EVENTS_MAX, result);
}

/* What an OP_ROOM changes, in the order of its events: a room opens first and closes last, so that the
 * other events are read by as many as may, and that the closing one is the last under the old key. */
struct room_change {
    bool is_opened;
    bool has_topic;
    uint32_t persistent; /* the bit, if it changes */
    bool has_keep;
    bool is_closed;
};

/* A mode event's words for how long the room's events are kept. */
static enum rc append_keep(struct txn *txn, const struct op *op, struct place *room,
                           struct op_result *result)
{
    char text[32];

    if (op->keep_s == KEEP_AS_BROKER)
        snprintf(text, sizeof(text), "kept as usual");
    else if (op->keep_s == KEEP_FOR_EVER)
        snprintf(text, sizeof(text), "kept for ever");
    else
        snprintf(text, sizeof(text), "kept for %u s", op->keep_s);
    return append_text(txn, op, room, SPAN("mode"), span_of(text), result);
}

static enum rc append_changes(struct txn *txn, const struct op *op, struct place *room,
                              const struct room_change *change, uint32_t modes,
                              struct op_result *result)
{
    const struct span mode = SPAN("mode");
    enum rc rc = RC_OK;

    if (change->is_opened)
        rc = append_text(txn, op, room, mode, SPAN("public"), result);
    if (rc == RC_OK && change->has_topic)
        rc = append_text(txn, op, room, SPAN("topic"), op->text, result);
    if (rc == RC_OK && change->persistent)
        rc = append_text(txn, op, room, mode,
                         modes & ROOM_PERSISTENT ? SPAN("persistent") : SPAN("passing"), result);
    if (rc == RC_OK && change->has_keep)
        rc = append_keep(txn, op, room, result);
    if (rc == RC_OK && change->is_closed)
        rc = append_text(txn, op, room, mode, SPAN("private"), result);
    return rc;
}

enum rc do_room(struct txn *txn, const struct op *op, struct op_result *result)
{
    struct stream_row row;
    struct place *room;
    struct rekeyed *rekeyed;
    enum rc rc = get_room(txn, op->stream, result, &row, &room);

    if (rc != RC_OK || result->rc != RC_OK)
        return rc;

    const uint32_t modes = (row.modes & ~op->modes_clear) | op->modes_set;
    const uint32_t changed = row.modes ^ modes;
    const struct room_change change = {
        .is_opened = changed & ROOM_PRIVATE & row.modes,
        .has_topic = op->has_topic && !span_equal(op->text, row.topic),
        .persistent = changed & ROOM_PERSISTENT,
        .has_keep = op->has_keep && op->keep_s != row.keep_s,
        .is_closed = changed & ROOM_PRIVATE & modes,
    };
    if (changed == 0 && !change.has_topic && !change.has_keep)
        return RC_OK;
    if (txn->space != SPACE_FOR_ALL)
        return verdict(result, RC_DISK_FULL);
    if (change.is_opened)
        row.open_from = room->row.head + 1; /* the event that says so is for everybody */
    if (change.has_topic)
        row.topic = op->text;
    if (change.has_keep)
        row.keep_s = op->keep_s;
    row.modes = modes;
    describe_room(&row, result);
    rc = append_changes(txn, op, room, &change, modes, result);
    if (rc != RC_OK || !change.is_closed)
        return rc == RC_OK ? txn->backend->calls->put_stream(txn->backend, &row) : rc;
    rekeyed = arena_alloc(txn->arena, sizeof(*rekeyed));
    result->rekeyed = rekeyed;
    result->rekeyed_count = 1;
    return rekey(txn, &row, rekeyed);
}
