#include "broker/store/sqlite_vfs.h"

#include "shared/base/alloc.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME           "zchat-log"
#define HELD_BYTES_MAX (120 << 10) /* SQLite's own files take less than 128 KiB at a time */

/* A log; SQLite's own file stands behind it in the same memory. */
struct log_file {
    sqlite3_file base;
    sqlite3_file *real;
    char *deferred; /* `len` bytes that belong at `at` */
    int len;
    int capacity;
    sqlite3_int64 at;
    bool does_hold;
};

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

/* After a failure nothing is held: SQLite gives the transaction up, and writes the next one there. */
static int write_held(struct log_file *self)
{
    const int len = self->len;

    self->len = 0;
    return len == 0 ? SQLITE_OK
                    : self->real->pMethods->xWrite(self->real, self->deferred, len, self->at);
}

static int log_close(sqlite3_file *file)
{
    struct log_file *self = log_of(file);
    const int code = write_held(self);
    const int close_code = self->real->pMethods->xClose(self->real);

    free(self->deferred);
    return code != SQLITE_OK ? code : close_code;
}

static int log_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    struct log_file *self = log_of(file);
    const int code = write_held(self);

    return code != SQLITE_OK ? code : self->real->pMethods->xRead(self->real, bytes, len, at);
}

static int log_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    struct log_file *self = log_of(file);

    if (self->len > 0 && (at != self->at + self->len || len > HELD_BYTES_MAX - self->len)) {
        const int code = write_held(self);

        if (code != SQLITE_OK)
            return code;
    }
    if (!self->does_hold || len > HELD_BYTES_MAX)
        return self->real->pMethods->xWrite(self->real, bytes, len, at);
    if (len > self->capacity - self->len) {
        self->capacity = 2 * (self->len + len);
        self->deferred = x_realloc(self->deferred, (size_t)self->capacity, 1);
    }
    if (self->len == 0)
        self->at = at;
    memcpy(self->deferred + self->len, bytes, (size_t)len);
    self->len += len;
    return SQLITE_OK;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *self = log_of(file);
    const int code = write_held(self);

    return code != SQLITE_OK ? code : self->real->pMethods->xTruncate(self->real, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    struct log_file *self = log_of(file);
    const int code = write_held(self);

    return code != SQLITE_OK ? code : self->real->pMethods->xSync(self->real, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    struct log_file *self = log_of(file);
    const int code = write_held(self);

    return code != SQLITE_OK ? code : self->real->pMethods->xFileSize(self->real, ret);
}

/* A log is never locked; its database is. */
static int log_lock(sqlite3_file *file, int lock)
{
    (void)file;
    (void)lock;
    return SQLITE_OK;
}

static int log_is_locked(sqlite3_file *file, int *ret)
{
    (void)file;
    *ret = 0;
    return SQLITE_OK;
}

static int log_control(sqlite3_file *file, int operation, void *argument)
{
    struct log_file *self = log_of(file);

    return self->real->pMethods->xFileControl(self->real, operation, argument);
}

static int log_sector_size(sqlite3_file *file)
{
    struct log_file *self = log_of(file);

    return self->real->pMethods->xSectorSize(self->real);
}

static int log_characteristics(sqlite3_file *file)
{
    struct log_file *self = log_of(file);

    return self->real->pMethods->xDeviceCharacteristics(self->real);
}

static int open_log(sqlite3_vfs *below, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    static const sqlite3_io_methods methods = {.iVersion = 1,
                                               .xClose = log_close,
                                               .xRead = log_read,
                                               .xWrite = log_write,
                                               .xTruncate = log_truncate,
                                               .xSync = log_sync,
                                               .xFileSize = log_size,
                                               .xLock = log_lock,
                                               .xUnlock = log_lock,
                                               .xCheckReservedLock = log_is_locked,
                                               .xFileControl = log_control,
                                               .xSectorSize = log_sector_size,
                                               .xDeviceCharacteristics = log_characteristics};
    struct log_file *self = log_of(file);
    int code;

    *self = (struct log_file){.real = (sqlite3_file *)(void *)(self + 1)};
    code = below->xOpen(below, path, self->real, flags, ret_flags);
    if (code != SQLITE_OK)
        return code;
    self->base.pMethods = &methods;
    /* Without it SQLite syncs in the middle of what it writes, and lets others see what comes behind. */
    self->does_hold = (self->real->pMethods->xDeviceCharacteristics(self->real) &
                       SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *self, const char *path, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    sqlite3_vfs *below = self->pAppData;

    if (flags & SQLITE_OPEN_WAL)
        return open_log(below, path, file, flags, ret_flags);
    return below->xOpen(below, path, file, flags, ret_flags);
}

/* SQLite has one list of them for the process, and keeps what is put into it. */
const char *vfs_name(void)
{
    static sqlite3_vfs layer;
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);

    if (sqlite3_vfs_find(NAME) != NULL)
        return NAME;
    if (below == NULL)
        return NULL;
    layer = *below; /* all but opening is as it is there */
    layer.zName = NAME;
    layer.pNext = NULL;
    layer.pAppData = below;
    layer.szOsFile = (int)sizeof(struct log_file) + below->szOsFile;
    layer.xOpen = vfs_open;
    return sqlite3_vfs_register(&layer, 0) == SQLITE_OK ? NAME : NULL;
}
