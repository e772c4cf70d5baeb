/* core_brokers.c - BROKERS, and who is at the other ones (protocol 5.5, 8). */
#include "broker/core/core_brokers.h"

#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_orders.h"

#include "shared/base/invariant.h"

#include <string.h>

_Static_assert(CORE_BROKERS_MAX <= LIST_PAGE_MAX, "one page holds all of them");

void core_know_brokers(struct core *self, const struct core_broker *brokers, size_t count)
{
    INVARIANT(count <= CORE_BROKERS_MAX);
    if (count > 0)
        memcpy(self->elsewhere.broker, brokers, count * sizeof *brokers);
    self->elsewhere.broker_count = (uint32_t)count;
    elsewhere_forget(&self->elsewhere);
}

/* --- who is where ----------------------------------------------------------------------- */

/* An account that is not known here would be a page that came too early: it is left out, and comes with the next one. */
static void take_session(struct core *self, uint32_t row, const struct presence *presence)
{
    struct far_session session = {.id = presence->session.v,
                                  .since_ms = presence->since_ms,
                                  .is_away = presence->is_away,
                                  .is_silent = presence->is_silent};

    if (session.id != 0)
        session.person = streams_by_id(&self->streams, presence->account);
    if (session.person == 0 || stream_is_room(core_stream(self, session.person)))
        session = (struct far_session){.id = 0};
    else if (presence->has_key)
        session.device = devices_by_key(&self->devices, presence->key);
    elsewhere_set(&self->elsewhere, row, &session,
                  session.id != 0 && sessions_by_id(&self->sessions, presence->session) != 0);
}

void core_take_presence(struct core *self, uint64_t broker, uint32_t page,
                        const struct presence rows[static PRESENCE_PAGE])
{
    uint32_t before;

    if (!elsewhere_rows_of(&self->elsewhere, broker, &before) ||
        page >= self->elsewhere.slot_rows / PRESENCE_PAGE)
        return;
    for (uint32_t i = 0; i < PRESENCE_PAGE; i++)
        take_session(self, before + page * PRESENCE_PAGE + i + 1, &rows[i]);
}

uint32_t core_presence_pages(const struct core *self)
{
    return (self->sessions.rows_max + PRESENCE_PAGE - 1) / PRESENCE_PAGE;
}

static struct presence presence_of(const struct core *self, uint32_t row, uint64_t now_ms)
{
    const struct session *session = &self->sessions.row[row];
    struct presence presence = {.session = session->id};

    if (session->id.v == 0)
        return presence;
    presence.account = self->streams.row[session->person].id;
    presence.since_ms = session->since_ms;
    presence.is_away = session->is_away;
    presence.is_silent = session->seen_ms + SILENT_MS <= now_ms;
    presence.has_key = session->device != 0;
    if (presence.has_key)
        memcpy(presence.key, self->devices.row[session->device].key, sizeof presence.key);
    return presence;
}

void core_give_presence(const struct core *self, uint32_t page, uint64_t now_ms,
                        struct presence rows[static PRESENCE_PAGE])
{
    for (uint32_t i = 0; i < PRESENCE_PAGE; i++) {
        const uint32_t row = page * PRESENCE_PAGE + i + 1;

        rows[i] = row <= self->sessions.rows_max ? presence_of(self, row, now_ms)
                                                 : (struct presence){.session = {0}};
    }
}

/* --- BROKERS ------------------------------------------------------------------------------ */

/* Whoever answers is not gone, though it may be long since the database took its lease. */
static struct span state_of(const struct core_broker *broker, uint64_t unseen_ms)
{
    if (!broker->is_own && (!broker->is_live || unseen_ms >= LEASE_MS))
        return SPAN("gone");
    if (unseen_ms >= LEASE_SILENT_MS)
        return SPAN("silent");
    return broker->lag_ms >= BROKER_BEHIND_MS ? SPAN("behind") : SPAN("online");
}

static void tell_broker(struct core *self, const struct asked *asked,
                        const struct core_broker *broker)
{
    const bool has_lease = broker->seen_ms != 0;
    const uint64_t unseen_ms =
        has_lease && broker->seen_ms < self->now_ms ? self->now_ms - broker->seen_ms : 0;
    const bool is_over = !broker->is_live || unseen_ms >= LEASE_MS;
    struct message *reply = core_answer(self, asked, VERB_BROKER);

    message_set(reply, NAME, name, span_of(broker->name));
    message_set(reply, STATE, state, state_of(broker, unseen_ms));
    message_set(reply, TS, ts, broker->since_ms);
    message_set(reply, DEVICES, devices,
                broker->is_own ? self->sessions.count : (is_over ? 0 : broker->sessions));
    if (broker->address[0] != '\0')
        message_set(reply, ADDRESS, address, span_of(broker->address));
    if (broker->agent[0] != '\0')
        message_set(reply, AGENT, agent, span_of(broker->agent));
    if (broker->is_own)
        message_set(reply, MEMBER, member, true);
    if (!has_lease)
        return;
    message_set(reply, TOKEN, token, broker->id);
    message_set(reply, SINCE, since, self->wall_ms - unseen_ms);
    message_set(reply, EXPIRE, expire_ms, is_over ? 0 : LEASE_MS - unseen_ms);
    message_set(reply, UPTO, upto, broker->turn);
    message_set(reply, LAST, last, broker->turns > broker->turn ? broker->turns : broker->turn);
}

/* The cursor is how many were told. */
void core_on_brokers(struct core *self, const struct asked *asked)
{
    const struct elsewhere *elsewhere = &self->elsewhere;
    const uint64_t told = message_has(asked->message, HAS_CURSOR) ? asked->message->cursor : 0;

    for (uint64_t i = told; i < elsewhere->broker_count; i++)
        tell_broker(self, asked, &elsewhere->broker[i]);
    core_end_list(self, asked, 0);
}
