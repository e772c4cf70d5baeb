#include "broker/core/core.h"
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/core_room_for.h"

#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

/* Sizes that follow from others when they are not given. */
static void fill_limits(struct core_limits *limits)
{
    if (limits->devices_max == 0)
        limits->devices_max = 4 * limits->accounts_max;
    if (limits->key_bans_max == 0)
        limits->key_bans_max = limits->accounts_max;
}

void core_set_limits(struct core *self, const struct core_limits *limits)
{
    const struct core_limits born = self->limits;

    self->limits = *limits;
    self->limits.accounts_max = born.accounts_max;
    self->limits.rooms_max = born.rooms_max;
    self->limits.memberships_max = born.memberships_max;
    self->limits.sessions_max = born.sessions_max;
    self->limits.devices_max = born.devices_max;
    self->limits.key_bans_max = born.key_bans_max;
    self->limits.pending_max = born.pending_max;
    self->limits.others_max = born.others_max;
    memcpy(self->limits.hash_key, born.hash_key, sizeof(born.hash_key));
}

void core_set_chat(struct core *self, uint64_t chat)
{
    self->chat = chat;
}

void core_set_brokers(struct core *self, struct span brokers)
{
    if (span_equal(brokers, (struct span){self->brokers, self->brokers_len}))
        return;
    INVARIANT(brokers.len <= sizeof self->brokers);
    memcpy(self->brokers, brokers.ptr, brokers.len);
    self->brokers_len = (uint32_t)brokers.len;
    self->brokers_version++;
}

struct core *core_new(const struct core_limits *limits)
{
    struct core *self = calloc(1, sizeof *self);
    const uint32_t others = limits->others_max;
    const uint32_t streams_max = limits->accounts_max + limits->rooms_max + others;

    if (self == NULL)
        return NULL;
    self->limits = *limits;
    fill_limits(&self->limits);
    const unsigned char *key = limits->hash_key;
    const bool has_streams = streams_init(&self->streams, streams_max, key);
    const bool has_members =
        members_init(&self->members, core_standings_max(self) + others, streams_max, key);
    const bool has_devices =
        devices_init(&self->devices, self->limits.devices_max + others, streams_max, key);
    const bool has_keybans = keybans_init(&self->keybans, self->limits.key_bans_max + others, key);
    const bool has_sessions = sessions_init(&self->sessions, limits->sessions_max, key);
    const bool has_pending = pending_init(&self->pending, limits->pending_max);
    const bool has_elsewhere =
        elsewhere_init(&self->elsewhere, others > 0 ? limits->sessions_max : 0, streams_max, key);
    self->strangers = calloc(STRANGERS, sizeof *self->strangers);
    self->addresses = calloc(ADDRESSES, sizeof *self->addresses);
    self->scope = calloc(streams_max, sizeof *self->scope);
    if (!has_streams || !has_members || !has_devices || !has_keybans || !has_sessions ||
        !has_pending || !has_elsewhere || self->strangers == NULL || self->addresses == NULL ||
        self->scope == NULL)
        core_destroy(&self);
    return self;
}

void core_destroy(struct core **self_p)
{
    struct core *self = *self_p;

    if (self == NULL)
        return;
    streams_fini(&self->streams);
    members_fini(&self->members);
    devices_fini(&self->devices);
    keybans_fini(&self->keybans);
    sessions_fini(&self->sessions);
    pending_fini(&self->pending);
    elsewhere_fini(&self->elsewhere);
    free(self->strangers);
    free(self->addresses);
    free(self->scope);
    free(self);
    *self_p = NULL;
}

struct effect *core_effect(struct core *self, enum effect_kind kind)
{
    INVARIANT(self->fx->count < EFFECTS_MAX);
    struct effect *effect = &self->fx->item[self->fx->count++];
    /* Only what identifies a message is cleared: the rest is read behind its HAS_ bit. */
    effect->kind = kind;
    effect->seal_key = NULL;
    effect->message.has = 0;
    return effect;
}

struct message *core_reply(struct core *self, peer_id peer, enum verb verb, bool has_ref,
                           uint64_t ref)
{
    struct effect *effect = peer.v == 0 ? &self->unheard : core_effect(self, FX_REPLY);

    effect->peer = peer;
    effect->message.has = 0;
    effect->message.verb = verb;
    if (has_ref)
        message_set(&effect->message, REF, ref, ref);
    return &effect->message;
}

struct message *core_answer(struct core *self, const struct asked *asked, enum verb verb)
{
    return core_reply(self, asked->peer, verb, message_has(asked->message, HAS_REF),
                      asked->message->ref);
}

struct message *core_error(struct core *self, peer_id peer, bool has_ref, uint64_t ref, enum rc rc)
{
    struct message *error = core_reply(self, peer, VERB_ERROR, has_ref, ref);

    message_set(error, CODE, code, (uint64_t)rc);
    message_set(error, ERROR, error, span_of(rc_name(rc)));
    message_set(error, TEXT, text, span_of(rc_sentence(rc)));
    if (rc_is_transient(rc))
        message_set(error, RETRY, retry, rc == RC_BUSY ? BUSY_RETRY_MS : 1000);
    if (peer.v != 0)
        core_count(self, COUNT_REFUSALS);
    return error;
}

struct message *core_refuse(struct core *self, const struct asked *asked, enum rc rc)
{
    const struct message *message = asked->message;
    struct message *error =
        core_error(self, asked->peer, message_has(message, HAS_REF), message->ref, rc);

    /* An ERROR with a number that is not transient says that the number is used up, and
     * that is for the store to say. */
    if ((message->verb == VERB_POST || message->verb == VERB_SKIP) && rc_is_transient(rc) &&
        message_has(message, HAS_NUMBER))
        message_set(error, NUMBER, number, message->number);
    return error;
}

bool core_store(struct core *self, enum op_kind kind, uint32_t person, const struct asked *asked,
                struct op **ret_op, struct ticket **ret_ticket)
{
    if (pending_is_full(&self->pending)) {
        core_count(self, REFUSED_PENDING);
        return false;
    }
    if (asked != NULL && core_check_work(self, asked) != RC_OK)
        return false;
    const peer_id asker =
        asked != NULL && (asked->rule->limits & LIMIT_ASKS) != 0 ? asked->peer : (peer_id){0};
    const uint32_t row = pending_take(&self->pending, kind, asker);
    struct effect *effect = core_effect(self, FX_STORE);
    effect->op = (struct op){.kind = kind, .ticket = {row}, .ts_ms = self->wall_ms};
    *ret_ticket = &self->pending.row[row];
    (*ret_ticket)->person = person;
    if (person != 0) {
        effect->op.account = core_stream(self, person)->id;
        effect->op.nick = core_nick(self, person);
    }
    *ret_op = &effect->op;
    return true;
}

/* What goes out in this step still does so under the old key: its effects borrow it from behind the new one. */
static void take_over_keys(struct core *self, const struct op_result *result)
{
    for (size_t i = 0; i < result->rekeyed_count; i++) {
        const struct rekeyed *rekeyed = &result->rekeyed[i];
        const uint32_t row = streams_by_id(&self->streams, rekeyed->stream);

        INVARIANT(row != 0);
        struct stream *stream = core_stream(self, row);
        memcpy(stream->old_key, stream->stream_key, STREAM_KEY_BYTES);
        memcpy(stream->stream_key, rekeyed->key, STREAM_KEY_BYTES);
        stream->epoch = rekeyed->epoch;
        for (size_t at = 0; at < self->fx->count; at++) {
            if (self->fx->item[at].seal_key == stream->stream_key)
                self->fx->item[at].seal_key = stream->old_key;
        }
    }
}

void core_publish(struct core *self, const struct op_result *result)
{
    for (size_t i = 0; i < result->appended_count; i++) {
        const struct appended *event = &result->appended[i];
        const uint32_t row = streams_by_id(&self->streams, event->stream);

        INVARIANT(row != 0);
        struct stream *stream = core_stream(self, row);
        struct effect *effect = core_effect(self, FX_PUBLISH);
        effect->stream = event->stream;
        effect->name = stream_name(stream);
        effect->seq = event->seq;
        effect->wire = event->wire;
        effect->epoch = stream->epoch;
        effect->seal_key = stream_is_sealed(stream) ? stream->stream_key : NULL;
        streams_appended(&self->streams, row, event->seq, self->now_ms);
        if (!stream_is_room(stream))
            core_republish_soon(self, row);
    }
    take_over_keys(self, result);
}

const unsigned char *core_seal(const struct core *self, stream_id stream, uint32_t *ret_epoch)
{
    const uint32_t row = streams_by_id(&self->streams, stream);

    INVARIANT(row != 0);
    *ret_epoch = self->streams.row[row].epoch;
    return stream_is_sealed(&self->streams.row[row]) ? self->streams.row[row].stream_key : NULL;
}

enum rc core_readable(const struct core *self, uint32_t person, struct span name, uint32_t *ret_row)
{
    const bool is_room = name.len > 0 && name.ptr[0] == '#';
    const uint32_t row = streams_by_name(&self->streams, name);

    if (row == 0)
        return is_room ? RC_NO_SUCH_ROOM : RC_NO_SUCH_NICK;
    if (!is_room && row != person)
        return RC_DENIED;
    if (is_room && stream_is_sealed(&self->streams.row[row]) &&
        !members_has(&self->members, row, person))
        return RC_PRIVATE;
    *ret_row = row;
    return RC_OK;
}

uint32_t core_person(const struct core *self, struct span nick)
{
    char name[STREAM_BYTES_MAX];

    if (nick.len == 0 || nick.len > NAME_BYTES_MAX)
        return 0;
    name[0] = '@';
    memcpy(name + 1, nick.ptr, nick.len);
    return streams_by_name(&self->streams, (struct span){name, nick.len + 1});
}

/* When each verb may be used, who may, which limits hold for it beside the rates, and what it costs (protocol 7.7,
 * which has the same table). A verb without a row is refused. */
static const struct verb_rule VERBS[VERB_COUNT] = {
    [VERB_HELLO] = {core_on_hello, STATE_ANY, RIGHT_STRANGER, LIMIT_ASKS, 5},
    [VERB_BYE] = {core_on_bye, STATE_SESSION, RIGHT_PERSON, 0, 0},
    [VERB_PING] = {core_on_ping, STATE_SESSION, RIGHT_PERSON, 0, 1},
    [VERB_PROBE] = {core_on_probe, STATE_SESSION, RIGHT_PERSON, 0, 1},
    [VERB_POST] = {core_on_post, STATE_SESSION, RIGHT_PERSON, LIMIT_WINDOW | LIMIT_PLACE, 1},
    [VERB_SKIP] = {core_on_skip, STATE_SESSION, RIGHT_PERSON, LIMIT_WINDOW, 1},
    [VERB_CONFIRM] = {core_on_confirm, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 1},
    [VERB_JOIN] = {core_on_join, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 5},
    [VERB_LEAVE] = {core_on_leave, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 5},
    [VERB_WHO] = {core_on_who, STATE_SESSION, RIGHT_PERSON, 0, 20},
    [VERB_ROOMS] = {core_on_rooms, STATE_SESSION, RIGHT_PERSON, 0, 20},
    [VERB_FETCH] = {core_on_fetch, STATE_SESSION, RIGHT_PERSON, LIMIT_FETCHES, 2},
    [VERB_HEAD] = {core_on_head, STATE_SESSION, RIGHT_PERSON, 0, 1},
    [VERB_MARK] = {core_on_mark, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 1},
    [VERB_SEARCH] = {core_on_search, STATE_SESSION, RIGHT_PERSON, LIMIT_SEARCHES, 20},
    [VERB_TOPIC] = {core_on_topic, STATE_SESSION, RIGHT_ROOM_OP, LIMIT_ASKS, 5},
    [VERB_MODE] = {core_on_mode, STATE_SESSION, RIGHT_ROOM_OP, LIMIT_ASKS, 5},
    [VERB_INVITE] = {core_on_standing, STATE_SESSION, RIGHT_MEMBER, LIMIT_ASKS, 5},
    [VERB_OP] = {core_on_standing, STATE_SESSION, RIGHT_ROOM_OP, LIMIT_ASKS, 5},
    [VERB_DEOP] = {core_on_standing, STATE_SESSION, RIGHT_ROOM_OP, LIMIT_ASKS, 5},
    [VERB_KICK] = {core_on_standing, STATE_SESSION, RIGHT_KEEPER, LIMIT_ASKS, 5},
    [VERB_BAN] = {core_on_standing, STATE_SESSION, RIGHT_KEEPER, LIMIT_ASKS, 5},
    [VERB_UNBAN] = {core_on_standing, STATE_SESSION, RIGHT_KEEPER, LIMIT_ASKS, 5},
    [VERB_MUTE] = {core_on_standing, STATE_SESSION, RIGHT_KEEPER, LIMIT_ASKS, 5},
    [VERB_UNMUTE] = {core_on_standing, STATE_SESSION, RIGHT_KEEPER, LIMIT_ASKS, 5},
    [VERB_BANS] = {core_on_bans, STATE_SESSION, RIGHT_KEEPER, 0, 20},
    /* More on whose account it may be: rights_to_admit(), rights_over_account(). */
    [VERB_ADMIT] = {core_on_admit, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 10},
    [VERB_DEVICES] = {core_on_devices, STATE_SESSION, RIGHT_PERSON, 0, 20},
    [VERB_REVOKE] = {core_on_revoke, STATE_SESSION, RIGHT_PERSON, LIMIT_ASKS, 5},
    [VERB_ROLE] = {core_on_role, STATE_SESSION, RIGHT_OWNER, LIMIT_ASKS, 5},
    [VERB_SESSIONS] = {core_on_sessions, STATE_SESSION, RIGHT_OPERATOR, 0, 20},
    [VERB_STATS] = {core_on_stats, STATE_SESSION, RIGHT_OPERATOR, 0, 20},
    [VERB_BACKUP] = {core_on_backup, STATE_SESSION, RIGHT_OWNER, 0, 100},
    [VERB_PURGE] = {core_on_purge, STATE_SESSION, RIGHT_OPERATOR, LIMIT_ASKS, 20},
    [VERB_BROKERS] = {core_on_brokers, STATE_SESSION, RIGHT_OPERATOR, 0, 20},
};

const struct verb_rule *core_verb_rule(enum verb verb)
{
    return verb > VERB_NONE && verb < VERB_COUNT && VERBS[verb].handle != NULL ? &VERBS[verb]
                                                                               : NULL;
}

/* The key of the connection must be the session's: a connection cannot change its key, so another one
 * here means that the shell mixed up peers; refuse rather than guess. */
static bool is_owner(struct core *self, const struct asked *asked)
{
    const uint32_t device = self->sessions.row[asked->session].device;

    return asked->key == NULL || device == 0 ||
           memcmp(self->devices.row[device].key, asked->key, PUBLIC_KEY_BYTES) == 0;
}

static bool is_long_name(struct span name, size_t sigils)
{
    size_t chars = 0;

    for (size_t i = 0; i < name.len; i++)
        chars += ((unsigned char)name.ptr[i] & 0xc0) != 0x80; /* UTF-8 as it was sent */
    return name.len > NAME_BYTES_MAX + sigils || chars > NAME_CHARS_MAX + sigils;
}

/* The sizes that the protocol fixes; those of whole frames the shell counts. */
static void count_size(struct core *self, const struct message *message, enum rc rc)
{
    if (rc == RC_TOO_BIG && message->verb == VERB_POST)
        core_count(self, REFUSED_TEXT_SIZE);
    else if (rc == RC_TOO_BIG && message->verb != VERB_NONE)
        core_count(self, REFUSED_FIELD_SIZE);
    else if (rc == RC_BAD_NAME &&
             ((message_has(message, HAS_NICK) && is_long_name(message->nick, 0)) ||
              (message_has(message, HAS_STREAM) && is_long_name(message->stream, 1))))
        core_count(self, REFUSED_NAME_SIZE);
}

static void refuse_command(struct core *self, const struct asked *asked, enum rc rc)
{
    const struct message *message = asked->message;

    count_size(self, message, rc);
    if (message->verb == VERB_POST && message_has(message, HAS_NUMBER) && asked->session != 0)
        core_refuse_post(self, asked, rc);
    else
        core_refuse(self, asked, rc);
}

static void decide(struct core *self, const struct asked *asked, enum rc refusal)
{
    const struct verb_rule *rule = asked->rule;

    if (asked->session != 0 && !is_owner(self, asked)) {
        core_refuse(self, asked, RC_DENIED);
        return;
    }
    if (!core_is_in_time(self, asked))
        return;
    if (refusal != RC_OK) {
        refuse_command(self, asked, refusal);
        return;
    }
    const bool is_early = rule != NULL && rule->state == STATE_SESSION && asked->session == 0;
    const enum rc rc = is_early ? RC_HELLO_FIRST : rights_check(self, asked);
    if (rc == RC_OK)
        rule->handle(self, asked);
    else if (message_has(asked->message, HAS_STREAM) && rule != NULL && rc != RC_HELLO_FIRST)
        core_refuse_about(self, asked, rc);
    else
        core_refuse(self, asked, rc);
}

static void on_command(struct core *self, const struct core_event *event)
{
    const struct message *message = event->command.message;
    const struct verb_rule *rule = core_verb_rule(message->verb);
    struct asked asked = {.rule = rule,
                          .right = rule == NULL ? RIGHT_NOBODY : rule->right,
                          .peer = event->command.peer,
                          .key = event->command.key,
                          .address = event->command.address,
                          .message = message,
                          .skeleton = event->command.skeleton};

    if (message_has(message, HAS_STREAM) && event->command.refusal == RC_OK)
        asked.stream = streams_by_name(&self->streams, message->stream);
    asked.session = sessions_by_peer(&self->sessions, asked.peer);
    if (asked.session != 0) {
        asked.person = self->sessions.row[asked.session].person;
        sessions_touch(&self->sessions, asked.session, self->now_ms);
        core_stream(self, asked.person)->heard_ms = self->now_ms;
    }
    decide(self, &asked, event->command.refusal);
}

static void count_down(uint32_t *count)
{
    if (*count > 0)
        --*count;
}

static void on_read(struct core *self, peer_id peer, bool is_search)
{
    const uint32_t row = sessions_by_peer(&self->sessions, peer);
    struct session *session = row == 0 ? NULL : &self->sessions.row[row];

    count_down(is_search ? &self->searches : &self->reads);
    if (session != NULL)
        count_down(is_search ? &session->searches : &session->fetches);
}

void core_step(struct core *self, const struct core_event *event, struct effects *fx)
{
    fx->count = 0;
    self->fx = fx;
    self->now_ms = event->now_ms;
    self->wall_ms = event->wall_ms;
    if (!self->is_replayed)
        core_begin(self);
    switch (event->kind) {
    case CORE_EV_COMMAND:
        on_command(self, event);
        break;
    case CORE_EV_STORED:
        core_on_stored(self, event->stored);
        break;
    case CORE_EV_FOREIGN:
        core_on_foreign(self, event->foreign.op, event->foreign.result);
        break;
    case CORE_EV_READ:
        on_read(self, event->read.peer, event->read.is_search);
        break;
    case CORE_EV_BACKED_UP:
        core_backed_up(self, event);
        break;
    case CORE_EV_TICK:
        core_on_tick(self);
        break;
    case CORE_EV_STOPPING:
        self->is_stopping = true;
        break;
    }
    self->fx = NULL;
}

void core_get_stats(const struct core *self, struct core_stats *ret)
{
    *ret = self->stats;
    ret->accounts = self->streams.people;
    ret->rooms = self->streams.rooms;
    ret->memberships = self->members.count;
    ret->sessions = self->sessions.count;
    ret->pending = self->pending.count;
    ret->reads = self->reads;
    ret->unconfirmed = self->streams.unconfirmed;
}
