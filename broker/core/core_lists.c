/* core_lists.c - ROOMS, WHO and BANS (protocol 7.3, 7.6). */
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"

void core_end_list(struct core *self, const struct asked *asked, uint64_t cursor)
{
    struct message *end = core_answer(self, asked, VERB_END);

    if (cursor != 0)
        message_set(end, CURSOR, cursor, cursor);
}

/* Private rooms are their members' business. */
static bool is_shown(const struct core *self, const struct asked *asked, uint32_t room)
{
    return !stream_is_sealed(&self->streams.row[room]) ||
           members_has(&self->members, room, asked->person);
}

static void tell_room(struct core *self, const struct asked *asked, uint32_t row)
{
    const struct stream *room = core_stream(self, row);
    struct message *reply = core_answer(self, asked, VERB_ROOM);

    message_set(reply, STREAM, stream, stream_name(room));
    message_set(reply, SEQ, seq, room->head);
    message_set(reply, PEOPLE, people, self->members.tally[row].members);
    message_set(reply, MEMBER, member, members_has(&self->members, row, asked->person));
    core_tell_modes(self, reply, row, asked->person);
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
    core_end_list(self, asked, row != 0 ? after : 0);
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
        if (!stream_is_room(core_stream(self, (uint32_t)row)) ||
            !is_shown(self, asked, (uint32_t)row))
            continue;
        tell_room(self, asked, (uint32_t)row);
        told++;
    }
    core_end_list(self, asked, row <= self->streams.count ? row : 0);
}

/* Presence makes no events: it is looked at when somebody asks, so a flapping link is nobody's news. */
static struct span presence(const struct stream *person, struct far_person far, uint64_t now_ms)
{
    const bool is_heard = person->devices > 0 && person->heard_ms + SILENT_MS > now_ms;

    if (person->devices + far.devices == 0)
        return SPAN("gone");
    if (!is_heard && far.silent == far.devices)
        return SPAN("silent");
    return person->away + far.away == person->devices + far.devices ? SPAN("away") : SPAN("online");
}

static void tell_person(struct core *self, const struct asked *asked, uint32_t person,
                        uint32_t room)
{
    const struct stream *stream = core_stream(self, person);
    const struct far_person far = elsewhere_person(&self->elsewhere, person);
    struct message *reply = core_answer(self, asked, VERB_PERSON);

    message_set(reply, NICK, nick, core_nick(self, person));
    message_set(reply, STATE, state, presence(stream, far, self->now_ms));
    message_set(reply, DEVICES, devices, stream->devices + far.devices);
    if (stream->role != ROLE_MEMBER)
        message_set(reply, ROLE, role, core_role_name(stream->role));
    if (room == 0)
        return;
    message_set(reply, STREAM, stream, stream_name(core_stream(self, room)));
    if ((members_standing(&self->members, room, person)->flags & STAND_OP) != 0)
        message_set(reply, OP, op, true);
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
    core_end_list(self, asked, row != 0 ? after : 0);
}

/* The person's next membership that the asker may know of. */
static uint32_t next_shown(const struct core *self, const struct asked *asked, uint32_t person,
                           uint32_t row)
{
    const struct members *members = &self->members;

    do
        row = members_next_of_person(members, person, row);
    while (row != 0 && !is_shown(self, asked, members->row[row].room));
    return row;
}

/* A person's rows, one a membership, or one without a room: those behind the serial *after, which
 * follows. False: the page is full. */
static bool tell_rows(struct core *self, const struct asked *asked, uint32_t person,
                      uint64_t *after, uint32_t *told)
{
    const struct members *members = &self->members;
    uint32_t row = next_shown(self, asked, person, 0);

    if (row == 0 && *after == 0) {
        if (*told == LIST_PAGE_MAX)
            return false;
        tell_person(self, asked, person, 0);
        ++*told;
    }
    for (; row != 0; row = next_shown(self, asked, person, row)) {
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
            core_end_list(self, asked, person << CURSOR_SERIAL_BITS | after);
            return;
        }
    }
    core_end_list(self, asked, 0);
}

void core_on_who(struct core *self, const struct asked *asked)
{
    const struct message *who = asked->message;
    const uint64_t cursor = message_has(who, HAS_CURSOR) ? who->cursor : 0;

    if (!message_has(who, HAS_STREAM)) {
        who_of_all(self, asked, cursor);
        return;
    }
    if (asked->stream == 0 || !stream_is_room(core_stream(self, asked->stream)))
        core_refuse_about(self, asked, RC_NO_SUCH_ROOM);
    else if (!is_shown(self, asked, asked->stream))
        core_refuse_about(self, asked, RC_PRIVATE);
    else
        who_of_room(self, asked, asked->stream, cursor);
}

/* --- BANS ----------------------------------------------------------------------------- */

static void tell_until(struct message *reply, uint64_t until_ms)
{
    if (until_ms < FOR_EVER_MS)
        message_set(reply, UNTIL, until, until_ms);
}

static struct message *banned(struct core *self, const struct asked *asked, struct span state)
{
    struct message *reply = core_answer(self, asked, VERB_BANNED);

    message_set(reply, STATE, state, state);
    if (asked->stream != 0)
        message_set(reply, STREAM, stream, stream_name(core_stream(self, asked->stream)));
    return reply;
}

static uint32_t tell_ban(struct core *self, const struct asked *asked, struct span state,
                         uint32_t person, uint64_t until_ms)
{
    if (until_ms <= self->wall_ms)
        return 0;
    struct message *reply = banned(self, asked, state);
    message_set(reply, NICK, nick, core_nick(self, person));
    tell_until(reply, until_ms);
    return 1;
}

static uint32_t tell_standing(struct core *self, const struct asked *asked,
                              const struct membership *row)
{
    const struct standing *standing = &row->standing;
    uint32_t told = tell_ban(self, asked, SPAN("ban"), row->person, standing->banned_until_ms) +
                    tell_ban(self, asked, SPAN("mute"), row->person, standing->muted_until_ms);

    if ((standing->flags & (STAND_MEMBER | STAND_INVITED)) == STAND_INVITED) {
        struct message *reply = banned(self, asked, SPAN("invite"));

        message_set(reply, NICK, nick, core_nick(self, row->person));
        told++;
    }
    return told;
}

/* The cursor is the serial of the last standing told, or a person's row; then, with this bit, the row of
 * the last key. */
#define CURSOR_KEYS (UINT64_C(1) << 40)

/* At most this many answers for one row. */
#define STANDING_ROWS 3

static bool bans_of_room(struct core *self, const struct asked *asked, uint64_t *cursor,
                         uint32_t *told)
{
    const struct members *members = &self->members;
    uint32_t row = 0;

    while ((row = members_next_standing(members, asked->stream, row)) != 0) {
        if (members->row[row].serial <= *cursor)
            continue;
        if (*told + STANDING_ROWS > LIST_PAGE_MAX)
            return false;
        *told += tell_standing(self, asked, &members->row[row]);
        *cursor = members->row[row].serial;
    }
    return true;
}

static bool bans_of_broker(struct core *self, const struct asked *asked, uint64_t *cursor,
                           uint32_t *told)
{
    while (*cursor < self->streams.count) {
        if (*told == LIST_PAGE_MAX)
            return false;
        const uint32_t row = (uint32_t)++ * cursor;
        *told += tell_ban(self, asked, SPAN("ban"), row, core_stream(self, row)->banned_until_ms);
    }
    return true;
}

static bool bans_of_keys(struct core *self, const struct asked *asked, uint64_t *cursor,
                         uint32_t *told)
{
    for (uint64_t row = (*cursor & ~CURSOR_KEYS) + 1; row <= self->keybans.rows_max; row++) {
        const struct keyban *ban = &self->keybans.row[row];

        if (ban->room != asked->stream || ban->until_ms <= self->wall_ms)
            continue;
        if (*told == LIST_PAGE_MAX)
            return false;
        struct message *reply = banned(self, asked, SPAN("ban"));
        message_set(reply, KEY, key, core_key(ban->key));
        tell_until(reply, ban->until_ms);
        ++*told;
        *cursor = CURSOR_KEYS | row;
    }
    return true;
}

void core_on_bans(struct core *self, const struct asked *asked)
{
    uint64_t cursor = message_has(asked->message, HAS_CURSOR) ? asked->message->cursor : 0;
    uint32_t told = 0;
    bool is_all = true;

    if ((cursor & CURSOR_KEYS) == 0) {
        is_all = asked->stream != 0 ? bans_of_room(self, asked, &cursor, &told)
                                    : bans_of_broker(self, asked, &cursor, &told);
        if (is_all)
            cursor = CURSOR_KEYS;
    }
    if (is_all)
        is_all = bans_of_keys(self, asked, &cursor, &told);
    core_end_list(self, asked, is_all ? 0 : cursor);
}
