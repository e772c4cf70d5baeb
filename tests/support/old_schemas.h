/* old_schemas.h - databases as older schemas wrote them. */
#ifndef TESTS_SUPPORT_OLD_SCHEMAS_H
#define TESTS_SUPPORT_OLD_SCHEMAS_H

#include "tests/support/store_contract.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As schema 1 wrote it. Alice and bob are in #lobby, where alice has joined; carol came without a key. */
static const char SCHEMA_1[] =
    "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN;"
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " skeleton TEXT NOT NULL UNIQUE, owner_key BLOB UNIQUE, stream_key BLOB NOT NULL,"
    " epoch INTEGER NOT NULL) STRICT;"
    "CREATE TABLE place (stream INTEGER PRIMARY KEY, head INTEGER NOT NULL,"
    " confirmed INTEGER NOT NULL, ts INTEGER NOT NULL) STRICT;"
    "CREATE TABLE member (stream INTEGER NOT NULL, account INTEGER NOT NULL,"
    " PRIMARY KEY (stream, account)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE session (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " last INTEGER NOT NULL, entry INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, sender INTEGER NOT NULL,"
    " own_seq INTEGER NOT NULL, refusal INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " wire BLOB NOT NULL) STRICT;"
    "CREATE TABLE mark (account INTEGER NOT NULL, name TEXT NOT NULL, stream INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, PRIMARY KEY (account, name, stream)) STRICT, WITHOUT ROWID;"
    "INSERT INTO stream VALUES (0, '', '', NULL, x'', 0),"
    " (1, '@alice', '@alice', unhex32('01'), unhex32('a1'), 1),"
    " (2, '#lobby', '#lobby', NULL, unhex32('a2'), 1),"
    " (3, '@bob', '@bob', unhex32('03'), unhex32('a3'), 1),"
    " (4, '@carol', '@carol', NULL, unhex32('a4'), 1);"
    "INSERT INTO place VALUES (0, 0, 0, 0), (1, 0, 0, 0), (2, 1, 0, 500), (3, 0, 0, 0),"
    " (4, 0, 0, 0);"
    "INSERT INTO member VALUES (2, 1), (2, 3);"
    "INSERT INTO event VALUES ((2 << 39) + 1, 500, 0, 0, 0, 0, x'80');"
    "INSERT INTO session VALUES (77, 1, 4, 0);"
    "INSERT INTO mark VALUES (1, 'm', 2, 1);"
    "PRAGMA application_id = 0x7a636874; PRAGMA user_version = 1; COMMIT;";

/* 32 times the byte of two hexadecimal digits. */
static inline void unhex32(sqlite3_context *context, int count, sqlite3_value **values)
{
    unsigned char bytes[32];

    (void)count;
    memset(bytes, (int)strtol((const char *)sqlite3_value_text(values[0]), NULL, 16), 32);
    sqlite3_result_blob(context, bytes, 32, SQLITE_TRANSIENT);
}

static inline sqlite3 *open_raw(const struct box *box)
{
    char path[128];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_create_function(handle, "unhex32", 1, SQLITE_UTF8, NULL, unhex32, NULL, NULL),
        SQLITE_OK);
    return handle;
}

static inline int64_t number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* A box whose store is closed, over a folder of schema 1. */
static inline void make_schema_1(const struct box *box)
{
    static const char *const names[] = {"zchat.db", "zchat.db-wal", "zchat.db-shm"};
    char path[128];
    sqlite3 *handle;

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", box->folder, names[i]);
        (void)unlink(path);
    }
    handle = open_raw(box);
    assert_int_equal(sqlite3_exec(handle, SCHEMA_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

/* A box whose store is closed, over a folder of schema 2 with what it can hold. */
static inline void make_schema_2(struct box *box)
{
    make_schema_1(box);
    box_open(box); /* all steps; then the last one is taken back */
    box_close(box);
    sqlite3 *handle = open_raw(box);
    assert_int_equal(sqlite3_exec(handle,
                                  "ALTER TABLE stream DROP COLUMN keep; DROP TABLE hole;"
                                  "PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
}

#endif
