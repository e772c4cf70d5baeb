/* broker_sim.c - the broker's shell in the simulation: what broker/hub.c does, without sockets. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define COMMIT_MAX 64

/* An operation in the store's hands, with copies of what it borrows. */
struct asked_op {
    struct op op;
    char *bytes;
};

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

static void ask_store(struct world *self, const struct op *op)
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
    if (self->asked_count == self->asked_capacity) {
        self->asked_capacity = self->asked_capacity == 0 ? 64 : self->asked_capacity * 2;
        self->asked = x_realloc(self->asked, self->asked_capacity, sizeof *self->asked);
    }
    self->asked[self->asked_count++] = asked;
    if (self->commits_at_ms == UINT64_MAX)
        self->commits_at_ms = self->now_ms + world_below(self, commit_most_ms(self) + 1);
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
static void broadcast(struct world *self, struct span name, struct span body)
{
    char bytes[4096];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};

    if (wire_write_topic(&buf, name) != RC_OK || wire_append(&buf, body) != RC_OK)
        INVARIANT(!"a broadcast fits");
    for (struct conn *conn = self->conns; conn != NULL; conn = conn->next) {
        for (size_t i = 0; conn->is_served && i < conn->topics.count; i++) {
            const char *topic = conn->topics.item[i];
            const size_t len = strlen(topic) + 1;

            if (buf.len >= len && memcmp(topic, bytes, len) == 0) {
                wire_send(self, FLIGHT_BROADCAST, conn, bytes, buf.len);
                break;
            }
        }
    }
}

static void announce(struct world *self, struct span name, const struct message *message)
{
    char bytes[512];
    struct wire_buf buf = {.data = bytes, .capacity = sizeof bytes};
    const enum rc rc = wire_write(&buf, message);

    INVARIANT(rc == RC_OK);
    broadcast(self, name, (struct span){bytes, buf.len});
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

static void carry_out(struct world *self, const struct effect *effect)
{
    switch (effect->kind) {
    case FX_REPLY:
    case FX_FIGURES: /* none are kept here: only its end */
        send_message(self, effect->peer, &effect->message);
        break;
    case FX_STORE:
        ask_store(self, &effect->op);
        break;
    case FX_PUBLISH:
        check_note_published(self, effect->name, true);
        broadcast(self, effect->name, effect->wire);
        break;
    case FX_ANNOUNCE:
        announce(self, effect->name, &effect->message);
        break;
    case FX_ADMIT:
    case FX_EXPEL:
    case FX_SEARCH: /* nobody asks for it here */
    case FX_BACKUP: /* nobody asks for one here */
        break;
    case FX_READ:
    case FX_REPUBLISH: {
        struct read_order order = order_of(effect);

        order.broker = self->broker_crashes;
        if (effect->kind == FX_REPUBLISH)
            check_note_published(self, effect->name, false);
        wire_send_read(self, &order);
        break;
    }
    }
}

/* A planned crash comes between two effects: then what the core borrowed is gone, and the caller looks at
 * self->core. */
static void step(struct world *self, struct core_event *event)
{
    event->now_ms = self->now_ms;
    event->wall_ms = (uint64_t)(1700000000000 + (int64_t)self->now_ms + self->wall_jump_ms);
    core_step(self->core, event, self->fx);
    for (size_t i = 0; i < self->fx->count; i++) {
        if (self->crash_in > 0 && world_is_storm(self) && --self->crash_in == 0) {
            broker_crash(self);
            return;
        }
        carry_out(self, &self->fx->item[i]);
    }
}

static void on_record(void *context, const struct record *record)
{
    struct world *self = context;
    const enum rc rc = core_replay(self->core, record);

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

void broker_open_store(struct world *self)
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

void broker_start(struct world *self)
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
                                 .registration = REGISTRATION_OPEN};

    self->core = core_new(&limits);
    INVARIANT(self->core != NULL);
    const enum rc rc = store_replay(self->store, on_record, self);
    INVARIANT(rc == RC_OK);
    self->commits_at_ms = UINT64_MAX;
    self->starts_at_ms = UINT64_MAX;
    world_tell(self, "broker starts");
    faults_revive(self);
}

static void forget_asked(struct world *self, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(self->asked[i].bytes);
    if (self->asked_count > count)
        memmove(self->asked, self->asked + count,
                (self->asked_count - count) * sizeof *self->asked);
    self->asked_count -= count;
}

/* What was not committed is gone; connections die with their broker. */
void broker_crash(struct world *self)
{
    world_tell(self, "broker crashes with %zu operations uncommitted", self->asked_count);
    self->broker_crashes++;
    core_destroy(&self->core);
    forget_asked(self, self->asked_count);
    free(self->results);
    self->results = NULL;
    if (self->options.dir != NULL) { /* another process would find it as it is */
        close_store(self);
        broker_open_store(self);
    }
    self->crash_in = 0;
    self->commits_at_ms = self->results_at_ms = UINT64_MAX;
    self->starts_at_ms = self->now_ms + 50 + world_below(self, 4000);
    for (struct conn *conn = self->conns; conn != NULL; conn = conn->next)
        conn->is_served = false;
    for (unsigned i = 0; i < self->weather.clients; i++) {
        if (world_chance(self, 500))
            client_cut(self, i, true);
    }
}

/* All come from one address. */
static const unsigned char ADDRESS[ADDRESS_BYTES] = {1};

void broker_command(struct world *self, struct conn *conn, const char *bytes, size_t len)
{
    struct wire_reader reader = wire_reader_over((struct span){bytes, len}, TO_BROKER);
    struct message message;
    enum rc rc;

    if (self->core == NULL || !conn->is_served)
        return;
    while (self->core != NULL && (rc = wire_read(&reader, &message)) != RC_END) {
        struct core_event event = {.kind = CORE_EV_COMMAND,
                                   .command = {.peer = conn->peer, .message = &message}};
        const struct span name = message.verb == VERB_HELLO ? message.nick : message.stream;
        unsigned char key[PUBLIC_KEY_BYTES] = {0};

        if (rc != RC_OK) {
            world_fail(self, "the broker reads what a model wrote as %s", rc_name(rc));
            return;
        }
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
        step(self, &event);
    }
}

/* Commit what has piled up. At times the power goes behind it; a disk that fails ends the broker, and what it
 * was doing is done or not. */
void broker_commit(struct world *self)
{
    struct op ops[COMMIT_MAX];
    const size_t count = self->asked_count < COMMIT_MAX ? self->asked_count : COMMIT_MAX;
    const bool has_failed = world_is_storm(self) && world_chance(self, self->weather.disk_fails);

    if (self->results != NULL) { /* the writer has one batch in hand: its results come first */
        self->commits_at_ms = self->results_at_ms + 1;
        return;
    }
    for (size_t i = 0; i < count; i++)
        ops[i] = self->asked[i].op;
    self->results_count = count;
    self->results = x_alloc(count + 1, sizeof *self->results);
    if (self->options.dir == NULL)
        set_limits(self);
    if (!has_failed || world_chance(self, 500)) {
        const enum rc rc = store_apply(self->store, ops, count, self->results);

        INVARIANT(rc == RC_OK);
        self->commits++;
        world_tell(self, "%zu operations are committed", count);
        check_results(self, self->results, count);
    }
    forget_asked(self, count);
    if (self->weather.keep_events > 0 && world_below(self, 2) == 0)
        retention_clean(self);
    self->commits_at_ms = UINT64_MAX;
    if (has_failed || (world_is_storm(self) && world_chance(self, self->weather.unanswered))) {
        broker_crash(self);
        return;
    }
    self->results_at_ms = self->now_ms + world_below(self, self->weather.result_ms + 1);
    if (self->results_at_ms == self->now_ms)
        broker_results(self);
    if (self->asked_count > 0)
        self->commits_at_ms = self->now_ms + 1 + world_below(self, commit_most_ms(self) + 1);
}

void broker_results(struct world *self)
{
    struct op_result *results = self->results;

    self->results = NULL; /* ours: a crash on the way does not free them */
    self->results_at_ms = UINT64_MAX;
    for (size_t i = 0; i < self->results_count && self->core != NULL; i++) {
        struct core_event event = {.kind = CORE_EV_STORED, .stored = &results[i]};

        step(self, &event);
        if (self->core != NULL)
            check_delivered(self, &results[i]);
    }
    if (self->core != NULL && core_next_deadline_ms(self->core) > self->now_ms)
        check_republished(self);
    free(results);
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

static void republish(struct world *self, const struct read_order *order, struct span events)
{
    struct wire_reader reader = wire_reader_over(events, TO_CLIENT | TO_EVERYBODY);
    struct message message;
    struct span bytes;

    while (events.len > 0 && wire_read_raw(&reader, &message, &bytes) == RC_OK)
        broadcast(self, span_of(order->name), bytes);
}

void broker_read(struct world *self, const struct read_order *order)
{
    struct store_range range = {.stream = order->stream,
                                .first = order->first,
                                .last = order->last,
                                .since_ms = order->since_ms,
                                .events_max = 8, /* small pages: continued often */
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
    struct store_page page;

    if (self->core == NULL || order->broker != self->broker_crashes) /* asked by one that is gone */
        return;
    for (uint32_t credit = order->credit; credit > 0; credit--) {
        const enum rc rc = store_read(self->reader, &range, &page);
        const bool is_gone =
            rc == RC_OK && order->peer.v != 0 && range.first != 0 && range.first < page.there;
        const bool is_done = is_gone || credit == 1 || page.count == 0 || page.last >= page.head ||
                             (order->last != 0 && page.last >= order->last);

        INVARIANT(rc == RC_OK);
        if (order->peer.v == 0)
            republish(self, order, page.wire);
        else
            answer_page(self, order, &page, is_gone, is_done);
        if (is_done)
            break;
        range.first = page.last + 1;
        range.since_ms = 0;
    }
    if (order->peer.v != 0) {
        struct core_event event = {.kind = CORE_EV_READ, .read = {order->peer}};

        step(self, &event);
    }
}

void broker_tick(struct world *self)
{
    struct core_event event = {.kind = CORE_EV_TICK};

    step(self, &event);
    if (self->core != NULL)
        check_republished(self);
}

void broker_fini(struct world *self)
{
    core_destroy(&self->core);
    forget_asked(self, self->asked_count);
    free(self->asked);
    free(self->results);
    close_store(self);
}
