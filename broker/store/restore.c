#include "broker/store/restore.h"

#include "broker/store/rows.h"
#include "broker/store/sqlite_db.h"
#include "broker/store/sqlite_schema.h"
#include "shared/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_OF(number)  #number
#define VALUE_OF(number) TEXT_OF(number)
#define NEXT_HEAD        "(head / " VALUE_OF(RESTORE_STEP) " + 1) * " VALUE_OF(RESTORE_STEP)

/* Stream 0 is nobody's, and its numbers are seen by nobody. Who had confirmed everything has confirmed the hole. */
static const char GO_ON_BEHIND[] =
    "BEGIN IMMEDIATE;"
    "INSERT INTO hole SELECT stream, head + 1, " NEXT_HEAD " FROM place WHERE stream > 0;"
    "UPDATE place SET confirmed = CASE WHEN confirmed = head AND head > 0 THEN " NEXT_HEAD
    " ELSE confirmed END, head = " NEXT_HEAD " WHERE stream > 0;"
    "COMMIT";

struct restoring {
    const char *file;
    char path[FILE_PATH_MAX];
    char partial[FILE_PATH_MAX];
    char *why;
};

static enum rc cannot(struct restoring *self, const char *what, const char *path)
{
    const int error = errno;

    snprintf(self->why, COPY_WHY_BYTES, "cannot %s %.300s: %s", what, path, strerror(error));
    return error == ENOSPC || error == EDQUOT ? RC_DISK_FULL : RC_FAILED;
}

static bool is_something(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && info.st_size > 0;
}

/* Nothing is put over a log, nor a log beside the remains of another. */
static enum rc check_target(struct restoring *self)
{
    char beside[FILE_PATH_MAX];

    if (is_something(self->path)) {
        snprintf(self->why, COPY_WHY_BYTES,
                 "%.300s is there: move it away, or restore into another folder", self->path);
        return RC_EXISTS;
    }
    snprintf(beside, sizeof(beside), "%.4000s-wal", self->file);
    if (is_something(beside)) {
        snprintf(self->why, COPY_WHY_BYTES,
                 "%.200s is no backup but a log in use, %.200s belongs to it: `zchat admin backup` "
                 "makes one",
                 self->file, beside);
        return RC_FAILED;
    }
    return RC_OK;
}

static enum rc copy_bytes(struct restoring *self, int from, int to)
{
    char buffer[1 << 16];
    ssize_t got, put = 0;

    while ((got = read(from, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < got; at += put) {
            put = write(to, buffer + at, (size_t)(got - at));
            if (put < 0)
                return cannot(self, "write", self->partial);
        }
    }
    return got < 0 ? cannot(self, "read", self->file) : RC_OK;
}

/* What a restore that was killed has left. Its journal would be rolled back into ours. */
static enum rc remove_partial(struct restoring *self)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char path[FILE_PATH_MAX];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%.4000s%s", self->partial, suffixes[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return cannot(self, "remove", path);
    }
    return RC_OK;
}

static enum rc copy_file(struct restoring *self)
{
    const int from = open(self->file, O_RDONLY | O_CLOEXEC);
    int to;
    enum rc rc;

    if (from < 0)
        return cannot(self, "read", self->file);
    rc = remove_partial(self);
    if (rc != RC_OK) {
        close(from);
        return rc;
    }
    to = open(self->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    rc = to < 0 ? cannot(self, "write", self->partial) : copy_bytes(self, from, to);
    close(from);
    if (to >= 0 && close(to) != 0 && rc == RC_OK)
        rc = cannot(self, "write", self->partial);
    return rc;
}

static enum rc check_heads(struct db *db)
{
    int64_t head = 0;
    enum rc rc = db_number(db, "SELECT max(head) FROM place WHERE stream > 0", &head);

    if (rc != RC_OK || (uint64_t)head < ENTRY_SEQ_MAX - RESTORE_STEP)
        return rc;
    snprintf(db->why, db->why_size, "%s: its numbers are used up by too many restores", db->path);
    return RC_STORE;
}

static enum rc go_on_behind(struct restoring *self)
{
    struct db db = {.path = self->partial, .why = self->why, .why_size = COPY_WHY_BYTES};
    int version = 0;
    enum rc rc = db_open(&db, DB_WRITER);

    if (rc == RC_OK)
        rc = schema_check(&db, &version);
    if (rc == RC_OK)
        rc = db_execute(&db, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;");
    if (rc == RC_OK)
        rc = schema_bring_up(&db, version);
    if (rc == RC_OK)
        rc = check_heads(&db);
    if (rc == RC_OK)
        rc = db_execute(&db, GO_ON_BEHIND);
    db_close(&db);
    return rc == RC_OK || rc == RC_DISK_FULL ? rc : RC_FAILED;
}

/* What stands beside is of a log that is not there any more: it must not be taken for this one's. */
static enum rc name_it(struct restoring *self, const char *data)
{
    static const char *const remains[] = {"zchat.db-wal", "zchat.db-shm", "search.db",
                                          "search.db-wal", "search.db-shm"};
    char path[FILE_PATH_MAX];

    for (size_t i = 0; i < sizeof(remains) / sizeof(remains[0]); i++) {
        snprintf(path, sizeof(path), "%.3900s/%s", data, remains[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return cannot(self, "remove", path);
    }
    if (files_sync_folder(self->path) != RC_OK || rename(self->partial, self->path) != 0 ||
        files_sync_folder(self->path) != RC_OK)
        return cannot(self, "name", self->path);
    return RC_OK;
}

enum rc store_restore(const char *file, const char *data, struct copy_done *ret,
                      char why[static COPY_WHY_BYTES])
{
    struct restoring self = {.file = file, .why = why};
    struct copy_done done = {0};
    struct stat info;
    enum rc rc;

    snprintf(self.path, sizeof(self.path), "%.3900s/zchat.db", data);
    snprintf(self.partial, sizeof(self.partial), "%.3900s/.zchat.db.part", data);
    rc = check_target(&self);
    if (rc == RC_OK)
        rc = store_check_file(file, NULL, &done, why);
    if (rc != RC_OK)
        return rc;
    rc = copy_file(&self);
    if (rc == RC_OK)
        rc = go_on_behind(&self);
    if (rc == RC_OK && stat(self.partial, &info) == 0)
        done.size_bytes = (uint64_t)info.st_size;
    if (rc == RC_OK)
        rc = name_it(&self, data);
    if (rc == RC_OK)
        *ret = done;
    else
        (void)!remove_partial(&self);
    return rc;
}
