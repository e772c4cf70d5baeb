#include "client/lib/net/outbox_file.h"

#include "client/lib/net/outbox_live.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/invariant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX     (256 * 1024 * 1024) /* more than a full outbox ever takes */
#define COMPACT_FROM_BYTES (1024 * 1024)
#define DONE_UNSYNCED_MAX  64 /* a power cut brings no more than so many answered posts back */

struct outbox_file {
    char path[OUTBOX_PATH_MAX];
    uint64_t session, born_ms;
    uint32_t next;
    int fd; /* -1: there is no file yet */
    size_t size;

    struct outbox_live live;
    bool has_new_post; /* behind the last sync */
    bool has_new_name; /* the folder is not synced yet */
    bool is_sync_over; /* it failed */
    unsigned done_unsynced;
    size_t compact_from; /* the size at which it is next tried */
    char *in, *out;      /* one record each */
};

/* --- making and reading ---------------------------------------------------------- */

struct outbox_file *outbox_file_new(const char *path, uint64_t session)
{
    struct outbox_file *self = x_alloc(1, sizeof(*self));

    INVARIANT(strlen(path) < sizeof(self->path));
    memcpy(self->path, path, strlen(path) + 1);
    self->session = session;
    self->born_ms = clock_wall_ms();
    self->next = 1;
    self->fd = -1;
    self->compact_from = COMPACT_FROM_BYTES;
    self->in = x_alloc(OUTBOX_RECORD_MAX, 1);
    self->out = x_alloc(OUTBOX_RECORD_MAX, 1);
    return self;
}

static void destroy(struct outbox_file *self)
{
    if (self->fd >= 0)
        close(self->fd);
    outbox_live_fini(&self->live);
    free(self->in);
    free(self->out);
    free(self);
}

void outbox_file_close(struct outbox_file **self_p)
{
    struct outbox_file *self = *self_p;

    if (self == NULL)
        return;
    if (self->fd >= 0 && self->live.count == 0)
        unlink(
            self->path); /* before the lock goes: who waits for it then sees that the name is gone */
    destroy(self);
    *self_p = NULL;
}

/* False: the record makes no sense behind those before it. */
static bool take_record(struct outbox_file *self, const struct outbox_record *record, size_t offset)
{
    const struct live_post *live;

    switch (record->kind) {
    case OUTBOX_HEAD:
        if (offset != 0 || record->session != self->session)
            return false;
        self->born_ms = record->born_ms;
        self->next = record->post.number;
        return true;
    case OUTBOX_POST:
        /* Compacting keeps posts that are older than `next`. */
        if (self->live.count > 0 &&
            record->post.number <= self->live.item[self->live.count - 1].number)
            return false;
        outbox_live_add(&self->live, record->post.number, offset, record->size);
        if (record->post.number >= self->next)
            self->next = record->post.number + 1;
        return true;
    case OUTBOX_DONE:
        live = outbox_live_find(&self->live, record->post.number);
        if (live != NULL)
            outbox_live_remove(&self->live, live);
        return true;
    }
    return false;
}

static enum rc read_at(const struct outbox_file *self, struct span bytes, size_t offset,
                       struct outbox_record *ret)
{
    return outbox_record_read((struct span){bytes.ptr + offset, bytes.len - offset}, offset,
                              self->session, ret);
}

/* Is there a whole record anywhere behind what cannot be read? Then it is no torn end. The newline before it may
 * be what is damaged, so it is not looked for. */
static bool has_record_behind(const struct outbox_file *self, struct span bytes, size_t offset)
{
    static const char *const words[] = {"post ", "done "};
    struct outbox_record record;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *at = bytes.ptr + offset;

        while ((at = memmem(at, bytes.len - (size_t)(at - bytes.ptr), words[i], 5)) != NULL) {
            if (read_at(self, bytes, (size_t)(at - bytes.ptr), &record) == RC_OK)
                return true;
            at++;
        }
    }
    return false;
}

static enum rc take_records(struct outbox_file *self, struct span bytes)
{
    struct outbox_record record;
    size_t offset = 0;

    while (read_at(self, bytes, offset, &record) == RC_OK) {
        if ((offset == 0) != (record.kind == OUTBOX_HEAD) || !take_record(self, &record, offset))
            return RC_MALFORMED;
        offset += record.size;
    }
    if (offset < bytes.len && has_record_behind(self, bytes, offset))
        return RC_MALFORMED;
    /* Without a whole line nothing ever left it: the power went before the first sync. */
    if (offset == 0 && bytes.len > 0 && memchr(bytes.ptr, '\n', bytes.len) != NULL)
        return RC_MALFORMED;
    self->size = offset;
    return RC_OK;
}

/* The bytes of the whole file, for free(). */
static enum rc read_file(int fd, size_t size, char **ret)
{
    char *bytes;
    size_t len = 0;

    if (size > FILE_BYTES_MAX)
        return RC_MALFORMED;
    bytes = x_alloc(size + 1, 1);
    while (len < size) {
        ssize_t got = pread(fd, bytes + len, size - len, (off_t)len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = EIO; /* it is ours alone: nobody makes it shorter */
            free(bytes);
            return RC_SYSTEM;
        }
        len += (size_t)got;
    }
    *ret = bytes;
    return RC_OK;
}

/* Lock it and make sure that the name still means this file. */
static enum rc take_lock(int fd, const char *path, struct stat *ret_info)
{
    struct stat named;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? RC_BUSY : RC_SYSTEM;
    }
    if (fstat(fd, ret_info) != 0)
        return RC_SYSTEM;
    if (stat(path, &named) != 0)
        return errno == ENOENT ? RC_END : RC_SYSTEM;
    if (named.st_ino != ret_info->st_ino || named.st_dev != ret_info->st_dev)
        return RC_BUSY; /* its run has just written a new one */
    if (!S_ISREG(ret_info->st_mode) || ret_info->st_uid != geteuid())
        return RC_MALFORMED;
    return RC_OK;
}

enum rc outbox_file_open(const char *path, uint64_t session, struct outbox_file **ret)
{
    struct outbox_file *self;
    struct stat info;
    char *bytes = NULL;
    enum rc rc;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return errno == ENOENT ? RC_END : RC_SYSTEM;
    self = outbox_file_new(path, session);
    self->fd = fd;
    rc = take_lock(fd, path, &info);
    if (rc == RC_OK)
        rc = read_file(fd, (size_t)info.st_size, &bytes);
    if (rc == RC_OK)
        rc = take_records(self, (struct span){bytes, (size_t)info.st_size});
    if (rc == RC_OK && self->size < (size_t)info.st_size && ftruncate(fd, (off_t)self->size) != 0)
        rc = RC_SYSTEM;
    free(bytes);
    if (rc != RC_OK) {
        int saved = errno;

        destroy(self);
        errno = saved;
        return rc;
    }
    if (self->size == 0) { /* not even a head: the next post makes it anew */
        unlink(path);
        close(fd);
        self->fd = -1;
    }
    *ret = self;
    return RC_OK;
}

const char *outbox_file_path(const struct outbox_file *self)
{
    return self->path;
}

uint64_t outbox_file_session(const struct outbox_file *self)
{
    return self->session;
}

uint64_t outbox_file_born_ms(const struct outbox_file *self)
{
    return self->born_ms;
}

uint32_t outbox_file_next(const struct outbox_file *self)
{
    return self->next;
}

size_t outbox_file_count(const struct outbox_file *self)
{
    return self->live.count;
}

/* The record, in self->in. */
static enum rc read_live(struct outbox_file *self, const struct live_post *live,
                         struct outbox_record *ret)
{
    size_t len = 0;

    INVARIANT(live->size <= OUTBOX_RECORD_MAX);
    while (len < live->size) {
        ssize_t got =
            pread(self->fd, self->in + len, live->size - len, (off_t)(live->offset + len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RC_SYSTEM;
        if (got == 0)
            return RC_MALFORMED;
        len += (size_t)got;
    }
    return outbox_record_read((struct span){self->in, len}, live->offset, self->session, ret);
}

enum rc outbox_file_get(struct outbox_file *self, size_t index, struct outbox_post *ret)
{
    struct outbox_record record;
    enum rc rc;

    INVARIANT(index < self->live.count);
    rc = read_live(self, &self->live.item[index], &record);
    if (rc == RC_OK)
        *ret = record.post;
    return rc;
}

/* --- writing ------------------------------------------------------------------------ */

static bool write_at(int fd, struct span bytes, size_t offset)
{
    while (bytes.len > 0) {
        ssize_t put = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes.ptr += put;
        bytes.len -= (size_t)put;
        offset += (size_t)put;
    }
    return true;
}

/* Append one record at *size_p. RC_SYSTEM: it is as before, at least to who reads it. */
static enum rc append(struct outbox_file *self, int fd, const struct outbox_record *record,
                      size_t *size_p)
{
    const size_t len = outbox_record_write(record, *size_p, self->session, self->out);

    if (!write_at(fd, (struct span){self->out, len}, *size_p)) {
        int saved = errno;

        if (ftruncate(fd, (off_t)*size_p) != 0) {
            /* what is torn there is written over by the next one, or cut by who opens it */
        }
        errno = saved;
        return RC_SYSTEM;
    }
    *size_p += len;
    return RC_OK;
}

/* A new file under a name that nobody looks at, locked, with its head. */
static enum rc make_other(struct outbox_file *self, char other[static FILE_PATH_MAX], int *ret_fd,
                          size_t *ret_size)
{
    const struct outbox_record head = {.kind = OUTBOX_HEAD,
                                       .session = self->session,
                                       .born_ms = self->born_ms,
                                       .post = {.number = self->next}};
    int saved, fd;

    snprintf(other, FILE_PATH_MAX, "%s.new-XXXXXX", self->path);
    fd = mkostemp(other, O_CLOEXEC);
    if (fd < 0)
        return RC_SYSTEM;
    *ret_size = 0;
    if (fchmod(fd, 0600) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        append(self, fd, &head, ret_size) == RC_OK) {
        *ret_fd = fd;
        return RC_OK;
    }
    saved = errno;
    unlink(other);
    close(fd);
    errno = saved;
    return RC_SYSTEM;
}

static enum rc make_folder(const char *path)
{
    char folder[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path),
             slash == NULL ? "." : path);
    return files_make_folder(folder);
}

/* The first post makes the file: with it in it, the file gets its name. */
static enum rc create(struct outbox_file *self, const struct outbox_record *record)
{
    char other[FILE_PATH_MAX];
    size_t size, offset;
    int saved, fd;

    if (make_folder(self->path) != RC_OK || make_other(self, other, &fd, &size) != RC_OK)
        return RC_SYSTEM;
    offset = size;
    if (append(self, fd, record, &size) != RC_OK || rename(other, self->path) != 0) {
        saved = errno;
        unlink(other);
        close(fd);
        errno = saved;
        return RC_SYSTEM;
    }
    self->fd = fd;
    self->size = size;
    self->has_new_name = true;
    outbox_live_add(&self->live, record->post.number, offset, size - offset);
    return RC_OK;
}

/* The broker counts anew: what stands here is under numbers that mean other posts now. */
static void begin_anew(struct outbox_file *self)
{
    while (self->live.count > 0) {
        if (outbox_file_set_aside(self, self->live.item[0].number) != RC_OK)
            outbox_live_remove(&self->live, &self->live.item[0]);
    }
    if (self->fd >= 0) {
        unlink(self->path);
        close(self->fd);
        self->fd = -1;
    }
}

enum rc outbox_file_post(struct outbox_file *self, const struct outbox_post *post)
{
    const struct outbox_record record = {.kind = OUTBOX_POST, .post = *post};
    const size_t offset = self->size;
    const uint32_t next = self->next;
    enum rc rc;

    if (post->number < self->next)
        begin_anew(self);
    self->next = post->number + 1;
    if (self->fd < 0) {
        rc = create(self, &record);
    } else {
        rc = append(self, self->fd, &record, &self->size);
        if (rc == RC_OK)
            outbox_live_add(&self->live, post->number, offset, self->size - offset);
    }
    if (rc == RC_OK)
        self->has_new_post = true;
    else
        self->next = next;
    return rc;
}

void outbox_file_done(struct outbox_file *self, uint32_t number)
{
    const struct outbox_record record = {.kind = OUTBOX_DONE, .post = {.number = number}};
    const struct live_post *live = outbox_live_find(&self->live, number);

    if (live == NULL)
        return;
    outbox_live_remove(&self->live, live);
    if (append(self, self->fd, &record, &self->size) != RC_OK)
        return; /* then the next run asks again, and is given the same answer */
    self->done_unsynced++;
}

enum rc outbox_file_set_aside(struct outbox_file *self, uint32_t number)
{
    char path[FILE_PATH_MAX];
    struct outbox_record record;
    const struct live_post *live = outbox_live_find(&self->live, number);
    enum rc rc;
    off_t end;
    int fd;

    if (live == NULL)
        return RC_END;
    rc = read_live(self, live, &record);
    if (rc != RC_OK)
        return rc;
    outbox_file_failed_path(self->path, path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return RC_SYSTEM;
    end = lseek(fd, 0, SEEK_END);
    if (end < 0 || !write_at(fd, (struct span){self->in, live->size}, (size_t)end) ||
        fsync(fd) != 0)
        rc = RC_SYSTEM;
    close(fd);
    if (rc == RC_OK)
        outbox_file_done(self, number);
    return rc;
}

/* The unanswered posts behind the head of another file. */
static enum rc copy_live(struct outbox_file *self, int fd, size_t *size_p, struct outbox_live *ret)
{
    struct outbox_record record;

    for (size_t i = 0; i < self->live.count; i++) {
        const size_t begin = *size_p;

        if (read_live(self, &self->live.item[i], &record) != RC_OK ||
            append(self, fd, &record, size_p) != RC_OK)
            return RC_SYSTEM;
        outbox_live_add(ret, record.post.number, begin, *size_p - begin);
    }
    return RC_OK;
}

/* Unanswered posts that stay while thousands pass would let the file grow for ever: write them anew. */
static enum rc compact(struct outbox_file *self)
{
    char other[FILE_PATH_MAX];
    struct outbox_live moved = {0};
    size_t size;
    int fd;

    if (make_other(self, other, &fd, &size) != RC_OK)
        return RC_SYSTEM;
    if (copy_live(self, fd, &size, &moved) != RC_OK || fdatasync(fd) != 0 ||
        rename(other, self->path) != 0) {
        unlink(other);
        close(fd);
        outbox_live_fini(&moved);
        return RC_SYSTEM;
    }
    close(self->fd);
    outbox_live_fini(&self->live);
    self->fd = fd;
    self->size = size;
    self->live = moved;
    self->compact_from = COMPACT_FROM_BYTES;
    self->has_new_name = true;
    return RC_OK;
}

enum rc outbox_file_sync(struct outbox_file *self)
{
    if (self->fd < 0 || self->is_sync_over)
        return RC_OK;
    if (self->size >= self->compact_from && self->live.bytes < self->size / 2 &&
        compact(self) != RC_OK)
        self->compact_from = 2 * self->size;
    if (!self->has_new_post && !self->has_new_name && self->done_unsynced < DONE_UNSYNCED_MAX)
        return RC_OK;
    if (fdatasync(self->fd) != 0 ||
        (self->has_new_name && files_sync_folder(self->path) != RC_OK)) {
        self->is_sync_over = true;
        return RC_SYSTEM;
    }
    self->has_new_post = self->has_new_name = false;
    self->done_unsynced = 0;
    return RC_OK;
}

void outbox_file_failed_path(const char *path, char *buf)
{
    snprintf(buf, FILE_PATH_MAX, "%s.failed", path);
}
