/* core_stored.c - what the store has done: for us, and for other brokers over the same store (ADR 0032).
 *
 * All brokers' transactions have one order. What another broker's operation changes is changed here by the handler that
 * ours would have; only nobody is answered, nothing is counted, and nothing was kept free for it. */
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"

#include "shared/base/invariant.h"

#include <string.h>

typedef void stored_handler(struct core *, struct ticket *, const struct op_result *);

static stored_handler *const HANDLERS[] = {
    [OP_HELLO] = core_stored_hello, [OP_POST] = core_stored_post,
    [OP_VOID] = core_stored_post,   [OP_JOIN] = core_stored_join,
    [OP_LEAVE] = core_stored_leave, [OP_CONFIRM] = core_stored_confirm,
    [OP_MARK] = core_stored_mark,   [OP_MARK_GET] = core_stored_mark,
    [OP_ROOM] = core_stored_room,   [OP_STANDING] = core_stored_standing,
    [OP_ADMIT] = core_stored_admit, [OP_KEY_BAN] = core_stored_keyban,
    [OP_ROLE] = core_stored_role,   [OP_REVOKE] = core_stored_revoke,
    [OP_PURGE] = core_stored_purge,
};

static void release_hello(struct core *self, const struct ticket *ticket)
{
    self->sessions_reserved--;
    if (ticket->is_reserved)
        self->people_reserved--;
    if (ticket->has_device)
        self->devices_reserved--;
}

static void release_join(struct core *self, const struct ticket *ticket)
{
    self->members_reserved--;
    core_stream(self, ticket->person)->joining--;
    if (ticket->is_reserved)
        self->rooms_reserved--;
    if (ticket->stream != 0)
        core_stream(self, ticket->stream)->joining--;
}

static void release_standing(struct core *self, const struct ticket *ticket)
{
    if (ticket->stream == 0) {
        core_end_change(self, ticket->target);
        return;
    }
    self->standings_reserved--;
    core_stream(self, ticket->stream)->leaving--;
}

/* What was kept free for the outcome, or kept others waiting, while it was in the store's hands. */
static void release(struct core *self, const struct ticket *ticket)
{
    switch (ticket->kind) {
    case OP_HELLO:
        release_hello(self, ticket);
        break;
    case OP_JOIN:
        release_join(self, ticket);
        break;
    case OP_LEAVE:
        core_stream(self, ticket->stream)->leaving--;
        break;
    case OP_STANDING:
        release_standing(self, ticket);
        break;
    case OP_KEY_BAN:
        self->keybans_reserved--;
        break;
    case OP_REVOKE:
    case OP_ROLE:
        core_end_change(self, ticket->target);
        break;
    default:
        break;
    }
}

void core_on_stored(struct core *self, const struct op_result *result)
{
    struct ticket *ticket = pending_get(&self->pending, result->ticket);

    INVARIANT(ticket != NULL && ticket->kind == result->kind);
    release(self, ticket);
    HANDLERS[ticket->kind](self, ticket, result);
    pending_free(&self->pending, result->ticket.v);
    core_mind_doors(self);
}

/* --- other brokers ---------------------------------------------------------------------- */

static uint32_t beyond(uint32_t count, uint32_t max)
{
    return count > max ? count - max : 0;
}

/* People and rooms have one table; each kind's own rows stay its own. */
static bool has_stream_row(const struct core *self, stream_id stream, bool is_room)
{
    const uint32_t people = self->streams.people + self->people_reserved + !is_room;
    const uint32_t rooms = self->streams.rooms + self->rooms_reserved + is_room;

    return streams_by_id(&self->streams, stream) != 0 ||
           beyond(people, self->limits.accounts_max) + beyond(rooms, self->limits.rooms_max) <=
               self->limits.others_max;
}

static bool has_device_row(const struct core *self, const unsigned char *key)
{
    static const unsigned char none[PUBLIC_KEY_BYTES];

    return memcmp(key, none, sizeof none) == 0 || devices_by_key(&self->devices, key) != 0 ||
           self->devices.count + self->devices_reserved < self->devices.rows_max;
}

static bool has_standing_row(const struct core *self, stream_id room, stream_id person)
{
    const uint32_t row = streams_by_id(&self->streams, room);
    const uint32_t who = streams_by_id(&self->streams, person);

    return !standing_is_none(members_standing(&self->members, row, who)) ||
           self->members.rows + self->members_reserved + self->standings_reserved <
               self->members.rows_max;
}

/* Whether the tables hold what the other broker has made, and still what is in the store's hands for us. */
static bool has_room(const struct core *self, const struct op *op, const struct op_result *result)
{
    switch (op->kind) {
    case OP_HELLO:
        return has_stream_row(self, result->stream, false) && has_device_row(self, op->key);
    case OP_JOIN:
        return has_stream_row(self, result->stream, true) &&
               has_standing_row(self, result->stream, op->account);
    case OP_STANDING:
        return stream_is_none(op->stream) || has_standing_row(self, op->stream, op->target);
    case OP_KEY_BAN:
        return op->until_ms == 0 ||
               self->keybans.count + self->keybans_reserved < self->keybans.rows_max;
    default:
        return true;
    }
}

/* What it is about is known here: every turn before this one was told. (A room that is made is told by its result.) */
static uint32_t row_of(const struct core *self, stream_id stream)
{
    const uint32_t row = stream_is_none(stream) ? 0 : streams_by_id(&self->streams, stream);

    INVARIANT(row != 0 || stream_is_none(stream));
    return row;
}

void core_on_foreign(struct core *self, const struct op *op, const struct op_result *result)
{
    struct ticket ticket = {.kind = op->kind, .is_foreign = true};

    INVARIANT(op->kind == result->kind);
    if (!op_result_is_followed(result))
        return;
    if (!has_room(self, op, result)) {
        self->is_overrun = self->is_stopping = true;
        return;
    }
    ticket_keep(&ticket, op);
    ticket.person = row_of(self, op->account);
    ticket.stream = row_of(self, op->stream);
    ticket.target = row_of(self, op->target);
    HANDLERS[op->kind](self, &ticket, result);
    core_mind_doors(self);
}

bool core_is_overrun(const struct core *self)
{
    return self->is_overrun;
}
