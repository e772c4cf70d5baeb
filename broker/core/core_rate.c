/* core_rate.c - what everybody may ask in a second, and have under way at a time (protocol 7.7). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"
#include "broker/core/core_room_for.h"

/* What goes up with what is asked is counted on top of the verb's own cost. */
static uint32_t cost_of(const struct asked *asked)
{
    const struct message *message = asked->message;
    const struct verb_rule *rule = asked->rule;

    if (message->verb == VERB_POST && message_has(message, HAS_TEXT))
        return rule->cost + (uint32_t)(message->text.len / 4096);
    if (message->verb == VERB_FETCH && message_has(message, HAS_CREDIT))
        return rule->cost + (uint32_t)message->credit;
    return rule == NULL ? 1 : rule->cost;
}

/* 0: taken. No cost is above the burst: it could never be paid. */
static uint64_t take(struct bucket *bucket, uint32_t rate, uint32_t burst, uint32_t cost,
                     uint64_t now_ms)
{
    if (rate == 0 || burst == 0)
        return 0;
    return bucket_take(bucket, rate, burst, cost < burst ? cost : burst, now_ms);
}

static struct stranger *stranger_of(struct core *self, const struct asked *asked)
{
    const struct table *table = &self->sessions.by_peer; /* its key is as good as any */
    const uint64_t hash = asked->key != NULL
                              ? table_hash(table, asked->key, PUBLIC_KEY_BYTES)
                              : table_hash(table, &asked->peer.v, sizeof asked->peer.v);

    return &self->strangers[hash % STRANGERS];
}

static void tell(struct core *self, const struct asked *asked, uint64_t wait_ms, uint64_t *told_ms)
{
    if (*told_ms != 0 && self->now_ms < *told_ms + TOO_FAST_MS)
        return;
    *told_ms = self->now_ms;
    const uint64_t retry = wait_ms < TOO_FAST_MS ? TOO_FAST_MS : wait_ms;
    struct message *error = core_refuse(self, asked, RC_TOO_FAST);
    message_set(error, RETRY, retry, retry < UINT32_MAX ? retry : UINT32_MAX);
}

/* Posts pay a second time where they go, so that many people together do not flood one place; who may not
 * post there does not use it up for the others. */
static uint64_t take_place(struct core *self, const struct asked *asked, uint32_t cost)
{
    const struct core_limits *limits = &self->limits;

    if (asked->rule == NULL || (asked->rule->limits & LIMIT_PLACE) == 0 || asked->stream == 0 ||
        (stream_is_room(core_stream(self, asked->stream)) &&
         !members_has(&self->members, asked->stream, asked->person)))
        return 0;
    return take(&core_stream(self, asked->stream)->posts, limits->room_rate, limits->room_burst,
                cost, self->now_ms);
}

/* A key has a small bucket, and all those of one address a bigger one: keys are made for nothing, addresses
 * are not. */
static uint64_t take_stranger(struct core *self, const struct asked *asked, uint32_t cost)
{
    const struct core_limits *limits = &self->limits;
    uint64_t wait_ms = take(&stranger_of(self, asked)->asks, limits->stranger_rate,
                            limits->stranger_burst, cost, self->now_ms);

    if (wait_ms != 0) {
        core_count(self, REFUSED_STRANGER_RATE);
        return wait_ms;
    }
    if (asked->address == NULL)
        return 0;
    const uint64_t hash = table_hash(&self->sessions.by_peer, asked->address, ADDRESS_BYTES);
    wait_ms = take(&self->addresses[hash % ADDRESSES], limits->address_rate, limits->address_burst,
                   cost, self->now_ms);
    if (wait_ms != 0)
        core_count(self, REFUSED_ADDRESS_RATE);
    return wait_ms;
}

/* Whose bucket it is: a device that says HELLO is no stranger, and a script says it often. 0: a stranger. */
static uint32_t payer_of(const struct core *self, const struct asked *asked)
{
    if (asked->session != 0 || asked->key == NULL)
        return asked->person;
    const uint32_t device = devices_by_key(&self->devices, asked->key);
    return device == 0 || self->devices.row[device].is_revoked ? 0
                                                               : self->devices.row[device].person;
}

bool core_is_in_time(struct core *self, const struct asked *asked)
{
    const struct core_limits *limits = &self->limits;
    const uint32_t cost = cost_of(asked);
    const uint32_t person = payer_of(self, asked);
    uint64_t wait_ms;

    if (cost == 0)
        return true;
    if (asked->session == 0 && person == 0) {
        wait_ms = take_stranger(self, asked, cost);
        if (wait_ms != 0)
            tell(self, asked, wait_ms, &stranger_of(self, asked)->too_fast_ms);
        return wait_ms == 0;
    }
    uint64_t *told_ms = asked->session != 0 ? &self->sessions.row[asked->session].too_fast_ms
                                            : &stranger_of(self, asked)->too_fast_ms;
    wait_ms = take(&core_stream(self, person)->asks, limits->account_rate, limits->account_burst,
                   cost, self->now_ms);
    if (wait_ms != 0) {
        core_count(self, REFUSED_ACCOUNT_RATE);
        tell(self, asked, wait_ms, told_ms);
        return false;
    }
    wait_ms = take_place(self, asked, cost);
    if (wait_ms == 0)
        return true;
    core_count(self, REFUSED_ROOM_RATE);
    tell(self, asked, wait_ms, told_ms);
    return false;
}

enum rc core_check_work(struct core *self, const struct asked *asked)
{
    const unsigned limits = asked->rule->limits;
    const struct session *session = &self->sessions.row[asked->session];

    if ((limits & LIMIT_ASKS) != 0 && !pending_may_ask(&self->pending, asked->peer)) {
        core_count(self, REFUSED_ASKS);
        return RC_BUSY;
    }
    if ((limits & LIMIT_WINDOW) != 0 && session->pending >= POST_WINDOW) {
        core_count(self, REFUSED_WINDOW);
        return RC_BUSY;
    }
    if ((limits & LIMIT_SEARCHES) != 0 &&
        (session->searches >= SEARCH_OUTSTANDING_MAX || self->searches >= SEARCHES_MAX)) {
        core_count(self, REFUSED_SEARCHES);
        return RC_BUSY;
    }
    if ((limits & LIMIT_FETCHES) == 0)
        return RC_OK;
    const uint32_t max = self->limits.session_fetches_max;
    const enum rc rc = core_share_for_one(session->fetches, 0, max);
    /* A peer that changes its sessions escapes the limit above, but not this one. */
    if (rc == RC_OK && self->reads >= self->limits.pending_max) {
        core_count(self, REFUSED_PENDING);
        return RC_BUSY;
    }
    return core_counted(self, REFUSED_FETCHES, rc);
}
