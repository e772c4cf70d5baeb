/* pg.c - the log in PostgreSQL: rows of the schema in pg_schema.c, through one writing connection. */
#include "broker/store/pg_rows.h"

#include "broker/store/pg_reader.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define FULL_AGAIN_MS      1000
#define RECONNECT_EVERY_MS 200
/* In a transaction others wait for its lock, of a broker that stands still no longer than its lease lasts (LEASE_MS). */
#define STAND_STILL "SET idle_in_transaction_session_timeout = '5s'"

static const char *const SQL[STATEMENT_COUNT] = {
#define X(statement, sql) [statement] = sql,
    STATEMENTS(X)
#undef X
};

/* What was not committed the server forgets with the connection. */
static void pg_store_close(struct backend *base, bool has_failed)
{
    struct pg *self = pg_of(base);

    if (self->base.sharing.calls != NULL && !has_failed)
        pg_brokers_leave(self);
    pg_close(&self->db);
    pg_link_forget(&self->link);
    deferred_fini(&self->deferred);
    for (size_t i = 0; i < PG_COLUMNS_MAX; i++)
        pg_array_fini(&self->columns[i]);
    free(self);
}

/* --- transactions -------------------------------------------------------------------- */

enum rc pg_write(struct pg *self, enum statement which, const struct pg_args *args)
{
    self->has_written = true;
    return pg_queue(&self->db, which, args);
}

enum rc pg_one_number(struct pg *self, enum statement which, const struct pg_args *args,
                      uint64_t *ret)
{
    const enum rc rc = pg_ask(&self->db, which, args);

    if (rc == RC_OK)
        *ret = pg_number(&self->db, 0, 0);
    return rc;
}

void pg_take_meta(struct pg *self)
{
    self->commits = pg_number(&self->db, 0, 0);
    self->event_bytes = pg_number(&self->db, 0, 1);
    self->turns = pg_number(&self->db, 0, 2);
}

/* The server's disk cannot be seen from here: what can be is what the log takes, and that a write has failed. */
static bool pg_has_room(struct backend *base)
{
    const struct pg *self = pg_of(base);

    return clock_mono_ms() >= self->full_until_ms &&
           (self->size_bytes_max == 0 || self->event_bytes < self->size_bytes_max);
}

static void pg_set_limits(struct backend *base, const struct store_limits *limits)
{
    struct pg *self = pg_of(base);

    self->size_bytes_max = limits->size_bytes_max;
    self->full_until_ms = 0;
}

/* One transaction at a time in the whole database, whoever writes: so all of them have one order, and of two brokers each
 * judges by what the other has committed. (Posts alone, the bulk, could take the lock shared and lock the rows of their places and
 * sessions instead, in the order of their ids; all else would keep it exclusive.) It goes with the transaction. */
static enum rc take_turn(struct pg *self)
{
    struct pg_args lock = {.count = 0};

    PG_NUMBERS(&lock, PG_LOCK);
    return pg_queue(&self->db, LOCK, &lock);
}

/* --- the connection ------------------------------------------------------------------ */

static enum rc take_database(struct pg *self)
{
    const bool is_shared = self->base.sharing.calls != NULL;

    if (!self->is_alone && !is_shared)
        return RC_OK;
    const enum rc rc = pg_schema_take(&self->db, is_shared);

    return rc == RC_OK && is_shared ? pg_execute(&self->db, STAND_STILL) : rc;
}

static enum rc connect_again(struct pg *self)
{
    pg_close(&self->db);
    self->db = (struct pg_db){.why = self->base.why, .why_size = sizeof(self->base.why)};
    enum rc rc = pg_link_again(&self->link, &self->db);

    if (rc == RC_OK)
        rc = take_database(self);
    return rc == RC_OK ? pg_prepare(&self->db, SQL, STATEMENT_COUNT) : rc;
}

/* A server that is started anew, or another one that takes its place, is waited for: nothing of ours was under way. */
enum rc pg_reconnect(struct pg *self)
{
    const uint64_t until_ms = clock_mono_ms() + self->reconnect_ms;
    struct sharing *sharing = &self->base.sharing;
    enum rc rc;

    if (self->reconnect_ms == 0)
        return RC_STORE;
    log_warn("store.lost", "reason=\"%s\" action=\"connects again\"", self->base.why);
    atomic_store(&sharing->is_away, true);
    while ((rc = connect_again(self)) != RC_OK && clock_mono_ms() < until_ms &&
           !atomic_load(&sharing->is_given_up))
        (void)poll(NULL, 0, RECONNECT_EVERY_MS);
    atomic_store(&sharing->is_away, false);
    self->is_anew = true;
    if (rc == RC_OK)
        log_info("store.reconnected", "host=%s port=%s", PQhost(self->db.conn),
                 PQport(self->db.conn));
    return rc;
}

bool pg_is_lost(const struct pg *self, enum rc rc)
{
    return rc == RC_STORE && !self->is_open && PQstatus(self->db.conn) != CONNECTION_OK;
}

enum rc pg_ask_anew(struct pg *self, enum statement which, const struct pg_args *args)
{
    enum rc rc = pg_ask(&self->db, which, args);

    if (pg_is_lost(self, rc)) {
        rc = pg_reconnect(self);
        if (rc == RC_OK)
            rc = pg_ask(&self->db, which, args);
    }
    return rc;
}

/* One round trip. A statement behind the lock sees what was committed before it was got (READ COMMITTED). */
static enum rc begin(struct pg *self)
{
    enum rc rc = pg_queue(&self->db, BEGIN, NULL);

    if (rc == RC_OK)
        rc = take_turn(self);
    if (rc == RC_OK)
        rc = pg_ask(&self->db, LOOK, NULL);
    return rc == RC_END ? RC_STORE : rc;
}

/* Whoever is alone knows how many commits there are; another number is another database, or a copy of an earlier day. */
static enum rc check_meta(struct pg *self)
{
    if (self->base.sharing.calls != NULL)
        return pg_check_turns(self);
    if (!self->is_alone || !self->base.has_others)
        return RC_OK;
    snprintf(self->base.why, sizeof(self->base.why),
             "the database is not the one of before: somebody else has written there, or it is an "
             "older copy");
    return RC_STORE;
}

static enum rc pg_begin_transaction(struct backend *base)
{
    struct pg *self = pg_of(base);
    enum rc rc = begin(self);

    if (pg_is_lost(self, rc)) {
        rc = pg_reconnect(self);
        if (rc == RC_OK)
            rc = begin(self);
    }
    if (rc != RC_OK)
        return rc;
    self->is_open = true;
    self->has_written = self->has_turn = false;
    self->event_bytes_more = 0;
    base->has_others = pg_number(&self->db, 0, 0) != self->commits;
    pg_take_meta(self);
    rc = check_meta(self);
    base->sharing.has_unheard =
        base->sharing.calls != NULL && self->turns > self->base.sharing.heard;
    return rc;
}

/* Where several brokers work each turn has its number; else it is only counted, so that one that comes back later finds that some
 * are missing. */
static uint64_t turns_more(const struct pg *self)
{
    return self->has_turn || self->base.sharing.calls == NULL;
}

static enum rc pg_commit(struct backend *base)
{
    struct pg *self = pg_of(base);
    struct pg_args more = {.count = 0};
    enum rc rc = pg_write_rows(self);

    PG_NUMBERS(&more, self->event_bytes_more, turns_more(self));
    if (rc == RC_OK && self->has_written)
        rc = pg_queue(&self->db, COUNT, &more);
    if (rc == RC_OK)
        rc = pg_commit_queued(&self->db, COMMIT);
    if (rc == RC_OK && self->has_written) {
        self->commits++;
        self->turns += turns_more(self);
        if (self->has_turn)
            self->base.sharing.heard = self->base.sharing.own_turn = self->turns;
        self->event_bytes += self->event_bytes_more;
    }
    self->is_open = self->is_open && rc != RC_OK;
    return rc;
}

static enum rc pg_rollback(struct backend *base)
{
    struct pg *self = pg_of(base);
    enum rc rc;

    deferred_drop(&self->deferred);
    self->full_until_ms = clock_mono_ms() + FULL_AGAIN_MS;
    rc = pg_settle(&self->db); /* what is queued fails, if it does, to no effect */
    if (rc == RC_STORE && PQstatus(self->db.conn) != CONNECTION_OK)
        return rc;
    rc = pg_queue(&self->db, ROLLBACK, NULL);
    if (rc == RC_OK)
        rc = pg_settle(&self->db);
    self->is_open = self->is_open && rc != RC_OK;
    return rc;
}

/* The server folds its own log back, and gives pages back as its operator wants it. */
static enum rc pg_maintain(struct backend *base)
{
    (void)base;
    return RC_OK;
}

static enum rc pg_open_reader(struct backend *base, struct store_reader **ret)
{
    return pg_reader_open(&pg_of(base)->link, ret);
}

/* --- opening ------------------------------------------------------------------------- */

static const struct backend_calls CALLS = {
    .close = pg_store_close,
    .has_room = pg_has_room,
    .set_limits = pg_set_limits,
    .begin = pg_begin_transaction,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .maintain = pg_maintain,
    .give_back = pg_maintain,
    .scrub = pg_maintain,
    .open_reader = pg_open_reader,
};

static enum rc open_database(struct pg *self, const struct pg_options *options,
                             struct pg_facts *facts)
{
    enum rc rc = pg_link_open(options->url, &self->db, &self->link);

    if (rc == RC_OK)
        rc = take_database(self);
    if (rc == RC_OK)
        rc = pg_link_facts(&self->db, facts);
    if (rc == RC_OK)
        rc = pg_schema_bring_up(&self->db);
    if (rc == RC_OK)
        rc = pg_prepare(&self->db, SQL, STATEMENT_COUNT);
    if (rc == RC_OK && self->base.sharing.calls != NULL)
        rc = pg_brokers_begin(self);
    if (rc == RC_OK)
        rc = pg_ask(&self->db, LOOK, NULL);
    if (rc == RC_OK) {
        pg_take_meta(self);
        self->base.sharing.heard = self->turns;
    }
    return rc == RC_END ? RC_STORE : rc;
}

enum rc store_open_pg(const struct pg_options *options, struct store **ret,
                      struct pg_facts *ret_facts, const char **ret_why)
{
    static _Thread_local char why[sizeof(((struct backend *)NULL)->why)];
    struct pg *self = x_alloc(1, sizeof(*self));
    struct pg_facts facts;
    enum rc rc;

    self->calls = CALLS;
    pg_log_calls(&self->calls);
    pg_people_calls(&self->calls);
    pg_replay_calls(&self->calls);
    pg_clean_calls(&self->calls);
    self->base.calls = &self->calls;
    self->db = (struct pg_db){.why = self->base.why, .why_size = sizeof(self->base.why)};
    self->is_alone = options->is_alone;
    self->reconnect_ms = options->reconnect_ms;
    self->base.sharing.calls = options->is_shared ? pg_sharing() : NULL;
    while (self->id == 0) {
        randombytes_buf(&self->id, sizeof(self->id));
        self->id &= INT64_MAX; /* what a column holds */
    }
    deferred_init(&self->deferred);
    rc = open_database(self, options, &facts);
    if (rc == RC_OK) {
        *ret_facts = facts;
        *ret = store_over(&self->base, NULL, NULL);
        return RC_OK;
    }
    memcpy(why, self->base.why, sizeof(why));
    *ret_why = why;
    pg_store_close(&self->base, true);
    return RC_STORE;
}
