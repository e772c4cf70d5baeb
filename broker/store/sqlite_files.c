#include "broker/store/sqlite_files.h"

#include "broker/store/disk.h"
#include "broker/store/sqlite_schema.h"
#include "shared/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CACHE_KIB          8192
#define WAL_KEPT_BYTES_MAX (128 << 20) /* overwriting a file syncs in half the time of growing it */
#define WAL_RESERVED_BYTES \
    (20 << 20) /* until it is folded back the first time, and what comes meanwhile */
#define WAL_ROOM_MIN (UINT64_C(1) << 30) /* reserve where that is a small part of what is free */

static enum rc refuse(struct db *db, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum rc refuse(struct db *db, enum rc rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(db->why, db->why_size, format, args);
    va_end(args);
    return rc;
}

static enum rc lock_folder(struct files *self, const char *where, struct db *db)
{
    self->folder = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->folder < 0)
        return refuse(db, RC_SYSTEM, "%s: %s; the data folder must exist and belong to the broker",
                      where, strerror(errno));
    self->lock =
        openat(self->folder, "zchat.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->lock < 0)
        return refuse(db, RC_SYSTEM, "%s/zchat.lock: %s; the broker must be able to write here",
                      where, strerror(errno));
    if (flock(self->lock, LOCK_EX | LOCK_NB) != 0)
        return refuse(db, RC_SYSTEM,
                      "%s: another broker works in this folder; stop it, or give "
                      "each its own",
                      where);
    return RC_OK;
}

/* SQLite would make the file readable for others; its companions take over its mode. */
static enum rc create_file(struct files *self, const char *where, struct db *db)
{
    const int file =
        openat(self->folder, "zchat.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_good;

    if (file < 0)
        return refuse(db, RC_SYSTEM, "%s/zchat.db: %s; the broker must be able to write it", where,
                      strerror(errno));
    is_good = fchmod(file, 0600) == 0 && fsync(self->folder) == 0;
    close(file);
    if (!is_good)
        return refuse(db, RC_SYSTEM, "%s/zchat.db: %s; it must belong to the broker", where,
                      strerror(errno));
    return RC_OK;
}

/* Only this connection writes and folds the log back: before 3.51.3 SQLite can lose committed pages
 * otherwise. Page size and vacuuming can be chosen only before the first table (and choosing
 * writes, which an existing log on a full disk must do without). */
static enum rc set_up(struct db *db, bool is_empty)
{
    char sql[512];
    int64_t is_wal = 0;
    enum rc rc;

    snprintf(sql, sizeof(sql),
             "%s"
             "PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = FULL;"
             "PRAGMA wal_autocheckpoint = 0;"
             "PRAGMA journal_size_limit = %d;"
             "PRAGMA secure_delete = ON;" /* what is purged leaves the file */
             "PRAGMA cache_size = -%d;",
             is_empty ? "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;" : "",
             WAL_KEPT_BYTES_MAX, CACHE_KIB);
    rc = db_execute(db, sql);
    if (rc == RC_OK)
        rc = db_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal);
    if (rc == RC_OK && !is_wal)
        return refuse(db, RC_STORE, "%s: no write-ahead log here; is this a network file system?",
                      db->path);
    return rc;
}

/* The log is written over and over again; but the first time each commit would make it longer, and a sync that has to
 * note the new length takes half as long again. Zeros behind the last commit are no frames to SQLite. Where it cannot be had the
 * log grows as it always did. */
static void reserve_log(const struct files *self)
{
    const int file = openat(self->folder, "zchat.db-wal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct statvfs room;

    if (file < 0)
        return;
    if (fstatvfs(file, &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize >= WAL_ROOM_MIN)
        (void)fallocate(file, 0, 0, WAL_RESERVED_BYTES);
    close(file);
}

static enum rc open_database(struct db *db)
{
    int version = 0;
    enum rc rc = db_open(db, DB_WRITER);

    if (rc == RC_OK)
        rc = schema_check(db, &version);
    if (rc == RC_OK)
        rc = set_up(db, version == 0);
    if (rc == RC_OK)
        rc = schema_bring_up(db, version);
    return rc;
}

enum rc files_open(struct files *self, const char *where, struct db *db)
{
    const size_t path_size = strlen(where) + sizeof("/zchat.db");
    enum rc rc;

    *self = (struct files){.folder = -1, .lock = -1, .path = x_alloc(path_size, 1)};
    snprintf(self->path, path_size, "%s/zchat.db", where);
    db->path = self->path;
    rc = lock_folder(self, where, db);
    if (rc == RC_OK)
        rc = create_file(self, where, db);
    if (rc == RC_OK)
        rc = open_database(db);
    if (rc == RC_DISK_FULL && disk_drop_ballast(self->folder)) {
        db_close(db);
        rc = open_database(db);
    }
    if (rc == RC_OK) {
        reserve_log(self);
        return RC_OK;
    }
    files_close(self, db);
    return rc == RC_SYSTEM ? RC_SYSTEM : RC_STORE;
}

void files_close(struct files *self, struct db *db)
{
    db_close(db);
    if (self->lock >= 0)
        close(self->lock);
    if (self->folder >= 0)
        close(self->folder);
    free(self->path);
    db->path = NULL;
    *self = (struct files){.folder = -1, .lock = -1};
}
