/* core_room.c - JOIN, LEAVE, ROOMS and WHO (protocol 7.3). */
#include "broker/core/core_internal.h"

#include "shared/base/invariant.h"

static void joined(struct core *self, peer_id peer, bool has_ref, uint64_t ref, uint32_t row)
{
    const struct stream *room = core_stream(self, row);
    struct message *reply = core_reply(self, peer, VERB_JOINED, has_ref, ref);

    message_set(reply, STREAM, stream, stream_name(room));
    message_set(reply, SEQ, seq, room->head);
    message_set(reply, PEOPLE, people, room->members);
}

static bool is_room_name(struct span name)
{
    return name.len >= 2 && name.len <= STREAM_BYTES_MAX && name.ptr[0] == '#';
}

/* The tables' limits do not hold for a member: what comes back is the place that is about to be left. */
static enum rc check_join(const struct core *self, const struct asked *asked, uint32_t row,
                          bool is_member)
{
    const struct message *join = asked->message;
    enum rc rc = RC_OK;

    if (self->is_stopping)
        return RC_STOPPING;
    if (!is_room_name(join->stream))
        return RC_BAD_NAME;
    if (row == 0 && !(message_has(join, HAS_CREATE) && join->create))
        return RC_NO_SUCH_ROOM;
    if (row == 0)
        rc = core_room_for_one(self->streams.rooms, self->rooms_reserved, self->limits.rooms_max);
    if (rc == RC_OK && !is_member)
        rc = core_room_for_one(self->members.count, self->members_reserved,
                               self->limits.memberships_max);
    if (rc != RC_OK || is_member)
        return rc;
    if (row != 0)
        rc = core_room_for_one(self->streams.row[row].members, self->streams.row[row].joining,
                               self->limits.room_members_max);
    return rc == RC_LIMIT ? RC_ROOM_FULL : rc;
}

void core_on_join(struct core *self, const struct asked *asked)
{
    const struct message *join = asked->message;
    const uint32_t row = streams_by_name(&self->streams, join->stream);
    struct ticket *ticket;
    struct op *op;

    const bool is_member = row != 0 && members_has(&self->members, row, asked->person);
    /* With a LEAVE in the store's hands the store decides, in order. */
    if (is_member && core_stream(self, row)->leaving == 0) {
        joined(self, asked->peer, message_has(join, HAS_REF), join->ref, row);
        return;
    }
    enum rc rc = check_join(self, asked, row, is_member);
    if (rc == RC_OK && !core_store(self, OP_JOIN, asked->person, asked->peer, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        message_set(core_refuse(self, asked, rc), STREAM, stream, join->stream);
        return;
    }
    op->name = join->stream;
    op->skeleton = asked->skeleton;
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(join, HAS_REF);
    ticket->ref = join->ref;
    ticket->stream = row;
    ticket_set_name(ticket, join->stream);
    self->members_reserved++;
    if (row == 0) {
        ticket->is_reserved = true;
        self->rooms_reserved++;
    } else {
        op->stream = core_stream(self, row)->id;
        core_stream(self, row)->joining++;
    }
}

void core_stored_join(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    self->members_reserved--;
    if (ticket->is_reserved)
        self->rooms_reserved--;
    if (ticket->stream != 0)
        core_stream(self, ticket->stream)->joining--;
    if (result->rc != RC_OK) {
        struct message *error =
            core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);

        message_set(error, STREAM, stream, ticket_name(ticket));
        return;
    }
    uint32_t row = streams_by_id(&self->streams, result->stream);

    if (row == 0)
        row = streams_add(&self->streams, result->stream, ticket_name(ticket), NULL);
    INVARIANT(row != 0); /* the row was reserved */
    if (!members_has(&self->members, row, ticket->person)) {
        const bool has_room = members_add(&self->members, row, ticket->person);

        INVARIANT(has_room); /* the row was reserved */
        core_stream(self, row)->members++;
    }
    core_publish(self, result);
    joined(self, ticket->peer, ticket->has_ref, ticket->ref, row);
}

static void left(struct core *self, peer_id peer, bool has_ref, uint64_t ref, struct span name)
{
    message_set(core_reply(self, peer, VERB_LEFT, has_ref, ref), STREAM, stream, name);
}

void core_on_leave(struct core *self, const struct asked *asked)
{
    const struct message *leave = asked->message;
    const uint32_t row = streams_by_name(&self->streams, leave->stream);
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
    if (rc == RC_OK && !core_store(self, OP_LEAVE, asked->person, asked->peer, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        message_set(core_refuse(self, asked, rc), STREAM, stream, leave->stream);
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
    struct stream *room = core_stream(self, ticket->stream);

    room->leaving--;
    if (result->rc != RC_OK) {
        struct message *error =
            core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);

        message_set(error, STREAM, stream, stream_name(room));
        return;
    }
    if (members_remove(&self->members, ticket->stream, ticket->person))
        room->members--;
    core_publish(self, result);
    left(self, ticket->peer, ticket->has_ref, ticket->ref, stream_name(room));
}

/* END, with the place where the list goes on when it is not over. */
static void end_list(struct core *self, const struct asked *asked, uint64_t cursor)
{
    struct message *end = core_answer(self, asked, VERB_END);

    if (cursor != 0)
        message_set(end, CURSOR, cursor, cursor);
}

static void tell_room(struct core *self, const struct asked *asked, uint32_t row)
{
    const struct stream *room = core_stream(self, row);
    struct message *reply = core_answer(self, asked, VERB_ROOM);

    message_set(reply, STREAM, stream, stream_name(room));
    message_set(reply, SEQ, seq, room->head);
    message_set(reply, PEOPLE, people, room->members);
    message_set(reply, MEMBER, member, members_has(&self->members, row, asked->person));
}

/* The asker's rooms; the cursor is the serial of the last membership told. */
static void rooms_of_asker(struct core *self, const struct asked *asked, uint64_t after)
{
    const struct members *members = &self->members;
    uint32_t told = 0;
    uint32_t row = 0;

    while ((row = members_next_of_person(members, asked->person, row)) != 0) {
        if (members->row[row].serial <= after)
            continue;
        if (told++ == LIST_PAGE_MAX)
            break;
        tell_room(self, asked, members->row[row].room);
        after = members->row[row].serial;
    }
    end_list(self, asked, row != 0 ? after : 0);
}

/* Rows of streams are for ever, so a row number is a cursor that no change disturbs. */
void core_on_rooms(struct core *self, const struct asked *asked)
{
    const struct message *rooms = asked->message;
    const uint64_t cursor = message_has(rooms, HAS_CURSOR) ? rooms->cursor : 0;
    uint64_t row = cursor > 0 ? cursor : 1;

    if (message_has(rooms, HAS_MINE) && rooms->mine) {
        rooms_of_asker(self, asked, cursor);
        return;
    }
    for (uint32_t told = 0; row <= self->streams.count && told < LIST_PAGE_MAX; row++) {
        if (!stream_is_room(core_stream(self, (uint32_t)row)))
            continue;
        tell_room(self, asked, (uint32_t)row);
        told++;
    }
    end_list(self, asked, row <= self->streams.count ? row : 0);
}

/* Presence makes no events: it is looked at when somebody asks, so a flapping link is nobody's news. */
static struct span presence(const struct stream *person, uint64_t now_ms)
{
    if (person->devices == 0)
        return SPAN("gone");
    if (person->heard_ms + SILENT_MS <= now_ms)
        return SPAN("silent");
    return person->away == person->devices ? SPAN("away") : SPAN("online");
}

static void tell_person(struct core *self, const struct asked *asked, uint32_t person,
                        uint32_t room)
{
    const struct stream *stream = core_stream(self, person);
    struct message *reply = core_answer(self, asked, VERB_PERSON);

    message_set(reply, NICK, nick, core_nick(self, person));
    message_set(reply, STATE, state, presence(stream, self->now_ms));
    message_set(reply, DEVICES, devices, stream->devices);
    if (room != 0)
        message_set(reply, STREAM, stream, stream_name(core_stream(self, room)));
}

/* The members of one room; the cursor is the serial of the last one told. */
static void who_of_room(struct core *self, const struct asked *asked, uint32_t room, uint64_t after)
{
    const struct members *members = &self->members;
    uint32_t told = 0;
    uint32_t row = 0;

    while ((row = members_next_of_room(members, room, row)) != 0) {
        if (members->row[row].serial <= after)
            continue;
        if (told++ == LIST_PAGE_MAX)
            break;
        tell_person(self, asked, members->row[row].person, room);
        after = members->row[row].serial;
    }
    end_list(self, asked, row != 0 ? after : 0);
}

/* A person's rows, one a membership, or one without a room: those behind the serial *after, which
 * follows. False: the page is full. */
static bool tell_rows(struct core *self, const struct asked *asked, uint32_t person,
                      uint64_t *after, uint32_t *told)
{
    const struct members *members = &self->members;
    uint32_t row = members_next_of_person(members, person, 0);

    if (row == 0 && *after == 0) {
        if (*told == LIST_PAGE_MAX)
            return false;
        tell_person(self, asked, person, 0);
        ++*told;
    }
    for (; row != 0; row = members_next_of_person(members, person, row)) {
        if (members->row[row].serial <= *after)
            continue;
        if (*told == LIST_PAGE_MAX)
            return false;
        tell_person(self, asked, person, members->row[row].room);
        ++*told;
        *after = members->row[row].serial;
    }
    return true;
}

/* Everybody. The cursor is the person's row, and the serial of the last of the person's
 * memberships that is told. */
#define CURSOR_SERIAL_BITS 36

static void who_of_all(struct core *self, const struct asked *asked, uint64_t cursor)
{
    uint64_t person = cursor >> CURSOR_SERIAL_BITS;
    uint64_t after = cursor & ((UINT64_C(1) << CURSOR_SERIAL_BITS) - 1);
    uint32_t told = 0;

    if (person == 0)
        person = 1;
    for (; person <= self->streams.count; person++, after = 0) {
        if (stream_is_room(core_stream(self, (uint32_t)person)))
            continue;
        if (!tell_rows(self, asked, (uint32_t)person, &after, &told)) {
            end_list(self, asked, person << CURSOR_SERIAL_BITS | after);
            return;
        }
    }
    end_list(self, asked, 0);
}

void core_on_who(struct core *self, const struct asked *asked)
{
    const struct message *who = asked->message;
    const uint64_t cursor = message_has(who, HAS_CURSOR) ? who->cursor : 0;

    if (!message_has(who, HAS_STREAM)) {
        who_of_all(self, asked, cursor);
        return;
    }
    const uint32_t room =
        is_room_name(who->stream) ? streams_by_name(&self->streams, who->stream) : 0;
    if (room == 0)
        message_set(core_refuse(self, asked, RC_NO_SUCH_ROOM), STREAM, stream, who->stream);
    else
        who_of_room(self, asked, room, cursor);
}
