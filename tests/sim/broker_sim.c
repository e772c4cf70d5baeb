/* broker_sim.c - the broker's shell in the simulation: what broker/hub.c does, without sockets. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define COMMIT_MAX 64
#define LATE_MS    6000 /* what nobody knows the end of is done by then */

static void copy_span(struct span *span, char **at)
{
    if (span->len > 0)
        memcpy(*at, span->ptr, span->len);
    span->ptr = *at;
    *at += span->len;
}

static unsigned commit_most_ms(const struct world *self)
{
    return world_is_storm(self) || self->weather.commit_ms < 2 ? self->weather.commit_ms : 2;
}

static void ask_store(struct world *self, struct broker *broker, const struct op *op)
{
    struct asked_op asked = {.op = *op};
    const size_t len = op->nick.len + op->name.len + op->skeleton.len + op->text.len +
                       op->kind_name.len + op->mark.len + op->target_nick.len + op->label.len;
    char *at = asked.bytes = x_alloc(len + 1, 1);

    copy_span(&asked.op.nick, &at);
    copy_span(&asked.op.name, &at);
    copy_span(&asked.op.skeleton, &at);
    copy_span(&asked.op.text, &at);
    copy_span(&asked.op.kind_name, &at);
    copy_span(&asked.op.mark, &at);
    copy_span(&asked.op.target_nick, &at);
    copy_span(&asked.op.label, &at);
    if (broker->asked_count == broker->asked_capacity) {
        broker->asked_capacity = broker->asked_capacity == 0 ? 64 : broker->asked_capacity * 2;
        broker->asked = x_realloc(broker->asked, broker->asked_capacity, sizeof *broker->asked);
    }
    broker->asked[broker->asked_count++] = asked;
    if (broker->commits_at_ms == UINT64_MAX)
        broker->commits_at_ms = self->now_ms + world_below(self, commit_most_ms(self) + 1);
}

static struct conn *find_conn(struct world *self, peer_id peer)
{
    for (struct conn *conn = self->conns; conn != NULL; conn = conn->next) {
        if (conn->peer.v == peer.v)
            return conn;
    }
    return NULL;
}

static void send_message(struct world *self, peer_id peer, const struct message *message)
{
    char bytes[2048];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    struct conn *conn = find_conn(self, peer);

    if (conn == NULL || !conn->is_served)
        return;
    const enum rc rc = wire_write(&buf, message);
    INVARIANT(rc == RC_OK);
    check_reply(self, conn, message);
    wire_send(self, FLIGHT_ANSWER, conn, bytes, buf.len);
}

/* To every subscriber whose topic is a prefix, as ZeroMQ does. */
static void broadcast(struct world *self, const struct broker *broker, struct span name,
                      struct span body)
{
    char bytes[4096];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (wire_write_topic(&buf, name) != RC_OK || wire_append(&buf, body) != RC_OK)
        INVARIANT(!"a broadcast fits");
    for (struct conn *conn = self->conns; conn != NULL; conn = conn->next) {
        const bool is_there = conn->is_served && conn->broker == broker_index(self, broker);

        for (size_t i = 0; is_there && i < conn->topics.count; i++) {
            const char *topic = conn->topics.item[i];
            const size_t len = strlen(topic) + 1;

            if (buf.len >= len && memcmp(topic, bytes, len) == 0) {
                wire_send(self, FLIGHT_BROADCAST, conn, bytes, buf.len);
                break;
            }
        }
    }
}

static void announce(struct world *self, const struct broker *broker, struct span name,
                     const struct message *message)
{
    char bytes[512];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    const enum rc rc = wire_write(&buf, message);

    INVARIANT(rc == RC_OK);
    broadcast(self, broker, name, (struct span){bytes, buf.len});
}

static struct read_order order_of(const struct effect *effect)
{
    struct read_order order = {.peer = effect->kind == FX_READ ? effect->peer : (peer_id){0},
                               .stream = effect->stream,
                               .ref = effect->read.ref,
                               .first = effect->read.first,
                               .last = effect->read.last,
                               .since_ms = effect->read.since_ms,
                               .credit = effect->read.credit};

    INVARIANT(effect->name.len < sizeof order.name);
    memcpy(order.name, effect->name.ptr, effect->name.len);
    return order;
}

static void carry_out(struct world *self, struct broker *broker, const struct effect *effect)
{
    switch (effect->kind) {
    case FX_REPLY:
    case FX_FIGURES: /* none are kept here: only its end */
        send_message(self, effect->peer, &effect->message);
        break;
    case FX_STORE:
        ask_store(self, broker, &effect->op);
        break;
    case FX_PUBLISH:
        check_note_published(self, broker, effect->name, true);
        broadcast(self, broker, effect->name, effect->wire);
        break;
    case FX_ANNOUNCE:
        announce(self, broker, effect->name, &effect->message);
        break;
    case FX_ADMIT:
    case FX_EXPEL:
    case FX_SEARCH: /* nobody asks for it here */
    case FX_BACKUP: /* nobody asks for one here */
        break;
    case FX_READ:
    case FX_REPUBLISH: {
        struct read_order order = order_of(effect);

        order.broker = broker_index(self, broker);
        order.life = broker->life;
        if (effect->kind == FX_REPUBLISH)
            check_note_published(self, broker, effect->name, false);
        wire_send_read(self, &order);
        break;
    }
    }
}

/* A planned crash comes between two effects: then what the core borrowed is gone. */
bool broker_step(struct world *self, struct broker *broker, struct core_event *event)
{
    event->now_ms = self->now_ms;
    event->wall_ms = (uint64_t)(1700000000000 + (int64_t)self->now_ms + self->wall_jump_ms);
    core_step(broker->core, event, self->fx);
    INVARIANT(!core_is_overrun(broker->core));
    for (size_t i = 0; i < self->fx->count; i++) {
        if (broker->crash_in > 0 && world_is_storm(self) && --broker->crash_in == 0) {
            broker_crash(self, broker);
            return false;
        }
        carry_out(self, broker, &self->fx->item[i]);
    }
    return true;
}

static void on_record(void *context, const struct record *record)
{
    struct broker *broker = context;
    const enum rc rc = core_replay(broker->core, record);

    INVARIANT(rc == RC_OK);
}

static void entropy(void *context, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)world_random(context);
}

static void set_limits(struct world *self)
{
    struct store_limits limits = STORE_LIMITS_DEFAULTS;

    limits.keep.events = self->weather.keep_events;
    if (self->now_ms < self->full_until_ms && self->options.dir == NULL)
        limits.free_bytes_min = UINT64_MAX; /* SQLite's looks at the disk by the real clock */
    store_set_limits(self->store, &limits);
}

static void open_store(struct world *self)
{
    const char *why = "";
    enum rc rc;

    if (self->options.dir == NULL)
        rc = store_open_memory(entropy, self, &self->store);
    else
        rc = store_open_sqlite(self->options.dir, &self->store, &why);
    if (rc == RC_OK)
        rc = store_reader_open(self->store, &self->reader);
    if (rc != RC_OK)
        world_fail(self, "the store cannot be opened: %s %s", rc_name(rc), why);
    INVARIANT(rc == RC_OK);
    set_limits(self);
    retention_opened(self);
}

static void close_store(struct world *self)
{
    store_reader_close(&self->reader);
    store_close(&self->store);
}

static void tell_of(struct world *self, const struct broker *broker, const char *what)
{
    if (world_has_several(self))
        world_tell(self, "broker %u %s", broker_index(self, broker), what);
    else
        world_tell(self, "broker %s", what);
}

void broker_start(struct world *self, struct broker *broker)
{
    struct core_limits limits = {.accounts_max = 8,
                                 .rooms_max = 4,
                                 .memberships_max = 32,
                                 .room_members_max = 8,
                                 .sessions_max = 16,
                                 .pending_max = 24,
                                 .session_fetches_max = FETCH_OUTSTANDING_MAX,
                                 .address_rate = 50,
                                 .address_burst = 40,
                                 .others_max = 24 * (self->weather.brokers - 1),
                                 .registration = REGISTRATION_OPEN};

    broker->core = core_new(&limits);
    INVARIANT(broker->core != NULL);
    core_set_chat(broker->core, 1);
    const enum rc rc = store_replay(self->store, on_record, broker);
    INVARIANT(rc == RC_OK);
    broker->taken = self->turns; /* that was all of them */
    broker->commits_at_ms = UINT64_MAX;
    broker->starts_at_ms = UINT64_MAX;
    tell_of(self, broker, "starts");
    faults_revive(self, broker);
}

static void forget_asked(struct broker *broker, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(broker->asked[i].bytes);
}

/* They are no longer the broker's. */
static void drop_asked(struct broker *broker, size_t count)
{
    if (broker->asked_count > count)
        memmove(broker->asked, broker->asked + count,
                (broker->asked_count - count) * sizeof *broker->asked);
    broker->asked_count -= count;
}

static void lose_connections(struct world *self, const struct broker *broker)
{
    const unsigned which = broker_index(self, broker);

    for (struct conn *conn = self->conns; conn != NULL; conn = conn->next) {
        if (conn->broker == which)
            conn->is_served = false;
    }
    for (unsigned i = 0; i < self->weather.clients; i++) {
        const struct conn *conn = self->client[i].conn;

        if (world_has_several(self) && (conn == NULL || conn->broker != which))
            continue;
        if (world_chance(self, 500))
            client_cut(self, i, true);
    }
}

/* What was not committed is gone; connections die with their broker. */
void broker_crash(struct world *self, struct broker *broker)
{
    char what[64];

    snprintf(what, sizeof what, "crashes with %zu operations uncommitted", broker->asked_count);
    tell_of(self, broker, what);
    self->broker_crashes++;
    core_destroy(&broker->core);
    forget_asked(broker, broker->asked_count);
    broker->asked_count = 0;
    turns_forget(self, broker);
    broker->life++;
    if (self->options.dir != NULL && !world_has_several(self)) {
        close_store(self); /* another process would find it as it is */
        open_store(self);
    }
    broker->crash_in = 0;
    broker->commits_at_ms = UINT64_MAX;
    broker->starts_at_ms = self->now_ms + 50 + world_below(self, 4000);
    lose_connections(self, broker);
}

/* All come from one address. */
static const unsigned char ADDRESS[ADDRESS_BYTES] = {1};

void broker_command(struct world *self, struct conn *conn, const char *bytes, size_t len)
{
    struct wire_reader reader = wire_reader_over((struct span){bytes, len}, TO_BROKER);
    struct message message;
    struct broker *broker = &self->broker[conn->broker];
    bool is_alive = broker->core != NULL && conn->is_served;
    enum rc rc;

    while (is_alive && (rc = wire_read(&reader, &message)) != RC_END) {
        struct core_event event = {.kind = CORE_EV_COMMAND,
                                   .command = {.peer = conn->peer, .message = &message}};
        const struct span name = message.verb == VERB_HELLO ? message.nick : message.stream;
        unsigned char key[PUBLIC_KEY_BYTES] = {0};

        if (rc != RC_OK) {
            world_fail(self, "the broker reads what a model wrote as %s", rc_name(rc));
            return;
        }
        if (message_has(&message, HAS_REF) && message.ref == ORDER_REF && !world_is_storm(self))
            continue; /* one that came late, to whom it was about to settle */
        memcpy(key, self->client[conn->client].nick, strlen(self->client[conn->client].nick));
        event.command.key = key;
        event.command.address = ADDRESS;
        if (message_has(&message, message.verb == VERB_HELLO ? HAS_NICK : HAS_STREAM) &&
            name.len > 0)
            event.command.skeleton =
                message.verb == VERB_HELLO ? name : (struct span){name.ptr + 1, name.len - 1};
        world_tell(self, "%s asks %s %.*s %llu", self->client[conn->client].nick,
                   verb_row(message.verb)->name, (int)message.stream.len, message.stream.ptr,
                   (unsigned long long)(message_has(&message, HAS_NUMBER) ? message.number : 0));
        is_alive = broker_step(self, broker, &event);
    }
}

/* One transaction: the next turn. */
static void carry_out_turn(struct world *self, struct broker *broker, struct asked_op *asked,
                           size_t count, size_t life)
{
    struct op ops[COMMIT_MAX];
    struct turn turn = {.broker = broker_index(self, broker),
                        .life = life,
                        .count = count,
                        .asked = asked,
                        .results = x_alloc(count + 1, sizeof *turn.results)};

    for (size_t i = 0; i < count; i++)
        ops[i] = asked[i].op;
    const enum rc rc = store_apply(self->store, ops, count, turn.results);
    INVARIANT(rc == RC_OK);
    self->commits++;
    world_tell(self, "%zu operations are committed", count);
    check_results(self, turn.results, count);
    turns_add(self, &turn);
}

void broker_commit_late(struct world *self, struct broker *broker)
{
    struct asked_op *asked = broker->late.asked;

    if (self->options.dir == NULL)
        set_limits(self);
    broker->late.at_ms = UINT64_MAX;
    tell_of(self, broker, "is gone, and what it asked is done");
    carry_out_turn(self, broker, asked, broker->late.count, broker->late.life);
    free(asked);
}

/* The store has not answered, and nobody knows what becomes of it: it is done, or not, or, of several brokers, done
 * while the one that asked begins anew. */
static bool is_done_all_the_same(struct world *self, struct broker *broker, size_t count)
{
    const bool has_late = world_has_several(self) && broker->late.at_ms == UINT64_MAX;

    if (has_late && world_below(self, 3) == 0) {
        broker->late.asked = x_alloc(count + 1, sizeof *broker->late.asked);
        memcpy(broker->late.asked, broker->asked, count * sizeof *broker->asked);
        broker->late.count = count;
        broker->late.life = broker->life;
        broker->late.at_ms = self->now_ms + 1 + world_below(self, LATE_MS);
        return false;
    }
    if (world_chance(self, 500))
        return true;
    forget_asked(broker, count);
    return false;
}

/* Commit what has piled up. At times the power goes behind it; a disk that fails ends the broker, and what it
 * was doing is done or not. */
void broker_commit(struct world *self, struct broker *broker)
{
    struct asked_op asked[COMMIT_MAX];
    const size_t count = broker->asked_count < COMMIT_MAX ? broker->asked_count : COMMIT_MAX;
    const bool has_failed = world_is_storm(self) && world_chance(self, self->weather.disk_fails);

    if (broker->results_at_ms !=
        UINT64_MAX) { /* the writer has one batch in hand: its results come first */
        broker->commits_at_ms = broker->results_at_ms + 1;
        return;
    }
    if (self->options.dir == NULL)
        set_limits(self);
    const bool is_done = !has_failed || is_done_all_the_same(self, broker, count);
    memcpy(asked, broker->asked, count * sizeof *asked);
    drop_asked(broker, count);
    if (is_done) {
        carry_out_turn(self, broker, asked, count, broker->life);
        broker->own_turn = self->turns - 1;
    }
    if (self->weather.keep_events > 0 && world_below(self, 2) == 0)
        retention_clean(self);
    broker->commits_at_ms = UINT64_MAX;
    if (has_failed || (world_is_storm(self) && world_chance(self, self->weather.unanswered))) {
        broker_crash(self, broker);
        return;
    }
    broker->results_at_ms = self->now_ms + world_below(self, self->weather.result_ms + 1);
    if (broker->results_at_ms == self->now_ms)
        turns_take_own(self, broker);
    if (broker->asked_count > 0)
        broker->commits_at_ms = self->now_ms + 1 + world_below(self, commit_most_ms(self) + 1);
}

static void answer_page(struct world *self, const struct read_order *order,
                        const struct store_page *page, bool is_gone, bool is_done)
{
    static char bytes[FRAME_BYTES_MAX];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    struct message head = {.verb = is_gone ? VERB_GONE : VERB_EVENTS};
    struct conn *conn = find_conn(self, order->peer);

    message_set(&head, STREAM, stream, span_of(order->name));
    message_set(&head, FIRST, first, is_gone ? page->there : page->first);
    if (!is_gone)
        message_set(&head, LAST, last, page->last);
    else if (page->before != 0)
        message_set(&head, LAST, last, page->before);
    message_set(&head, SEQ, seq, page->head);
    if (!is_gone)
        message_set(&head, DONE, done, is_done);
    message_set(&head, REF, ref, order->ref);
    if (wire_write(&buf, &head) != RC_OK ||
        wire_append(&buf, is_gone ? SPAN("") : page->wire) != RC_OK)
        INVARIANT(!"a page fits its frame");
    if (conn != NULL && conn->is_served) {
        check_reply(self, conn, &head);
        wire_send(self, FLIGHT_ANSWER, conn, bytes, buf.len);
    }
}

static void republish(struct world *self, const struct broker *broker,
                      const struct read_order *order, struct span events)
{
    struct wire_reader reader = wire_reader_over(events, TO_CLIENT | TO_EVERYBODY);
    struct message message;
    struct span bytes;

    while (events.len > 0 && wire_read_raw(&reader, &message, &bytes) == RC_OK)
        broadcast(self, broker, span_of(order->name), bytes);
}

void broker_read(struct world *self, const struct read_order *order)
{
    struct store_range range = {.stream = order->stream,
                                .first = order->first,
                                .last = order->last,
                                .since_ms = order->since_ms,
                                .events_max = 8, /* small pages: continued often */
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct broker *broker = &self->broker[order->broker];
    struct store_page page;

    if (broker->core == NULL || order->life != broker->life) /* asked by one that is gone */
        return;
    for (uint32_t credit = order->credit; credit > 0; credit--) {
        const enum rc rc = store_read(self->reader, &range, &page);
        const bool is_gone =
            rc == RC_OK && order->peer.v != 0 && range.first != 0 && range.first < page.there;
        const bool is_done = is_gone || credit == 1 || page.count == 0 || page.last >= page.head ||
                             (order->last != 0 && page.last >= order->last);

        INVARIANT(rc == RC_OK);
        if (order->peer.v == 0)
            republish(self, broker, order, page.wire);
        else
            answer_page(self, order, &page, is_gone, is_done);
        if (is_done)
            break;
        range.first = page.last + 1;
        range.since_ms = 0;
    }
    if (order->peer.v != 0) {
        struct core_event event = {.kind = CORE_EV_READ, .read = {order->peer}};

        broker_step(self, broker, &event);
    }
}

void broker_tick(struct world *self, struct broker *broker)
{
    struct core_event event = {.kind = CORE_EV_TICK};

    if (broker_step(self, broker, &event))
        check_republished(self, broker);
}

void brokers_open(struct world *self)
{
    open_store(self);
    for (unsigned i = 0; i < self->weather.brokers; i++) {
        struct broker *broker = &self->broker[i];

        broker->results_at_ms = broker->follows_at_ms = broker->late.at_ms = UINT64_MAX;
    }
}

void brokers_close(struct world *self)
{
    for (unsigned i = 0; i < self->weather.brokers; i++) {
        struct broker *broker = &self->broker[i];

        core_destroy(&broker->core);
        forget_asked(broker, broker->asked_count);
        free(broker->asked);
        if (broker->late.at_ms != UINT64_MAX)
            asked_ops_free(broker->late.asked, broker->late.count);
    }
    turns_fini(self);
    close_store(self);
}
