#include "broker/store/sqlite_schema.h"

#include <stdlib.h>

#define APPLICATION_ID 0x7a636874 /* "zcht": other programs' databases are refused */

/* A row of `stream` is a person or a room. The skeleton stands behind the sigil. Row 0's epoch is the number of the log
 * (store_chat()), 0 before it has one: older versions, which have no use for it, keep it. */
#define STREAM_TABLE(name)            \
    "CREATE TABLE " name " ("         \
    " id INTEGER PRIMARY KEY,"        \
    " name TEXT NOT NULL UNIQUE,"     \
    " skeleton TEXT NOT NULL UNIQUE," \
    " stream_key BLOB NOT NULL,"      \
    " epoch INTEGER NOT NULL,"        \
    " role INTEGER NOT NULL,"         \
    " modes INTEGER NOT NULL,"        \
    " topic TEXT NOT NULL,"           \
    " open_from INTEGER NOT NULL) STRICT;"

/* Who may come in, and how they stand with rooms; stream 0 is the broker. */
#define PEOPLE_TABLES                                        \
    "CREATE TABLE device ("                                  \
    " id INTEGER PRIMARY KEY,"                               \
    " key BLOB NOT NULL UNIQUE,"                             \
    " account INTEGER NOT NULL,"                             \
    " label TEXT NOT NULL,"                                  \
    " ts INTEGER NOT NULL,"                                  \
    " is_revoked INTEGER NOT NULL) STRICT;"                  \
    "CREATE INDEX device_account ON device (account);"       \
    "CREATE TABLE standing ("                                \
    " stream INTEGER NOT NULL,"                              \
    " account INTEGER NOT NULL,"                             \
    " flags INTEGER NOT NULL,"                               \
    " since INTEGER NOT NULL,"                               \
    " banned_until INTEGER NOT NULL,"                        \
    " muted_until INTEGER NOT NULL,"                         \
    " PRIMARY KEY (stream, account)) STRICT, WITHOUT ROWID;" \
    "CREATE TABLE key_ban ("                                 \
    " stream INTEGER NOT NULL,"                              \
    " key BLOB NOT NULL,"                                    \
    " until INTEGER NOT NULL,"                               \
    " PRIMARY KEY (stream, key)) STRICT, WITHOUT ROWID;"     \
    "CREATE TABLE invitation ("                              \
    " token_hash BLOB NOT NULL PRIMARY KEY,"                 \
    " maker INTEGER NOT NULL,"                               \
    " role INTEGER NOT NULL,"                                \
    " nick TEXT NOT NULL,"                                   \
    " is_device INTEGER NOT NULL,"                           \
    " label TEXT NOT NULL,"                                  \
    " until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

/* The log. `event.id` is entry_of() of backend.h: stream by stream, in order. Stream 0 is
 * REFUSED_STREAM. `place` stands beside `stream` because it changes with every event: the less
 * of it lies around it on a page, the less a commit writes. */
#define LOG_TABLES                     \
    "CREATE TABLE place ("             \
    " stream INTEGER PRIMARY KEY,"     \
    " head INTEGER NOT NULL,"          \
    " confirmed INTEGER NOT NULL,"     \
    " ts INTEGER NOT NULL) STRICT;"    \
    "CREATE TABLE session ("           \
    " id INTEGER PRIMARY KEY,"         \
    " account INTEGER NOT NULL,"       \
    " last INTEGER NOT NULL,"          \
    " entry INTEGER NOT NULL) STRICT;" \
    "CREATE TABLE event ("             \
    " id INTEGER PRIMARY KEY,"         \
    " ts INTEGER NOT NULL,"            \
    " sender INTEGER NOT NULL,"        \
    " own_seq INTEGER NOT NULL,"       \
    " refusal INTEGER NOT NULL,"       \
    " prev INTEGER NOT NULL,"          \
    " wire BLOB NOT NULL) STRICT;"     \
    "CREATE TABLE mark ("              \
    " account INTEGER NOT NULL,"       \
    " name TEXT NOT NULL,"             \
    " stream INTEGER NOT NULL,"        \
    " seq INTEGER NOT NULL,"           \
    " PRIMARY KEY (account, name, stream)) STRICT, WITHOUT ROWID;"

/* Until 2 everything was kept for ever. `keep` is how long a room's events are, in seconds (KEEP_ of op.h). A row of `hole` is
 * a range of places that nobody will ever see: when an old copy is put back, numbers go on behind all that may
 * have been given out meanwhile (restore.h). */
#define FROM_2_TO_3                                                  \
    "ALTER TABLE stream ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;" \
    "CREATE TABLE hole ("                                            \
    " stream INTEGER NOT NULL,"                                      \
    " first INTEGER NOT NULL,"                                       \
    " last INTEGER NOT NULL,"                                        \
    " PRIMARY KEY (stream, first)) STRICT, WITHOUT ROWID;"

static const char CREATE[] = STREAM_TABLE("stream") PEOPLE_TABLES LOG_TABLES
    "INSERT INTO stream VALUES (0, '', '', x'', 0, 0, 0, '', 1);"
    "INSERT INTO place VALUES (0, 0, 0, 0);" FROM_2_TO_3;

/* Until 1 a person was one key, and all rooms were public: who was a member stays one, since the beginning; nobody
 * is an operator. When the keys came nobody knows any more. */
#define FROM_1_TO_2                                                                         \
    STREAM_TABLE("stream_2")                                                                \
    PEOPLE_TABLES "INSERT INTO device (key, account, label, ts, is_revoked)"                \
                  " SELECT owner_key, id, '', unixepoch() * 1000, 0 FROM stream"            \
                  " WHERE owner_key IS NOT NULL ORDER BY id;"                               \
                  "INSERT INTO standing SELECT stream, account, 1, 1, 0, 0 FROM member;"    \
                  "INSERT INTO stream_2"                                                    \
                  " SELECT id, name, skeleton, stream_key, epoch, 0, 0, '', 1 FROM stream;" \
                  "DROP TABLE member;"                                                      \
                  "DROP TABLE stream;"                                                      \
                  "ALTER TABLE stream_2 RENAME TO stream;"

/* What is done to a schema of that number to make it the next one; an empty file becomes the newest at once. */
static const char *const STEPS[SCHEMA_VERSION] = {
    [0] = CREATE,
    [1] = FROM_1_TO_2,
    [2] = FROM_2_TO_3,
};

enum rc schema_check(struct db *db, int *ret_version)
{
    int64_t application = 0, version = 0, tables = 0;
    enum rc rc = db_number(db, "PRAGMA application_id", &application);

    if (rc == RC_OK)
        rc = db_number(db, "PRAGMA user_version", &version);
    if (rc == RC_OK)
        rc = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc != RC_OK)
        return rc;
    if (tables > 0 && (application != APPLICATION_ID || version < 1)) {
        snprintf(db->why, db->why_size, "%s: this is not a zchat log; move it away", db->path);
        return RC_STORE;
    }
    if (version > SCHEMA_VERSION) {
        snprintf(db->why, db->why_size,
                 "%s: written by a newer zchat (schema %lld, known here up to %d); use that one",
                 db->path, (long long)version, SCHEMA_VERSION);
        return RC_STORE;
    }
    *ret_version = tables == 0 ? 0 : (int)version;
    return RC_OK;
}

enum rc schema_bring_up(struct db *db, int version)
{
    char head[128];
    enum rc rc;

    if (version == SCHEMA_VERSION)
        return RC_OK;
    /* One transaction: a crash leaves the old schema or the new one. */
    snprintf(head, sizeof(head),
             "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, SCHEMA_VERSION);
    rc = db_execute(db, head);
    if (rc == RC_OK)
        rc = db_execute(db, STEPS[version]);
    for (int at = version + 1; version > 0 && at < SCHEMA_VERSION && rc == RC_OK; at++)
        rc = db_execute(db, STEPS[at]);
    if (rc == RC_OK)
        rc = db_execute(db, "COMMIT");
    if (rc != RC_OK && !sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
