/* core_people.c - ADMIT, DEVICES, REVOKE, ROLE and SESSIONS (protocol 5.3). */
#include "broker/core/core_doors.h"
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"
#include "broker/core/core_room_for.h"

#include <string.h>

/* The person of `nick`, or the asker without one; 0: nobody. */
static uint32_t whose(const struct core *self, const struct asked *asked)
{
    return message_has(asked->message, HAS_NICK) ? core_person(self, asked->message->nick)
                                                 : asked->person;
}

static enum rc role_from(struct span name, enum role *ret)
{
    for (enum role role = ROLE_MEMBER; role <= ROLE_OWNER; role++) {
        if (span_equal(core_role_name(role), name)) {
            *ret = role;
            return RC_OK;
        }
    }
    return RC_BAD_FIELD;
}

/* --- ADMIT ----------------------------------------------------------------------------- */

/* What is asked for: *ret_role of the new person, or of the asker for one more device. */
static enum rc check_admit(const struct core *self, const struct asked *asked, enum role *ret_role,
                           uint64_t *ret_until_ms)
{
    const struct message *admit = asked->message;
    const uint64_t seconds =
        message_has(admit, HAS_SECONDS) ? admit->seconds : INVITE_SECONDS_DEFAULT;

    if (seconds < INVITE_SECONDS_MIN || seconds > INVITE_SECONDS_MAX)
        return RC_BAD_FIELD;
    *ret_until_ms = self->wall_ms + seconds * 1000;
    *ret_role = self->streams.row[asked->person].role;
    if (message_has(admit, HAS_DEVICE) && admit->device)
        return RC_OK;
    *ret_role = ROLE_MEMBER;
    if (message_has(admit, HAS_ROLE) && role_from(admit->role, ret_role) != RC_OK)
        return RC_BAD_FIELD;
    if (message_has(admit, HAS_NICK) && core_person(self, admit->nick) != 0)
        return RC_NICK_IN_USE;
    return rights_to_admit(self, asked->person, *ret_role);
}

void core_on_admit(struct core *self, const struct asked *asked)
{
    const struct message *admit = asked->message;
    const bool is_device = message_has(admit, HAS_DEVICE) && admit->device;
    const uint32_t max = self->limits.account_invitations_max;
    struct ticket *ticket;
    struct op *op;
    enum role role;
    uint64_t until_ms;
    enum rc rc = check_admit(self, asked, &role, &until_ms);

    if (rc == RC_OK)
        rc = core_ask(self, OP_ADMIT, asked, 0, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    op->is_device = is_device;
    op->role = role;
    op->until_ms = until_ms;
    op->limit = max == 0 ? UINT32_MAX : max;
    op->label = message_has(admit, HAS_NAME) ? admit->name : SPAN("");
    op->target_nick = is_device ? core_nick(self, asked->person)
                                : (message_has(admit, HAS_NICK) ? admit->nick : SPAN(""));
    ticket_keep(ticket, op);
}

void core_stored_admit(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    (void)core_counted(self, REFUSED_ACCOUNT_INVITATIONS, result->rc);
    if (core_failed(self, ticket, result))
        return;
    struct message *reply =
        core_reply(self, ticket->peer, VERB_INVITATION, ticket->has_ref, ticket->ref);
    message_set(reply, INVITE, invite, ((struct span){(const char *)result->token, INVITE_BYTES}));
    message_set(reply, ROLE, role, core_role_name(ticket->role));
    message_set(reply, UNTIL, until, ticket->until_ms);
    if (ticket->name_len > 0)
        message_set(reply, NICK, nick, ticket_name(ticket));
}

/* --- DEVICES and SESSIONS -------------------------------------------------------------- */

void core_on_devices(struct core *self, const struct asked *asked)
{
    const uint32_t person = whose(self, asked);
    const uint32_t own = self->sessions.row[asked->session].device;
    const enum rc rc =
        person == 0 ? RC_NO_SUCH_NICK : rights_over_account(self, asked->person, person);
    uint32_t row = 0, told = 0;

    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    while ((row = devices_next(&self->devices, person, row)) != 0 && told < LIST_PAGE_MAX) {
        const struct device *device = &self->devices.row[row];

        if (device->is_revoked)
            continue;
        struct message *reply = core_answer(self, asked, VERB_DEVICE);
        message_set(reply, KEY, key, core_key(device->key));
        message_set(reply, TS, ts, device->ts_ms);
        if (device->label_len > 0)
            message_set(reply, NAME, name, ((struct span){device->label, device->label_len}));
        if (row == own)
            message_set(reply, MEMBER, member, true);
        told++;
    }
    core_end_list(self, asked, 0);
}

static struct message *tell_session(struct core *self, const struct asked *asked,
                                    const struct far_session *session)
{
    struct message *reply = core_answer(self, asked, VERB_SESSION);

    message_set(reply, NICK, nick, core_nick(self, session->person));
    message_set(reply, SESSION, session, session->id);
    message_set(reply, STATE, state,
                session->is_silent ? SPAN("silent")
                                   : (session->is_away ? SPAN("away") : SPAN("online")));
    message_set(reply, TS, ts, session->since_ms);
    if (session->device != 0)
        message_set(reply, KEY, key, core_key(self->devices.row[session->device].key));
    return reply;
}

static bool is_session(const struct core *self, uint64_t row)
{
    const uint32_t here = self->sessions.rows_max;

    return row <= here ? self->sessions.row[row].id.v != 0
                       : self->elsewhere.row[row - here].is_counted;
}

/* Those of other brokers stand behind the own ones. */
static void tell_session_in(struct core *self, const struct asked *asked, uint32_t row)
{
    const uint32_t here = self->sessions.rows_max;

    if (row > here) {
        struct message *reply = tell_session(self, asked, &self->elsewhere.row[row - here]);

        message_set(reply, NAME, name,
                    span_of(elsewhere_broker_of(&self->elsewhere, row - here)->name));
        return;
    }
    const struct session *session = &self->sessions.row[row];
    const struct far_session told = {.id = session->id.v,
                                     .since_ms = session->since_ms,
                                     .person = session->person,
                                     .device = session->device,
                                     .is_away = session->is_away,
                                     .is_silent = session->seen_ms + SILENT_MS <= self->now_ms};
    (void)tell_session(self, asked, &told);
}

/* The cursor is the row of the last one told: a session keeps its row while it lives. */
void core_on_sessions(struct core *self, const struct asked *asked)
{
    const uint64_t rows_max = (uint64_t)self->sessions.rows_max + self->elsewhere.rows_max;
    uint64_t row = message_has(asked->message, HAS_CURSOR) ? asked->message->cursor : 0;
    uint32_t told = 0;

    while (row < rows_max) {
        if (is_session(self, row + 1)) {
            if (told++ == LIST_PAGE_MAX) {
                core_end_list(self, asked, row);
                return;
            }
            tell_session_in(self, asked, (uint32_t)row + 1);
        }
        row++;
    }
    core_end_list(self, asked, 0);
}

/* The core counts a part of it; the shell knows the rest. */
void core_on_stats(struct core *self, const struct asked *asked)
{
    struct effect *effect = core_effect(self, FX_FIGURES);

    effect->peer = asked->peer;
    effect->seq = message_has(asked->message, HAS_CURSOR) ? asked->message->cursor : 0;
    effect->message.verb = VERB_END;
    if (message_has(asked->message, HAS_REF))
        message_set(&effect->message, REF, ref, asked->message->ref);
}

/* --- REVOKE and ROLE ------------------------------------------------------------------- */

/* Nobody shuts themselves out, and the last owner stays. */
static enum rc check_revoke(const struct core *self, const struct asked *asked, uint32_t person)
{
    const struct message *revoke = asked->message;
    const bool has_key = message_has(revoke, HAS_KEY);

    if (person == 0)
        return RC_NO_SUCH_NICK;
    if (has_key && revoke->key.len != PUBLIC_KEY_BYTES)
        return RC_BAD_FIELD;
    const enum rc rc = rights_over_account(self, asked->person, person);
    if (rc != RC_OK)
        return rc;
    const uint32_t live = self->devices.live[person];
    if (has_key) {
        const uint32_t row = devices_by_key(&self->devices, (const unsigned char *)revoke->key.ptr);

        if (row == 0 || self->devices.row[row].person != person)
            return RC_NO_SUCH_NICK;
        if (self->devices.row[row].is_revoked)
            return RC_OK; /* once more: DONE */
    }
    const bool is_last = !has_key || live <= 1;
    if (is_last && (person == asked->person || core_is_last_owner(self, person)))
        return RC_DENIED;
    return core_may_change(self, person);
}

void core_on_revoke(struct core *self, const struct asked *asked)
{
    const uint32_t person = whose(self, asked);
    struct ticket *ticket;
    struct op *op;
    enum rc rc = check_revoke(self, asked, person);

    if (rc == RC_OK)
        rc = core_ask(self, OP_REVOKE, asked, person, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    if (message_has(asked->message, HAS_KEY))
        memcpy(op->key, asked->message->key.ptr, sizeof op->key);
    ticket_keep(ticket, op);
    core_begin_change(self, person);
}

void core_stored_revoke(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    static const unsigned char all[PUBLIC_KEY_BYTES];
    uint32_t row = 0;

    if (core_failed(self, ticket, result))
        return;
    while ((row = devices_next(&self->devices, ticket->target, row)) != 0) {
        if (memcmp(ticket->key, all, sizeof all) == 0 ||
            memcmp(ticket->key, self->devices.row[row].key, sizeof all) == 0)
            core_revoke(self, row);
    }
    core_publish(self, result);
    core_done(self, ticket, result);
}

void core_on_role(struct core *self, const struct asked *asked)
{
    const struct message *message = asked->message;
    const uint32_t person = core_person(self, message->nick);
    struct ticket *ticket;
    struct op *op;
    enum role role = ROLE_MEMBER;
    enum rc rc = role_from(message->role, &role);

    if (rc == RC_OK && person == 0)
        rc = RC_NO_SUCH_NICK;
    if (rc == RC_OK && role != ROLE_OWNER && core_is_last_owner(self, person))
        rc = RC_DENIED;
    if (rc == RC_OK)
        rc = core_may_change(self, person);
    if (rc == RC_OK)
        rc = core_ask(self, OP_ROLE, asked, person, &op, &ticket);
    if (rc != RC_OK) {
        core_refuse(self, asked, rc);
        return;
    }
    op->role = role;
    ticket_keep(ticket, op);
    core_begin_change(self, person);
}

void core_stored_role(struct core *self, struct ticket *ticket, const struct op_result *result)
{
    if (core_failed(self, ticket, result))
        return;
    core_set_role(self, ticket->target, ticket->role);
    core_done(self, ticket, result);
}
