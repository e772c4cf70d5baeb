/* sqlite_db.h - one connection, and its failures as our codes.
 *
 * RC_DISK_FULL: a write found no room, and nothing of its transaction is on disk. RC_STORE: anything else. */
#ifndef BROKER_STORE_SQLITE_DB_H
#define BROKER_STORE_SQLITE_DB_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_BUSY_MS 5000 /* somebody looks at the file with another program */

struct db {
    sqlite3 *handle;
    const char *path; /* borrowed */
    const char *vfs;  /* what to open the file through; NULL: as SQLite does */
    char *why;        /* borrowed: where the last failure is told */
    size_t why_size;
};

/* Alone: a file that nobody writes, and that must not get companions. */
enum db_mode { DB_WRITER, DB_READER, DB_ALONE };

/* Open the file, which must exist. */
enum rc db_open(struct db *self, enum db_mode mode) MUST_CHECK;
void db_close(struct db *self);

/* Tell a failure of the last call in words; returns its code. */
enum rc db_failed(struct db *self, const char *doing) MUST_CHECK;

/* Statements without results. */
enum rc db_execute(struct db *self, const char *sql) MUST_CHECK;
/* The one number of a one-row query. */
enum rc db_number(struct db *self, const char *sql, int64_t *ret) MUST_CHECK;
enum rc db_prepare(struct db *self, const char *sql, sqlite3_stmt **ret) MUST_CHECK;

/* RC_OK: a row can be read until db_done(); RC_END: there is none, the statement is reset, as after failures. */
enum rc db_row(struct db *self, sqlite3_stmt *statement) MUST_CHECK;
void db_done(sqlite3_stmt *statement);
/* Run a statement without results to its end. */
enum rc db_run(struct db *self, sqlite3_stmt *statement) MUST_CHECK;

/* Parameters are borrowed until the statement is reset; an empty text is a text. */
void db_bind_number(sqlite3_stmt *statement, int at, uint64_t value);
void db_bind_text(sqlite3_stmt *statement, int at, struct span text);
void db_bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t len);

uint64_t db_column_number(sqlite3_stmt *statement, int at);
/* Borrows until the statement moves. */
struct span db_column_text(sqlite3_stmt *statement, int at);
/* RC_STORE: it has another length. */
enum rc db_column_bytes(struct db *self, sqlite3_stmt *statement, int at, void *ret,
                        size_t len) MUST_CHECK;

#endif
