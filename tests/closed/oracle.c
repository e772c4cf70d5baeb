/* oracle.c - who is entitled to what, from the log alone, and what the core says held against it. */
#include "tests/closed/oracle.h"

#include "shared/wire/wire.h"

#include <stdarg.h>
#include <string.h>

void closed_fail(struct closed *self, const char *format, ...)
{
    va_list arguments;

    if (self->failure[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(self->failure, sizeof self->failure, format, arguments);
    va_end(arguments);
}

void closed_tell(struct closed *self, const char *format, ...)
{
    va_list arguments;

    if (self->story == NULL)
        return;
    va_start(arguments, format);
    (void)fprintf(self->story, "%8llu  ", (unsigned long long)self->stage.now_ms);
    (void)vfprintf(self->story, format, arguments);
    (void)fputc('\n', self->story);
    va_end(arguments);
}

int oracle_room(struct span name)
{
    return name.len == 6 && memcmp(name.ptr, "#room", 5) == 0 ? name.ptr[5] - '0' : -1;
}

/* Of a nick, or of an @ stream's name. */
int oracle_person(struct span name)
{
    if (name.len > 0 && name.ptr[0] == '@')
        name = (struct span){name.ptr + 1, name.len - 1};
    return name.len == 7 && memcmp(name.ptr, "person", 6) == 0 ? name.ptr[6] - '0' : -1;
}

struct device *oracle_device(struct closed *self, peer_id peer)
{
    const uint32_t which = (peer.v - 1) / CONNECTIONS_PER_DEVICE;

    return peer.v > 0 && which < DEVICES ? &self->device[which] : NULL;
}

/* The place of a stream in self->seal; -1: none of ours. */
static int seal_of(struct span stream)
{
    const int room = oracle_room(stream), person = oracle_person(stream);

    if (room >= 0)
        return room < ROOMS ? room : -1;
    return person >= 0 && person < PEOPLE ? ROOMS + person : -1;
}

/* A key is seen, given or in use: another one when there was a cause for it, else the same as before. */
static void key_seen(struct closed *self, struct span stream, const unsigned char *key,
                     uint32_t epoch)
{
    const int which = seal_of(stream);

    if (which < 0)
        return;
    struct seal *seal = &self->seal[which];
    const bool is_same = memcmp(seal->key, key, STREAM_KEY_BYTES) == 0;
    const char *what = NULL;

    if (seal->is_known && epoch < seal->epoch)
        what = "goes back to an epoch of before";
    else if (seal->is_known && is_same != (epoch == seal->epoch))
        what = "has a key that does not go with its epoch";
    else if (seal->is_known && is_same && seal->is_due)
        what = "should have a new key";
    else if (seal->is_known && !is_same && !seal->is_due)
        what = "has a new key without a cause";
    if (what != NULL)
        closed_fail(self, "%.*s %s", (int)stream.len, stream.ptr, what);
    *seal = (struct seal){.is_known = true, .epoch = epoch};
    memcpy(seal->key, key, STREAM_KEY_BYTES);
}

/* The device is gone for ever: its person's streams have another key from now on. */
static void removed(struct closed *self, struct device *device)
{
    if (device->is_removed)
        return;
    device->is_removed = true;
    self->seal[ROOMS + device->person].is_due = true;
    for (unsigned i = 0; i < ROOMS; i++) {
        if (self->room[i].is_private && (self->room[i].members >> device->person & 1) != 0)
            self->seal[i].is_due = true;
    }
}

void oracle_door(struct closed *self, const struct effect *effect)
{
    const unsigned which = effect->key[0] - 1u;

    if (which >= DEVICES)
        return;
    self->device[which].is_admitted = effect->kind == FX_ADMIT;
    if (effect->kind == FX_EXPEL) /* nobody here is banned from the broker */
        removed(self, &self->device[which]);
}

void oracle_doors(struct closed *self)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (self->device[i].is_removed && self->device[i].is_admitted)
            closed_fail(self, "the removed device %u is let in", i);
    }
}

void oracle_bans(struct closed *self, const struct room *room)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        const bool is_banned = room->banned_until_ms[i] > self->stage.wall_ms;
        const bool is_muted = room->muted_until_ms[i] > self->stage.wall_ms;

        if (is_banned != (self->bans_listed >> i & 1))
            closed_fail(self, "person%u is %sbanned, and BANS says otherwise", i,
                        is_banned ? "" : "not ");
        if (is_muted != (self->mutes_listed >> i & 1))
            closed_fail(self, "person%u is %smuted, and BANS says otherwise", i,
                        is_muted ? "" : "not ");
    }
}

static bool holds(const struct device *device, const unsigned char *key)
{
    for (size_t i = 0; i < device->held_count; i++) {
        if (memcmp(device->held[i].key, key, STREAM_KEY_BYTES) == 0)
            return true;
    }
    return false;
}

static void give(struct closed *self, struct device *device, struct span key)
{
    self->given++;
    if (key.len != STREAM_KEY_BYTES)
        closed_fail(self, "a key of %zu bytes is given", key.len);
    else if (!holds(device, (const unsigned char *)key.ptr) && device->held_count < KEYS_MAX)
        memcpy(device->held[device->held_count++].key, key.ptr, STREAM_KEY_BYTES);
}

void oracle_sealed(struct closed *self, struct span stream, uint64_t seq, const unsigned char *key,
                   uint32_t epoch, unsigned people)
{
    if (key == NULL) {
        closed_fail(self, "%.*s %llu leaves in clear", (int)stream.len, stream.ptr,
                    (unsigned long long)seq);
        return;
    }
    key_seen(self, stream, key, epoch);
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct device *device = &self->device[i];

        if (!holds(device, key))
            continue;
        self->opened++;
        if (device->is_removed)
            closed_fail(self, "a removed device %u can open %.*s %llu", i, (int)stream.len,
                        stream.ptr, (unsigned long long)seq);
        else if ((people >> device->person & 1) == 0)
            closed_fail(self, "person%u can open %.*s %llu", device->person, (int)stream.len,
                        stream.ptr, (unsigned long long)seq);
    }
}

static void put_out(struct room *room, int person)
{
    room->members &= ~(1u << person);
    room->insiders &= ~(1u << person);
}

static uint64_t until_of(const struct message *event)
{
    return message_has(event, HAS_UNTIL) ? event->until : FOR_EVER_MS;
}

/* Somebody's standing changes by an order of somebody else. */
static void follow_order(struct room *room, const struct message *event, int to)
{
    if (span_equal(event->type, SPAN("ban"))) {
        room->banned_until_ms[to] = until_of(event);
        room->invited &= ~(1u << to);
    } else if (span_equal(event->type, SPAN("unban"))) {
        room->banned_until_ms[to] = 0;
    } else if (span_equal(event->type, SPAN("mute"))) {
        room->muted_until_ms[to] = until_of(event);
    } else if (span_equal(event->type, SPAN("unmute"))) {
        room->muted_until_ms[to] = 0;
    }
}

static void follow_mode(struct room *room, const struct message *event, struct seal *seal)
{
    if (span_equal(event->text, SPAN("persistent"))) {
        room->is_persistent = true;
    } else if (span_equal(event->text, SPAN("passing"))) {
        room->is_persistent = false;
    } else if (span_equal(event->text, SPAN("private"))) {
        room->is_private = true;
        seal->is_due = true;
    } else if (span_equal(event->text, SPAN("public")) && room->is_private) {
        room->is_private = false;
        room->insiders = room->members;
        room->open_from = event->seq;
    }
}

/* What the event changes for those behind it. */
static void follow(struct room *room, const struct message *event, struct seal *seal)
{
    const int from = oracle_person(event->from);
    const int to = message_has(event, HAS_TO) ? oracle_person(event->to) : -1;
    const unsigned before = room->members;

    if (span_equal(event->type, SPAN("join"))) {
        room->members |= 1u << from;
        room->invited &= ~(1u << from);
        room->banned_until_ms[from] = 0;
    } else if (span_equal(event->type, SPAN("leave"))) {
        put_out(room, from);
    } else if (span_equal(event->type, SPAN("kick")) || span_equal(event->type, SPAN("ban"))) {
        put_out(room, to);
    }
    if (room->is_private && (before & ~room->members) != 0)
        seal->is_due = true;
    if (to >= 0)
        follow_order(room, event, to);
    if (span_equal(event->type, SPAN("mode")))
        follow_mode(room, event, seal);
}

/* A join, as the room was before it. */
static void check_join(struct closed *self, const struct room *room, const struct message *event)
{
    const int from = oracle_person(event->from);
    const bool is_deserted = room->members == 0 && !room->is_persistent;

    if (self->is_new_room != is_deserted)
        closed_fail(self, "%.*s %llu: the room begins anew, or should", (int)event->stream.len,
                    event->stream.ptr, (unsigned long long)event->seq);
    if (is_deserted)
        return;
    if (room->banned_until_ms[from] > event->ts)
        closed_fail(self, "person%d is banned and joins %.*s", from, (int)event->stream.len,
                    event->stream.ptr);
    if (room->is_private && (room->invited >> from & 1) == 0)
        closed_fail(self, "person%d is not invited and joins %.*s", from, (int)event->stream.len,
                    event->stream.ptr);
}

/* Made, or adopted: everything begins anew, and what was said in private stays closed. */
static void begin_anew(struct closed *self, struct room *room, uint64_t seq, struct seal *seal)
{
    if (room->is_private)
        room->open_from = seq;
    room->is_private = self->is_made_private;
    room->is_persistent = self->is_made_persistent;
    room->insiders = room->invited = 0;
    memset(room->banned_until_ms, 0, sizeof room->banned_until_ms);
    memset(room->muted_until_ms, 0, sizeof room->muted_until_ms);
    seal->is_due = true;
}

/* Each post stands once, and a session's stand in their order. */
static void check_said(struct closed *self, const struct message *event)
{
    if (!span_equal(event->type, SPAN("message")) || message_has(event, HAS_PEER_SEQ) ||
        event->session >= SESSIONS_SEEN_MAX)
        return;
    uint32_t *said = &self->said[event->session];

    if (event->number <= *said)
        closed_fail(self, "%.*s %llu: post %llu of session %llu stands again",
                    (int)event->stream.len, event->stream.ptr, (unsigned long long)event->seq,
                    (unsigned long long)event->number, (unsigned long long)event->session);
    *said = (uint32_t)event->number;
}

static void room_event(struct closed *self, unsigned which, const struct message *event,
                       const unsigned char *key, uint32_t epoch)
{
    struct room *room = &self->room[which];
    struct seal *seal = &self->seal[which];
    const bool is_join = span_equal(event->type, SPAN("join"));
    const int from = oracle_person(event->from);
    const unsigned allowed = room->members | (is_join ? 1u << from : 0);

    if (event->seq != room->head + 1 || event->seq >= EVENTS_MAX)
        closed_fail(self, "%.*s %llu comes behind %llu", (int)event->stream.len, event->stream.ptr,
                    (unsigned long long)event->seq, (unsigned long long)room->head);
    if (self->failure[0] != '\0')
        return;
    if (is_join)
        check_join(self, room, event);
    if (is_join && self->is_new_room)
        begin_anew(self, room, event->seq, seal);
    if (span_equal(event->type, SPAN("message")) && (room->members >> from & 1) == 0)
        closed_fail(self, "%.*s %llu is said by person%d, who is outside", (int)event->stream.len,
                    event->stream.ptr, (unsigned long long)event->seq, from);
    room->head = event->seq;
    /* Of several modes that change at once, each event leaves as all of them did before; who may read them is
     * everybody whom the room is open to then. */
    const bool is_mode = span_equal(event->type, SPAN("mode"));
    room->was_private[event->seq] = room->is_private && !is_mode;
    if (room->was_private[event->seq])
        oracle_sealed(self, event->stream, event->seq, key, epoch, allowed);
    else if (key != NULL && !is_mode)
        closed_fail(self, "%.*s %llu is public and sealed", (int)event->stream.len,
                    event->stream.ptr, (unsigned long long)event->seq);
    follow(room, event, seal);
}

static void person_event(struct closed *self, const struct message *event, const unsigned char *key,
                         uint32_t epoch)
{
    const int person = oracle_person(event->stream);
    const int room = message_has(event, HAS_ROOM) ? oracle_room(event->room) : -1;

    oracle_sealed(self, event->stream, event->seq, key, epoch, 1u << person);
    if (span_equal(event->type, SPAN("invite")) && room >= 0 &&
        (self->room[room].members >> person & 1) == 0)
        self->room[room].invited |= 1u << person;
}

void oracle_published(struct closed *self, const struct effect *effect)
{
    struct wire_reader reader = wire_reader_over(effect->wire, TO_EVERYBODY);
    struct message event;

    if (wire_read(&reader, &event) != RC_OK) {
        closed_fail(self, "an event cannot be read");
        return;
    }
    self->published++;
    closed_tell(self, "published %.*s %llu %.*s by %.*s, epoch %u%s", (int)event.stream.len,
                event.stream.ptr, (unsigned long long)event.seq, (int)event.type.len,
                event.type.ptr, (int)event.from.len, event.from.ptr, effect->epoch,
                effect->seal_key == NULL ? ", in clear" : "");
    const int room = oracle_room(event.stream);
    check_said(self, &event);
    if (room >= 0)
        room_event(self, (unsigned)room, &event, effect->seal_key, effect->epoch);
    else
        person_event(self, &event, effect->seal_key, effect->epoch);
}

/* A key goes only to who may read at this moment. */
static void key_given(struct closed *self, struct device *device, const struct message *message)
{
    const int room = oracle_room(message->stream);
    const unsigned person = device->person;

    if (device->is_removed)
        closed_fail(self, "a removed device of person%u is given a key", person);
    if (room >= 0 && (self->room[room].members >> person & 1) == 0)
        closed_fail(self, "person%u is given the key of #room%d", person, room);
    if (room < 0 && oracle_person(message->stream) != (int)person)
        closed_fail(self, "person%u is given the key of %.*s", person, (int)message->stream.len,
                    message->stream.ptr);
    give(self, device, message->key);
    if (message->key.len == STREAM_KEY_BYTES)
        key_seen(self, message->stream, (const unsigned char *)message->key.ptr,
                 (uint32_t)message->epoch);
}

/* Where a room's past begins for who asks: behind what was said in private before they came. */
static void gone(struct closed *self, const struct device *device, const struct message *message)
{
    const int which = oracle_room(message->stream);
    const struct room *room = &self->room[which < 0 ? 0 : which];

    if (which < 0 || (room->insiders >> device->person & 1) != 0 ||
        message->first != room->open_from)
        closed_fail(self, "person%u is told that %.*s begins at %llu", device->person,
                    (int)message->stream.len, message->stream.ptr,
                    (unsigned long long)message->first);
}

static void banned(struct closed *self, const struct message *message)
{
    const int person = oracle_person(message->nick);
    const unsigned bit = person < 0 ? 0 : 1u << person;

    if (message_has(message, HAS_REF) && message->ref == self->bans_ref) {
        self->bans_listed |= span_equal(message->state, SPAN("ban")) ? bit : 0;
        self->mutes_listed |= span_equal(message->state, SPAN("mute")) ? bit : 0;
    }
}

static void on_answer(struct closed *self, struct device *device, const struct message *message)
{
    const unsigned which = (unsigned)(device - self->device);

    switch (message->verb) {
    case VERB_WELCOME:
        if (device->is_removed)
            closed_fail(self, "a removed device of person%u is welcome", device->person);
        device->is_welcome = device->is_bound = true;
        device->next = (uint32_t)message->next;
        break;
    case VERB_INVITATION:
        memcpy(self->device[which ^ 1].invite, message->invite.ptr, INVITE_BYTES);
        self->device[which ^ 1].has_invite = true;
        break;
    case VERB_DONE:
        if (message_has(message, HAS_REF) && self->revoke_ref[which ^ 1] == message->ref)
            removed(self, &self->device[which ^ 1]);
        break;
    case VERB_ACK:
        if (message->number == device->outsider_number)
            closed_fail(self, "person%u is outside and may post", device->person);
        if (message->number == device->muted_number)
            closed_fail(self, "person%u is muted and may post", device->person);
        device->next = (uint32_t)message->number + 1;
        break;
    case VERB_BANNED:
        banned(self, message);
        break;
    case VERB_EXPECT:
        device->next = (uint32_t)message->next;
        break;
    case VERB_ERROR:
        self->refused++;
        if (message_has(message, HAS_NUMBER) && !message_has(message, HAS_RETRY))
            device->next = (uint32_t)message->number + 1;
        if (message->code == RC_HELLO_FIRST || message->code == RC_REVOKED)
            device->is_welcome = false;
        break;
    default:
        break;
    }
}

void oracle_replied(struct closed *self, const struct effect *effect)
{
    struct device *device = oracle_device(self, effect->peer);
    const struct message *message = &effect->message;

    closed_tell(self, "peer %u is told %s %.*s %s", effect->peer.v, verb_row(message->verb)->name,
                message_has(message, HAS_STREAM) ? (int)message->stream.len : 0,
                message_has(message, HAS_STREAM) ? message->stream.ptr : "",
                message->verb == VERB_ERROR ? rc_name((enum rc)message->code) : "");
    if (device == NULL)
        return;
    if (message->verb == VERB_GONE)
        gone(self, device, message);
    if (device->peer.v == effect->peer.v) /* else an older connection of it */
        on_answer(self, device, message);
    if (message_has(message, HAS_KEY | HAS_STREAM) && message->verb != VERB_DEVICE &&
        message->verb != VERB_BANNED && message->verb != VERB_SESSION)
        key_given(self, device, message);
}

/* What was asked when the person was inside is read up to that moment, however late. */
void oracle_fetched(struct closed *self, const struct pending_read *read,
                    const struct message *event)
{
    const int room = oracle_room(event->stream);
    const struct room *of = room >= 0 ? &self->room[room] : NULL;

    self->fetched++;
    if (of == NULL) {
        if (oracle_person(event->stream) != (int)read->person)
            closed_fail(self, "person%u reads %.*s", read->person, (int)event->stream.len,
                        event->stream.ptr);
        return;
    }
    if (event->seq >= EVENTS_MAX || event->seq > of->head || !of->was_private[event->seq])
        return;
    if (!read->was_member)
        closed_fail(self, "person%u is outside and reads #room%d %llu", read->person, room,
                    (unsigned long long)event->seq);
    else if (event->seq > read->head)
        closed_fail(self, "person%u asked at %llu and reads #room%d %llu", read->person,
                    (unsigned long long)read->head, room, (unsigned long long)event->seq);
    else if (event->seq < read->open_from && !read->was_insider)
        closed_fail(self, "person%u came later and reads #room%d %llu", read->person, room,
                    (unsigned long long)event->seq);
}
