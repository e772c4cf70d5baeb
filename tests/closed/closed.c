/* closed.c - the random hand: what people and their devices do, and when the store and the readers get to
 * their work. */
#include "tests/closed/closed.h"

#include "shared/base/invariant.h"
#include "shared/wire/wire.h"
#include "tests/closed/oracle.h"

#include <string.h>

#define STEPS 400

static const char *const ROOM[ROOMS] = {"#room0", "#room1"};
static const char *const PERSON[PEOPLE] = {"@person0", "@person1", "@person2", "@person3"};

static uint64_t random_next(struct closed *self) /* splitmix64 */
{
    uint64_t z = self->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned below(struct closed *self, unsigned limit)
{
    return (unsigned)(random_next(self) % limit);
}

/* What the core said in one step */

static void note_read(struct closed *self, const struct effect *effect)
{
    const struct device *device = oracle_device(self, effect->peer);
    const int room = oracle_room(effect->name);
    struct pending_read *read;

    if (self->reads == READS_MAX || (effect->kind == FX_READ && device == NULL))
        return;
    read = &self->read[self->reads++];
    *read = (struct pending_read){.stream = effect->stream,
                                  .first = effect->read.first,
                                  .last = effect->read.last,
                                  .since_ms = effect->read.since_ms,
                                  .least = effect->read.from_least,
                                  .credit = effect->read.credit,
                                  .is_again = effect->kind == FX_REPUBLISH};
    if (effect->kind == FX_REPUBLISH) {
        read->person = (unsigned)oracle_person(effect->name);
        return;
    }
    read->peer = effect->peer;
    read->person = device->person;
    if (room < 0)
        return;
    read->was_member = self->room[room].members >> device->person & 1;
    read->was_insider = self->room[room].insiders >> device->person & 1;
    read->head = self->room[room].head;
    read->open_from = self->room[room].open_from;
}

static void on_step(struct stage *stage, const struct core_event *event)
{
    struct closed *self = stage->context;

    self->is_new_room = self->is_made_private = self->is_made_persistent = false;
    if (event->kind == CORE_EV_STORED && event->stored->kind == OP_JOIN &&
        event->stored->rc == RC_OK) {
        self->is_new_room = event->stored->is_new_room || event->stored->is_adopted;
        self->is_made_private = (event->stored->modes & ROOM_PRIVATE) != 0;
        self->is_made_persistent = (event->stored->modes & ROOM_PERSISTENT) != 0;
    }
    for (size_t i = 0; i < stage->fx.count && self->failure[0] == '\0'; i++) {
        const struct effect *effect = &stage->fx.item[i];

        if (effect->kind == FX_PUBLISH)
            oracle_published(self, effect);
        else if (effect->kind == FX_REPLY || effect->kind == FX_FIGURES)
            oracle_replied(self, effect);
        else if (effect->kind == FX_READ || effect->kind == FX_REPUBLISH)
            note_read(self, effect);
        else if (effect->kind == FX_ADMIT || effect->kind == FX_EXPEL)
            oracle_door(self, effect);
    }
    oracle_doors(self);
}

/* The readers: one question is answered now, whatever has happened since it was asked */

static void publish_again(struct closed *self, const struct pending_read *read,
                          const struct message *event)
{
    uint32_t epoch;
    const unsigned char *key = core_seal(self->stage.core, read->stream, &epoch);

    oracle_sealed(self, event->stream, event->seq, key, epoch, 1u << read->person);
}

static void answer_read(struct closed *self)
{
    const size_t which = below(self, (unsigned)self->reads);
    const struct pending_read read = self->read[which];
    struct store_range range = {.stream = read.stream,
                                .first = read.first,
                                .last = read.last,
                                .since_ms = read.since_ms,
                                .events_max = 16 * read.credit,
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    self->read[which] = self->read[--self->reads];
    if (store_read(self->stage.reader, &range, &page) != RC_OK)
        return;
    struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT | TO_EVERYBODY);
    struct message event;
    while (page.wire.len > 0 && wire_read(&reader, &event) == RC_OK) {
        if (event.seq < read.least)
            continue;
        if (read.is_again)
            publish_again(self, &read, &event);
        else
            oracle_fetched(self, &read, &event);
    }
    if (!read.is_again)
        stage_read_done(&self->stage, read.peer);
}

/* What a device says */

static struct message question(struct closed *self, enum verb verb)
{
    struct message message = {.verb = verb};

    message_set(&message, REF, ref, ++self->last_ref);
    return message;
}

static void say(struct closed *self, const struct device *device, const struct message *message)
{
    closed_tell(self, "person%u (peer %u) says %s %.*s %.*s", device->person, device->peer.v,
                verb_row(message->verb)->name,
                message_has(message, HAS_STREAM) ? (int)message->stream.len : 0,
                message_has(message, HAS_STREAM) ? message->stream.ptr : "",
                message_has(message, HAS_NICK) ? (int)message->nick.len : 0,
                message_has(message, HAS_NICK) ? message->nick.ptr : "");
    stage_say(&self->stage, device->peer, message);
    stage_clear(&self->stage);
}

static void hello(struct closed *self, struct device *device)
{
    const unsigned which = (unsigned)(device - self->device);
    struct message message = question(self, VERB_HELLO);

    if (below(self, 3) == 0)
        device->session = (session_id){++self->last_session};
    device->peer.v =
        1 + which * CONNECTIONS_PER_DEVICE + self->last_connection++ % CONNECTIONS_PER_DEVICE;
    device->is_welcome = false;
    stage_key(&self->stage, device->peer, (unsigned char)(which + 1));
    message_set(&message, LOW, low, PROTOCOL_VERSION_LOW);
    message_set(&message, HIGH, high, PROTOCOL_VERSION_HIGH);
    message_set(&message, NICK, nick, span_of(PERSON[device->person] + 1));
    message_set(&message, SESSION, session, device->session.v);
    message_set(&message, INBOX, inbox, below(self, 2) == 0);
    if (device->has_invite)
        message_set(&message, INVITE, invite,
                    ((struct span){(const char *)device->invite, INVITE_BYTES}));
    say(self, device, &message);
}

static void post(struct closed *self, struct device *device)
{
    struct message message = {.verb = VERB_POST};
    const bool is_private = below(self, 4) == 0;
    const unsigned room = below(self, ROOMS);

    message_set(&message, NUMBER, number, device->next);
    message_set(&message, STREAM, stream,
                span_of(is_private ? PERSON[below(self, PEOPLE)] : ROOM[room]));
    message_set(&message, TEXT, text, SPAN("a secret"));
    device->outsider_number = device->muted_number = 0;
    if (!is_private && self->stage.held_count == 0) {
        if ((self->room[room].members >> device->person & 1) == 0)
            device->outsider_number = device->next;
        else if (self->room[room].muted_until_ms[device->person] > self->stage.wall_ms)
            device->muted_number = device->next;
    }
    say(self, device, &message);
}

static void run_room(struct closed *self, const struct device *device)
{
    static const enum verb VERBS[] = {VERB_INVITE, VERB_INVITE, VERB_INVITE, VERB_KICK,
                                      VERB_KICK,   VERB_BAN,    VERB_UNBAN,  VERB_OP,
                                      VERB_DEOP,   VERB_MUTE,   VERB_UNMUTE};
    struct message message = question(self, VERBS[below(self, sizeof VERBS / sizeof VERBS[0])]);

    message_set(&message, STREAM, stream, span_of(ROOM[below(self, ROOMS)]));
    message_set(&message, NICK, nick, span_of(PERSON[below(self, PEOPLE)] + 1));
    if (message.verb == VERB_BAN || message.verb == VERB_MUTE)
        message_set(&message, SECONDS, seconds, INVITE_SECONDS_MIN + below(self, 60));
    say(self, device, &message);
}

static void come_and_go(struct closed *self, const struct device *device)
{
    static const enum verb VERBS[] = {VERB_JOIN, VERB_JOIN, VERB_JOIN, VERB_LEAVE, VERB_MODE};
    struct message message = question(self, VERBS[below(self, 5)]);

    message_set(&message, STREAM, stream, span_of(ROOM[below(self, ROOMS)]));
    if (message.verb == VERB_JOIN)
        message_set(&message, CREATE, create, true);
    if (message.verb != VERB_LEAVE)
        message_set(&message, PRIVATE, is_private, below(self, 3) > 0);
    if (message.verb != VERB_LEAVE && below(self, 4) == 0)
        message_set(&message, PERSISTENT, persistent, below(self, 2) == 0);
    say(self, device, &message);
}

static void look(struct closed *self, const struct device *device)
{
    struct message message = question(self, below(self, 3) == 0 ? VERB_HEAD : VERB_FETCH);
    const bool is_private = below(self, 3) == 0;

    message_set(&message, STREAM, stream,
                span_of(is_private ? PERSON[below(self, PEOPLE)] : ROOM[below(self, ROOMS)]));
    if (message.verb == VERB_FETCH) {
        switch (below(self, 4)) {
        case 0:
            message_set(&message, SINCE, since, self->stage.wall_ms - below(self, 20000));
            break;
        case 1:
            message_set(&message, FIRST, first, 1 + below(self, 40));
            break;
        case 2:
            message_set(&message, FIRST, first, 1 + below(self, 40));
            message_set(&message, LAST, last, message.first + below(self, 1000));
            break;
        default:
            break;
        }
        message_set(&message, CREDIT, credit, 1 + below(self, FETCH_CREDIT_MAX));
    }
    say(self, device, &message);
}

/* The first device of a person invites and removes the second, or the other way round. */
static void care_for_devices(struct closed *self, const struct device *device)
{
    const unsigned which = (unsigned)(device - self->device);
    struct device *other = &self->device[which ^ 1];
    unsigned char key[PUBLIC_KEY_BYTES];

    if (!other->is_bound) {
        struct message admit = question(self, VERB_ADMIT);

        message_set(&admit, DEVICE, device, true);
        say(self, device, &admit);
    } else if (!other->is_removed && below(self, 25) == 0) {
        struct message revoke = question(self, VERB_REVOKE);

        memset(key, (int)(which ^ 1) + 1, sizeof key);
        message_set(&revoke, KEY, key, ((struct span){(const char *)key, sizeof key}));
        self->revoke_ref[which ^ 1] = self->last_ref;
        say(self, device, &revoke);
    }
}

static void act(struct closed *self)
{
    struct device *device = &self->device[below(self, DEVICES)];

    if (device->is_removed && below(self, 20) != 0)
        return;
    if (!device->is_welcome || below(self, 40) == 0) {
        hello(self, device);
        return;
    }
    switch (below(self, 8)) {
    case 0:
    case 1:
        come_and_go(self, device);
        break;
    case 2:
    case 3:
        run_room(self, device);
        break;
    case 4:
        care_for_devices(self, device);
        break;
    case 5:
        look(self, device);
        break;
    default:
        post(self, device);
        break;
    }
}

/* The world */

static void restart(struct closed *self)
{
    closed_tell(self, "the broker is killed and starts again");
    stage_restart(&self->stage);
    self->restarts++;
    for (uint32_t row = 0;;) { /* as the shell does */
        const unsigned char *key;
        bool is_admitted;

        row = core_next_device(self->stage.core, row, &key, &is_admitted);
        if (row == 0)
            break;
        if (key[0] - 1u < DEVICES)
            self->device[key[0] - 1].is_admitted = is_admitted;
    }
    oracle_doors(self);
    self->reads = 0; /* they die with their broker */
    for (unsigned i = 0; i < DEVICES; i++)
        self->device[i].is_welcome = false;
    memset(self->revoke_ref, 0, sizeof self->revoke_ref);
}

static void let_work(struct closed *self)
{
    const unsigned dice = below(self, 100);

    if (dice < 45)
        (void)stage_commit(&self->stage);
    else if (dice < 60 && self->reads > 0)
        answer_read(self);
    else if (dice < 75)
        stage_wait(&self->stage, 1 + below(self, 3000));
    else if (dice == 99 && below(self, 3) == 0)
        restart(self);
    stage_clear(&self->stage);
}

/* Who may ask is told what stands, after all restarts. */
static void ask_bans(struct closed *self, const struct device *device, unsigned room)
{
    struct message bans = question(self, VERB_BANS);
    const size_t refused = self->refused;

    message_set(&bans, STREAM, stream, span_of(ROOM[room]));
    self->bans_ref = self->last_ref;
    self->bans_listed = self->mutes_listed = 0;
    say(self, device, &bans);
    if (self->refused == refused)
        oracle_bans(self, &self->room[room]);
}

/* In the calm every member is given the key that is in force, and nobody else. */
static void check_calm(struct closed *self)
{
    stage_commit_all(&self->stage);
    while (self->reads > 0 && self->failure[0] == '\0')
        answer_read(self);
    for (unsigned i = 0; i < DEVICES; i++) {
        if (!self->device[i].is_removed)
            hello(self, &self->device[i]);
    }
    stage_commit_all(&self->stage);
    for (unsigned i = 0; i < DEVICES * ROOMS && self->failure[0] == '\0'; i++) {
        struct device *device = &self->device[i / ROOMS];
        const struct room *room = &self->room[i % ROOMS];
        struct message head = question(self, VERB_HEAD);
        const size_t given = self->given;

        if (!device->is_welcome || device->is_removed || room->head == 0)
            continue;
        message_set(&head, STREAM, stream, span_of(ROOM[i % ROOMS]));
        say(self, device, &head);
        const bool is_entitled = room->is_private && (room->members >> device->person & 1) != 0;
        if (is_entitled != (self->given > given))
            closed_fail(self, "person%u is %sgiven the key of #room%u", device->person,
                        is_entitled ? "not " : "", i % ROOMS);
        if (!device->is_admitted)
            closed_fail(self, "device %u is welcome, and not let in", i / ROOMS);
        ask_bans(self, device, i % ROOMS);
    }
}

bool closed_run(struct closed *self, uint64_t seed, FILE *story)
{
    struct core_limits limits = CORE_LIMITS_DEFAULTS;

    memset(self, 0, sizeof *self);
    self->random = seed;
    self->story = story;
    limits.accounts_max = limits.rooms_max = limits.sessions_max = limits.devices_max = 64;
    limits.memberships_max = 256;
    limits.pending_max = 512;
    limits.key_bans_max = 16;
    memcpy(limits.hash_key, "sixteen bytes..", sizeof limits.hash_key);
    stage_open(&self->stage, &limits);
    stage_follow(&self->stage);
    self->stage.has_hands_off = true;
    self->stage.on_step = on_step;
    self->stage.context = self;
    for (unsigned i = 0; i < DEVICES; i++) {
        self->device[i].person = i / DEVICES_PER_PERSON;
        self->device[i].session = (session_id){++self->last_session};
        self->device[i].next = 1;
    }
    for (unsigned i = 0; i < DEVICES; i += DEVICES_PER_PERSON)
        hello(self, &self->device[i]);
    stage_commit_all(&self->stage);
    for (unsigned step = 0; step < STEPS && self->failure[0] == '\0'; step++) {
        act(self);
        if (self->failure[0] == '\0')
            let_work(self);
    }
    if (self->failure[0] == '\0')
        check_calm(self);
    stage_commit_all(&self->stage);
    if (self->failure[0] == '\0')
        stage_check_follower(&self->stage);
    stage_close(&self->stage);
    return self->failure[0] == '\0';
}
