/* core_room.c - JOIN and LEAVE (protocol 7.3). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/core_room_for.h"

#include "shared/base/invariant.h"

#include <string.h>

void core_tell_modes(struct core *self, struct message *message, uint32_t room, uint32_t person)
{
    const struct stream *stream = core_stream(self, room);

    if (stream->topic_len > 0)
        message_set(message, TOPIC, topic, stream_topic(stream));
    if ((stream->modes & ROOM_PRIVATE) != 0)
        message_set(message, PRIVATE, is_private, true);
    if ((stream->modes & ROOM_PERSISTENT) != 0)
        message_set(message, PERSISTENT, persistent, true);
    if (stream->keep_s != KEEP_AS_BROKER)
        message_set(message, SECONDS, seconds, stream->keep_s);
    if ((members_standing(&self->members, room, person)->flags & STAND_OP) != 0)
        message_set(message, OP, op, true);
}

void core_tell_key(struct core *self, struct message *message, uint32_t row)
{
    const struct stream *stream = core_stream(self, row);

    if (!stream_is_sealed(stream))
        return;
    message_set(message, EPOCH, epoch, stream->epoch);
    message_set(message, KEY, key, core_key(stream->stream_key));
}

static void joined(struct core *self, peer_id peer, bool has_ref, uint64_t ref, uint32_t row,
                   uint32_t person)
{
    const struct stream *room = core_stream(self, row);
    struct message *reply = core_reply(self, peer, VERB_JOINED, has_ref, ref);

    message_set(reply, STREAM, stream, stream_name(room));
    message_set(reply, SEQ, seq, room->head);
    message_set(reply, PEOPLE, people, self->members.tally[row].members);
    core_tell_modes(self, reply, row, person);
    /* The device may have been removed meanwhile: the key is for who is still there. */
    const uint32_t here = sessions_by_peer(&self->sessions, peer);
    if (here != 0 && self->sessions.row[here].person == person)
        core_tell_key(self, reply, row);
}

static bool is_room_name(struct span name)
{
    return name.len >= 2 && name.len <= STREAM_BYTES_MAX && name.ptr[0] == '#';
}

enum rc core_room_for_standing(struct core *self, uint32_t room, uint32_t person)
{
    struct members *members = &self->members;

    if (!standing_is_none(members_standing(members, room, person)))
        return RC_OK;
    const uint32_t max = self->limits.room_standings_max;
    const uint32_t reserved = self->members_reserved + self->standings_reserved;
    if (max != 0 && members->tally[room].others >= max)
        members_purge(members, room, self->wall_ms);
    const enum rc rc = core_counted(self, REFUSED_ROOM_BANS,
                                    core_share_for_one(members->tally[room].others, 0, max));
    if (rc != RC_OK)
        return rc;
    return core_counted(self, REFUSED_MEMBERSHIPS,
                        core_room_for_one(members->rows, reserved, core_standings_max(self)));
}

/* Nobody is in it and it does not persist: it begins anew for who comes. */
static bool is_deserted(const struct core *self, uint32_t row)
{
    return self->members.tally[row].members == 0 &&
           (self->streams.row[row].modes & ROOM_PERSISTENT) == 0;
}

static enum rc check_door(const struct core *self, const struct asked *asked)
{
    const struct standing *standing =
        members_standing(&self->members, asked->stream, asked->person);

    if (is_deserted(self, asked->stream) || (standing->flags & STAND_MEMBER) != 0)
        return RC_OK;
    if (standing->banned_until_ms > self->wall_ms ||
        (asked->key != NULL &&
         keybans_hold(&self->keybans, asked->stream, asked->key, self->wall_ms)))
        return RC_BANNED;
    return stream_is_sealed(&self->streams.row[asked->stream]) &&
                   (standing->flags & STAND_INVITED) == 0
               ? RC_PRIVATE
               : RC_OK;
}

/* The tables and shares that one more membership needs. */
static enum rc check_tables(struct core *self, const struct asked *asked)
{
    const struct core_limits *limits = &self->limits;
    struct members *members = &self->members;
    const uint32_t row = asked->stream;
    const uint32_t joining = core_stream(self, asked->person)->joining;
    enum rc rc = RC_OK;

    if (row == 0)
        rc = core_counted(
            self, REFUSED_ROOMS,
            core_room_for_one(self->streams.rooms, self->rooms_reserved, limits->rooms_max));
    if (rc == RC_OK && (row == 0 || is_deserted(self, row)))
        rc = core_counted(self, REFUSED_ACCOUNT_ROOMS,
                          core_share_for_one(members->tally[asked->person].ops, joining,
                                             limits->account_rooms_max));
    if (rc != RC_OK)
        return rc;
    rc = core_room_for_one(members->count, self->members_reserved, limits->memberships_max);
    if (rc == RC_OK)
        rc = core_room_for_one(members->rows, self->members_reserved + self->standings_reserved,
                               core_standings_max(self));
    if (core_counted(self, REFUSED_MEMBERSHIPS, rc) == RC_OK)
        rc = core_counted(self, REFUSED_ACCOUNT_MEMBERSHIPS,
                          core_share_for_one(members->tally[asked->person].members, joining,
                                             limits->account_memberships_max));
    if (rc != RC_OK)
        return rc;
    /* Those who made a room that is not known yet may all have made this one. */
    rc = core_counted(
        self, REFUSED_ROOM_MEMBERS,
        core_room_for_one(row == 0 ? 0 : members->tally[row].members,
                          self->rooms_reserved + (row == 0 ? 0 : core_stream(self, row)->joining),
                          limits->room_members_max));
    return rc == RC_LIMIT ? RC_ROOM_FULL : rc;
}

/* The tables' limits do not hold for a member: what comes back is the place that is about to be left. */
static enum rc check_join(struct core *self, const struct asked *asked, bool is_member)
{
    const struct message *join = asked->message;

    if (self->is_stopping)
        return RC_STOPPING;
    if (!is_room_name(join->stream))
        return RC_BAD_NAME;
    if (asked->stream == 0 && !(message_has(join, HAS_CREATE) && join->create))
        return RC_NO_SUCH_ROOM;
    const enum rc rc = asked->stream == 0 ? RC_OK : check_door(self, asked);
    return rc != RC_OK || is_member ? rc : check_tables(self, asked);
}

static uint32_t modes_of(const struct message *join)
{
    uint32_t modes = 0;

    if (message_has(join, HAS_PRIVATE) && join->is_private)
        modes |= ROOM_PRIVATE;
    if (message_has(join, HAS_PERSISTENT) && join->persistent)
        modes |= ROOM_PERSISTENT;
    return modes;
}

void core_on_join(struct core *self, const struct asked *asked)
{
    const struct message *join = asked->message;
    const uint32_t row = asked->stream;
    struct ticket *ticket;
    struct op *op;

    const bool is_member = row != 0 && members_has(&self->members, row, asked->person);
    /* With a LEAVE or a KICK in the store's hands the store decides, in order. */
    if (is_member && core_stream(self, row)->leaving == 0) {
        joined(self, asked->peer, message_has(join, HAS_REF), join->ref, row, asked->person);
        return;
    }
    enum rc rc = check_join(self, asked, is_member);
    if (rc == RC_OK && !core_store(self, OP_JOIN, asked->person, asked, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    op->name = join->stream;
    op->skeleton = asked->skeleton;
    op->modes_set = modes_of(join);
    if (asked->key != NULL)
        memcpy(op->key, asked->key, sizeof op->key);
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(join, HAS_REF);
    ticket->ref = join->ref;
    ticket->stream = row;
    ticket_keep(ticket, op);
    self->members_reserved++;
    core_stream(self, asked->person)->joining++;
    if (row == 0) {
        ticket->is_reserved = true;
        self->rooms_reserved++;
    } else {
        op->stream = core_stream(self, row)->id;
        core_stream(self, row)->joining++;
    }
}

/* A room that is new, or begins anew. */
static void begin_room(struct core *self, uint32_t row, const struct op_result *result)
{
    struct stream *room = core_stream(self, row);

    members_forget(&self->members, row);
    keybans_forget(&self->keybans, row);
    stream_set_topic(room, (struct span){NULL, 0});
    room->modes = result->modes;
    room->open_from = result->open_from;
    room->keep_s = result->keep_s;
}

void core_stored_join(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (result->rc != RC_OK) {
        struct message *error =
            core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);

        message_set(error, STREAM, stream, ticket_name(ticket));
        return;
    }
    uint32_t row = streams_by_id(&self->streams, result->stream);

    if (row == 0)
        row = streams_add(&self->streams, result->stream, ticket_name(ticket));
    INVARIANT(row != 0); /* the row was reserved */
    if (result->is_new_room || result->is_adopted)
        begin_room(self, row, result);
    if (result->epoch != 0) {
        core_stream(self, row)->epoch = result->epoch;
        memcpy(core_stream(self, row)->stream_key, result->key, STREAM_KEY_BYTES);
    }
    struct standing standing = result->standing;
    standing.flags |= STAND_MEMBER;
    const bool has_room = members_set(&self->members, row, ticket->person, &standing);
    INVARIANT(has_room); /* the row was reserved */
    core_publish(self, result);
    joined(self, ticket->peer, ticket->has_ref, ticket->ref, row, ticket->person);
}

static void left(struct core *self, peer_id peer, bool has_ref, uint64_t ref, struct span name)
{
    message_set(core_reply(self, peer, VERB_LEFT, has_ref, ref), STREAM, stream, name);
}

void core_on_leave(struct core *self, const struct asked *asked)
{
    const struct message *leave = asked->message;
    const uint32_t row = asked->stream;
    struct ticket *ticket;
    struct op *op;
    enum rc rc = RC_OK;

    if (!is_room_name(leave->stream) || row == 0)
        rc = RC_NO_SUCH_ROOM;
    else if (self->is_stopping)
        rc = RC_STOPPING;
    if (rc == RC_OK && core_stream(self, row)->joining == 0 &&
        !members_has(&self->members, row, asked->person)) {
        left(self, asked->peer, message_has(leave, HAS_REF), leave->ref, leave->stream);
        return;
    }
    if (rc == RC_OK && !core_store(self, OP_LEAVE, asked->person, asked, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    op->stream = core_stream(self, row)->id;
    op->name = stream_name(core_stream(self, row));
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(leave, HAS_REF);
    ticket->ref = leave->ref;
    ticket->stream = row;
    core_stream(self, row)->leaving++;
}

void core_stored_leave(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    const struct stream *room = core_stream(self, ticket->stream);

    if (result->rc != RC_OK) {
        struct message *error =
            core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);

        message_set(error, STREAM, stream, stream_name(room));
        return;
    }
    struct standing standing = result->standing;
    standing.flags &= STAND_INVITED;
    const bool has_room = members_set(&self->members, ticket->stream, ticket->person, &standing);
    INVARIANT(has_room); /* the row of the membership, if there must be one */
    core_publish(self, result);
    left(self, ticket->peer, ticket->has_ref, ticket->ref, stream_name(room));
}
