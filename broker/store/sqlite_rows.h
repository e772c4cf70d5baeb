/* sqlite_rows.h - the connection that writes, and its statements; the SQLite store's own files alone include it. */
#ifndef BROKER_STORE_SQLITE_ROWS_H
#define BROKER_STORE_SQLITE_ROWS_H

#include "broker/store/backend.h"
#include "broker/store/disk.h"
#include "broker/store/deferred.h"
#include "broker/store/sqlite_bulk.h"
#include "broker/store/sqlite_db.h"
#include "broker/store/sqlite_files.h"

#define STREAM_COLUMNS "id, name, skeleton, stream_key, epoch, role, modes, topic, open_from, keep"
#define DEVICE_COLUMNS "key, account, label, ts, is_revoked"

/* X(statement, SQL) */
#define STATEMENTS(X)                                                                             \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                   \
    X(COMMIT, "COMMIT")                                                                           \
    X(ROLLBACK, "ROLLBACK")                                                                       \
    X(LAST_STREAM, "SELECT max(id) FROM stream")                                                  \
    X(FIND_BY_NAME, "SELECT id FROM stream WHERE name = ?1")                                      \
    X(FIND_BY_SKELETON, "SELECT id FROM stream WHERE skeleton = ?1")                              \
    X(GET_STREAM, "SELECT " STREAM_COLUMNS " FROM stream WHERE id = ?1")                          \
    X(ADD_STREAM, "INSERT INTO stream (" STREAM_COLUMNS ")"                                       \
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                            \
    X(PUT_STREAM, "UPDATE stream SET stream_key = ?4, epoch = ?5, role = ?6, modes = ?7,"         \
                  " topic = ?8, open_from = ?9, keep = ?10 WHERE id = ?1")                        \
    X(ADD_PLACE, "INSERT INTO place (stream, head, confirmed, ts) VALUES (?1, 0, 0, 0)")          \
    X(GET_PLACE, "SELECT head, confirmed, ts FROM place WHERE stream = ?1")                       \
    X(PUT_PLACES, "REPLACE INTO place (stream, head, confirmed, ts)"                              \
                  " SELECT stream, head, confirmed, ts FROM bulk_place")                          \
    X(GET_SESSION, "SELECT account, last, entry FROM session WHERE id = ?1")                      \
    X(PUT_SESSIONS, "REPLACE INTO session (id, account, last, entry)"                             \
                    " SELECT id, account, last, entry FROM bulk_session")                         \
    X(ADD_EVENTS, "INSERT INTO event (id, ts, sender, own_seq, refusal, prev, wire)"              \
                  " SELECT id, ts, sender, own_seq, refusal, prev, wire FROM bulk_event")         \
    X(GET_EVENT, "SELECT ts, sender, own_seq, refusal, prev FROM event WHERE id = ?1")            \
    X(GET_SENDERS,                                                                                \
      "SELECT id, sender FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3")            \
    X(NEXT_KEPT, "SELECT id, name, keep, head, confirmed FROM stream JOIN place"                  \
                 " ON place.stream = stream.id WHERE id >= ?1 AND (keep > 0 OR NOT ?2)"           \
                 " ORDER BY id LIMIT 1")                                                          \
    X(GET_AGED, "SELECT id, ts, sender, refusal, length(wire) FROM event"                         \
                " WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3")                              \
    X(REMOVE_EVENTS, "DELETE FROM event WHERE id >= ?1 AND id <= ?2")                             \
    X(PURGE_EVENT, "UPDATE event SET refusal = ?2, wire = ?3 WHERE id = ?1")                      \
    X(PAGE_COUNT, "SELECT page_count FROM pragma_page_count")                                     \
    X(FREE_COUNT, "SELECT freelist_count FROM pragma_freelist_count")                             \
    X(GIVE_BACK, "PRAGMA incremental_vacuum(256)")                                                \
    X(GET_MARK, "SELECT seq FROM mark WHERE account = ?1 AND name = ?2 AND stream = ?3")          \
    X(PUT_MARK, "REPLACE INTO mark (account, name, stream, seq) VALUES (?1, ?2, ?3, ?4)")         \
    X(COUNT_MARKS, "SELECT count(*) FROM mark WHERE account = ?1")                                \
    X(GET_CHAT, "SELECT epoch FROM stream WHERE id = 0")                                          \
    X(PUT_CHAT, "UPDATE stream SET epoch = ?1 WHERE id = 0")                                      \
    X(GET_DEVICE, "SELECT " DEVICE_COLUMNS " FROM device WHERE key = ?1")                         \
    X(ADD_DEVICE, "INSERT INTO device (" DEVICE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)")          \
    X(REVOKE_DEVICE, "UPDATE device SET is_revoked = 1 WHERE key = ?1")                           \
    X(REVOKE_DEVICES, "UPDATE device SET is_revoked = 1 WHERE account = ?1")                      \
    X(COUNT_DEVICES, "SELECT count(*) FROM device WHERE account = ?1 AND is_revoked = 0")         \
    X(OTHER_OWNER,                                                                                \
      "SELECT 1 FROM stream s WHERE role = 2 AND id <> ?1"                                        \
      " AND NOT EXISTS (SELECT 1 FROM standing t WHERE t.stream = 0 AND t.account = s.id"         \
      "  AND t.banned_until > ?2)"                                                                \
      " AND (NOT EXISTS (SELECT 1 FROM device d WHERE d.account = s.id)"                          \
      "  OR EXISTS (SELECT 1 FROM device d WHERE d.account = s.id AND d.is_revoked = 0))"         \
      " LIMIT 1")                                                                                 \
    X(GET_STANDING, "SELECT flags, since, banned_until, muted_until FROM standing"                \
                    " WHERE stream = ?1 AND account = ?2")                                        \
    X(PUT_STANDING, "REPLACE INTO standing (stream, account, flags, since, banned_until,"         \
                    " muted_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                              \
    X(DROP_STANDING, "DELETE FROM standing WHERE stream = ?1 AND account = ?2")                   \
    X(DROP_STANDINGS, "DELETE FROM standing WHERE stream = ?1")                                   \
    X(HAS_MEMBERS, "SELECT 1 FROM standing WHERE stream = ?1 AND flags & 1 LIMIT 1")              \
    X(NEXT_PRIVATE_ROOM,                                                                          \
      "SELECT id FROM stream CROSS JOIN standing ON stream = id AND account = ?1"                 \
      " WHERE id > ?2 AND modes & 1 AND flags & 1 ORDER BY id LIMIT 1")                           \
    X(GET_KEY_BAN, "SELECT until FROM key_ban WHERE stream = ?1 AND key = ?2")                    \
    X(PUT_KEY_BAN, "REPLACE INTO key_ban (stream, key, until) VALUES (?1, ?2, ?3)")               \
    X(DROP_KEY_BAN, "DELETE FROM key_ban WHERE stream = ?1 AND key = ?2")                         \
    X(DROP_KEY_BANS, "DELETE FROM key_ban WHERE stream = ?1")                                     \
    X(GET_INVITATION, "SELECT maker, role, nick, is_device, label, until FROM invitation"         \
                      " WHERE token_hash = ?1")                                                   \
    X(ADD_INVITATION, "INSERT INTO invitation (token_hash, maker, role, nick, is_device, label,"  \
                      " until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                              \
    X(DROP_INVITATION, "DELETE FROM invitation WHERE token_hash = ?1")                            \
    X(DROP_INVITATIONS_OF, "DELETE FROM invitation WHERE maker = ?1")                             \
    X(DROP_INVITATIONS_OVER, "DELETE FROM invitation WHERE until <= ?1")                          \
    X(COUNT_INVITATIONS, "SELECT count(*) FROM invitation WHERE maker = ?1")                      \
    X(ALL_STREAMS, "SELECT " STREAM_COLUMNS ", head, confirmed,"                                  \
                   " (SELECT coalesce(sum(last - first + 1), 0) FROM hole WHERE hole.stream = id" \
                   "  AND first > confirmed),"                                                    \
                   " (SELECT coalesce(max(last), 0) FROM hole WHERE hole.stream = id)"            \
                   " FROM stream JOIN place"                                                      \
                   " ON place.stream = stream.id WHERE id > 0 ORDER BY id")                       \
    X(ALL_DEVICES, "SELECT " DEVICE_COLUMNS " FROM device ORDER BY id")                           \
    X(ALL_STANDINGS, "SELECT flags, since, banned_until, muted_until, stream, account"            \
                     " FROM standing ORDER BY stream, account")                                   \
    X(ALL_KEY_BANS, "SELECT stream, key, until FROM key_ban ORDER BY stream, key")

enum statement {
#define X(statement, sql) statement,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

struct sqlite {
    struct backend base;
    struct backend_calls calls;
    struct db db;
    struct files files;
    struct disk disk;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct deferred deferred; /* of the transaction, not written yet */
    struct bulk bulk_events;  /* the same as tables */
    struct bulk bulk_places;
    struct bulk bulk_sessions;
    char name[STREAM_BYTES_MAX]; /* what a row's spans point to, until the next row */
    char skeleton[STREAM_BYTES_MAX];
    char topic[SUBJECT_BYTES_MAX];
    char nick[NAME_BYTES_MAX];
    char label[MARK_NAME_BYTES_MAX];
    int wal_pages;          /* in the log ahead of the file */
    int checkpoint_at;      /* fold it back when it has so many */
    uint64_t fold_again_ms; /* after the disk was full */
};

static inline struct sqlite *sqlite_of(struct backend *base)
{
    return (struct sqlite *)base;
}

static inline enum rc run(struct sqlite *self, enum statement which)
{
    return db_run(&self->db, self->statements[which]);
}

/* The first column of the only row, which is then done with; RC_END: there is no row. */
enum rc one_number(struct sqlite *self, enum statement which, uint64_t *ret) MUST_CHECK;

/* Copy a text of `least` to `most` bytes out of a row. RC_STORE: it has another length. */
enum rc keep_text(struct sqlite *self, char *buffer, size_t least, size_t most, struct span text,
                  struct span *ret) MUST_CHECK;

/* Rows of the STREAM_ and DEVICE_COLUMNS, and the four of a standing. */
enum rc read_stream(struct sqlite *self, sqlite3_stmt *row, struct stream_row *ret) MUST_CHECK;
enum rc read_device(struct sqlite *self, sqlite3_stmt *row, struct device_row *ret) MUST_CHECK;
struct standing read_standing(sqlite3_stmt *row);

/* The rows that are written together at the end of a transaction. Before somebody looks at events, those so far
 * must be written. */
enum rc sqlite_bulk_open(struct sqlite *self) MUST_CHECK;
void sqlite_bulk_close(struct sqlite *self);
enum rc sqlite_write_events(struct sqlite *self) MUST_CHECK;
enum rc sqlite_write_rows(struct sqlite *self) MUST_CHECK;

/* Set the calls of sqlite_log.c, sqlite_people.c, sqlite_replay.c and sqlite_clean.c. */
void sqlite_clean_calls(struct backend_calls *calls);
void sqlite_log_calls(struct backend_calls *calls);
void sqlite_people_calls(struct backend_calls *calls);
void sqlite_replay_calls(struct backend_calls *calls);

#endif
