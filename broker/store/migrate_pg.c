/* migrate_pg.c - a PostgreSQL database, to copy or to be filled. */
#include "broker/store/migrate_ends.h"

#include "broker/store/pg_array.h"
#include "broker/store/pg_link.h"
#include "broker/store/pg_schema.h"
#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

#define SQL_BYTES 640

/* Rows that travel together. */
#define BATCH_ROWS  1000
#define BATCH_BYTES (1u << 20)

/* Statements: one for each table, then these. */
enum {
    BEGIN = TABLE_COUNT,
    LOCK,
    CLEAR_STREAMS,
    CLEAR_PLACES,
    GO_ON,
    COUNT,
    COMMIT,
    STATEMENT_COUNT
};

/* New devices get numbers behind those that came along. */
static const char NUMBER_ON[] = "SELECT setval(pg_get_serial_sequence('zchat.device', 'id'),"
                                " (SELECT coalesce(max(id), 0) + 1 FROM zchat.device), false)";

struct pg_end {
    struct migrate_end base;
    struct pg_db db;
    struct pg_link link;
    char sql[TABLE_COUNT][SQL_BYTES];
    const char *statements[STATEMENT_COUNT];
    struct pg_array columns[CELLS_MAX]; /* of the batch */
    size_t batch_table;
    size_t batch_bytes;
    uint64_t event_bytes;
};

struct telling {
    struct pg_end *end;
    const char *types;
    on_cells *on_row;
    void *context;
};

static struct pg_end *end_of(struct migrate_end *base)
{
    return (struct pg_end *)base;
}

static void pg_end_close(struct migrate_end *base)
{
    struct pg_end *self = end_of(base);

    pg_close(&self->db);
    pg_link_forget(&self->link);
    for (size_t i = 0; i < CELLS_MAX; i++)
        pg_array_fini(&self->columns[i]);
    free(self);
}

/* A move is one transaction, however long, and nobody waits for it. */
static enum rc open_database(struct pg_end *self, const char *url)
{
    enum rc rc = pg_link_open(url, &self->db, &self->link);

    if (rc == RC_OK)
        rc = pg_schema_take(&self->db, false);
    if (rc == RC_OK)
        rc = pg_schema_bring_up(&self->db);
    if (rc == RC_OK)
        rc = pg_execute(&self->db, "SET statement_timeout = 0;"
                                   " SET idle_in_transaction_session_timeout = 0");
    return rc;
}

static void set_statements(struct pg_end *self, const char *begin)
{
    static const char *const others[] = {
        [BEGIN - TABLE_COUNT] = NULL,
        [LOCK - TABLE_COUNT] = "SELECT pg_advisory_xact_lock($1)",
        [CLEAR_STREAMS - TABLE_COUNT] = "DELETE FROM zchat.stream",
        [CLEAR_PLACES - TABLE_COUNT] = "DELETE FROM zchat.place",
        [GO_ON - TABLE_COUNT] = NUMBER_ON,
        [COUNT - TABLE_COUNT] = "UPDATE zchat.meta SET commits = commits + 1, turns = turns + 1,"
                                " event_bytes = $1",
        [COMMIT - TABLE_COUNT] = "COMMIT",
    };

    for (size_t i = 0; i < TABLE_COUNT; i++)
        self->statements[i] = self->sql[i];
    for (size_t i = TABLE_COUNT; i < STATEMENT_COUNT; i++)
        self->statements[i] = others[i - TABLE_COUNT];
    self->statements[BEGIN] = begin;
}

/* --- copied -------------------------------------------------------------------------- */

static enum rc tell_row(void *context)
{
    const struct telling *self = context;
    struct cell cells[CELLS_MAX];

    for (int i = 0; self->types[i] != '\0'; i++) {
        if (self->types[i] == 'n')
            cells[i].number = pg_number(&self->end->db, 0, i);
        else
            cells[i].bytes = pg_bytes(&self->end->db, 0, i);
    }
    return self->on_row(self->context, cells);
}

static enum rc pg_each_row(struct migrate_end *base, size_t table, on_cells *on_row, void *context)
{
    struct telling telling = {end_of(base), MIGRATE_TABLES[table].types, on_row, context};

    return pg_each(&end_of(base)->db, (unsigned)table, NULL, tell_row, &telling);
}

static enum rc pg_end_open(const char *url, char *why, struct pg_end **ret)
{
    struct pg_end *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->db = (struct pg_db){.why = why, .why_size = MIGRATE_WHY_BYTES};
    rc = open_database(self, url);
    if (rc == RC_OK)
        *ret = self;
    else
        pg_end_close(&self->base);
    return rc;
}

enum rc migrate_from_pg(const char *url, char *why, struct migrate_end **ret)
{
    static const struct migrate_calls calls = {.close = pg_end_close, .each = pg_each_row};
    struct pg_end *self;
    enum rc rc = pg_end_open(url, why, &self);

    if (rc != RC_OK)
        return rc;
    self->base.calls = &calls;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        snprintf(self->sql[i], SQL_BYTES, "SELECT %s FROM zchat.%s ORDER BY %s",
                 MIGRATE_TABLES[i].columns, MIGRATE_TABLES[i].name, MIGRATE_TABLES[i].order);
    set_statements(self, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    rc = pg_prepare(&self->db, self->statements, STATEMENT_COUNT);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, BEGIN, NULL);
    if (rc == RC_OK)
        rc = pg_settle(&self->db);
    if (rc == RC_OK)
        *ret = &self->base;
    else
        pg_end_close(&self->base);
    return rc;
}

/* --- filled -------------------------------------------------------------------------- */

static enum rc send_batch(struct pg_end *self)
{
    const char *types = MIGRATE_TABLES[self->batch_table].types;
    struct pg_args args = {.count = 0};
    enum rc rc;

    if (self->columns[0].count == 0)
        return RC_OK;
    for (size_t i = 0; types[i] != '\0'; i++)
        pg_arg_array(&args, &self->columns[i]);
    rc = pg_queue(&self->db, (unsigned)self->batch_table, &args);
    for (size_t i = 0; types[i] != '\0'; i++)
        pg_array_clear(&self->columns[i]);
    self->batch_bytes = 0;
    return rc == RC_OK ? pg_settle(&self->db) : rc;
}

static enum rc pg_put(struct migrate_end *base, size_t table, const struct cell *cells)
{
    const char *types = MIGRATE_TABLES[table].types;
    struct pg_end *self = end_of(base);

    if (table != self->batch_table || self->columns[0].count == BATCH_ROWS ||
        self->batch_bytes >= BATCH_BYTES) {
        const enum rc rc = send_batch(self);

        if (rc != RC_OK)
            return rc;
        self->batch_table = table;
    }
    for (size_t i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'n') {
            pg_array_number(&self->columns[i], cells[i].number);
        } else {
            pg_array_bytes(&self->columns[i], cells[i].bytes);
            self->batch_bytes += cells[i].bytes.len;
        }
    }
    if (table == TABLE_EVENT)
        self->event_bytes += cells[6].bytes.len + PG_EVENT_ROW_BYTES;
    return RC_OK;
}

static enum rc pg_finish(struct migrate_end *base)
{
    struct pg_end *self = end_of(base);
    struct pg_args count = {.count = 0};
    enum rc rc = send_batch(self);

    PG_NUMBERS(&count, self->event_bytes);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, GO_ON, NULL);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, COUNT, &count);
    if (rc == RC_OK)
        rc = pg_commit_queued(&self->db, COMMIT);
    return rc;
}

/* An array for each column, as in the statements of pg_rows.h. */
static void write_insert(const struct migrate_table *about, char sql[static SQL_BYTES])
{
    size_t len = (size_t)snprintf(sql, SQL_BYTES, "INSERT INTO zchat.%s (%s) SELECT * FROM unnest(",
                                  about->name, about->columns);

    for (int i = 0; about->types[i] != '\0'; i++)
        len += (size_t)snprintf(sql + len, SQL_BYTES - len, "%s$%d::%s[]", i == 0 ? "" : ", ",
                                i + 1, about->types[i] == 'n' ? "bigint" : "bytea");
    snprintf(sql + len, SQL_BYTES - len, ")");
}

static enum rc check_empty(struct pg_end *self)
{
    enum rc rc = pg_execute(&self->db,
                            "SELECT (SELECT count(*) FROM (SELECT 1 FROM zchat.event LIMIT 1) AS e)"
                            " + (SELECT count(*) FROM zchat.stream WHERE id > 0)"
                            " + (SELECT count(*) FROM zchat.invitation)"
                            " + (SELECT count(*) FROM zchat.standing)");

    if (rc != RC_OK || strcmp(PQgetvalue(self->db.result, 0, 0), "0") == 0)
        return rc;
    snprintf(self->db.why, self->db.why_size,
             "the database %s: there is a log in it already: DROP SCHEMA zchat CASCADE removes it",
             PQdb(self->db.conn));
    return RC_EXISTS;
}

static enum rc begin_filling(struct pg_end *self)
{
    struct pg_args lock = {.count = 0};
    enum rc rc = pg_queue(&self->db, BEGIN, NULL);

    PG_NUMBERS(&lock, PG_LOCK);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, LOCK, &lock);
    if (rc == RC_OK) /* what a new log begins with is in the old one, too */
        rc = pg_queue(&self->db, CLEAR_STREAMS, NULL);
    if (rc == RC_OK)
        rc = pg_queue(&self->db, CLEAR_PLACES, NULL);
    return rc == RC_OK ? pg_settle(&self->db) : rc;
}

enum rc migrate_to_pg(const char *url, char *why, struct migrate_end **ret)
{
    static const struct migrate_calls calls = {
        .close = pg_end_close, .put = pg_put, .finish = pg_finish};
    struct pg_end *self;
    enum rc rc = pg_end_open(url, why, &self);

    if (rc != RC_OK)
        return rc;
    self->base.calls = &calls;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        write_insert(&MIGRATE_TABLES[i], self->sql[i]);
    set_statements(self, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    rc = check_empty(self);
    if (rc == RC_OK)
        rc = pg_prepare(&self->db, self->statements, STATEMENT_COUNT);
    if (rc == RC_OK)
        rc = begin_filling(self);
    if (rc == RC_OK)
        *ret = &self->base;
    else
        pg_end_close(&self->base);
    return rc;
}
