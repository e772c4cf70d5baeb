#include "broker/store/sqlite_db.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <errno.h>
#include <stdlib.h>

/* A failed write of a transaction that was not committed changes nothing. A failed fsync is another
 * thing: what it wrote may or may not be there. */
static bool is_no_room(int code, int system_errno)
{
    if ((code & 0xff) == SQLITE_FULL)
        return true;
    return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC &&
           code != SQLITE_IOERR_DIR_FSYNC && (system_errno == ENOSPC || system_errno == EDQUOT);
}

enum rc db_failed(struct db *self, const char *doing)
{
    const int code = sqlite3_extended_errcode(self->handle);
    const int system_errno = sqlite3_system_errno(self->handle);

    snprintf(self->why, self->why_size, "%s: %s (SQLite %d, errno %d) in: %s", self->path,
             sqlite3_errmsg(self->handle), code, system_errno, doing);
    return is_no_room(code, system_errno) ? RC_DISK_FULL : RC_STORE;
}

/* A file that nobody writes is opened by a URI: what has a meaning there is escaped. */
static int open_alone(struct db *self, int flags)
{
    const size_t size = 3 * strlen(self->path) + sizeof("file:?immutable=1");
    char *uri = x_alloc(size, 1);
    size_t len = (size_t)snprintf(uri, size, "file:");
    int code;

    for (const char *at = self->path; *at != '\0'; at++)
        len += (size_t)snprintf(uri + len, size - len,
                                strchr("?#% ", *at) == NULL ? "%c" : "%%%02X", (unsigned char)*at);
    snprintf(uri + len, size - len, "?immutable=1");
    code = sqlite3_open_v2(uri, &self->handle, flags | SQLITE_OPEN_URI, NULL);
    free(uri);
    return code;
}

enum rc db_open(struct db *self, enum db_mode mode)
{
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (mode == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);

    if ((mode == DB_ALONE
             ? open_alone(self, flags)
             : sqlite3_open_v2(self->path, &self->handle, flags, self->vfs)) != SQLITE_OK)
        return db_failed(self, "open");
    sqlite3_busy_timeout(self->handle, DB_BUSY_MS);
    /* A file may be made to harm whoever opens it: no functions from its schema, no writing to it. */
    sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return db_execute(self, "PRAGMA trusted_schema = OFF;"
                            "PRAGMA mmap_size = 0;"
                            "PRAGMA temp_store = MEMORY;"
                            "PRAGMA cell_size_check = ON;");
}

void db_close(struct db *self)
{
    sqlite3_close_v2(self->handle);
    self->handle = NULL;
}

enum rc db_execute(struct db *self, const char *sql)
{
    if (sqlite3_exec(self->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_failed(self, sql);
    return RC_OK;
}

enum rc db_prepare(struct db *self, const char *sql, sqlite3_stmt **ret)
{
    if (sqlite3_prepare_v3(self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) !=
        SQLITE_OK)
        return db_failed(self, sql);
    return RC_OK;
}

enum rc db_number(struct db *self, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    enum rc rc = db_prepare(self, sql, &statement);

    if (rc == RC_OK)
        rc = db_row(self, statement);
    if (rc == RC_OK)
        *ret = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc;
}

enum rc db_row(struct db *self, sqlite3_stmt *statement)
{
    enum rc rc = RC_END;

    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return RC_OK;
    case SQLITE_DONE:
        break;
    default:
        rc = db_failed(self, sqlite3_sql(statement));
    }
    sqlite3_reset(statement);
    return rc;
}

void db_done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

enum rc db_run(struct db *self, sqlite3_stmt *statement)
{
    const enum rc rc = db_row(self, statement);

    INVARIANT(rc != RC_OK);
    return rc == RC_END ? RC_OK : rc;
}

/* Binding fails for a wrong place or statement, which is our own fault. */

void db_bind_number(sqlite3_stmt *statement, int at, uint64_t value)
{
    INVARIANT(sqlite3_bind_int64(statement, at, (sqlite3_int64)value) == SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    INVARIANT(sqlite3_bind_text64(statement, at, text.len == 0 ? "" : text.ptr, text.len,
                                  SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

void db_bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t len)
{
    INVARIANT(sqlite3_bind_blob64(statement, at, bytes, len, SQLITE_STATIC) == SQLITE_OK);
}

uint64_t db_column_number(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

struct span db_column_text(sqlite3_stmt *statement, int at)
{
    const void *bytes = sqlite3_column_blob(statement, at);

    return (struct span){bytes, (size_t)sqlite3_column_bytes(statement, at)};
}

enum rc db_column_bytes(struct db *self, sqlite3_stmt *statement, int at, void *ret, size_t len)
{
    const struct span bytes = db_column_text(statement, at);

    if (bytes.len != len) {
        snprintf(self->why, self->why_size, "%s: the log is damaged: a key has %zu bytes",
                 self->path, bytes.len);
        return RC_STORE;
    }
    memcpy(ret, bytes.ptr, len);
    return RC_OK;
}
