#include "tests/fuzz/broker_shadow.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <stdlib.h>

static struct span copy_of(struct span bytes)
{
    return (struct span){x_spandup(bytes), bytes.len};
}

void shadow_fini(struct shadow *self)
{
    for (size_t i = 0; i < self->streams; i++)
        free((char *)(uintptr_t)self->stream[i].name.ptr);
    for (size_t i = 0; i < self->events; i++)
        free((char *)(uintptr_t)self->event[i].wire.ptr);
    for (size_t i = 0; i < SHADOW_PEERS_MAX; i++)
        self->peer[i].was_welcomed = false;
    self->streams = self->events = self->told = 0;
}

bool shadow_is_full(const struct shadow *self)
{
    return self->events + OP_APPENDED_MAX * 2 > SHADOW_EVENTS_MAX ||
           self->streams + 2 > SHADOW_STREAMS_MAX;
}

void shadow_connected(struct shadow *self, peer_id peer, unsigned char key)
{
    INVARIANT(peer.v < SHADOW_PEERS_MAX);
    self->peer[peer.v] = (struct shadow_peer){.key = key};
}

static struct shadow_stream *find_stream(const struct shadow *self, struct span name)
{
    for (size_t i = 0; i < self->streams; i++) {
        if (span_equal(self->stream[i].name, name))
            return (struct shadow_stream *)(uintptr_t)&self->stream[i];
    }
    return NULL;
}

static struct shadow_stream *find_or_add(struct shadow *self, struct span name, stream_id id)
{
    struct shadow_stream *stream = find_stream(self, name);

    if (stream == NULL) {
        for (size_t i = 0; i < self->streams; i++)
            INVARIANT(!stream_equal(self->stream[i].id, id)); /* an id has one name */
        INVARIANT(self->streams < SHADOW_STREAMS_MAX);
        stream = &self->stream[self->streams++];
        *stream = (struct shadow_stream){.name = copy_of(name), .id = id};
    }
    INVARIANT(stream_equal(stream->id, id));
    return stream;
}

/* NULL: the core has not heard of such an event. */
static const struct shadow_event *find_told(const struct shadow *self, struct span name,
                                            uint64_t seq)
{
    const struct shadow_stream *stream = find_stream(self, name);

    for (size_t i = self->told; stream != NULL && i-- > 0;) {
        const struct shadow_event *event = &self->event[i];

        if (&self->stream[event->stream] == stream && event->seq == seq)
            return event;
    }
    return NULL;
}

static uint64_t told_head(const struct shadow *self, struct span name)
{
    const struct shadow_stream *stream = find_stream(self, name);

    for (size_t i = self->told; stream != NULL && i-- > 0;) {
        if (&self->stream[self->event[i].stream] == stream)
            return self->event[i].seq;
    }
    return 0;
}

static void read_event(struct span wire, struct message *ret)
{
    struct wire_reader reader = wire_reader_over(wire, TO_EVERYBODY | TO_CLIENT);
    struct message more;
    const enum rc rc = wire_read(&reader, ret);

    INVARIANT(rc == RC_OK && ret->verb == VERB_EVENT);
    const enum rc end = wire_read(&reader, &more);
    INVARIANT(end == RC_END);
}

static void set_member(struct shadow_room *room, struct span nick, bool is_in)
{
    size_t at = 0;

    while (at < room->members && !span_equal(span_of(room->member[at]), nick))
        at++;
    if (is_in && at == room->members) {
        INVARIANT(room->members < SHADOW_MEMBERS_MAX && nick.len <= NAME_BYTES_MAX);
        memcpy(room->member[room->members], nick.ptr, nick.len);
        room->member[room->members++][nick.len] = '\0';
    } else if (!is_in && at < room->members) {
        memcpy(room->member[at], room->member[--room->members], sizeof room->member[at]);
    }
}

/* What a result says of rooms: their modes, and by its events who came and went. */
static void note_rooms(struct shadow *self, const struct op_result *result, bool is_told)
{
    for (size_t i = 0; i < result->appended_count; i++) {
        struct shadow_stream *stream;
        struct message event;

        read_event(result->appended[i].wire, &event);
        stream = find_stream(self, event.stream);
        struct shadow_room *room = is_told ? &stream->told : &stream->committed;

        room->modes_before = room->modes;
        if (span_equal(event.type, SPAN("join")))
            set_member(room, event.from, true);
        else if (span_equal(event.type, SPAN("leave")))
            set_member(room, event.from, false);
        else if (span_equal(event.type, SPAN("kick")) || span_equal(event.type, SPAN("ban")))
            set_member(room, event.to, false);
    }
    for (size_t i = 0; i < self->streams && result->rc == RC_OK; i++) {
        struct shadow_stream *stream = &self->stream[i];
        struct shadow_room *room = is_told ? &stream->told : &stream->committed;

        if (stream_equal(stream->id, result->stream) &&
            (result->kind == OP_JOIN || result->kind == OP_ROOM))
            room->modes = result->modes;
    }
}

void shadow_committed(struct shadow *self, const struct op_result *result)
{
    INVARIANT(result->appended_count <= OP_APPENDED_MAX);
    for (size_t i = 0; i < result->appended_count; i++) {
        const struct appended *appended = &result->appended[i];
        struct message event;

        read_event(appended->wire, &event);
        struct shadow_stream *stream = find_or_add(self, event.stream, appended->stream);
        INVARIANT(event.seq == appended->seq && event.ts == appended->ts_ms);
        INVARIANT(event.seq == stream->head + 1); /* no hole, no repeat */
        INVARIANT(event.ts >= stream->ts);
        stream->head = event.seq;
        stream->ts = event.ts;
        INVARIANT(self->events < SHADOW_EVENTS_MAX);
        self->event[self->events++] =
            (struct shadow_event){.stream = (unsigned)(stream - self->stream),
                                  .seq = event.seq,
                                  .session = event.session,
                                  .number = (uint32_t)event.number,
                                  .wire = copy_of(appended->wire)};
        INVARIANT(event.from.len <= NAME_BYTES_MAX);
        memcpy(self->event[self->events - 1].from, event.from.ptr, event.from.len);
    }
    note_rooms(self, result, false);
}

void shadow_told(struct shadow *self, const struct op_result *result)
{
    self->told += result->appended_count;
    INVARIANT(self->told <= self->events);
    note_rooms(self, result, true);
}

void shadow_restarted(struct shadow *self)
{
    self->told = self->events;
    for (size_t i = 0; i < self->streams; i++)
        self->stream[i].told = self->stream[i].committed;
}

static bool is_private(struct span name)
{
    return name.len > 0 && name.ptr[0] == '@';
}

static bool is_own(const struct shadow_peer *peer, struct span stream)
{
    return peer->was_welcomed && stream.len > 1 &&
           span_equal((struct span){stream.ptr + 1, stream.len - 1}, span_of(peer->nick));
}

/* A stream that this peer may read (protocol R-35). */
static bool may_read(const struct shadow *self, const struct shadow_peer *peer, struct span name)
{
    const struct shadow_stream *stream = find_stream(self, name);
    bool is_member = false;

    if (is_private(name))
        return is_own(peer, name);
    if (stream == NULL || (stream->told.modes & ROOM_PRIVATE) == 0)
        return true;
    for (size_t i = 0; i < stream->told.members; i++)
        is_member = is_member || strcmp(stream->told.member[i], peer->nick) == 0;
    return is_member;
}

/* Private before and behind the step: then nothing of it may leave in clear. */
static bool is_sealed(const struct shadow *self, struct span name)
{
    const struct shadow_stream *stream = find_stream(self, name);

    return is_private(name) ||
           (stream != NULL && (stream->told.modes & stream->told.modes_before & ROOM_PRIVATE) != 0);
}

/* Another key is this person's only by an invitation that one of their devices was given. */
static bool may_have_devices(const struct shadow *self, const char *nick)
{
    bool has_invited = false;

    for (size_t i = 0; i < SHADOW_PEERS_MAX && !has_invited; i++)
        has_invited = self->peer[i].has_invited_device && strcmp(self->peer[i].nick, nick) == 0;
    return has_invited;
}

/* A session that has said something belongs to one person (protocol R-16), and a key to one. */
static void check_welcome(struct shadow *self, struct shadow_peer *peer,
                          const struct message *welcome)
{
    INVARIANT(welcome->session != 0 && welcome->next >= 1);
    INVARIANT(welcome->nick.len > 0 && welcome->nick.len <= NAME_BYTES_MAX);
    peer->was_welcomed = true;
    peer->session = welcome->session;
    memcpy(peer->nick, welcome->nick.ptr, welcome->nick.len);
    peer->nick[welcome->nick.len] = '\0';
    INVARIANT(welcome->stream.ptr[0] == '@' && is_own(peer, welcome->stream));
    INVARIANT(welcome->seq <= told_head(self, welcome->stream));
    INVARIANT(welcome->confirmed <= welcome->seq);
    for (size_t i = 0; i < self->told; i++) {
        const struct shadow_event *event = &self->event[i];

        INVARIANT(event->session != welcome->session || strcmp(event->from, peer->nick) == 0);
    }
    for (size_t i = 0; i < SHADOW_PEERS_MAX && peer->key != 0; i++) {
        const struct shadow_peer *other = &self->peer[i];

        if (!other->was_welcomed || other->key == 0)
            continue;
        const bool is_same_person = strcmp(other->nick, peer->nick) == 0;

        INVARIANT(is_same_person || other->key != peer->key);
        INVARIANT(!is_same_person || other->key == peer->key || may_have_devices(self, peer->nick));
    }
}

/* Acknowledged means stored, there, and the same post (protocol ). */
static void check_ack(const struct shadow *self, const struct shadow_peer *peer,
                      const struct message *ack)
{
    const struct shadow_event *event = find_told(self, ack->stream, ack->seq);

    INVARIANT(event != NULL);
    INVARIANT(event->session == peer->session && event->number == ack->number);
    if (message_has(ack, HAS_OWN_SEQ) && ack->own_seq != 0) {
        char own[NAME_BYTES_MAX + 2];

        snprintf(own, sizeof own, "@%s", peer->nick);
        event = find_told(self, span_of(own), ack->own_seq);
        INVARIANT(event != NULL);
        INVARIANT(event->session == peer->session && event->number == ack->number);
    }
}

static void check_reply(struct shadow *self, const struct effect *effect)
{
    const struct message *message = &effect->message;
    const struct verb_row *row = verb_row(message->verb);
    struct shadow_peer *peer = &self->peer[effect->peer.v];

    INVARIANT(effect->peer.v != 0 && effect->peer.v < SHADOW_PEERS_MAX);
    INVARIANT(row != NULL && (row->directions & TO_CLIENT) != 0);
    INVARIANT((row->needed & ~message->has) == 0);
    switch (message->verb) {
    case VERB_ERROR:
        INVARIANT(message->code != 0 && rc_is_wire((enum rc)message->code));
        return;
    case VERB_WELCOME:
        check_welcome(self, peer, message);
        return;
    case VERB_ACK:
        check_ack(self, peer, message);
        break;
    case VERB_INVITATION:
        if (message_has(message, HAS_NICK) && span_equal(message->nick, span_of(peer->nick)))
            peer->has_invited_device = true;
        break;
    case VERB_PONG:
    case VERB_EVENT:
    case VERB_EVENTS:
    case VERB_GONE:
    case VERB_HEAD:
        INVARIANT(may_read(self, peer, message->stream));
        if (message_has(message, HAS_SEQ))
            INVARIANT(message->seq <= told_head(self, message->stream));
        if (message_has(message, HAS_SEQ | HAS_CONFIRMED))
            INVARIANT(message->confirmed <= message->seq);
        break;
    default:
        break;
    }
    INVARIANT(peer->was_welcomed); /* nobody else is told anything (protocol R-17) */
}

/* Nothing is searched but what this peer may read (protocol R-51), each stream once. */
static void check_scope(const struct shadow *self, const struct shadow_peer *peer,
                        const struct effect *effect)
{
    INVARIANT(effect->search.scope_count > 0 && effect->search.count <= LIST_PAGE_MAX);
    INVARIANT(effect->search.text.len <= SEARCH_BYTES_MAX);
    for (size_t i = 0; i < effect->search.scope_count; i++) {
        const struct scope *scope = &effect->search.scope[i];
        size_t found = 0;

        for (size_t at = 0; at < self->streams; at++) {
            const struct shadow_stream *stream = &self->stream[at];

            if (!stream_equal(stream->id, scope->stream))
                continue;
            found++;
            INVARIANT(may_read(self, peer, stream->name));
            INVARIANT(scope->first >= 1 && scope->first <= scope->last);
            INVARIANT(scope->last <= told_head(self, stream->name));
            INVARIANT(effect->name.len == 0 || span_equal(effect->name, stream->name));
        }
        INVARIANT(found == 1);
        for (size_t other = 0; other < i; other++)
            INVARIANT(!stream_equal(effect->search.scope[other].stream, scope->stream));
    }
}

static void check_announce(const struct shadow *self, const struct effect *effect)
{
    const struct message *message = &effect->message;

    INVARIANT((verb_row(message->verb)->directions & TO_EVERYBODY) != 0);
    INVARIANT((verb_row(message->verb)->needed & ~message->has) == 0);
    if (effect->name.ptr[0] == '~') {
        INVARIANT(message->verb == VERB_PROBE);
        return;
    }
    INVARIANT(message->verb == VERB_HEAD && span_equal(message->stream, effect->name));
    INVARIANT(message_has(message, HAS_SEQ));
    INVARIANT(message->seq <= told_head(self, effect->name));
}

void shadow_check(struct shadow *self, const struct effect *effect)
{
    const struct shadow_event *event;

    switch (effect->kind) {
    case FX_REPLY:
    case FX_FIGURES:
        check_reply(self, effect);
        return;
    case FX_STORE:
        return;
    case FX_PUBLISH: /* what is stored, byte for byte, and sealed when it is private */
        event = find_told(self, effect->name, effect->seq);
        INVARIANT(event != NULL && span_equal(event->wire, effect->wire));
        INVARIANT(!is_sealed(self, effect->name) || effect->seal_key != NULL);
        return;
    case FX_ANNOUNCE:
        INVARIANT(effect->name.len > 0 && effect->name.len < TOPIC_BYTES_MAX);
        check_announce(self, effect);
        return;
    case FX_READ:
        INVARIANT(effect->peer.v != 0 && effect->peer.v < SHADOW_PEERS_MAX);
        INVARIANT(self->peer[effect->peer.v].was_welcomed);
        INVARIANT(may_read(self, &self->peer[effect->peer.v], effect->name));
        INVARIANT(effect->read.credit >= 1 && effect->read.credit <= FETCH_CREDIT_MAX);
        return;
    case FX_SEARCH:
        INVARIANT(effect->peer.v != 0 && effect->peer.v < SHADOW_PEERS_MAX);
        INVARIANT(self->peer[effect->peer.v].was_welcomed);
        check_scope(self, &self->peer[effect->peer.v], effect);
        return;
    case FX_REPUBLISH:
        INVARIANT(is_private(effect->name) && effect->seal_key != NULL);
        INVARIANT(effect->read.last <= told_head(self, effect->name));
        return;
    default:
        return;
    }
}

void shadow_check_page(const struct shadow *self, struct span name, struct span wire)
{
    struct wire_reader reader = wire_reader_over(wire, TO_EVERYBODY | TO_CLIENT);
    const struct shadow_stream *stream = find_stream(self, name);
    struct message event;
    uint64_t last = 0;
    enum rc rc;

    while (wire.len > 0 && (rc = wire_read(&reader, &event)) != RC_END) {
        INVARIANT(rc == RC_OK && event.verb == VERB_EVENT && stream != NULL);
        INVARIANT(span_equal(event.stream, name));
        INVARIANT(event.seq <= stream->head && (last == 0 || event.seq == last + 1));
        last = event.seq;
    }
}
