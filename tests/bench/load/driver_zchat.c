/* driver_zchat.c - our own protocol: HELLO, JOIN, POST and ACK, PING, CONFIRM, FETCH. */
#include "tests/bench/load/load.h"

#include "shared/wire/wire.h"
#include "tests/bench/load/measure.h"

#include <inttypes.h>
#include <sodium.h>

#define TICK_US     3000000
#define JOINS       32 /* at a time: the broker takes 64 questions of one connection */
#define SCRAP_BYTES 32768

static void say(struct user *user, const struct message *message)
{
    static char bytes[SCRAP_BYTES];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof(bytes)};

    if (wire_write(&buf, message) != RC_OK)
        load_die("a message does not fit");
    load_send(user, &user->talk, (struct span){bytes, buf.len});
}

static struct span room_name(uint32_t room, char buffer[static 32])
{
    return load_format(buffer, 32, "#room%u", room);
}

static struct span person_name(uint32_t index, char buffer[static 32])
{
    return load_format(buffer, 32, "@user%u", index);
}

static void subscribe(struct user *user, struct span topic, bool is_whole)
{
    char bytes[64] = {1};

    memcpy(bytes + 1, topic.ptr, topic.len + 1);
    load_send(user, &user->hear, (struct span){bytes, 1 + topic.len + is_whole});
}

static void enter(struct user *user)
{
    struct message hello = {.verb = VERB_HELLO};
    char name[32];

    randombytes_buf(&user->session, sizeof(user->session));
    user->session |= 1;
    message_set(&hello, LOW, low, 1);
    message_set(&hello, HIGH, high, 1);
    message_set(&hello, NICK, nick, load_format(name, sizeof(name), "user%u", user->index));
    message_set(&hello, SESSION, session, user->session);
    if (load.is_private)
        message_set(&hello, INBOX, inbox, true);
    say(user, &hello);
    if (load.is_private)
        subscribe(user, person_name(user->index, name), true);
    else if (load.rooms > 1)
        subscribe(user, SPAN("#"), false);
    else
        subscribe(user, room_name(load_hall(user), name), true);
}

static void join(struct user *user, uint32_t room)
{
    struct message message = {.verb = VERB_JOIN};
    char name[32];

    message_set(&message, STREAM, stream, room_name(room, name));
    message_set(&message, CREATE, create, true);
    message_set(&message, REF, ref, room);
    say(user, &message);
}

/* Each begins at another room: who comes first makes a room, and nobody may make too many. */
static void join_some(struct user *user)
{
    const uint64_t first = (uint64_t)user->index * load.rooms / load.users;

    if (load.is_private || user->rooms_in == load.rooms) {
        load_is_in(user);
        return;
    }
    for (uint32_t i = 0; i < JOINS && user->rooms_asked < load.rooms; i++)
        join(user, load_hall(user) + (uint32_t)((first + user->rooms_asked++) % load.rooms));
}

static void on_joined(struct user *user)
{
    user->rooms_in++;
    if (user->rooms_in == user->rooms_asked)
        join_some(user);
}

static void fetch(struct user *user, uint64_t first)
{
    struct message message = {.verb = VERB_FETCH};
    char name[32];

    message_set(&message, STREAM, stream, room_name(0, name));
    message_set(&message, FIRST, first, first);
    message_set(&message, CREDIT, credit, FETCH_CREDIT_MAX);
    say(user, &message);
}

static void behind(struct user *user)
{
    user->place = measure_now_us();
    fetch(user, 1);
}

/* The events behind this are not looked at. At the head it begins again. */
static void on_events(struct user *user, const struct message *events)
{
    if (events->last >= events->first && events->last > 0)
        load.behind_events += events->last - events->first + 1;
    load.behind_us = load.now_us - user->place;
    if (events->done)
        fetch(user, events->last == 0 || events->last >= events->seq ? 1 : events->last + 1);
}

static size_t take_talk(void *context, struct span payload)
{
    struct user *user = context;
    struct wire_reader reader = wire_reader_over(payload, TO_CLIENT);
    struct message message;

    while (wire_read(&reader, &message) == RC_OK) {
        if (message.verb == VERB_ACK) {
            if (message.number != user->answered + 1)
                load_die("user %u: ACK of %" PRIu64 ", not %u", user->index, message.number,
                         user->answered + 1);
            load_acked(user, 1);
        } else if (message.verb == VERB_WELCOME) {
            join_some(user);
        } else if (message.verb == VERB_JOINED) {
            on_joined(user);
        } else if (message.verb == VERB_EVENTS) {
            on_events(user, &message);
            break;
        } else if (message.verb == VERB_ERROR && message.code == RC_BUSY &&
                   message_has(&message, HAS_REF)) {
            join(user, (uint32_t)message.ref); /* somebody else is just making that room */
        } else if (message.verb == VERB_ERROR || message.verb == VERB_EXPECT) {
            load_die("user %u is answered %.*s", user->index, (int)message.error.len,
                     message.error.ptr);
        }
    }
    return payload.len;
}

static void confirm(struct user *user, uint64_t seq)
{
    struct message message = {.verb = VERB_CONFIRM};
    char name[32];

    user->confirmed = seq;
    message_set(&message, STREAM, stream, person_name(user->index, name));
    message_set(&message, SEQ, seq, seq);
    say(user, &message);
}

/* One frame has been read. A client confirms what it shows, some at a time. */
static size_t take_hear(void *context, struct span payload)
{
    struct user *user = context;
    struct span topic, body;
    struct wire_reader reader;
    struct message message;

    if (wire_split_topic(payload, &topic, &body) != RC_OK)
        return payload.len;
    reader = wire_reader_over(body, TO_EVERYBODY);
    while (wire_read(&reader, &message) == RC_OK) {
        if (message.verb == VERB_EVENT && message_has(&message, HAS_TEXT))
            load_heard(user, message.text);
        if (message.verb == VERB_SEALED && message.seq > user->place) {
            load_heard(user, SPAN(""));
            user->place = message.seq;
        }
    }
    if (load.is_private && user->place > user->confirmed)
        confirm(user, user->place);
    return payload.len;
}

static void post(struct user *user, struct span text)
{
    struct message message = {.verb = VERB_POST};
    char name[32];

    message_set(&message, NUMBER, number, user->number);
    message_set(&message, STREAM, stream,
                load.is_private ? person_name(user->index ^ 1, name)
                                : room_name((uint32_t)(load.posted % load.rooms), name));
    message_set(&message, TEXT, text, text);
    say(user, &message);
}

static void tick(struct user *user)
{
    const struct message ping = {.verb = VERB_PING};

    say(user, &ping);
}

const struct driver driver_zchat = {.name = "zchat",
                                    .kind = LINK_NULL,
                                    .tick_us = TICK_US,
                                    .enter = enter,
                                    .take_talk = take_talk,
                                    .take_hear = take_hear,
                                    .post = post,
                                    .tick = tick,
                                    .behind = behind};
