#include "broker/store/store.h"

#include "broker/store/clean.h"
#include "broker/store/rules.h"
#include "broker/store/store_internal.h"
#include "broker/store/turn.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

struct store {
    struct backend *backend;
    struct arena arena; /* what results borrow that nobody has lent an arena for */
    struct txn txn;
    struct cleaner cleaner;
    store_on_removed *on_removed; /* NULL: nobody wants to know */
    void *on_removed_context;
    struct turn_bytes turn;   /* of the transaction */
    struct batch *first_turn; /* of others, not taken yet */
    struct batch *last_turn;
    bool must_scrub; /* what was purged is still in the log before the file */
    bool has_failed; /* the outcome of something is unknown: do nothing more */
};

static void libsodium_entropy(void *context, unsigned char *bytes, size_t len)
{
    (void)context;
    randombytes_buf(bytes, len);
}

struct store *store_over(struct backend *backend, store_entropy *entropy, void *context)
{
    struct store *self = x_alloc(1, sizeof(*self));
    const struct store_limits limits = STORE_LIMITS_DEFAULTS;

    self->backend = backend;
    txn_init(&self->txn, backend, &self->arena);
    self->txn.entropy = entropy != NULL ? entropy : libsodium_entropy;
    self->txn.entropy_context = context;
    store_set_limits(self, &limits);
    return self;
}

void store_close(struct store **self_p)
{
    struct store *self = *self_p;
    struct batch *turn;

    if (self == NULL)
        return;
    self->backend->calls->close(self->backend, self->has_failed);
    while (store_take_turn(self, &turn) == RC_OK)
        batch_destroy(&turn);
    turn_bytes_fini(&self->turn);
    txn_fini(&self->txn);
    arena_fini(&self->arena);
    free(self);
    *self_p = NULL;
}

void store_set_limits(struct store *self, const struct store_limits *limits)
{
    self->backend->calls->set_limits(self->backend, limits);
    cleaner_init(&self->cleaner, &limits->keep);
}

void store_on_removed_set(struct store *self, store_on_removed *on_removed, void *context)
{
    self->on_removed = on_removed;
    self->on_removed_context = context;
}

/* The number, drawn when there is none. */
static enum rc take_chat(struct store *self, uint64_t *ret)
{
    struct backend *backend = self->backend;
    uint64_t chat = 0;
    enum rc rc = backend->calls->get_chat(backend, &chat);

    if (rc == RC_OK && chat == 0) {
        if (!backend->calls->has_room(backend))
            return RC_DISK_FULL;
        while (chat == 0) {
            self->txn.entropy(self->txn.entropy_context, (unsigned char *)&chat, sizeof(chat));
            chat &= INT64_MAX;
        }
        rc = backend->calls->put_chat(backend, chat);
    }
    if (rc == RC_OK)
        rc = backend->calls->commit(backend);
    if (rc == RC_OK)
        *ret = chat;
    return rc;
}

enum rc store_chat(struct store *self, uint64_t *ret)
{
    struct backend *backend = self->backend;
    enum rc rc = backend->calls->begin(backend);

    *ret = 0;
    if (rc == RC_OK) /* the next transaction will not be told of others any more */
        txn_forget(&self->txn);
    if (rc == RC_OK)
        rc = take_chat(self, ret);
    if (rc == RC_DISK_FULL)
        rc = backend->calls->rollback(backend);
    if (rc == RC_OK)
        return RC_OK;
    self->has_failed = true;
    return RC_STORE;
}

enum rc store_replay(struct store *self, store_on_record *on_record, void *context)
{
    txn_forget(
        &self->txn); /* a start: a store that outlives its broker, as in the simulation, knows what is in the log */
    return self->backend->calls->replay(self->backend, on_record, context);
}

static void tell_removed(const struct store *self, stream_id stream, uint64_t upto)
{
    if (self->on_removed != NULL)
        self->on_removed(self->on_removed_context, stream, upto);
}

bool store_is_away(const struct store *self)
{
    return atomic_load(&self->backend->sharing.is_away);
}

void store_give_up(struct store *self)
{
    atomic_store(&self->backend->sharing.is_given_up, true);
}

/* --- turns --------------------------------------------------------------------------- */

static enum rc on_turn(void *context, struct span body)
{
    struct store *self = context;
    struct batch *turn;

    if (turn_decode(body, &turn) != RC_OK) {
        snprintf(self->backend->why, sizeof(self->backend->why),
                 "another broker has done what is not known here: bring this one up to date");
        return RC_STORE;
    }
    for (size_t i = 0; i < turn->count; i++) {
        if (turn->ops[i].kind == OP_PURGE)
            tell_removed(self, turn->ops[i].stream,
                         turn->results[i].is_more ? turn->results[i].seq : 0);
    }
    if (self->last_turn != NULL)
        self->last_turn->next = turn;
    else
        self->first_turn = turn;
    self->last_turn = turn;
    return RC_OK;
}

enum rc store_follow(struct store *self)
{
    if (self->has_failed)
        return RC_STORE;
    if (self->backend->sharing.calls == NULL)
        return RC_END;
    if (self->backend->sharing.calls->follow(self->backend, on_turn, self) == RC_OK)
        return RC_OK;
    self->has_failed = true;
    return RC_STORE;
}

uint64_t store_heard(const struct store *self)
{
    return self->backend->sharing.heard;
}

uint64_t store_own_turn(const struct store *self)
{
    return self->backend->sharing.own_turn;
}

enum rc store_renew(struct store *self, const struct store_broker *own,
                    const struct page *const *pages, size_t count, struct store_brokers *ret)
{
    if (self->has_failed)
        return RC_STORE;
    const enum rc rc =
        self->backend->sharing.calls != NULL
            ? self->backend->sharing.calls->renew(self->backend, own, pages, count, ret)
            : RC_END;

    self->has_failed = rc != RC_OK && rc != RC_END && rc != RC_DISK_FULL;
    return rc;
}

enum rc store_read_pages(struct store *self, uint64_t broker, uint64_t *version_p, struct pages *to)
{
    if (self->has_failed)
        return RC_STORE;
    self->has_failed =
        self->backend->sharing.calls->read_pages(self->backend, broker, version_p, to) != RC_OK;
    return self->has_failed ? RC_STORE : RC_OK;
}

enum rc store_take_turn(struct store *self, struct batch **ret)
{
    struct batch *turn = self->first_turn;

    if (turn == NULL)
        return RC_END;
    self->first_turn = turn->next;
    if (self->first_turn == NULL)
        self->last_turn = NULL;
    turn->next = NULL;
    *ret = turn;
    return RC_OK;
}

/* What others have done before this transaction. */
static enum rc hear(struct store *self)
{
    struct backend *backend = self->backend;

    return backend->sharing.has_unheard ? backend->sharing.calls->follow(backend, on_turn, self)
                                        : RC_OK;
}

static enum rc tell(struct store *self, const struct store_part *parts, size_t count)
{
    struct backend *backend = self->backend;

    if (backend->sharing.calls == NULL)
        return RC_OK;
    self->turn.len = 0;
    for (size_t i = 0; i < count; i++)
        turn_add(&self->turn, parts[i].ops, parts[i].results, parts[i].count);
    if (self->turn.len == 0)
        return RC_OK;
    return backend->sharing.calls->add_turn(backend,
                                            (struct span){self->turn.data, self->turn.len});
}

/* The others' indexes over the log, and what they remember of it, hear of it too. */
static enum rc tell_of_removal(struct store *self, uint64_t first, uint64_t last)
{
    const struct op op = {.kind = OP_PURGE, .stream = entry_stream(first), .seq = entry_seq(first)};
    struct op_result result = {.kind = OP_PURGE, .seq = entry_seq(last), .is_more = true};
    const struct store_part part = {.ops = &op, .count = 1, .results = &result};

    return tell(self, &part, 1);
}

/* --- transactions -------------------------------------------------------------------- */

static enum rc carry_out_part(struct store *self, const struct store_part *part)
{
    enum rc rc = RC_OK;

    txn_lend(&self->txn, part->arena);
    for (size_t i = 0; i < part->count && rc == RC_OK; i++)
        rc = rules_carry_out(&self->txn, &part->ops[i], &part->results[i]);
    txn_lend(&self->txn, NULL);
    return rc;
}

static enum rc carry_out(struct store *self, const struct store_part *parts, size_t count,
                         enum txn_space space)
{
    enum rc rc = txn_begin(&self->txn, space);

    if (rc == RC_OK)
        rc = hear(self);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = carry_out_part(self, &parts[i]);
    /* Where nothing may be written nothing has changed; but that a session came here, which its numbers outlive. */
    if (rc == RC_OK && space != SPACE_FOR_NOTHING)
        rc = tell(self, parts, count);
    if (rc == RC_OK)
        rc = txn_commit(&self->txn);
    if (rc == RC_DISK_FULL && self->backend->calls->rollback(self->backend) != RC_OK)
        return RC_STORE;
    return rc;
}

/* Nothing of what was purged shall be left in any file. Readers may be in the way: then it is tried again. */
static enum rc scrub(struct store *self)
{
    const enum rc rc = self->must_scrub ? self->backend->calls->scrub(self->backend) : RC_OK;

    self->must_scrub = rc == RC_BUSY || rc == RC_DISK_FULL;
    return self->must_scrub ? RC_OK : rc;
}

static void after_purges(struct store *self, const struct store_part *part)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct op_result *result = &part->results[i];

        if (result->kind != OP_PURGE || result->rc != RC_OK || result->is_more)
            continue;
        tell_removed(self, result->stream, 0);
        self->must_scrub = true;
    }
}

enum rc store_apply_parts(struct store *self, const struct store_part *parts, size_t count)
{
    const bool has_room = self->backend->calls->has_room(self->backend);
    enum rc rc = RC_DISK_FULL;

    if (self->has_failed)
        return RC_STORE;
    /* After RC_DISK_FULL nothing was changed. What needs no writing is answered all the same: the next
     * time writing is refused one by one, but for what is urgent, and at last all of it. */
    for (int space = has_room ? SPACE_FOR_ALL : SPACE_FOR_URGENT;
         space <= SPACE_FOR_NOTHING && rc == RC_DISK_FULL; space++)
        rc = carry_out(self, parts, count, (enum txn_space)space);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        after_purges(self, &parts[i]);
    if (rc == RC_OK)
        rc = scrub(self);
    if (rc == RC_OK)
        return RC_OK;
    self->has_failed = true;
    return RC_STORE;
}

enum rc store_apply(struct store *self, const struct op *ops, size_t count,
                    struct op_result *results)
{
    const struct store_part part = {.ops = ops, .count = count, .results = results};

    return store_apply_parts(self, &part, 1);
}

/* One chunk leaves, and some free pages with it. */
static enum rc remove_chunk(struct store *self, uint64_t first, uint64_t last)
{
    struct backend *backend = self->backend;
    enum rc rc = backend->calls->begin(backend);

    if (rc == RC_OK && backend->has_others) /* the next transaction will not be told any more */
        txn_forget(&self->txn);
    if (rc == RC_OK)
        rc = hear(self);
    if (rc == RC_OK)
        rc = backend->calls->remove_events(backend, first, last);
    if (rc == RC_OK)
        rc = tell_of_removal(self, first, last);
    if (rc == RC_OK)
        rc = backend->calls->give_back(backend);
    if (rc == RC_OK)
        rc = backend->calls->commit(backend);
    if (rc == RC_DISK_FULL)
        rc = backend->calls->rollback(backend) == RC_OK ? RC_END : RC_STORE;
    if (rc == RC_OK)
        tell_removed(self, entry_stream(first), entry_seq(last));
    return rc;
}

enum rc store_clean(struct store *self, uint64_t now_ms, uint64_t wall_ms, struct removed *ret)
{
    uint64_t first, last;
    enum rc rc;

    if (self->has_failed)
        return RC_STORE;
    rc = cleaner_find(&self->cleaner, self->backend, now_ms, wall_ms, &first, &last);
    if (rc == RC_OK)
        rc = remove_chunk(self, first, last);
    if (rc == RC_OK)
        *ret = (struct removed){entry_stream(first), entry_seq(first), entry_seq(last)};
    if (rc == RC_OK || rc == RC_END)
        return rc;
    self->has_failed = true;
    return RC_STORE;
}

void store_release(struct store *self)
{
    arena_clear(&self->arena);
}

enum rc store_maintain(struct store *self)
{
    if (self->has_failed)
        return RC_STORE;
    if (self->backend->calls->maintain(self->backend) == RC_OK && scrub(self) == RC_OK)
        return RC_OK;
    self->has_failed = true;
    return RC_STORE;
}

struct txn *store_txn(struct store *self)
{
    return &self->txn;
}

const char *store_why(const struct store *self)
{
    return self->backend->why;
}

enum rc store_reader_open(struct store *self, struct store_reader **ret)
{
    const enum rc rc = self->backend->calls->open_reader(self->backend, ret);

    if (rc != RC_OK)
        errno = EIO; /* what a library left there is of something else */
    return rc;
}
