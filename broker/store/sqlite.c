/* sqlite.c - the log on disk: rows of the schema in sqlite_files.c, through one writing connection. */
#include "broker/store/backend.h"

#include "broker/store/disk.h"
#include "broker/store/sqlite_db.h"
#include "broker/store/sqlite_files.h"
#include "broker/store/sqlite_reader.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"

#include <stdlib.h>

#define PAGE_BYTES       4096
#define PAGES_MAX        0x3fffffff /* SQLite's own limit */
#define CHECKPOINT_PAGES 4000
#define FOLD_AGAIN_MS    1000

#define STREAM_COLUMNS "id, name, skeleton, owner_key, stream_key, epoch"

/* X(statement, SQL) */
#define STATEMENTS(X)                                                                         \
    X(BEGIN, "BEGIN IMMEDIATE")                                                               \
    X(COMMIT, "COMMIT")                                                                       \
    X(ROLLBACK, "ROLLBACK")                                                                   \
    X(LAST_STREAM, "SELECT max(id) FROM stream")                                              \
    X(FIND_BY_NAME, "SELECT id FROM stream WHERE name = ?1")                                  \
    X(FIND_BY_SKELETON, "SELECT id FROM stream WHERE skeleton = ?1")                          \
    X(FIND_BY_OWNER_KEY, "SELECT id FROM stream WHERE owner_key = ?1")                        \
    X(GET_STREAM, "SELECT " STREAM_COLUMNS " FROM stream WHERE id = ?1")                      \
    X(ADD_STREAM, "INSERT INTO stream (" STREAM_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)")  \
    X(ADD_PLACE, "INSERT INTO place (stream, head, confirmed, ts) VALUES (?1, 0, 0, 0)")      \
    X(GET_PLACE, "SELECT head, confirmed, ts FROM place WHERE stream = ?1")                   \
    X(PUT_PLACE, "UPDATE place SET head = ?2, confirmed = ?3, ts = ?4 WHERE stream = ?1")     \
    X(GET_SESSION, "SELECT account, last, entry FROM session WHERE id = ?1")                  \
    X(PUT_SESSION, "REPLACE INTO session (id, account, last, entry) VALUES (?1, ?2, ?3, ?4)") \
    X(ADD_EVENT, "INSERT INTO event (id, ts, sender, own_seq, refusal, prev, wire)"           \
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                      \
    X(GET_EVENT, "SELECT ts, sender, own_seq, refusal, prev FROM event WHERE id = ?1")        \
    X(GET_SENDERS,                                                                            \
      "SELECT id, sender FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3")        \
    X(HAS_MEMBER, "SELECT 1 FROM member WHERE stream = ?1 AND account = ?2")                  \
    X(ADD_MEMBER, "INSERT INTO member (stream, account) VALUES (?1, ?2)")                     \
    X(DROP_MEMBER, "DELETE FROM member WHERE stream = ?1 AND account = ?2")                   \
    X(GET_MARK, "SELECT seq FROM mark WHERE account = ?1 AND name = ?2 AND stream = ?3")      \
    X(PUT_MARK, "REPLACE INTO mark (account, name, stream, seq) VALUES (?1, ?2, ?3, ?4)")     \
    X(COUNT_MARKS, "SELECT count(*) FROM mark WHERE account = ?1")                            \
    X(ALL_STREAMS, "SELECT " STREAM_COLUMNS ", head, confirmed FROM stream JOIN place"        \
                   " ON place.stream = stream.id WHERE id > 0 ORDER BY id")                   \
    X(ALL_MEMBERS, "SELECT stream, account FROM member ORDER BY stream, account")

enum statement {
#define X(statement, sql) statement,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

static const char *const SQL[STATEMENT_COUNT] = {
#define X(statement, sql) [statement] = sql,
    STATEMENTS(X)
#undef X
};

struct sqlite {
    struct backend base;
    struct db db;
    struct files files;
    struct disk disk;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char name[STREAM_BYTES_MAX]; /* what get_stream handed out */
    char skeleton[STREAM_BYTES_MAX];
    int wal_pages;          /* in the log ahead of the file */
    int checkpoint_at;      /* fold it back when it has so many */
    uint64_t fold_again_ms; /* after the disk was full */
};

static struct sqlite *sqlite_of(struct backend *base)
{
    return (struct sqlite *)base;
}

static void sqlite_close(struct backend *base, bool has_failed)
{
    struct sqlite *self = sqlite_of(base);

    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    if (has_failed && self->db.handle != NULL) /* leave the files as they are for the next start */
        sqlite3_db_config(self->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    files_close(&self->files, &self->db);
    free(self);
}

/* --- transactions -------------------------------------------------------------------- */

static bool sqlite_has_room(struct backend *base)
{
    return disk_has_room(&sqlite_of(base)->disk, clock_mono_ms());
}

static void sqlite_set_limits(struct backend *base, const struct store_limits *limits)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t pages = limits->size_bytes_max / PAGE_BYTES;
    char sql[64];

    if (limits->size_bytes_max == 0 || pages > PAGES_MAX)
        pages = PAGES_MAX;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %llu", (unsigned long long)pages);
    /* A limit that cannot be set is no reason to stop: without it the disk is the limit. */
    (void)sqlite3_exec(self->db.handle, sql, NULL, NULL, NULL);
    disk_init(&self->disk, self->files.folder, limits->free_bytes_min, limits->ballast_bytes);
}

static enum rc run(struct sqlite *self, enum statement which)
{
    return db_run(&self->db, self->statements[which]);
}

static enum rc sqlite_begin(struct backend *base)
{
    return run(sqlite_of(base), BEGIN);
}

static enum rc sqlite_commit(struct backend *base)
{
    return run(sqlite_of(base), COMMIT);
}

/* Only after RC_DISK_FULL. */
static enum rc sqlite_rollback(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);

    (void)disk_write_failed(&self->disk, clock_mono_ms());
    self->checkpoint_at = 0; /* what is folded back is room for what comes */
    /* SQLite may have rolled back by itself. */
    return sqlite3_get_autocommit(self->db.handle) ? RC_OK : run(self, ROLLBACK);
}

static int on_commit(void *context, sqlite3 *handle, const char *database, int wal_pages)
{
    struct sqlite *self = context;

    (void)handle;
    (void)database;
    if (wal_pages < self->wal_pages) /* the log was folded back and begins anew */
        self->checkpoint_at = CHECKPOINT_PAGES;
    self->wal_pages = wal_pages;
    return SQLITE_OK;
}

/* PASSIVE takes what no reader needs any more and waits for nobody. What is left, or a log that
 * a reader keeps from beginning anew, is tried again when it has grown as much once more. */
static enum rc fold_back(struct sqlite *self)
{
    const int code =
        sqlite3_wal_checkpoint_v2(self->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
        return db_failed(&self->db, "checkpoint");
    self->checkpoint_at = self->wal_pages + CHECKPOINT_PAGES;
    return RC_OK;
}

static enum rc sqlite_maintain(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t now_ms;
    enum rc rc;

    if (self->wal_pages < self->checkpoint_at)
        return RC_OK;
    now_ms = clock_mono_ms();
    if (now_ms < self->fold_again_ms)
        return RC_OK;
    rc = fold_back(self);
    if (rc == RC_DISK_FULL && disk_write_failed(&self->disk, now_ms))
        rc = fold_back(self);
    if (rc != RC_DISK_FULL)
        return rc;
    self->fold_again_ms = now_ms + FOLD_AGAIN_MS;
    return RC_OK;
}

/* --- streams ------------------------------------------------------------------------- */

/* The first column of the only row, which is then done with; RC_END: there is no row. */
static enum rc one_number(struct sqlite *self, enum statement which, uint64_t *ret)
{
    const enum rc rc = db_row(&self->db, self->statements[which]);

    if (rc == RC_OK) {
        *ret = db_column_number(self->statements[which], 0);
        db_done(self->statements[which]);
    }
    return rc;
}

static enum rc sqlite_last_stream(struct backend *base, stream_id *ret)
{
    uint64_t id = 0;
    const enum rc rc = one_number(sqlite_of(base), LAST_STREAM, &id);

    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc == RC_END ? RC_STORE : rc;
}

static enum rc sqlite_find_stream(struct backend *base, enum stream_unique by, struct span value,
                                  stream_id *ret)
{
    struct sqlite *self = sqlite_of(base);
    const enum statement which = by == BY_NAME       ? FIND_BY_NAME
                                 : by == BY_SKELETON ? FIND_BY_SKELETON
                                                     : FIND_BY_OWNER_KEY;
    uint64_t id = 0;
    enum rc rc;

    if (by == BY_OWNER_KEY)
        db_bind_bytes(self->statements[which], 1, value.ptr, value.len);
    else
        db_bind_text(self->statements[which], 1, value);
    rc = one_number(self, which, &id);
    if (rc == RC_OK)
        *ret = (stream_id){(uint32_t)id};
    return rc;
}

static enum rc keep_name(struct sqlite *self, char buffer[STREAM_BYTES_MAX], struct span name,
                         struct span *ret)
{
    if (name.len < 2 || name.len > STREAM_BYTES_MAX) {
        snprintf(self->base.why, sizeof(self->base.why),
                 "%s: the log is damaged: a name has %zu bytes", self->db.path, name.len);
        return RC_STORE;
    }
    memcpy(buffer, name.ptr, name.len);
    *ret = (struct span){buffer, name.len};
    return RC_OK;
}

static enum rc read_stream(struct sqlite *self, sqlite3_stmt *row, struct stream_row *ret)
{
    enum rc rc;

    *ret = (struct stream_row){.id = {(uint32_t)db_column_number(row, 0)},
                               .has_owner = sqlite3_column_type(row, 3) != SQLITE_NULL,
                               .epoch = (uint32_t)db_column_number(row, 5)};
    rc = keep_name(self, self->name, db_column_text(row, 1), &ret->name);
    if (rc == RC_OK)
        rc = keep_name(self, self->skeleton, db_column_text(row, 2), &ret->skeleton);
    if (rc == RC_OK && ret->has_owner)
        rc = db_column_bytes(&self->db, row, 3, ret->owner_key, sizeof(ret->owner_key));
    if (rc == RC_OK)
        rc = db_column_bytes(&self->db, row, 4, ret->stream_key, sizeof(ret->stream_key));
    return rc;
}

static enum rc sqlite_get_stream(struct backend *base, stream_id id, struct stream_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_STREAM];
    enum rc rc;

    db_bind_number(statement, 1, id.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    rc = read_stream(self, statement, ret);
    db_done(statement);
    return rc;
}

static enum rc sqlite_add_stream(struct backend *base, const struct stream_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[ADD_STREAM];
    enum rc rc;

    db_bind_number(statement, 1, row->id.v);
    db_bind_text(statement, 2, row->name);
    db_bind_text(statement, 3, row->skeleton);
    db_bind_bytes(statement, 4, row->has_owner ? row->owner_key : NULL, sizeof(row->owner_key));
    db_bind_bytes(statement, 5, row->stream_key, sizeof(row->stream_key));
    db_bind_number(statement, 6, row->epoch);
    rc = run(self, ADD_STREAM);
    if (rc != RC_OK)
        return rc;
    db_bind_number(self->statements[ADD_PLACE], 1, row->id.v);
    return run(self, ADD_PLACE);
}

static enum rc sqlite_get_place(struct backend *base, stream_id stream, struct place_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_PLACE];
    enum rc rc;

    db_bind_number(statement, 1, stream.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct place_row){.stream = stream,
                              .head = db_column_number(statement, 0),
                              .confirmed = db_column_number(statement, 1),
                              .ts_ms = db_column_number(statement, 2)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_put_place(struct backend *base, const struct place_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[PUT_PLACE];

    db_bind_number(statement, 1, row->stream.v);
    db_bind_number(statement, 2, row->head);
    db_bind_number(statement, 3, row->confirmed);
    db_bind_number(statement, 4, row->ts_ms);
    return run(self, PUT_PLACE);
}

/* --- sessions and events ------------------------------------------------------------- */

static enum rc sqlite_get_session(struct backend *base, session_id id, struct session_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_SESSION];
    enum rc rc;

    db_bind_number(statement, 1, id.v);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct session_row){.id = id,
                                .account = {(uint32_t)db_column_number(statement, 0)},
                                .last = (uint32_t)db_column_number(statement, 1),
                                .entry = db_column_number(statement, 2)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_put_session(struct backend *base, const struct session_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[PUT_SESSION];

    db_bind_number(statement, 1, row->id.v);
    db_bind_number(statement, 2, row->account.v);
    db_bind_number(statement, 3, row->last);
    db_bind_number(statement, 4, row->entry);
    return run(self, PUT_SESSION);
}

static enum rc sqlite_add_event(struct backend *base, const struct event_row *row)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[ADD_EVENT];

    db_bind_number(statement, 1, row->entry);
    db_bind_number(statement, 2, row->ts_ms);
    db_bind_number(statement, 3, row->sender.v);
    db_bind_number(statement, 4, row->own_seq);
    db_bind_number(statement, 5, row->refusal);
    db_bind_number(statement, 6, row->prev);
    db_bind_bytes(statement, 7, row->wire.len == 0 ? "" : row->wire.ptr, row->wire.len);
    return run(self, ADD_EVENT);
}

static enum rc sqlite_get_event(struct backend *base, uint64_t entry, struct event_row *ret)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_EVENT];
    enum rc rc;

    db_bind_number(statement, 1, entry);
    rc = db_row(&self->db, statement);
    if (rc != RC_OK)
        return rc;
    *ret = (struct event_row){.entry = entry,
                              .ts_ms = db_column_number(statement, 0),
                              .sender = {(uint32_t)db_column_number(statement, 1)},
                              .own_seq = db_column_number(statement, 2),
                              .refusal = (enum rc)db_column_number(statement, 3),
                              .prev = db_column_number(statement, 4)};
    db_done(statement);
    return RC_OK;
}

static enum rc sqlite_get_senders(struct backend *base, stream_id stream, uint64_t first,
                                  uint64_t last, struct sender_row *ret, size_t max,
                                  size_t *ret_count)
{
    struct sqlite *self = sqlite_of(base);
    sqlite3_stmt *statement = self->statements[GET_SENDERS];
    size_t count = 0;
    enum rc rc;

    db_bind_number(statement, 1, entry_of(stream, first));
    db_bind_number(statement, 2, entry_of(stream, last));
    db_bind_number(statement, 3, max);
    while (count < max && (rc = db_row(&self->db, statement)) != RC_END) {
        if (rc != RC_OK)
            return rc;
        ret[count++] = (struct sender_row){.seq = entry_seq(db_column_number(statement, 0)),
                                           .sender = {(uint32_t)db_column_number(statement, 1)}};
    }
    db_done(statement);
    *ret_count = count;
    return RC_OK;
}

/* --- members and marks --------------------------------------------------------------- */

static void bind_member(sqlite3_stmt *statement, stream_id room, stream_id account)
{
    db_bind_number(statement, 1, room.v);
    db_bind_number(statement, 2, account.v);
}

static enum rc sqlite_has_member(struct backend *base, stream_id room, stream_id account)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t one;

    bind_member(self->statements[HAS_MEMBER], room, account);
    return one_number(self, HAS_MEMBER, &one);
}

static enum rc sqlite_add_member(struct backend *base, stream_id room, stream_id account)
{
    struct sqlite *self = sqlite_of(base);

    bind_member(self->statements[ADD_MEMBER], room, account);
    return run(self, ADD_MEMBER);
}

static enum rc sqlite_drop_member(struct backend *base, stream_id room, stream_id account)
{
    struct sqlite *self = sqlite_of(base);

    bind_member(self->statements[DROP_MEMBER], room, account);
    return run(self, DROP_MEMBER);
}

static void bind_mark(sqlite3_stmt *statement, stream_id account, struct span name,
                      stream_id stream)
{
    db_bind_number(statement, 1, account.v);
    db_bind_text(statement, 2, name);
    db_bind_number(statement, 3, stream.v);
}

static enum rc sqlite_get_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t *ret_seq)
{
    struct sqlite *self = sqlite_of(base);

    bind_mark(self->statements[GET_MARK], account, name, stream);
    return one_number(self, GET_MARK, ret_seq);
}

static enum rc sqlite_put_mark(struct backend *base, stream_id account, struct span name,
                               stream_id stream, uint64_t seq)
{
    struct sqlite *self = sqlite_of(base);

    bind_mark(self->statements[PUT_MARK], account, name, stream);
    db_bind_number(self->statements[PUT_MARK], 4, seq);
    return run(self, PUT_MARK);
}

static enum rc sqlite_count_marks(struct backend *base, stream_id account, size_t *ret)
{
    struct sqlite *self = sqlite_of(base);
    uint64_t count = 0;
    enum rc rc;

    db_bind_number(self->statements[COUNT_MARKS], 1, account.v);
    rc = one_number(self, COUNT_MARKS, &count);
    *ret = count;
    return rc;
}

/* --- replay -------------------------------------------------------------------------- */

static enum rc replay_streams(struct sqlite *self, store_on_record *on_record, void *context)
{
    sqlite3_stmt *statement = self->statements[ALL_STREAMS];
    enum rc rc;

    while ((rc = db_row(&self->db, statement)) == RC_OK) {
        struct stream_row row;
        struct record record = {.kind = RECORD_STREAM};

        rc = read_stream(self, statement, &row);
        if (rc != RC_OK)
            break;
        record.stream = row.id;
        record.name = row.name;
        record.skeleton = (struct span){row.skeleton.ptr + 1, row.skeleton.len - 1};
        record.epoch = row.epoch;
        record.head = db_column_number(statement, 6);
        record.confirmed = db_column_number(statement, 7);
        memcpy(record.owner_key, row.owner_key, sizeof(record.owner_key));
        memcpy(record.stream_key, row.stream_key, sizeof(record.stream_key));
        on_record(context, &record);
    }
    db_done(statement);
    return rc;
}

static enum rc replay_members(struct sqlite *self, store_on_record *on_record, void *context)
{
    sqlite3_stmt *statement = self->statements[ALL_MEMBERS];
    enum rc rc;

    while ((rc = db_row(&self->db, statement)) == RC_OK) {
        const struct record record = {.kind = RECORD_MEMBER,
                                      .stream = {(uint32_t)db_column_number(statement, 0)},
                                      .member = {(uint32_t)db_column_number(statement, 1)}};

        on_record(context, &record);
    }
    return rc;
}

static enum rc sqlite_replay(struct backend *base, store_on_record *on_record, void *context)
{
    struct sqlite *self = sqlite_of(base);
    enum rc rc = replay_streams(self, on_record, context);

    if (rc == RC_END)
        rc = replay_members(self, on_record, context);
    return rc == RC_END ? RC_OK : RC_STORE;
}

static enum rc sqlite_open_reader(struct backend *base, struct store_reader **ret)
{
    return sqlite_reader_open(sqlite_of(base)->files.path, ret);
}

static const struct backend_calls CALLS = {
    .close = sqlite_close,
    .has_room = sqlite_has_room,
    .set_limits = sqlite_set_limits,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .maintain = sqlite_maintain,
    .last_stream = sqlite_last_stream,
    .find_stream = sqlite_find_stream,
    .get_stream = sqlite_get_stream,
    .add_stream = sqlite_add_stream,
    .get_place = sqlite_get_place,
    .put_place = sqlite_put_place,
    .get_session = sqlite_get_session,
    .put_session = sqlite_put_session,
    .add_event = sqlite_add_event,
    .get_event = sqlite_get_event,
    .get_senders = sqlite_get_senders,
    .has_member = sqlite_has_member,
    .add_member = sqlite_add_member,
    .drop_member = sqlite_drop_member,
    .get_mark = sqlite_get_mark,
    .put_mark = sqlite_put_mark,
    .count_marks = sqlite_count_marks,
    .replay = sqlite_replay,
    .open_reader = sqlite_open_reader,
};

enum rc store_open_sqlite(const char *where, struct store **ret, const char **ret_why)
{
    static _Thread_local char why[sizeof(((struct backend *)NULL)->why)];
    struct sqlite *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->base.calls = &CALLS;
    self->db = (struct db){.why = self->base.why, .why_size = sizeof(self->base.why)};
    self->checkpoint_at = CHECKPOINT_PAGES;
    rc = files_open(&self->files, where, &self->db);
    if (rc == RC_OK) {
        sqlite3_wal_hook(self->db.handle, on_commit, self);
        for (size_t i = 0; i < STATEMENT_COUNT && rc == RC_OK; i++)
            rc = db_prepare(&self->db, SQL[i], &self->statements[i]);
    }
    if (rc == RC_OK) {
        *ret = store_over(&self->base, NULL, NULL);
        return RC_OK;
    }
    memcpy(why, self->base.why, sizeof(why));
    *ret_why = why;
    sqlite_close(&self->base, true);
    return rc == RC_SYSTEM ? RC_SYSTEM : RC_STORE;
}
