/* rules_standing.c - operators, bans, mutes and invitations of rooms; bans of the broker (protocol 7.6). */
#include "broker/store/rules_internal.h"

#include "shared/base/invariant.h"

#define STANDING_EVENTS_MAX 2

/* What a change makes of a standing, and what it says. */
struct change {
    struct standing standing;
    bool is_one;       /* no: it is so already */
    struct span event; /* type */
    struct span text;
    uint64_t until_ms; /* 0 or FOR_EVER_MS: the event does not tell */
    bool is_in_room;   /* where the event stands */
    bool is_in_person;
};

/* Flags change. RC_NOT_MEMBER is a verdict. */
static enum rc change_flags(const struct op *op, struct change *change, struct op_result *result)
{
    struct standing *standing = &change->standing;
    const uint32_t before = standing->flags;
    const bool is_member = before & STAND_MEMBER;

    change->is_in_room = op->change != STANDING_INVITE;
    change->is_in_person = op->change == STANDING_INVITE || op->change == STANDING_KICK;
    if (!is_member && (op->change == STANDING_OP || op->change == STANDING_KICK))
        return verdict(result, RC_NOT_MEMBER);
    if (op->change == STANDING_INVITE) {
        change->event = SPAN("invite");
        standing->flags |= is_member ? 0 : STAND_INVITED;
    } else if (op->change == STANDING_KICK) {
        change->event = SPAN("kick");
        change->text = op->text;
        standing->flags = 0;
        standing->since = 0;
    } else {
        const bool is_op = op->change == STANDING_OP;

        change->event = SPAN("role");
        change->text = is_op ? SPAN("op") : SPAN("none");
        standing->flags = is_op ? before | STAND_OP : before & ~(uint32_t)STAND_OP;
    }
    change->is_one = standing->flags != before;
    return RC_OK;
}

static void change_ban(const struct op *op, struct change *change)
{
    struct standing *standing = &change->standing;

    change->is_one = standing->banned_until_ms != op->until_ms || standing->flags != 0;
    change->event = SPAN("ban");
    change->text = op->text;
    change->until_ms = op->until_ms;
    change->is_in_room = change->is_in_person = true;
    standing->banned_until_ms = op->until_ms;
    standing->flags = 0;
    standing->since = 0;
}

static void change_mute(const struct op *op, struct change *change)
{
    change->is_one = change->standing.muted_until_ms != op->until_ms;
    change->event = SPAN("mute");
    change->text = op->text;
    change->until_ms = op->until_ms;
    change->is_in_room = true;
    change->standing.muted_until_ms = op->until_ms;
}

/* A ban or mute is taken back; of one that is over nothing is said. */
static void change_back(const struct op *op, struct change *change, uint64_t *until_ms,
                        struct span event)
{
    change->is_one = *until_ms != 0;
    change->is_in_room = *until_ms > op->ts_ms;
    change->event = event;
    *until_ms = 0;
}

static enum rc work_out(const struct op *op, struct change *change, struct op_result *result)
{
    switch (op->change) {
    case STANDING_INVITE:
    case STANDING_OP:
    case STANDING_DEOP:
    case STANDING_KICK:
        return change_flags(op, change, result);
    case STANDING_BAN:
        change_ban(op, change);
        return RC_OK;
    case STANDING_UNBAN:
        change_back(op, change, &change->standing.banned_until_ms, SPAN("unban"));
        return RC_OK;
    case STANDING_MUTE:
        change_mute(op, change);
        return RC_OK;
    case STANDING_UNMUTE:
        change_back(op, change, &change->standing.muted_until_ms, SPAN("unmute"));
        return RC_OK;
    }
    INVARIANT(!"a change of the table");
    return RC_STORE;
}

static struct message event_of_change(const struct op *op, const struct change *change)
{
    struct message event = event_of(op, change->event);

    message_set(&event, TO, to, op->target_nick);
    if (change->text.len > 0)
        message_set(&event, TEXT, text, change->text);
    if (change->until_ms != 0 && change->until_ms != FOR_EVER_MS)
        message_set(&event, UNTIL, until, change->until_ms);
    return event;
}

static enum rc append_change(struct txn *txn, const struct op *op, const struct change *change,
                             struct place *room, struct place *person, struct op_result *result)
{
    struct message event = event_of_change(op, change);
    struct event_row row = {0};
    struct full_name name;
    enum rc rc = RC_OK;

    if (change->is_in_room)
        rc = txn_append(txn, room, op->name, &event, &row,
                        one_more_event(txn, result, STANDING_EVENTS_MAX));
    result->seq = room->row.head;
    if (rc != RC_OK || !change->is_in_person)
        return rc;
    event.ts = op->ts_ms; /* raised for the other stream, perhaps */
    message_set(&event, ROOM, room, op->name);
    return txn_append(txn, person, full_name(&name, '@', op->target_nick), &event, &row,
                      one_more_event(txn, result, STANDING_EVENTS_MAX));
}

/* Putting somebody out, and forgiving, go on while a full disk leaves a little. */
static bool may_write(const struct txn *txn, enum standing_change change)
{
    const bool is_urgent =
        change == STANDING_KICK || change == STANDING_BAN || change == STANDING_UNBAN;

    return txn->space == SPACE_FOR_ALL || (is_urgent && txn->space == SPACE_FOR_URGENT);
}

/* With the broker: no events, no keys, and only bans and mutes. Invitations of who is banned are over. */
static enum rc stand_with_broker(struct txn *txn, const struct op *op, const struct change *change)
{
    enum rc rc = txn_set_standing(txn, op->stream, op->target, &change->standing);

    if (rc == RC_OK && op->change == STANDING_BAN)
        rc = txn->backend->calls->drop_invitations_of(txn->backend, op->target);
    return rc;
}

static enum rc stand_with_room(struct txn *txn, const struct op *op, const struct change *change,
                               struct place *room, struct place *person, struct op_result *result)
{
    const bool was_member = result->standing.flags & STAND_MEMBER;
    enum rc rc = txn_set_standing(txn, op->stream, op->target, &change->standing);

    if (rc == RC_OK)
        rc = append_change(txn, op, change, room, person, result);
    if (rc == RC_OK && was_member && !(change->standing.flags & STAND_MEMBER))
        rc = rekey_room(txn, op->stream, result);
    return rc;
}

enum rc do_standing(struct txn *txn, const struct op *op, struct op_result *result)
{
    const bool is_brokers = stream_is_none(op->stream);
    const struct standing *standing;
    struct change change = {.is_one = false};
    struct place *room, *person;
    enum rc rc = txn_place(txn, op->stream, &room);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc == RC_OK && (rc = txn_place(txn, op->target, &person)) == RC_END)
        return verdict(result, RC_NO_SUCH_NICK);
    if (rc == RC_OK)
        rc = txn_standing(txn, op->stream, op->target, &standing);
    if (rc != RC_OK)
        return rc;
    result->stream = op->stream;
    result->seq = is_brokers ? 0 : room->row.head;
    result->standing = change.standing = *standing;
    rc = work_out(op, &change, result);
    if (rc != RC_OK || result->rc != RC_OK || !change.is_one)
        return rc;
    if (is_brokers && change.standing.flags != 0)
        return verdict(result, RC_DENIED);
    if (!may_write(txn, op->change))
        return verdict(result, RC_DISK_FULL);
    if (is_brokers && op->change == STANDING_BAN)
        rc = keep_an_owner(txn, op->target, op->ts_ms, result);
    if (rc != RC_OK || result->rc != RC_OK)
        return rc;
    rc = is_brokers ? stand_with_broker(txn, op, &change)
                    : stand_with_room(txn, op, &change, room, person, result);
    result->standing = change.standing;
    return rc;
}

enum rc do_key_ban(struct txn *txn, const struct op *op, struct op_result *result)
{
    uint64_t until_ms = 0;
    struct place *place;
    enum rc rc = txn_place(txn, op->stream, &place);

    if (rc == RC_END)
        return verdict(result, RC_NO_SUCH_ROOM);
    if (rc == RC_OK)
        rc = txn->backend->calls->get_key_ban(txn->backend, op->stream, op->key, &until_ms);
    if (rc != RC_OK && rc != RC_END)
        return rc;
    result->stream = op->stream;
    if (until_ms == op->until_ms)
        return RC_OK;
    if (txn->space == SPACE_FOR_NOTHING)
        return verdict(result, RC_DISK_FULL);
    return txn->backend->calls->put_key_ban(txn->backend, op->stream, op->key, op->until_ms);
}
