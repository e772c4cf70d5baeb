/* pg.c - the log in PostgreSQL: rows of the schema in pg_schema.c, through one writing connection. */
#include "broker/store/pg_rows.h"

#include "broker/store/pg_reader.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"

#include <stdlib.h>

#define FULL_AGAIN_MS 1000

static const char *const SQL[STATEMENT_COUNT] = {
#define X(statement, sql) [statement] = sql,
    STATEMENTS(X)
#undef X
};

/* What was not committed the server forgets with the connection. */
static void pg_store_close(struct backend *base, bool has_failed)
{
    struct pg *self = pg_of(base);

    (void)has_failed;
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

/* One round trip. A statement behind the lock sees what was committed before it was got (READ COMMITTED). */
static enum rc pg_begin_transaction(struct backend *base)
{
    struct pg *self = pg_of(base);
    enum rc rc = pg_queue(&self->db, BEGIN, NULL);

    self->has_written = false;
    self->event_bytes_more = 0;
    if (rc == RC_OK)
        rc = take_turn(self);
    if (rc == RC_OK)
        rc = pg_ask(&self->db, LOOK, NULL);
    if (rc != RC_OK)
        return rc == RC_END ? RC_STORE : rc;
    base->has_others = pg_number(&self->db, 0, 0) != self->commits;
    self->commits = pg_number(&self->db, 0, 0);
    self->event_bytes = pg_number(&self->db, 0, 1);
    return RC_OK;
}

static enum rc pg_commit(struct backend *base)
{
    struct pg *self = pg_of(base);
    struct pg_args more = {.count = 0};
    enum rc rc = pg_write_rows(self);

    PG_NUMBERS(&more, self->event_bytes_more);
    if (rc == RC_OK && self->has_written)
        rc = pg_queue(&self->db, COUNT, &more);
    if (rc == RC_OK)
        rc = pg_commit_queued(&self->db, COMMIT);
    if (rc == RC_OK && self->has_written) {
        self->commits++;
        self->event_bytes += self->event_bytes_more;
    }
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
    return rc == RC_OK ? pg_settle(&self->db) : rc;
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

    if (rc == RC_OK && options->is_alone)
        rc = pg_schema_take(&self->db);

    if (rc == RC_OK)
        rc = pg_link_facts(&self->db, facts);
    if (rc == RC_OK)
        rc = pg_schema_bring_up(&self->db);
    if (rc == RC_OK)
        rc = pg_prepare(&self->db, SQL, STATEMENT_COUNT);
    return rc;
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
