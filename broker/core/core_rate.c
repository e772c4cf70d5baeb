/* core_rate.c - what everybody may ask in a second (protocol 7.7). */
#include "broker/core/core_handlers.h"
#include "broker/core/core_internal.h"

/* What goes up with what is asked is counted on top of the verb's own cost. */
static uint32_t cost_of(const struct asked *asked)
{
    const struct message *message = asked->message;
    const struct verb_rule *rule = core_verb_rule(message->verb);

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

    if (asked->message->verb != VERB_POST || asked->stream == 0 ||
        (stream_is_room(core_stream(self, asked->stream)) &&
         !members_has(&self->members, asked->stream, asked->person)))
        return 0;
    return take(&core_stream(self, asked->stream)->posts, limits->room_rate, limits->room_burst,
                cost, self->now_ms);
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
        struct stranger *stranger = stranger_of(self, asked);

        wait_ms = take(&stranger->asks, limits->stranger_rate, limits->stranger_burst, cost,
                       self->now_ms);
        if (wait_ms == 0)
            return true;
        self->stats.too_fast_stranger++;
        tell(self, asked, wait_ms, &stranger->too_fast_ms);
        return false;
    }
    uint64_t *told_ms = asked->session != 0 ? &self->sessions.row[asked->session].too_fast_ms
                                            : &stranger_of(self, asked)->too_fast_ms;
    wait_ms = take(&core_stream(self, person)->asks, limits->account_rate, limits->account_burst,
                   cost, self->now_ms);
    if (wait_ms != 0) {
        self->stats.too_fast_account++;
        tell(self, asked, wait_ms, told_ms);
        return false;
    }
    wait_ms = take_place(self, asked, cost);
    if (wait_ms == 0)
        return true;
    self->stats.too_fast_room++;
    tell(self, asked, wait_ms, told_ms);
    return false;
}
