/* core_run.c - running rooms: TOPIC, MODE, INVITE, OP, KICK, BAN, MUTE and their opposites (protocol 7.6); BAN and
 * UNBAN of the broker too. The right was checked before. */
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/core_room_for.h"
#include "broker/core/rights.h"

#include "shared/base/invariant.h"

#include <string.h>

void core_refuse_about(struct core *self, const struct asked *asked, enum rc rc)
{
    struct message *error = core_refuse(self, asked, rc);

    if (message_has(asked->message, HAS_STREAM))
        message_set(error, STREAM, stream, asked->message->stream);
}

enum rc core_ask(struct core *self, enum op_kind kind, const struct asked *asked, uint32_t target,
                 struct op **ret_op, struct ticket **ret_ticket)
{
    struct ticket *ticket;
    struct op *op;

    if (self->is_stopping)
        return RC_STOPPING;
    if (!core_store(self, kind, asked->person, asked, &op, &ticket))
        return RC_BUSY;
    ticket->peer = asked->peer;
    ticket->has_ref = message_has(asked->message, HAS_REF);
    ticket->ref = asked->message->ref;
    ticket->stream = asked->stream;
    ticket->target = target;
    if (asked->stream != 0) {
        op->stream = core_stream(self, asked->stream)->id;
        op->name = stream_name(core_stream(self, asked->stream));
    }
    if (target != 0) {
        op->target = core_stream(self, target)->id;
        op->target_nick = core_nick(self, target);
    }
    *ret_op = op;
    *ret_ticket = ticket;
    return RC_OK;
}

bool core_failed(struct core *self, const struct ticket *ticket, const struct op_result *result)
{
    if (result->rc == RC_OK)
        return false;
    struct message *error =
        core_error(self, ticket->peer, ticket->has_ref, ticket->ref, result->rc);
    if (ticket->stream != 0)
        message_set(error, STREAM, stream, stream_name(core_stream(self, ticket->stream)));
    return true;
}

void core_done(struct core *self, const struct ticket *ticket, const struct op_result *result)
{
    struct message *done = core_reply(self, ticket->peer, VERB_DONE, ticket->has_ref, ticket->ref);

    if (ticket->stream != 0)
        message_set(done, STREAM, stream, stream_name(core_stream(self, ticket->stream)));
    if (ticket->target != 0)
        message_set(done, NICK, nick, core_nick(self, ticket->target));
    for (size_t i = 0; i < result->appended_count && ticket->stream != 0; i++) {
        if (stream_equal(result->appended[i].stream, core_stream(self, ticket->stream)->id))
            message_set(done, SEQ, seq, result->appended[i].seq);
    }
}

enum rc core_until(const struct core *self, const struct message *message, uint64_t *ret)
{
    *ret = FOR_EVER_MS;
    if (!message_has(message, HAS_SECONDS) || message->seconds == 0)
        return RC_OK;
    if (message->seconds > INVITE_SECONDS_MAX)
        return RC_BAD_FIELD;
    *ret = self->wall_ms + message->seconds * 1000;
    return RC_OK;
}

/* --- TOPIC and MODE -------------------------------------------------------------------- */

void core_on_topic(struct core *self, const struct asked *asked)
{
    struct ticket *ticket;
    struct op *op;
    enum rc rc = asked->message->topic.len > SUBJECT_BYTES_MAX ? RC_TOO_BIG : RC_OK;

    if (rc == RC_OK)
        rc = core_ask(self, OP_ROOM, asked, 0, &op, &ticket);
    else
        core_count(self, REFUSED_FIELD_SIZE);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    op->has_topic = true;
    op->text = asked->message->topic;
    ticket_keep(ticket, op);
}

void core_on_mode(struct core *self, const struct asked *asked)
{
    const struct message *mode = asked->message;
    struct ticket *ticket;
    struct op *op;
    enum rc rc = message_has(mode, HAS_PRIVATE) || message_has(mode, HAS_PERSISTENT) ||
                         message_has(mode, HAS_SECONDS)
                     ? RC_OK
                     : RC_BAD_FIELD;

    if (rc == RC_OK && message_has(mode, HAS_SECONDS))
        rc = rights_to_keep(self, asked->person, (uint32_t)mode->seconds);
    if (rc == RC_OK)
        rc = core_ask(self, OP_ROOM, asked, 0, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    if (message_has(mode, HAS_PRIVATE))
        *(mode->is_private ? &op->modes_set : &op->modes_clear) |= ROOM_PRIVATE;
    if (message_has(mode, HAS_PERSISTENT))
        *(mode->persistent ? &op->modes_set : &op->modes_clear) |= ROOM_PERSISTENT;
    op->has_keep = message_has(mode, HAS_SECONDS);
    op->keep_s = op->has_keep ? (uint32_t)mode->seconds : 0;
    ticket_keep(ticket, op);
}

void core_stored_room(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_failed(self, ticket, result))
        return;
    struct stream *room = core_stream(self, ticket->stream);

    /* The event that says so goes out as the room was. */
    core_publish(self, result);
    room->modes = result->modes;
    room->open_from = result->open_from;
    room->keep_s = result->keep_s;
    if (ticket->has_topic)
        stream_set_topic(room, ticket_topic(ticket));
    core_done(self, ticket, result);
}

/* --- standings ------------------------------------------------------------------------- */

static enum standing_change change_of(enum verb verb)
{
    switch (verb) {
    case VERB_INVITE:
        return STANDING_INVITE;
    case VERB_OP:
        return STANDING_OP;
    case VERB_DEOP:
        return STANDING_DEOP;
    case VERB_KICK:
        return STANDING_KICK;
    case VERB_BAN:
        return STANDING_BAN;
    case VERB_UNBAN:
        return STANDING_UNBAN;
    case VERB_MUTE:
        return STANDING_MUTE;
    default:
        return STANDING_UNMUTE;
    }
}

/* Whose place at the broker it is about, and whether the asker may change it. */
static enum rc check_over(const struct core *self, const struct asked *asked, uint32_t target)
{
    const enum verb verb = asked->message->verb;

    if (asked->stream == 0) {
        if (verb == VERB_BAN && core_is_last_owner(self, target))
            return RC_DENIED;
        return rights_over_account(self, asked->person, target);
    }
    return verb == VERB_KICK || verb == VERB_BAN || verb == VERB_MUTE
               ? rights_over_member(self, asked->person, target)
               : RC_OK;
}

/* Whether the change makes a row where there is none. */
static bool makes_row(enum verb verb)
{
    return verb == VERB_INVITE || verb == VERB_BAN || verb == VERB_MUTE;
}

static void ask_standing(struct core *self, const struct asked *asked, uint32_t target)
{
    const struct message *message = asked->message;
    struct stream *room = asked->stream == 0 ? NULL : core_stream(self, asked->stream);
    struct ticket *ticket;
    struct op *op;
    uint64_t until_ms;
    enum rc rc = core_until(self, message, &until_ms);

    if (rc == RC_OK && room == NULL)
        rc = core_may_change(self, target);
    if (rc == RC_OK && room != NULL && makes_row(message->verb))
        rc = core_room_for_standing(self, asked->stream, target);
    if (rc == RC_OK)
        rc = core_ask(self, OP_STANDING, asked, target, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    op->change = change_of(message->verb);
    op->until_ms = until_ms;
    op->text = message_has(message, HAS_TEXT) ? message->text : SPAN("");
    ticket_keep(ticket, op);
    if (room == NULL) {
        core_begin_change(self, target);
    } else {
        self->standings_reserved++;
        room->leaving++;
    }
}

/* A key's person, whoever it is, is spared as the person would be. */
static enum rc check_over_key(const struct core *self, const struct asked *asked)
{
    const unsigned char *key = (const unsigned char *)asked->message->key.ptr;
    const uint32_t device = devices_by_key(&self->devices, key);

    return device == 0 ? RC_OK : check_over(self, asked, self->devices.row[device].person);
}

static void ask_keyban(struct core *self, const struct asked *asked)
{
    const struct message *message = asked->message;
    const bool is_ban = message->verb == VERB_BAN;
    struct ticket *ticket;
    struct op *op;
    uint64_t until_ms;
    enum rc rc = core_until(self, message, &until_ms);

    if (rc == RC_OK && message->key.len != PUBLIC_KEY_BYTES)
        rc = RC_BAD_FIELD;
    if (rc == RC_OK)
        rc = check_over_key(self, asked);
    if (rc == RC_OK && is_ban) {
        keybans_purge(&self->keybans, self->wall_ms);
        rc = core_counted(self, REFUSED_KEY_BANS,
                          core_room_for_one(self->keybans.count, self->keybans_reserved,
                                            self->limits.key_bans_max));
        if (rc == RC_OK && asked->stream != 0)
            rc = core_counted(self, REFUSED_ROOM_BANS,
                              core_share_for_one(keybans_of_room(&self->keybans, asked->stream), 0,
                                                 self->limits.room_standings_max));
    }
    if (rc == RC_OK)
        rc = core_ask(self, OP_KEY_BAN, asked, 0, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
        return;
    }
    memcpy(op->key, message->key.ptr, sizeof op->key);
    op->until_ms = is_ban ? until_ms : 0;
    ticket_keep(ticket, op);
    self->keybans_reserved++;
}

void core_on_standing(struct core *self, const struct asked *asked)
{
    const struct message *message = asked->message;
    const bool has_key = message_has(message, HAS_KEY);
    const bool may_be_key = message->verb == VERB_BAN || message->verb == VERB_UNBAN;
    enum rc rc = RC_OK;

    if (may_be_key && has_key == message_has(message, HAS_NICK)) {
        core_refuse_about(self, asked, RC_BAD_FIELD);
        return;
    }
    if (may_be_key && has_key) {
        ask_keyban(self, asked);
        return;
    }
    const uint32_t target = core_person(self, message->nick);
    if (target == 0)
        rc = RC_NO_SUCH_NICK;
    if (rc == RC_OK)
        rc = check_over(self, asked, target);
    if (rc != RC_OK) {
        core_refuse_about(self, asked, rc);
    } else if (message->verb == VERB_INVITE && core_stream(self, asked->stream)->leaving == 0 &&
               members_has(&self->members, asked->stream, target)) {
        struct message *done = core_answer(self, asked, VERB_DONE); /* is in it already */

        message_set(done, STREAM, stream, stream_name(core_stream(self, asked->stream)));
        message_set(done, NICK, nick, core_nick(self, target));
    } else {
        ask_standing(self, asked, target);
    }
}

void core_stored_standing(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_failed(self, ticket, result))
        return;
    if (ticket->stream != 0) {
        const bool has_room =
            members_set(&self->members, ticket->stream, ticket->target, &result->standing);

        INVARIANT(has_room); /* the row was reserved */
    } else {
        core_set_ban(self, ticket->target, result->standing.banned_until_ms);
    }
    core_publish(self, result);
    core_done(self, ticket, result);
}

void core_stored_keyban(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_failed(self, ticket, result))
        return;
    core_set_key_ban(self, ticket->stream, ticket->key, ticket->until_ms);
    core_publish(self, result);
    core_done(self, ticket, result);
}
