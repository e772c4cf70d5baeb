#include "tests/support/core/stage.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/proto/verbs.h"
#include "shared/wire/wire.h"

#include <stdlib.h>

struct held_op {
    struct op op;
    struct held_op *next;
};

static struct span span_dup(struct span span)
{
    return (struct span){span.len == 0 ? NULL : x_spandup(span), span.len};
}

static void span_free(struct span span)
{
    free((char *)(uintptr_t)span.ptr);
}

/* The message with copies of its spans. */
static struct message message_dup(const struct message *message)
{
    struct message copy = {.verb = message->verb, .has = message->has};

    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);
        const char *from = (const char *)message + row->offset;
        char *to = (char *)&copy + row->offset;

        if ((message->has >> field & 1) == 0)
            continue;
        if (row->type == FIELD_TEXT || row->type == FIELD_BYTES)
            *(struct span *)(void *)to = span_dup(*(const struct span *)(const void *)from);
        else
            memcpy(to, from, row->type == FIELD_UINT ? sizeof(uint64_t) : sizeof(bool));
    }
    return copy;
}

static void message_free(struct message *message)
{
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        const struct field_row *row = field_row((enum field)field);

        if (row->type == FIELD_TEXT || row->type == FIELD_BYTES)
            span_free(*(struct span *)(void *)((char *)message + row->offset));
    }
}

static struct op op_dup(const struct op *op)
{
    struct op copy = *op;

    copy.nick = span_dup(op->nick);
    copy.name = span_dup(op->name);
    copy.skeleton = span_dup(op->skeleton);
    copy.text = span_dup(op->text);
    copy.kind_name = span_dup(op->kind_name);
    copy.mark = span_dup(op->mark);
    copy.target_nick = span_dup(op->target_nick);
    copy.label = span_dup(op->label);
    return copy;
}

static void op_free(struct op *op)
{
    span_free(op->nick);
    span_free(op->name);
    span_free(op->skeleton);
    span_free(op->text);
    span_free(op->kind_name);
    span_free(op->mark);
    span_free(op->target_nick);
    span_free(op->label);
}

static struct said *write_down(struct stage *self, const struct effect *effect)
{
    struct said *said = x_alloc(1, sizeof *said);

    said->effect = *effect;
    /* What an effect does not have is not initialised; only what has a name is looked at. */
    const bool has_name = effect->kind != FX_REPLY && effect->kind != FX_FIGURES &&
                          effect->kind != FX_STORE && effect->kind != FX_ADMIT &&
                          effect->kind != FX_EXPEL;
    said->effect.name = has_name ? span_dup(effect->name) : (struct span){NULL, 0};
    said->effect.wire = (struct span){NULL, 0};
    if (effect->kind == FX_SEARCH) {
        const size_t size = effect->search.scope_count * sizeof(struct scope);

        said->effect.search.text = span_dup(effect->search.text);
        said->effect.search.from = span_dup(effect->search.from);
        said->effect.search.with = span_dup(effect->search.with);
        said->effect.search.scope = memcpy(x_alloc(size, 1), effect->search.scope, size);
    }
    if (self->last_said != NULL)
        self->last_said->next = said;
    else
        self->said = said;
    self->last_said = said;
    return said;
}

/* Write down the messages of a page, as answers to `peer` or on a topic. */
static void write_down_wire(struct stage *self, const struct effect *effect, struct span wire)
{
    struct wire_reader reader = wire_reader_over(wire, TO_EVERYBODY | TO_CLIENT);
    struct message message;
    enum rc rc;

    while (wire.len > 0 && (rc = wire_read(&reader, &message)) != RC_END) {
        INVARIANT(rc == RC_OK);
        write_down(self, effect)->message = message_dup(&message);
    }
}

static void hold(struct stage *self, const struct op *op)
{
    struct held_op *held = x_alloc(1, sizeof *held);

    held->op = op_dup(op);
    if (self->last_held != NULL)
        self->last_held->next = held;
    else
        self->held = held;
    self->last_held = held;
    self->held_count++;
}

static struct held_op *let_go(struct stage *self)
{
    struct held_op *held = self->held;

    INVARIANT(held != NULL);
    self->held = held->next;
    if (held->next == NULL)
        self->last_held = NULL;
    self->held_count--;
    return held;
}

static void step(struct stage *self, struct core_event *event);

static void read_pages(struct stage *self, const struct effect *asked)
{
    const bool is_fetch = asked->kind == FX_READ;
    struct effect effect = {.kind = is_fetch ? FX_REPLY : FX_PUBLISH, .peer = asked->peer};
    struct store_range range = {asked->stream,        asked->read.first,     asked->read.last,
                                asked->read.since_ms, FETCH_PAGE_EVENTS_MAX, FETCH_PAGE_BYTES_MAX};

    effect.name = asked->name;
    for (uint32_t page_number = 1; page_number <= asked->read.credit; page_number++) {
        struct store_page page;
        enum rc rc = store_read(self->reader, &range, &page);
        if (is_fetch && range.first == 0 && page.count > 0 && page.first < asked->read.from_least) {
            range.first = asked->read.from_least; /* what is older is not for the asker */
            rc = store_read(self->reader, &range, &page);
        }
        const uint64_t last = range.last == 0 || range.last > page.head ? page.head : range.last;
        const bool is_gone = range.first != 0 && range.first < page.there;
        const bool is_done =
            page.count == 0 || page.last >= last || page_number == asked->read.credit;
        struct message head = {.verb = is_gone ? VERB_GONE : VERB_EVENTS};

        INVARIANT(rc == RC_OK);
        if (asked->read.has_ref)
            message_set(&head, REF, ref, asked->read.ref);
        message_set(&head, STREAM, stream, asked->name);
        message_set(&head, FIRST, first, is_gone ? page.there : page.first);
        message_set(&head, SEQ, seq, page.head);
        if (!is_gone) {
            message_set(&head, LAST, last, page.last);
            message_set(&head, DONE, done, is_done);
        }
        if (is_fetch)
            write_down(self, &effect)->message = message_dup(&head);
        if (is_gone)
            break;
        write_down_wire(self, &effect, page.wire);
        if (is_done)
            break;
        range.first = page.last + 1;
        range.since_ms = 0;
    }
}

static bool is_found(const struct effect *asked, const struct message *event)
{
    const struct span text = asked->search.text, from = asked->search.from;

    return span_equal(event->type, SPAN("message")) &&
           (from.len == 0 || span_equal(event->from, from)) &&
           (text.len == 0 || memmem(event->text.ptr, event->text.len, text.ptr, text.len) != NULL);
}

/* Everything in scope that holds these bytes, the newest of each stream first: no index, no words, no pages. */
static void find(struct stage *self, const struct effect *asked)
{
    struct effect effect = {.kind = FX_REPLY, .peer = asked->peer};
    struct message end = {.verb = VERB_END};

    for (size_t i = 0; i < asked->search.scope_count; i++) {
        const struct scope *scope = &asked->search.scope[i];

        for (uint64_t seq = scope->last; seq >= scope->first && seq > 0; seq--) {
            const struct store_range range = {scope->stream, seq, seq, 0, 1, FETCH_PAGE_BYTES_MAX};
            struct store_page page;
            struct message event;
            const enum rc rc = store_read(self->reader, &range, &page);
            struct wire_reader reader = wire_reader_over(page.wire, TO_CLIENT);

            INVARIANT(rc == RC_OK && page.count == 1);
            if (wire_read(&reader, &event) != RC_OK || !is_found(asked, &event))
                continue;
            if (asked->search.has_ref)
                message_set(&event, REF, ref, asked->search.ref);
            write_down(self, &effect)->message = message_dup(&event);
        }
    }
    if (asked->search.has_ref)
        message_set(&end, REF, ref, asked->search.ref);
    write_down(self, &effect)->message = message_dup(&end);
}

static void carry_out(struct stage *self, const struct effect *effect)
{
    switch (effect->kind) {
    case FX_REPLY:
    case FX_FIGURES:
    case FX_ANNOUNCE:
        write_down(self, effect)->message = message_dup(&effect->message);
        break;
    case FX_STORE:
        write_down(self, effect);
        hold(self, &effect->op);
        break;
    case FX_PUBLISH:
        write_down_wire(self, effect, effect->wire);
        break;
    case FX_ADMIT:
    case FX_EXPEL:
    case FX_BACKUP:
        write_down(self, effect);
        break;
    case FX_SEARCH:
        write_down(self, effect);
        if (!self->has_hands_off)
            find(self, effect);
        break;
    case FX_READ:
    case FX_REPUBLISH:
        write_down(self, effect);
        if (!self->has_hands_off)
            read_pages(self, effect);
        break;
    }
}

static void step(struct stage *self, struct core_event *event)
{
    event->now_ms = self->now_ms;
    event->wall_ms = self->wall_ms;
    core_step(self->core, event, &self->fx);
    for (size_t i = 0; i < self->fx.count; i++)
        carry_out(self, &self->fx.item[i]);
    if (self->on_step != NULL)
        self->on_step(self, event);
    for (size_t i = 0; i < self->fx.count && !self->has_hands_off; i++) {
        if (self->fx.item[i].kind == FX_READ)
            stage_read_done(self, self->fx.item[i].peer);
        else if (self->fx.item[i].kind == FX_SEARCH)
            stage_search_done(self, self->fx.item[i].peer);
    }
}

/* Stream keys that are the same in every run, and no two alike. */
static void count_up(void *context, unsigned char *bytes, size_t len)
{
    uint64_t *next = context;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(*next + i);
    for (size_t i = 0; i < len && i < 7; i++)
        bytes[len - 1 - i] ^= (unsigned char)(*next >> 8 * (i + 1));
    *next += len;
}

static void open_core(struct stage *self)
{
    self->core = core_new(&self->limits);
    INVARIANT(self->core != NULL);
}

void stage_open(struct stage *self, const struct core_limits *limits)
{
    static uint64_t next;
    const struct core_limits small = {.accounts_max = 40,
                                      .rooms_max = 40,
                                      .memberships_max = 200,
                                      .room_members_max = 20,
                                      .sessions_max = 40,
                                      .pending_max = 600,
                                      .session_fetches_max = FETCH_OUTSTANDING_MAX,
                                      .hash_key = "sixteen bytes.."};

    *self = (struct stage){.limits = limits != NULL ? *limits : small};
    self->now_ms = 1000000;
    self->wall_ms = 1700000000000;
    open_core(self);
    const enum rc opened = store_open_memory(count_up, &next, &self->store);
    INVARIANT(opened == RC_OK);
    const enum rc readable = store_reader_open(self->store, &self->reader);
    INVARIANT(readable == RC_OK);
}

void stage_open_over(struct stage *self, const struct stage *other)
{
    *self = (struct stage){.limits = other->limits,
                           .store = other->store,
                           .is_over_another = true,
                           .now_ms = other->now_ms,
                           .wall_ms = other->wall_ms};
    open_core(self);
    const enum rc rc = store_reader_open(self->store, &self->reader);
    INVARIANT(rc == RC_OK);
}

static void forget_held(struct stage *self)
{
    while (self->held != NULL) {
        struct held_op *held = let_go(self);

        op_free(&held->op);
        free(held);
    }
}

void stage_close(struct stage *self)
{
    stage_clear(self);
    stage_unfollow(self);
    forget_held(self);
    core_destroy(&self->core);
    store_reader_close(&self->reader);
    if (!self->is_over_another)
        store_close(&self->store);
}

static void on_record(void *context, const struct record *record)
{
    struct stage *self = context;
    const enum rc rc = core_replay(self->core, record);

    INVARIANT(rc == RC_OK);
}

void stage_restart(struct stage *self)
{
    forget_held(self);
    core_destroy(&self->core);
    open_core(self);
    const enum rc rc = store_replay(self->store, on_record, self);
    INVARIANT(rc == RC_OK);
}

void stage_key(struct stage *self, peer_id peer, unsigned char byte)
{
    INVARIANT(peer.v < STAGE_PEERS_MAX);
    memset(self->key[peer.v], byte, PUBLIC_KEY_BYTES);
}

static const unsigned char *key_of(const struct stage *self, peer_id peer)
{
    static const unsigned char none[PUBLIC_KEY_BYTES];

    if (peer.v >= STAGE_PEERS_MAX || memcmp(self->key[peer.v], none, sizeof none) == 0)
        return NULL;
    return self->key[peer.v];
}

/* As the shell would, for names that are their own skeletons. */
static struct span skeleton_of(const struct message *message)
{
    if (message->verb == VERB_HELLO)
        return message->nick;
    if (message->verb == VERB_JOIN && message->stream.len > 1)
        return (struct span){message->stream.ptr + 1, message->stream.len - 1};
    return (struct span){NULL, 0};
}

void stage_say(struct stage *self, peer_id peer, const struct message *message)
{
    stage_say_refused(self, peer, message, RC_OK);
}

void stage_say_refused(struct stage *self, peer_id peer, const struct message *message, enum rc rc)
{
    stage_say_as(self, peer, message, skeleton_of(message), rc);
}

void stage_say_as(struct stage *self, peer_id peer, const struct message *message,
                  struct span skeleton, enum rc refusal)
{
    struct core_event event = {.kind = CORE_EV_COMMAND};

    event.command.peer = peer;
    event.command.key = key_of(self, peer);
    event.command.address = self->address;
    event.command.message = message;
    event.command.skeleton = skeleton;
    event.command.refusal = refusal;
    step(self, &event);
}

void stage_event(struct stage *self, struct core_event event)
{
    step(self, &event);
}

static void read_done(struct stage *self, peer_id peer, bool is_search)
{
    struct core_event event = {.kind = CORE_EV_READ};
    struct effects *fx = x_alloc(1, sizeof *fx);

    event.now_ms = self->now_ms;
    event.wall_ms = self->wall_ms;
    event.read.peer = peer;
    event.read.is_search = is_search;
    core_step(self->core, &event, fx); /* says nothing; the last step's effects stay readable */
    INVARIANT(fx->count == 0);
    free(fx);
}

void stage_read_done(struct stage *self, peer_id peer)
{
    read_done(self, peer, false);
}

void stage_search_done(struct stage *self, peer_id peer)
{
    read_done(self, peer, true);
}

static void give(struct stage *self, const struct op_result *result)
{
    struct core_event event = {.kind = CORE_EV_STORED};

    event.stored = result;
    self->stored++;
    step(self, &event);
}

size_t stage_commit(struct stage *self)
{
    const size_t count = self->held_count;
    struct op *ops = x_alloc(count, sizeof *ops);
    struct op_result *results = x_alloc(count, sizeof *results);

    for (size_t i = 0; i < count; i++) {
        struct held_op *held = let_go(self);

        ops[i] = held->op;
        free(held);
    }
    const enum rc rc = store_apply(self->store, ops, count, results);
    INVARIANT(rc == RC_OK);
    for (size_t i = 0; i < count; i++) {
        stage_tell_follower(self, &ops[i], &results[i]);
        if (self->on_committed != NULL)
            self->on_committed(self, &ops[i], &results[i]);
        give(self, &results[i]);
        stage_compare_follower(self);
    }
    store_release(self->store);
    for (size_t i = 0; i < count; i++)
        op_free(&ops[i]);
    free(ops);
    free(results);
    return count;
}

void stage_commit_all(struct stage *self)
{
    while (stage_commit(self) > 0)
        ;
}

void stage_fail(struct stage *self, enum rc rc, uint32_t next)
{
    struct held_op *held = let_go(self);
    const struct op_result result = {
        .ticket = held->op.ticket, .kind = held->op.kind, .rc = rc, .next = next};

    give(self, &result);
    op_free(&held->op);
    free(held);
}

void stage_give(struct stage *self, const struct op_result *result)
{
    struct held_op *held = let_go(self);
    struct op_result filled = *result;

    stage_unfollow(self);
    filled.ticket = held->op.ticket;
    filled.kind = held->op.kind;
    give(self, &filled);
    op_free(&held->op);
    free(held);
}

const struct op *stage_held(const struct stage *self)
{
    return self->held != NULL ? &self->held->op : NULL;
}

void stage_wait(struct stage *self, uint64_t ms)
{
    const uint64_t until = self->now_ms + ms;
    uint64_t deadline;
    uint32_t ticks = 0;

    while ((deadline = core_next_deadline_ms(self->core)) <= until) {
        if (deadline > self->now_ms) {
            self->wall_ms += deadline - self->now_ms;
            self->now_ms = deadline;
        }
        step(self, &(struct core_event){.kind = CORE_EV_TICK});
        INVARIANT(++ticks < 1000000); /* or the core wants to be woken for nothing */
    }
    self->wall_ms += until - self->now_ms;
    self->now_ms = until;
    stage_wake_follower(self);
}

void stage_clear(struct stage *self)
{
    while (self->said != NULL) {
        struct said *said = self->said;

        self->said = said->next;
        span_free(said->effect.name);
        if (said->effect.kind == FX_SEARCH) {
            span_free(said->effect.search.text);
            span_free(said->effect.search.from);
            span_free(said->effect.search.with);
            free((struct scope *)(uintptr_t)said->effect.search.scope);
        }
        message_free(&said->message);
        free(said);
    }
    self->last_said = NULL;
}
