#include "broker/core/core.h"
#include "broker/core/core_internal.h"

#include "shared/base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct core *core_new(const struct core_limits *limits)
{
    struct core *self = calloc(1, sizeof *self);
    const uint32_t streams_max = limits->accounts_max + limits->rooms_max;

    if (self == NULL)
        return NULL;
    self->limits = *limits;
    const bool has_streams = streams_init(&self->streams, streams_max, limits->hash_key);
    const bool has_members =
        members_init(&self->members, limits->memberships_max, streams_max, limits->hash_key);
    const bool has_sessions =
        sessions_init(&self->sessions, limits->sessions_max, limits->hash_key);
    const bool has_pending = pending_init(&self->pending, limits->pending_max);
    if (!has_streams || !has_members || !has_sessions || !has_pending)
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
    sessions_fini(&self->sessions);
    pending_fini(&self->pending);
    free(self);
    *self_p = NULL;
}

static enum rc replay_stream(struct core *self, const struct record *record)
{
    const bool is_room = record->name.len > 0 && record->name.ptr[0] == '#';
    const uint32_t have = is_room ? self->streams.rooms : self->streams.people;

    if (record->name.len < 2 || record->name.len > STREAM_BYTES_MAX)
        return RC_BAD_NAME;
    if (have >= (is_room ? self->limits.rooms_max : self->limits.accounts_max))
        return RC_LIMIT;
    const uint32_t row =
        streams_add(&self->streams, record->stream, record->name, record->owner_key);
    if (row == 0)
        return RC_LIMIT;
    struct stream *stream = core_stream(self, row);
    stream->head = record->head;
    stream->confirmed = record->confirmed;
    stream->confirming = record->confirmed;
    stream->epoch = record->epoch;
    memcpy(stream->stream_key, record->stream_key, sizeof stream->stream_key);
    return RC_OK;
}

enum rc core_replay(struct core *self, const struct record *record)
{
    if (record->kind == RECORD_STREAM)
        return replay_stream(self, record);

    const uint32_t room = streams_by_id(&self->streams, record->stream);
    const uint32_t person = streams_by_id(&self->streams, record->member);
    if (room == 0 || person == 0)
        return RC_BAD_FIELD;
    if (members_has(&self->members, room, person))
        return RC_OK;
    if (!members_add(&self->members, room, person))
        return RC_LIMIT;
    core_stream(self, room)->members++;
    return RC_OK;
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
    struct effect *effect = core_effect(self, FX_REPLY);

    effect->peer = peer;
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
    self->stats.refusals++;
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

bool core_store(struct core *self, enum op_kind kind, uint32_t person, peer_id asker,
                struct op **ret_op, struct ticket **ret_ticket)
{
    if (pending_is_full(&self->pending) || !pending_may_ask(&self->pending, asker))
        return false;
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
        effect->seal_key = stream_is_room(stream) ? NULL : stream->stream_key;
        streams_appended(&self->streams, row, event->seq, self->now_ms);
        if (!stream_is_room(stream))
            core_republish_soon(self, row);
    }
}

enum rc core_readable(const struct core *self, uint32_t person, struct span name, uint32_t *ret_row)
{
    const bool is_room = name.len > 0 && name.ptr[0] == '#';
    const uint32_t row = streams_by_name(&self->streams, name);

    if (row == 0)
        return is_room ? RC_NO_SUCH_ROOM : RC_NO_SUCH_NICK;
    if (!is_room && row != person)
        return RC_DENIED;
    *ret_row = row;
    return RC_OK;
}

/* Which verb needs a session, and who handles it. A verb without a row is refused. */
static const struct {
    void (*handle)(struct core *self, const struct asked *asked);
    bool is_free; /* of a session */
} VERBS[VERB_COUNT] = {
    [VERB_HELLO] = {core_on_hello, true},      [VERB_BYE] = {core_on_bye, false},
    [VERB_PING] = {core_on_ping, false},       [VERB_PROBE] = {core_on_probe, false},
    [VERB_POST] = {core_on_post, false},       [VERB_SKIP] = {core_on_skip, false},
    [VERB_CONFIRM] = {core_on_confirm, false}, [VERB_JOIN] = {core_on_join, false},
    [VERB_LEAVE] = {core_on_leave, false},     [VERB_WHO] = {core_on_who, false},
    [VERB_ROOMS] = {core_on_rooms, false},     [VERB_FETCH] = {core_on_fetch, false},
    [VERB_HEAD] = {core_on_head, false},       [VERB_MARK] = {core_on_mark, false},
};

/* The key of the connection must be the account's: a connection cannot change its key, so another one
 * here means that the shell mixed up peers; refuse rather than guess. */
static bool is_owner(struct core *self, const struct asked *asked)
{
    return asked->key == NULL ||
           memcmp(core_stream(self, asked->person)->owner_key, asked->key, PUBLIC_KEY_BYTES) == 0;
}

static void on_command(struct core *self, const struct core_event *event)
{
    const struct message *message = event->command.message;
    struct asked asked = {.peer = event->command.peer,
                          .key = event->command.key,
                          .message = message,
                          .skeleton = event->command.skeleton};
    const bool is_known = message->verb > VERB_NONE && message->verb < VERB_COUNT &&
                          VERBS[message->verb].handle != NULL;

    asked.session = sessions_by_peer(&self->sessions, asked.peer);
    if (asked.session != 0) {
        asked.person = self->sessions.row[asked.session].person;
        sessions_touch(&self->sessions, asked.session, self->now_ms);
        core_stream(self, asked.person)->heard_ms = self->now_ms;
    }
    if (event->command.refusal != RC_OK) {
        if (message->verb == VERB_POST && message_has(message, HAS_NUMBER) && asked.session != 0 &&
            is_owner(self, &asked))
            core_refuse_post(self, &asked, event->command.refusal);
        else
            core_refuse(self, &asked, event->command.refusal);
    } else if (!is_known) {
        core_refuse(self, &asked, RC_UNKNOWN_VERB);
    } else if (asked.session == 0 && !VERBS[message->verb].is_free) {
        core_refuse(self, &asked, RC_HELLO_FIRST);
    } else if (asked.session != 0 && !is_owner(self, &asked)) {
        core_refuse(self, &asked, RC_DENIED);
    } else {
        VERBS[message->verb].handle(self, &asked);
    }
}

static void on_stored(struct core *self, const struct op_result *result)
{
    static void (*const HANDLERS[])(struct core *, struct ticket *, const struct op_result *) = {
        [OP_HELLO] = core_stored_hello, [OP_POST] = core_stored_post,
        [OP_VOID] = core_stored_post,   [OP_JOIN] = core_stored_join,
        [OP_LEAVE] = core_stored_leave, [OP_CONFIRM] = core_stored_confirm,
        [OP_MARK] = core_stored_mark,   [OP_MARK_GET] = core_stored_mark,
    };
    struct ticket *ticket = pending_get(&self->pending, result->ticket);

    INVARIANT(ticket != NULL && ticket->kind == result->kind);
    HANDLERS[ticket->kind](self, ticket, result);
    pending_free(&self->pending, result->ticket.v);
}

void core_step(struct core *self, const struct core_event *event, struct effects *fx)
{
    fx->count = 0;
    self->fx = fx;
    self->now_ms = event->now_ms;
    self->wall_ms = event->wall_ms;
    switch (event->kind) {
    case CORE_EV_COMMAND:
        on_command(self, event);
        break;
    case CORE_EV_STORED:
        on_stored(self, event->stored);
        break;
    case CORE_EV_READ: {
        const uint32_t session = sessions_by_peer(&self->sessions, event->read.peer);

        if (self->reads > 0)
            self->reads--;
        if (session != 0 && self->sessions.row[session].fetches > 0)
            self->sessions.row[session].fetches--;
        break;
    }
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
}
