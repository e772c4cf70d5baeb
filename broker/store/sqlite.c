/* sqlite.c - the log on disk: rows of the schema in sqlite_schema.c, through one writing connection. */
#include "broker/store/sqlite_rows.h"

#include "broker/store/sqlite_reader.h"
#include "broker/store/sqlite_vfs.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"

#include <stdlib.h>

#define PAGE_BYTES       4096
#define PAGES_MAX        0x3fffffff /* SQLite's own limit */
#define CHECKPOINT_PAGES 4000
#define FOLD_AGAIN_MS    1000

static const char *const SQL[STATEMENT_COUNT] = {
#define X(statement, sql) [statement] = sql,
    STATEMENTS(X)
#undef X
};

static void sqlite_close(struct backend *base, bool has_failed)
{
    struct sqlite *self = sqlite_of(base);

    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    if (has_failed && self->db.handle != NULL) /* leave the files as they are for the next start */
        sqlite3_db_config(self->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    files_close(&self->files, &self->db);
    sqlite_bulk_close(self);
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

static enum rc sqlite_begin(struct backend *base)
{
    return run(sqlite_of(base), BEGIN);
}

static enum rc sqlite_commit(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);
    const enum rc rc = sqlite_write_rows(self);

    return rc == RC_OK ? run(self, COMMIT) : rc;
}

/* Only after RC_DISK_FULL. */
static enum rc sqlite_rollback(struct backend *base)
{
    struct sqlite *self = sqlite_of(base);

    deferred_drop(&self->deferred);
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
    .open_reader = sqlite_open_reader,
};

enum rc store_open_sqlite(const char *where, struct store **ret, const char **ret_why)
{
    static _Thread_local char why[sizeof(((struct backend *)NULL)->why)];
    struct sqlite *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->calls = CALLS;
    sqlite_log_calls(&self->calls);
    sqlite_people_calls(&self->calls);
    sqlite_replay_calls(&self->calls);
    sqlite_clean_calls(&self->calls);
    self->base.calls = &self->calls;
    self->db =
        (struct db){.vfs = vfs_name(), .why = self->base.why, .why_size = sizeof(self->base.why)};
    self->checkpoint_at = CHECKPOINT_PAGES;
    rc = files_open(&self->files, where, &self->db);
    if (rc == RC_OK) {
        sqlite3_wal_hook(self->db.handle, on_commit, self);
        rc = sqlite_bulk_open(self);
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
