#include "broker/store/copy.h"

#include "broker/store/sqlite_db.h"
#include "broker/store/sqlite_schema.h"
#include "shared/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PAGES_PER_STEP 1024 /* between them somebody may stop it */
#define CHECK_OPS      100000
#define PART           ".part"

struct copying {
    const struct copy_job *job;
    char path[FILE_PATH_MAX];    /* the copy */
    char partial[FILE_PATH_MAX]; /* as long as it is not whole */
    char source_path[FILE_PATH_MAX];
    struct db source, copy;
    char *why;
};

static enum rc cannot(struct copying *self, const char *what, const char *path)
{
    const int error = errno;

    snprintf(self->why, COPY_WHY_BYTES, "cannot %s %.300s: %s", what, path, strerror(error));
    if (error == EEXIST)
        return RC_EXISTS;
    return error == ENOSPC || error == EDQUOT ? RC_DISK_FULL : RC_FAILED;
}

static enum rc failed(enum rc rc)
{
    return rc == RC_OK || rc == RC_DISK_FULL ? rc : RC_FAILED;
}

static bool is_stopped(const struct copy_job *job)
{
    return job != NULL && job->is_stopped != NULL && job->is_stopped(job->context);
}

/* --- the file ------------------------------------------------------------------------ */

/* Of a broker that was killed: no copy runs now. */
static void remove_parts(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const size_t len = strlen(entry->d_name);

        if (entry->d_name[0] == '.' && len > sizeof(PART) - 1 &&
            strcmp(entry->d_name + len - (sizeof(PART) - 1), PART) == 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        closedir(dir);
}

enum rc store_copy_folder(const char *data, char why[static COPY_WHY_BYTES])
{
    struct copying self = {.why = why};
    char folder[FILE_PATH_MAX];
    char why_not[FILES_WHY_BYTES];

    snprintf(folder, sizeof(folder), "%.3700s/" COPY_FOLDER, data);
    if (files_make_folder(folder) != RC_OK)
        return cannot(&self, "make", folder);
    if (files_check(folder, why_not) == RC_OK) {
        remove_parts(folder);
        return RC_OK;
    }
    snprintf(why, COPY_WHY_BYTES, "%.500s", why_not);
    return RC_FAILED;
}

static enum rc make_paths(struct copying *self)
{
    char folder[FILE_PATH_MAX];
    const struct copy_job *job = self->job;

    snprintf(folder, sizeof(folder), "%.3700s/" COPY_FOLDER, job->data);
    snprintf(self->path, sizeof(self->path), "%.3700s/%.255s", folder, job->name);
    snprintf(self->partial, sizeof(self->partial), "%.3700s/.%.250s" PART, folder, job->name);
    snprintf(self->source_path, sizeof(self->source_path), "%.3700s/zchat.db", job->data);
    if (access(self->path, F_OK) == 0) {
        errno = EEXIST;
        return cannot(self, "write", self->path);
    }
    return RC_OK;
}

/* A full disk is told before it is one: the messages need the rest. */
static enum rc look_for_room(struct copying *self)
{
    struct statvfs disk;
    struct stat source;

    if (stat(self->source_path, &source) != 0)
        return cannot(self, "look at", self->source_path);
    if (statvfs(self->job->data, &disk) != 0)
        return cannot(self, "look at", self->job->data);
    if ((uint64_t)disk.f_bavail * disk.f_frsize >=
        (uint64_t)source.st_size + self->job->free_bytes_min)
        return RC_OK;
    errno = ENOSPC;
    return cannot(self, "write", self->path);
}

static enum rc make_partial(struct copying *self)
{
    int file;

    (void)unlink(self->partial); /* of a broker that was killed */
    file = open(self->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return cannot(self, "write", self->partial);
    close(file);
    return RC_OK;
}

/* The name comes last: who sees it sees a whole and checked copy, after a power cut too. */
static enum rc finish_file(struct copying *self, struct copy_done *ret)
{
    const int file = open(self->partial, O_RDONLY | O_CLOEXEC);
    struct stat info;
    bool is_good;

    if (file < 0)
        return cannot(self, "read", self->partial);
    is_good = fsync(file) == 0 && fstat(file, &info) == 0;
    close(file);
    if (!is_good)
        return cannot(self, "sync", self->partial);
    ret->size_bytes = (uint64_t)info.st_size;
    if (renameat2(AT_FDCWD, self->partial, AT_FDCWD, self->path, RENAME_NOREPLACE) != 0)
        return cannot(self, "name", self->path);
    return files_sync_folder(self->path) == RC_OK ? RC_OK : cannot(self, "sync", self->path);
}

/* --- pages --------------------------------------------------------------------------- */

/* The view is held from the first page to the last: without it every commit would make the copy begin anew. */
static enum rc copy_pages(struct copying *self)
{
    int64_t pages;
    int code = SQLITE_OK;
    sqlite3_backup *backup;
    enum rc rc = db_execute(&self->source, "BEGIN");

    if (rc == RC_OK)
        rc = db_number(&self->source, "SELECT count(*) FROM stream", &pages);
    if (rc != RC_OK)
        return failed(rc);
    backup = sqlite3_backup_init(self->copy.handle, "main", self->source.handle, "main");
    if (backup == NULL)
        return failed(db_failed(&self->copy, "backup"));
    while (code == SQLITE_OK && !is_stopped(self->job))
        code = sqlite3_backup_step(backup, PAGES_PER_STEP);
    if (sqlite3_backup_finish(backup) != SQLITE_OK)
        return failed(db_failed(&self->copy, "backup"));
    if (code == SQLITE_OK) {
        snprintf(self->why, COPY_WHY_BYTES, "stopped before the copy was done");
        return RC_STOPPING;
    }
    return code == SQLITE_DONE ? RC_OK : RC_FAILED;
}

static enum rc copy_database(struct copying *self)
{
    enum rc rc = db_open(&self->source, DB_READER);

    if (rc == RC_OK)
        rc = db_open(&self->copy, DB_WRITER);
    if (rc == RC_OK) /* nobody sees it before it is synced as a whole */
        rc = db_execute(&self->copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
    rc = rc == RC_OK ? copy_pages(self) : failed(rc);
    db_close(&self->copy);
    db_close(&self->source);
    return rc;
}

/* --- checking ------------------------------------------------------------------------ */

static int on_progress(void *context)
{
    return is_stopped(context);
}

static enum rc first_finding(struct db *db)
{
    sqlite3_stmt *statement = NULL;
    enum rc rc = db_prepare(db, "PRAGMA quick_check(1)", &statement);
    struct span found = {0};

    if (rc == RC_OK)
        rc = db_row(db, statement);
    if (rc == RC_OK) {
        found = db_column_text(statement, 0);
        if (!span_equal(found, SPAN("ok"))) {
            snprintf(db->why, db->why_size, "%s: damaged: %.*s", db->path, (int)found.len,
                     found.ptr);
            rc = RC_STORE;
        }
    }
    sqlite3_finalize(statement);
    return rc;
}

enum rc store_check_file(const char *path, const struct copy_job *job, struct copy_done *ret,
                         char why[static COPY_WHY_BYTES])
{
    struct db db = {.path = path, .why = why, .why_size = COPY_WHY_BYTES};
    int64_t events = 0;
    int version = 0;
    /* Nobody writes it, so it needs no companions beside it. */
    enum rc rc = db_open(&db, DB_ALONE);

    if (rc == RC_OK) {
        sqlite3_progress_handler(db.handle, CHECK_OPS, on_progress, (void *)job);
        rc = schema_check(&db, &version);
    }
    if (rc == RC_OK && version == 0) {
        snprintf(why, COPY_WHY_BYTES, "%.400s: there is nothing in it", path);
        rc = RC_FAILED;
    }
    if (rc == RC_OK)
        rc = first_finding(&db);
    if (rc == RC_OK)
        rc = db_number(&db, "SELECT count(*) FROM event", &events);
    db_close(&db);
    ret->events = (uint64_t)events;
    return is_stopped(job) ? RC_STOPPING : failed(rc);
}

enum rc store_copy(const struct copy_job *job, struct copy_done *ret,
                   char why[static COPY_WHY_BYTES])
{
    struct copying self = {.job = job, .why = why};
    struct copy_done done = {0};
    enum rc rc = make_paths(&self);

    self.source = (struct db){.path = self.source_path, .why = why, .why_size = COPY_WHY_BYTES};
    self.copy = (struct db){.path = self.partial, .why = why, .why_size = COPY_WHY_BYTES};
    if (rc == RC_OK)
        rc = look_for_room(&self);
    if (rc != RC_OK)
        return rc;
    rc = make_partial(&self);
    if (rc == RC_OK)
        rc = copy_database(&self);
    if (rc == RC_OK)
        rc = store_check_file(self.partial, job, &done, why);
    if (rc == RC_OK)
        rc = finish_file(&self, &done);
    if (rc == RC_OK)
        *ret = done;
    else
        (void)unlink(self.partial);
    return rc;
}
