#include "broker/store/search_file.h"

#include "broker/store/search_schema.h"
#include "shared/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_KIB          8192
#define WAL_KEPT_BYTES_MAX (32 << 20)
#define EMPTY_TRIES        10 /* of DB_BUSY_MS each */

void search_file_remove(int folder)
{
    static const char *const names[] = {SEARCH_FILE, SEARCH_FILE "-wal", SEARCH_FILE "-shm"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(folder, names[i], 0);
}

bool search_file_is_there(const struct search_file *self)
{
    struct stat info;

    return fstatat(self->folder, SEARCH_FILE, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           info.st_ino == self->inode;
}

static enum rc refuse(const struct search_file *self, struct db *db)
{
    snprintf(db->why, db->why_size, "%s: %s; the broker must be able to write it", self->path,
             strerror(errno));
    return RC_SYSTEM;
}

/* SQLite would make the file readable for others. */
static enum rc touch(struct search_file *self, struct db *db, int flags)
{
    const int file = openat(self->folder, SEARCH_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat info;
    bool is_good;

    if (file < 0)
        return refuse(self, db);
    is_good = fstat(file, &info) == 0 && (flags == O_RDONLY || fchmod(file, 0600) == 0);
    close(file);
    if (!is_good)
        return refuse(self, db);
    self->inode = info.st_ino;
    return RC_OK;
}

/* It can be made anew, so a power cut may cost the newest of it (NORMAL), but never its order; forgotten words are
 * overwritten. Only this connection writes and folds back, as with the log. */
static enum rc set_up(struct db *db, int64_t tables)
{
    char sql[1536];

    snprintf(sql, sizeof(sql),
             "%s"
             "PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = NORMAL;"
             "PRAGMA wal_autocheckpoint = 0;"
             "PRAGMA journal_size_limit = %d;"
             "PRAGMA cache_size = -%d;"
             "PRAGMA secure_delete = FAST;",
             tables == 0 ? "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;" : "",
             WAL_KEPT_BYTES_MAX, CACHE_KIB);
    enum rc rc = db_execute(db, sql);

    if (rc != RC_OK || tables > 0)
        return rc;
    snprintf(sql, sizeof(sql),
             "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
             SEARCH_TABLES, SEARCH_APPLICATION_ID, SEARCH_VERSION);
    return db_execute(db, sql);
}

/* RC_END: it is not of this version. */
static enum rc open_database(struct db *db)
{
    int64_t application = 0, version = 0, tables = 0;
    enum rc rc = db_open(db, DB_WRITER);

    if (rc == RC_OK)
        rc = db_number(db, "PRAGMA application_id", &application);
    if (rc == RC_OK)
        rc = db_number(db, "PRAGMA user_version", &version);
    if (rc == RC_OK)
        rc = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc == RC_OK && tables > 0 &&
        (application != SEARCH_APPLICATION_ID || version != SEARCH_VERSION))
        return RC_END;
    return rc == RC_OK ? set_up(db, tables) : rc;
}

static enum rc open_folder(struct search_file *self, const char *folder, struct db *db)
{
    const size_t path_size = strlen(folder) + sizeof("/" SEARCH_FILE);

    *self = (struct search_file){.path = x_alloc(path_size, 1)};
    snprintf(self->path, path_size, "%s/" SEARCH_FILE, folder);
    db->path = self->path;
    self->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return self->folder >= 0 ? RC_OK : refuse(self, db);
}

enum rc search_file_open(struct search_file *self, const char *folder, struct db *db)
{
    enum rc rc = open_folder(self, folder, db);

    if (rc == RC_OK)
        rc = touch(self, db, O_RDWR | O_CREAT);
    if (rc == RC_OK)
        rc = open_database(db);
    if (rc == RC_END || rc == RC_STORE) {
        db_close(db);
        search_file_remove(self->folder);
        rc = touch(self, db, O_RDWR | O_CREAT);
        if (rc == RC_OK)
            rc = open_database(db);
    }
    if (rc != RC_OK)
        search_file_close(self, db);
    return rc;
}

enum rc search_file_read(struct search_file *self, const char *folder, struct db *db)
{
    enum rc rc = open_folder(self, folder, db);

    if (rc == RC_OK)
        rc = touch(self, db, O_RDONLY);
    if (rc == RC_OK)
        rc = db_open(db, DB_READER);
    if (rc != RC_OK)
        search_file_close(self, db);
    return rc;
}

/* The log before the file still has the words: readers, who search for two seconds at most, may be in the way of cutting it. */
enum rc search_file_empty(struct db *db)
{
    int code = SQLITE_BUSY;
    enum rc rc = db_execute(db, "PRAGMA secure_delete = ON; BEGIN IMMEDIATE; DELETE FROM doc;"
                                "INSERT INTO found (found) VALUES ('delete-all');"
                                "DELETE FROM place; COMMIT; PRAGMA secure_delete = FAST;");

    for (int tries = 0; rc == RC_OK && (code & 0xff) == SQLITE_BUSY && tries < EMPTY_TRIES; tries++)
        code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == RC_OK && code != SQLITE_OK ? db_failed(db, "checkpoint") : rc;
}

void search_file_close(struct search_file *self, struct db *db)
{
    db_close(db);
    if (self->path != NULL && self->folder >= 0)
        close(self->folder);
    free(self->path);
    db->path = NULL;
    *self = (struct search_file){.folder = -1};
}
