#include "broker/store/sqlite_reader.h"

#include "broker/store/sqlite_db.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <stdlib.h>

enum statement { BEGIN, END, HEAD, KEPT, HOLE, TS, EVENTS, HEADS, VERSION, STATEMENT_COUNT };

static const char *const SQL[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN",
    [END] = "COMMIT",
    [HEAD] = "SELECT head FROM place WHERE stream = ?1",
    [KEPT] = "SELECT id FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT 1",
    [HOLE] = "SELECT first, last FROM hole WHERE stream = ?1 AND last >= ?2 ORDER BY first LIMIT 1",
    [TS] = "SELECT id, ts FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT 1",
    [EVENTS] = "SELECT wire FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id",
    [HEADS] = "SELECT stream, head FROM place WHERE head > 0 AND stream > 0",
    [VERSION] = "PRAGMA data_version",
};

struct sqlite_reader {
    struct store_reader base;
    struct db db;
    char *path;
    char why[256]; /* logged where opening fails; later failures are one word to the broker */
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

static struct sqlite_reader *reader_of(struct store_reader *base)
{
    return (struct sqlite_reader *)base;
}

static void reader_close(struct store_reader *base)
{
    struct sqlite_reader *self = reader_of(base);

    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    db_close(&self->db);
    free(self->path);
    free(self);
}

static enum rc reader_begin(struct store_reader *base)
{
    struct sqlite_reader *self = reader_of(base);

    return db_run(&self->db, self->statements[BEGIN]);
}

static enum rc reader_end(struct store_reader *base)
{
    struct sqlite_reader *self = reader_of(base);

    db_done(self->statements[EVENTS]);
    return db_run(&self->db, self->statements[END]);
}

/* One number of one row, or `otherwise`. */
static enum rc number_or(struct sqlite_reader *self, enum statement which, uint64_t otherwise,
                         uint64_t *ret)
{
    const enum rc rc = db_row(&self->db, self->statements[which]);

    if (rc != RC_OK && rc != RC_END)
        return rc;
    *ret = rc == RC_OK ? db_column_number(self->statements[which], 0) : otherwise;
    db_done(self->statements[which]);
    return RC_OK;
}

static enum rc reader_bounds(struct store_reader *base, stream_id stream, uint64_t *ret_kept,
                             uint64_t *ret_head)
{
    struct sqlite_reader *self = reader_of(base);
    uint64_t kept = 0;
    enum rc rc;

    db_bind_number(self->statements[HEAD], 1, stream.v);
    rc = number_or(self, HEAD, 0, ret_head);
    if (rc != RC_OK)
        return rc;
    db_bind_number(self->statements[KEPT], 1, entry_of(stream, 0));
    db_bind_number(self->statements[KEPT], 2, entry_of(stream, *ret_head));
    rc = number_or(self, KEPT, entry_of(stream, *ret_head + 1), &kept);
    if (rc == RC_OK)
        *ret_kept = entry_seq(kept);
    return rc;
}

static enum rc reader_hole(struct store_reader *base, stream_id stream, uint64_t first,
                           uint64_t *ret_first, uint64_t *ret_last)
{
    struct sqlite_reader *self = reader_of(base);
    sqlite3_stmt *statement = self->statements[HOLE];
    enum rc rc;

    db_bind_number(statement, 1, stream.v);
    db_bind_number(statement, 2, first);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret_first = db_column_number(statement, 0);
    *ret_last = db_column_number(statement, 1);
    db_done(statement);
    return RC_OK;
}

static enum rc reader_ts_at(struct store_reader *base, uint64_t first, uint64_t last,
                            uint64_t *ret_entry, uint64_t *ret_ts_ms)
{
    struct sqlite_reader *self = reader_of(base);
    sqlite3_stmt *statement = self->statements[TS];
    enum rc rc;

    db_bind_number(statement, 1, first);
    db_bind_number(statement, 2, last);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret_entry = db_column_number(statement, 0);
    *ret_ts_ms = db_column_number(statement, 1);
    db_done(statement);
    return RC_OK;
}

static enum rc reader_seek(struct store_reader *base, uint64_t first, uint64_t last)
{
    sqlite3_stmt *statement = reader_of(base)->statements[EVENTS];

    db_done(statement);
    db_bind_number(statement, 1, first);
    db_bind_number(statement, 2, last);
    return RC_OK;
}

static enum rc reader_next(struct store_reader *base, struct span *ret_wire)
{
    struct sqlite_reader *self = reader_of(base);
    const enum rc rc = db_row(&self->db, self->statements[EVENTS]);

    if (rc == RC_OK)
        *ret_wire = db_column_text(self->statements[EVENTS], 0);
    return rc;
}

static enum rc reader_heads(struct store_reader *base, store_on_head *on_head, void *context)
{
    struct sqlite_reader *self = reader_of(base);
    sqlite3_stmt *statement = self->statements[HEADS];
    enum rc rc;

    while ((rc = db_row(&self->db, statement)) == RC_OK)
        on_head(context, (stream_id){(uint32_t)db_column_number(statement, 0)},
                db_column_number(statement, 1));
    return rc == RC_END ? RC_OK : rc;
}

static enum rc reader_version(struct store_reader *base, uint64_t *ret)
{
    return number_or(reader_of(base), VERSION, 0, ret);
}

enum rc sqlite_reader_open(const char *path, struct store_reader **ret)
{
    static const struct reader_calls calls = {
        .close = reader_close,
        .begin = reader_begin,
        .end = reader_end,
        .bounds = reader_bounds,
        .hole = reader_hole,
        .ts_at = reader_ts_at,
        .seek = reader_seek,
        .next = reader_next,
        .heads = reader_heads,
        .version = reader_version,
    };
    struct sqlite_reader *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->base.calls = &calls;
    self->path = x_strdup(path);
    self->db = (struct db){.path = self->path, .why = self->why, .why_size = sizeof(self->why)};
    rc = db_open(&self->db, DB_READER);
    for (size_t i = 0; i < STATEMENT_COUNT && rc == RC_OK; i++)
        rc = db_prepare(&self->db, SQL[i], &self->statements[i]);
    if (rc != RC_OK) {
        log_error("reader.not_opened", "%s", self->why);
        reader_close(&self->base);
        return RC_STORE;
    }
    *ret = &self->base;
    return RC_OK;
}
