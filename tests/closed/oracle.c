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

/* Nobody but the live devices of these people can open what leaves under this key. */
void oracle_sealed(struct closed *self, struct span stream, uint64_t seq, const unsigned char *key,
                   unsigned people)
{
    if (key == NULL) {
        closed_fail(self, "%.*s %llu leaves in clear", (int)stream.len, stream.ptr,
                    (unsigned long long)seq);
        return;
    }
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

/* What the event changes for those behind it. */
static void follow(struct room *room, const struct message *event)
{
    const int from = oracle_person(event->from);
    const int to = message_has(event, HAS_TO) ? oracle_person(event->to) : -1;

    if (span_equal(event->type, SPAN("join")))
        room->members |= 1u << from;
    else if (span_equal(event->type, SPAN("leave")))
        put_out(room, from);
    else if (span_equal(event->type, SPAN("kick")) || span_equal(event->type, SPAN("ban")))
        put_out(room, to);
    if (!span_equal(event->type, SPAN("mode")))
        return;
    if (span_equal(event->text, SPAN("private"))) {
        room->is_private = true;
    } else if (span_equal(event->text, SPAN("public")) && room->is_private) {
        room->is_private = false;
        room->insiders = room->members;
        room->open_from = event->seq;
    }
}

static void room_event(struct closed *self, struct room *room, const struct message *event,
                       const unsigned char *key)
{
    const bool is_join = span_equal(event->type, SPAN("join"));
    const int from = oracle_person(event->from);
    const unsigned allowed = room->members | (is_join ? 1u << from : 0);

    if (event->seq != room->head + 1 || event->seq >= EVENTS_MAX)
        closed_fail(self, "%.*s %llu comes behind %llu", (int)event->stream.len, event->stream.ptr,
                    (unsigned long long)event->seq, (unsigned long long)room->head);
    if (self->failure[0] != '\0')
        return;
    if (is_join && self->is_new_room) { /* made, or adopted: everything begins anew */
        room->is_private = self->is_made_private;
        room->insiders = 0;
        room->open_from = event->seq;
    }
    room->head = event->seq;
    /* Of several modes that change at once, each event leaves as all of them did before; who may read them is
     * everybody whom the room is open to then. */
    const bool is_mode = span_equal(event->type, SPAN("mode"));
    room->was_private[event->seq] = room->is_private && !is_mode;
    if (room->was_private[event->seq])
        oracle_sealed(self, event->stream, event->seq, key, allowed);
    else if (key != NULL && !is_mode)
        closed_fail(self, "%.*s %llu is public and sealed", (int)event->stream.len,
                    event->stream.ptr, (unsigned long long)event->seq);
    follow(room, event);
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
    if (room >= 0)
        room_event(self, &self->room[room], &event, effect->seal_key);
    else
        oracle_sealed(self, event.stream, event.seq, effect->seal_key,
                      1u << oracle_person(event.stream));
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
            self->device[which ^ 1].is_removed = true;
        break;
    case VERB_ACK:
        if (message->number == device->outsider_number)
            closed_fail(self, "person%u is outside and may post", device->person);
        device->next = (uint32_t)message->number + 1;
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
