/* migrate_sqlite.c - a folder's zchat.db, to copy or to be filled. */
#include "broker/store/migrate_ends.h"

#include "broker/store/sqlite_files.h"
#include "broker/store/sqlite_schema.h"
#include "shared/base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>

#define SQL_BYTES 512

struct sqlite_end {
    struct migrate_end base;
    struct db db;
    struct files files; /* of one that is filled */
    char *path;         /* of one that is copied */
    sqlite3_stmt *statements[TABLE_COUNT];
};

static struct sqlite_end *end_of(struct migrate_end *base)
{
    return (struct sqlite_end *)base;
}

static void sqlite_end_close(struct migrate_end *base)
{
    struct sqlite_end *self = end_of(base);

    for (size_t i = 0; i < TABLE_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    if (self->db.handle != NULL && !sqlite3_get_autocommit(self->db.handle))
        (void)sqlite3_exec(self->db.handle, "ROLLBACK", NULL, NULL, NULL);
    if (self->path != NULL)
        db_close(&self->db);
    else
        files_close(&self->files, &self->db);
    free(self->path);
    free(self);
}

/* --- copied -------------------------------------------------------------------------- */

static void read_cells(sqlite3_stmt *row, const char *types, struct cell cells[CELLS_MAX])
{
    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'n')
            cells[i].number = db_column_number(row, i);
        else
            cells[i].bytes = db_column_text(row, i);
    }
}

static enum rc sqlite_each(struct migrate_end *base, size_t table, on_cells *on_row, void *context)
{
    const struct migrate_table *about = &MIGRATE_TABLES[table];
    struct sqlite_end *self = end_of(base);
    struct cell cells[CELLS_MAX];
    char sql[SQL_BYTES];
    enum rc rc;

    snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY %s", about->columns, about->name,
             about->order);
    rc = db_prepare(&self->db, sql, &self->statements[table]);
    while (rc == RC_OK && (rc = db_row(&self->db, self->statements[table])) == RC_OK) {
        read_cells(self->statements[table], about->types, cells);
        rc = on_row(context, cells);
    }
    return rc == RC_END ? RC_OK : rc;
}

static enum rc open_source(struct sqlite_end *self)
{
    int version = 0;
    enum rc rc = db_open(&self->db, DB_READER);

    if (rc == RC_OK)
        rc = schema_check(&self->db, &version);
    if (rc == RC_OK && version != SCHEMA_VERSION) {
        snprintf(self->db.why, self->db.why_size,
                 "%s: schema %d, wanted %d: start the broker once, which brings it up",
                 self->db.path, version, SCHEMA_VERSION);
        rc = RC_STORE;
    }
    return rc == RC_OK ? db_execute(&self->db, "BEGIN") : rc;
}

enum rc migrate_from_sqlite(const char *folder, char *why, struct migrate_end **ret)
{
    static const struct migrate_calls calls = {.close = sqlite_end_close, .each = sqlite_each};
    struct sqlite_end *self = x_alloc(1, sizeof(*self));
    const size_t size = strlen(folder) + sizeof("/zchat.db");
    enum rc rc;

    self->base.calls = &calls;
    self->path = x_alloc(size, 1);
    snprintf(self->path, size, "%s/zchat.db", folder);
    self->db = (struct db){.path = self->path, .why = why, .why_size = MIGRATE_WHY_BYTES};
    rc = open_source(self);
    if (rc == RC_OK)
        *ret = &self->base;
    else
        sqlite_end_close(&self->base);
    return rc;
}

/* --- filled -------------------------------------------------------------------------- */

static enum rc sqlite_put(struct migrate_end *base, size_t table, const struct cell *cells)
{
    const char *types = MIGRATE_TABLES[table].types;
    struct sqlite_end *self = end_of(base);
    sqlite3_stmt *statement = self->statements[table];

    for (int i = 0; types[i] != '\0'; i++) {
        if (types[i] == 'n')
            db_bind_number(statement, i + 1, cells[i].number);
        else if (types[i] == 't')
            db_bind_text(statement, i + 1, cells[i].bytes);
        else
            db_bind_bytes(statement, i + 1, cells[i].bytes.len == 0 ? "" : cells[i].bytes.ptr,
                          cells[i].bytes.len);
    }
    return db_run(&self->db, statement);
}

static enum rc sqlite_finish(struct migrate_end *base)
{
    return db_execute(&end_of(base)->db, "COMMIT");
}

/* Places for the values of as many columns as the table has. */
static enum rc prepare_insert(struct sqlite_end *self, size_t table)
{
    const struct migrate_table *about = &MIGRATE_TABLES[table];
    char sql[SQL_BYTES];
    size_t len = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s (%s) VALUES (", about->name,
                                  about->columns);

    for (size_t i = 0; about->types[i] != '\0'; i++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, i == 0 ? "?" : ", ?");
    snprintf(sql + len, sizeof(sql) - len, ")");
    return db_prepare(&self->db, sql, &self->statements[table]);
}

static enum rc check_empty(struct sqlite_end *self)
{
    int64_t rows = 0;
    enum rc rc = db_number(&self->db,
                           "SELECT (SELECT count(*) FROM (SELECT 1 FROM event LIMIT 1))"
                           " + (SELECT count(*) FROM stream WHERE id > 0)"
                           " + (SELECT count(*) FROM invitation) + (SELECT count(*) FROM standing)",
                           &rows);

    if (rc != RC_OK || rows == 0)
        return rc;
    snprintf(self->db.why, self->db.why_size,
             "%s: there is a log in it already: move it away, or name another folder",
             self->db.path);
    return RC_EXISTS;
}

enum rc migrate_to_sqlite(const char *folder, char *why, struct migrate_end **ret)
{
    static const struct migrate_calls calls = {
        .close = sqlite_end_close, .put = sqlite_put, .finish = sqlite_finish};
    struct sqlite_end *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->base.calls = &calls;
    self->db = (struct db){.why = why, .why_size = MIGRATE_WHY_BYTES};
    rc = files_open(&self->files, folder, &self->db);
    if (rc != RC_OK) { /* which has closed everything */
        free(self);
        return rc;
    }
    rc = check_empty(self);
    if (rc == RC_OK) /* what a new log begins with is in the old one, too */
        rc = db_execute(&self->db, "BEGIN IMMEDIATE; DELETE FROM stream; DELETE FROM place");
    for (size_t i = 0; i < TABLE_COUNT && rc == RC_OK; i++)
        rc = prepare_insert(self, i);
    if (rc == RC_OK)
        *ret = &self->base;
    else
        sqlite_end_close(&self->base);
    return rc;
}
