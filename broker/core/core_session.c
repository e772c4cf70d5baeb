/* core_session.c - HELLO, PING, PROBE, BYE, expiry, and what time brings (protocol 5, 8). */
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_room_for.h"

#include "shared/base/invariant.h"

#include <string.h>

void core_republish_soon(struct core *self, uint32_t person)
{
    const struct stream *stream = core_stream(self, person);

    if (stream->inboxes > 0 && stream->head > stream->confirmed)
        streams_republish_at(&self->streams, person, 0, self->now_ms);
    else
        streams_republish_stop(&self->streams, person);
}

void core_end_session(struct core *self, uint32_t row)
{
    const struct session *session = &self->sessions.row[row];
    struct stream *person = core_stream(self, session->person);

    INVARIANT(person->devices > 0);
    person->devices--;
    if (session->is_away)
        person->away--;
    if (session->is_inbox)
        person->inboxes--;
    if (person->inboxes == 0)
        streams_republish_stop(&self->streams, session->person);
    elsewhere_show(&self->elsewhere, session->id);
    sessions_remove(&self->sessions, row);
}

/* Another broker may have made the account, or let in the device, a moment ago: only the store knows for sure. */
static bool may_be_behind(const struct core *self)
{
    return self->limits.others_max > 0;
}

/* Where nobody new is wanted, the first owner is. */
static bool is_anybody_let_in(const struct core *self, bool has_invite)
{
    return self->limits.registration == REGISTRATION_OPEN ||
           (has_invite &&
            (self->limits.registration == REGISTRATION_INVITE || !core_has_owner(self)));
}

/* Whether that key may be this person, as far as it can be known without the store: which invitation is
 * good it alone knows. */
static enum rc check_key(const struct core *self, const struct asked *asked, uint32_t person)
{
    const bool has_invite = message_has(asked->message, HAS_INVITE);
    const uint32_t device = asked->key == NULL ? 0 : devices_by_key(&self->devices, asked->key);

    if (device != 0) {
        const uint32_t owner = self->devices.row[device].person;
        const enum rc rc = core_may_stay(self, owner, device);

        if (rc != RC_OK)
            return rc;
        if (owner == person)
            return RC_OK;
        return person != 0 ? RC_NICK_IN_USE : RC_WRONG_NICK;
    }
    if (asked->key != NULL && keybans_hold(&self->keybans, 0, asked->key, self->wall_ms))
        return RC_BANNED;
    if (person != 0 && asked->key != NULL && !has_invite && !may_be_behind(self))
        return RC_NICK_IN_USE;
    if (person != 0)
        return core_may_stay(self, person, 0);
    return is_anybody_let_in(self, has_invite) || may_be_behind(self) ? RC_OK : RC_NOT_LET_IN;
}

/* One that comes from another broker is told there for a while. */
static enum rc check_sessions_of(struct core *self, uint32_t person, session_id session)
{
    const uint32_t others = elsewhere_person(&self->elsewhere, person).devices -
                            elsewhere_has(&self->elsewhere, person, session);

    return core_counted(self, REFUSED_ACCOUNT_SESSIONS,
                        core_share_for_one(core_stream(self, person)->devices + others, 0,
                                           self->limits.account_sessions_max));
}

/* Whether there is room for what HELLO may bring. */
static enum rc check_tables(struct core *self, const struct asked *asked, uint32_t person)
{
    const struct core_limits *limits = &self->limits;
    const uint32_t live = sessions_by_id(&self->sessions, (session_id){asked->message->session});
    const bool is_new_session = live == 0 && asked->session == 0;
    enum rc rc = RC_OK;

    if (person == 0)
        rc = core_counted(
            self, REFUSED_ACCOUNTS,
            core_room_for_one(self->streams.people, self->people_reserved, limits->accounts_max));
    if (rc == RC_OK && asked->key != NULL && devices_by_key(&self->devices, asked->key) == 0)
        rc = core_counted(
            self, REFUSED_DEVICES,
            core_room_for_one(self->devices.count, self->devices_reserved, limits->devices_max));
    if (live != 0 && self->sessions.row[live].person != person)
        return RC_SESSION_TAKEN;
    if (rc != RC_OK || !is_new_session)
        return rc;
    rc = core_counted(
        self, REFUSED_SESSIONS,
        core_room_for_one(self->sessions.count, self->sessions_reserved, limits->sessions_max));
    return rc == RC_OK && person != 0
               ? check_sessions_of(self, person, (session_id){asked->message->session})
               : rc;
}

/* Whether HELLO may go to the store at all; what only the store knows it decides. */
static enum rc check_hello(struct core *self, const struct asked *asked, uint32_t *ret_person)
{
    const struct message *hello = asked->message;

    if (hello->low > PROTOCOL_VERSION_HIGH || hello->high < PROTOCOL_VERSION_LOW)
        return RC_VERSION;
    if (hello->session == 0 || hello->nick.len == 0 || hello->nick.len > NAME_BYTES_MAX ||
        (message_has(hello, HAS_INVITE) && hello->invite.len != INVITE_BYTES))
        return RC_BAD_FIELD;
    const uint32_t person = core_person(self, hello->nick);
    enum rc rc = check_key(self, asked, person);
    if (rc == RC_OK)
        rc = check_tables(self, asked, person);
    if (rc == RC_OK)
        *ret_person = person;
    return rc;
}

/* The token and the device that HELLO brings. */
static void bring_device(struct core *self, const struct asked *asked, struct op *op,
                         struct ticket *ticket)
{
    const struct message *hello = asked->message;
    const uint32_t devices_max = self->limits.account_devices_max;

    op->limit = devices_max == 0 ? UINT32_MAX : devices_max;
    op->has_token = message_has(hello, HAS_INVITE);
    op->is_known_only = !is_anybody_let_in(self, op->has_token);
    if (op->has_token)
        memcpy(op->token, hello->invite.ptr, INVITE_BYTES);
    if (asked->key == NULL)
        return;
    memcpy(op->key, asked->key, sizeof op->key);
    if (devices_by_key(&self->devices, asked->key) == 0) {
        ticket->has_device = true;
        self->devices_reserved++;
    }
}

void core_on_hello(struct core *self, const struct asked *asked)
{
    const struct message *hello = asked->message;
    struct ticket *ticket;
    struct op *op;
    uint32_t person = 0;
    enum rc rc = self->is_stopping ? RC_STOPPING : check_hello(self, asked, &person);

    if (rc == RC_OK && !core_store(self, OP_HELLO, person, asked, &op, &ticket))
        rc = RC_BUSY;
    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    op->nick = hello->nick;
    op->skeleton = asked->skeleton;
    op->session = (session_id){hello->session};
    op->number = message_has(hello, HAS_NUMBER) ? (uint32_t)hello->number : 0;
    bring_device(self, asked, op, ticket);
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(hello, HAS_REF);
    ticket->ref = hello->ref;
    ticket->is_inbox = message_has(hello, HAS_INBOX) && hello->inbox;
    ticket_keep(ticket, op);
    self->sessions_reserved++;
    if (person == 0) {
        ticket->is_reserved = true;
        self->people_reserved++;
    }
}

/* The account's row, made now when the store has just made the account. */
static uint32_t person_of(struct core *self, const struct ticket *ticket,
                          const struct op_result *result)
{
    uint32_t row = streams_by_id(&self->streams, result->stream);

    if (row != 0)
        return row;
    char name[STREAM_BYTES_MAX];
    name[0] = '@';
    memcpy(name + 1, ticket->name, ticket->name_len);
    row = streams_add(&self->streams, result->stream,
                      (struct span){name, (size_t)ticket->name_len + 1});
    INVARIANT(row != 0); /* the row was reserved */
    struct stream *stream = core_stream(self, row);
    stream->epoch = result->epoch;
    streams_begin_at(&self->streams, row, result->seq, result->confirmed);
    stream->confirming = result->confirmed;
    memcpy(stream->stream_key, result->key, sizeof stream->stream_key);
    return row;
}

/* The live session on this connection: a new one, or one that moves here; 0: the table is
 * full. (A row was kept free when HELLO came, but the peer's earlier session, on whose row it counted, may have
 * moved away since.) */
static uint32_t settle(struct core *self, const struct ticket *ticket, uint32_t person,
                       uint32_t device)
{
    uint32_t row = sessions_by_id(&self->sessions, ticket->session);
    const uint32_t here = sessions_by_peer(&self->sessions, ticket->peer);

    /* Reads are answered to their connection, whatever session it has now. */
    const uint32_t fetches = here != 0 ? self->sessions.row[here].fetches : 0;
    const uint32_t searches = here != 0 ? self->sessions.row[here].searches : 0;

    if (here != 0 && here != row)
        core_end_session(self, here);
    if (row == 0) {
        row = sessions_add(&self->sessions, ticket->session, ticket->peer, person, self->now_ms);
        if (row == 0)
            return 0;
        core_stream(self, person)->devices++;
        self->sessions.row[row].since_ms = self->wall_ms;
        elsewhere_hide(&self->elsewhere, ticket->session);
    } else {
        if (here != row)
            sessions_move(&self->sessions, row, ticket->peer);
        sessions_touch(&self->sessions, row, self->now_ms);
    }
    core_stream(self, person)->heard_ms = self->now_ms;
    struct session *session = &self->sessions.row[row];
    session->fetches = fetches;
    session->searches = searches;
    session->device = device;
    if (session->is_inbox)
        core_stream(self, person)->inboxes--;
    session->is_inbox = ticket->is_inbox;
    if (session->is_inbox)
        core_stream(self, person)->inboxes++;
    return row;
}

/* The key's row, made now when the store has just bound it. 0: --insecure. */
static uint32_t device_of(struct core *self, const struct ticket *ticket, uint32_t person,
                          const struct op_result *result)
{
    static const unsigned char none[PUBLIC_KEY_BYTES];

    if (memcmp(ticket->key, none, sizeof none) == 0)
        return 0;
    uint32_t row = devices_by_key(&self->devices, ticket->key);
    if (row != 0)
        return row;
    row = devices_add(&self->devices, ticket->key, person, result->label, self->wall_ms);
    INVARIANT(row != 0); /* the row was reserved */
    self->devices.row[row].is_banned = keybans_find(&self->keybans, 0, ticket->key) != 0;
    devices_changed(&self->devices, row);
    return row;
}

static struct span brokers_of(const struct core *self)
{
    return (struct span){self->brokers, self->brokers_len};
}

static void welcome(struct core *self, const struct ticket *ticket, uint32_t row)
{
    struct session *session = &self->sessions.row[row];
    const struct stream *person = core_stream(self, session->person);
    struct message *reply =
        core_reply(self, ticket->peer, VERB_WELCOME, ticket->has_ref, ticket->ref);

    message_set(reply, VERSION, version, PROTOCOL_VERSION_HIGH);
    message_set(reply, NICK, nick, core_nick(self, session->person));
    message_set(reply, SESSION, session, session->id.v);
    message_set(reply, NEXT, next, (uint64_t)session->accepted + 1);
    message_set(reply, STREAM, stream, stream_name(person));
    message_set(reply, SEQ, seq, person->head);
    message_set(reply, CONFIRMED, confirmed, person->confirmed);
    message_set(reply, EPOCH, epoch, person->epoch);
    message_set(reply, KEY, key,
                ((struct span){(const char *)person->stream_key, STREAM_KEY_BYTES}));
    message_set(reply, ROLE, role, core_role_name(person->role));
    message_set(reply, WINDOW, window, POST_WINDOW);
    message_set(reply, PING_EVERY, ping_ms, PING_MS);
    message_set(reply, EXPIRE, expire_ms, SESSION_EXPIRE_MS);
    message_set(reply, TS, ts, self->wall_ms);
    if (self->chat != 0)
        message_set(reply, CHAT, chat, self->chat);
    session->brokers_version = self->brokers_version;
    if (self->brokers_len > 0)
        message_set(reply, BROKERS, brokers, brokers_of(self));
}

/* What became of the world while HELLO was in the store's hands. */
static enum rc check_again(struct core *self, const struct ticket *ticket, uint32_t person,
                           uint32_t device)
{
    const uint32_t live = sessions_by_id(&self->sessions, ticket->session);
    const uint32_t here = sessions_by_peer(&self->sessions, ticket->peer);

    if (live != 0 && self->sessions.row[live].person != person)
        return RC_SESSION_TAKEN;
    if (device != 0 && self->devices.row[device].person != person)
        return RC_WRONG_NICK;
    const enum rc rc = core_may_stay(self, person, device);
    if (rc != RC_OK || live != 0 || (here != 0 && self->sessions.row[here].person == person))
        return rc;
    return check_sessions_of(self, person, ticket->session);
}

/* The person is at another broker with this session now. Whoever speaks for it here is a connection that was given
 * up, or that says HELLO again: the numbers here would be those of before. */
static void end_elsewhere(struct core *self, const struct ticket *ticket, uint32_t person)
{
    const uint32_t row = sessions_by_id(&self->sessions, ticket->session);

    if (row != 0 && self->sessions.row[row].person == person)
        core_end_session(self, row);
}

void core_stored_hello(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_counted(self, REFUSED_ACCOUNT_DEVICES, result->rc) != RC_OK) {
        core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);
        return;
    }
    const uint32_t person = person_of(self, ticket, result);
    const uint32_t device = device_of(self, ticket, person, result);
    core_set_role(self, person, result->role);
    if (ticket->is_foreign) {
        end_elsewhere(self, ticket, person);
        return;
    }
    const enum rc rc = check_again(self, ticket, person, device);
    const uint32_t row = rc == RC_OK ? settle(self, ticket, person, device) : 0;
    if (row == 0) {
        if (rc == RC_OK)
            core_count(self, REFUSED_SESSIONS);
        core_error(self, ticket->peer, ticket->has_ref, ticket->ref, rc == RC_OK ? RC_LIMIT : rc);
        return;
    }
    struct session *session = &self->sessions.row[row];
    if (session->pending == 0) { /* else what is in the store's hands knows better */
        session->stored = result->next - 1;
        session->accepted = session->stored;
    }
    core_mind_doors(self); /* a new key may open connections before it hears WELCOME */
    welcome(self, ticket, row);
    core_republish_soon(self, person);
}

/* Every PING says whether its person is away, so one that is lost does no harm. */
static void set_away(struct core *self, const struct asked *asked)
{
    const bool is_away = message_has(asked->message, HAS_AWAY) && asked->message->away;
    struct session *session = &self->sessions.row[asked->session];
    struct stream *person = core_stream(self, asked->person);

    if (is_away && !session->is_away)
        person->away++;
    if (!is_away && session->is_away)
        person->away--;
    session->is_away = is_away;
}

void core_on_ping(struct core *self, const struct asked *asked)
{
    const struct stream *person = core_stream(self, asked->person);
    struct session *session = &self->sessions.row[asked->session];

    set_away(self, asked);
    struct message *pong = core_answer(self, asked, VERB_PONG);

    message_set(pong, TS, ts, self->wall_ms);
    message_set(pong, STREAM, stream, stream_name(person));
    message_set(pong, SEQ, seq, person->head);
    message_set(pong, CONFIRMED, confirmed, person->confirmed);
    if (session->brokers_version != self->brokers_version) { /* protocol 5.5 */
        session->brokers_version = self->brokers_version;
        message_set(pong, BROKERS, brokers, brokers_of(self));
    }
}

void core_on_probe(struct core *self, const struct asked *asked)
{
    static const char HEX[] = "0123456789abcdef";
    const uint64_t id = self->sessions.row[asked->session].id.v;
    struct effect *effect = core_effect(self, FX_ANNOUNCE);

    self->probe_topic[0] = '~';
    for (unsigned i = 0; i < 16; i++)
        self->probe_topic[1 + i] = HEX[(id >> (60 - 4 * i)) & 15];
    effect->name = (struct span){self->probe_topic, 17};
    effect->message.verb = VERB_PROBE;
    message_set(&effect->message, TOKEN, token, asked->message->token);
}

void core_on_bye(struct core *self, const struct asked *asked)
{
    core_end_session(self, asked->session);
}

static void announce_head(struct core *self, uint32_t row)
{
    const struct stream *stream = core_stream(self, row);
    struct effect *effect = core_effect(self, FX_ANNOUNCE);

    effect->name = stream_name(stream);
    effect->message.verb = VERB_HEAD;
    message_set(&effect->message, STREAM, stream, stream_name(stream));
    message_set(&effect->message, SEQ, seq, stream->head);
}

static void republish(struct core *self, uint32_t row)
{
    struct stream *stream = core_stream(self, row);

    if (stream->inboxes == 0 || stream->head <= stream->confirmed)
        return;
    struct effect *effect = core_effect(self, FX_REPUBLISH);
    effect->stream = stream->id;
    effect->name = stream_name(stream);
    effect->seal_key = stream->stream_key;
    effect->epoch = stream->epoch;
    effect->read.first = stream->confirmed + 1;
    effect->read.last = stream->head < stream->confirmed + REPUBLISH_EVENTS_MAX
                            ? stream->head
                            : stream->confirmed + REPUBLISH_EVENTS_MAX;
    effect->read.has_ref = false;
    effect->read.ref = 0;
    effect->read.since_ms = 0;
    effect->read.credit = 1;
    core_count(self, COUNT_REPUBLISHED);
    streams_republish_at(&self->streams, row, stream->republish_level + 1, self->now_ms);
}

/* Work left over stays due: the next deadline is then in the past. */
void core_on_tick(struct core *self)
{
    uint32_t row;

    core_look_at_bans(self);
    core_mind_doors(self);
    while ((row = sessions_oldest(&self->sessions)) != 0 &&
           self->sessions.row[row].seen_ms + SESSION_EXPIRE_MS <= self->now_ms) {
        core_end_session(self, row);
        core_count(self, COUNT_EXPIRED);
    }
    while (self->fx->count < EFFECTS_MAX / 2 &&
           (row = streams_take_head_due(&self->streams, self->now_ms)) != 0)
        announce_head(self, row);
    while (self->fx->count < EFFECTS_MAX &&
           (row = streams_take_republish_due(&self->streams, self->now_ms)) != 0)
        republish(self, row);
}

uint64_t core_next_deadline_ms(const struct core *self)
{
    const uint32_t oldest = sessions_oldest(&self->sessions);
    const uint64_t streams = streams_next_deadline_ms(&self->streams);
    const uint64_t expiry =
        oldest == 0 ? UINT64_MAX : self->sessions.row[oldest].seen_ms + SESSION_EXPIRE_MS;
    const uint64_t doors = core_doors_deadline_ms(self);
    const uint64_t next = expiry < streams ? expiry : streams;

    return next < doors ? next : doors;
}
