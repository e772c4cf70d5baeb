#include "client/logger/logfile.h"

#include "client/lib/net/event_json.h"
#include "client/logger/asides.h"
#include "client/logger/filename.h"
#include "client/logger/recover.h"
#include "client/logger/textlog.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct logfile {
    int dir_fd;
    int fd; /* -1 after a rotation whose new file could not be made yet */
    enum logfile_format format;
    struct rotation rotation;
    char base[FILENAME_BYTES_MAX];
    char name[NAME_MAX + 1];
    bool is_utc;
    char date[11];        /* of the last event in the file, never running back; "": not known */
    struct calendar when; /* text: what our last line in it said, or "" */
    uint64_t place;
    uint64_t size_bytes;
    uint64_t mark_bytes; /* text: where our last line stands */
    uint64_t torn_bytes; /* of a failed write, still at the file's end */
    bool is_dirty;
    bool is_rotated; /* and nobody was told */
    bool is_lost;    /* a sync failed: what the disk has is unknown */
    FILE *line;      /* one record is put together here */
    char *line_bytes;
    size_t line_len;
};

/* Open self->name, and cut what a crash tore. */
static enum rc open_file(struct logfile *self, struct tail *ret_tail)
{
    const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    const int fd = openat(self->dir_fd, self->name, flags, 0600);
    struct tail tail;
    enum rc rc;

    if (fd < 0)
        return RC_SYSTEM;
    rc = recover_is_compressed(fd) ? RC_CONFIG : recover_file(fd, self->format, &tail);
    if (rc == RC_OK && ftruncate(fd, (off_t)tail.size_bytes) != 0)
        rc = RC_SYSTEM;
    /* The name of a new file has to last as well as its lines. */
    if (rc == RC_OK && tail.place == 0 && fsync(self->dir_fd) != 0)
        rc = RC_SYSTEM;
    if (rc != RC_OK) {
        const int kept = errno;

        close(fd);
        errno = kept;
        return rc;
    }
    self->fd = fd;
    self->size_bytes = tail.size_bytes;
    self->torn_bytes = 0;
    self->mark_bytes = tail.mark_bytes;
    self->when = tail.when;
    if (tail.ts_ms > 0)
        calendar_of(tail.ts_ms, self->is_utc, &self->when);
    memcpy(self->date, self->when.date, sizeof self->date);
    *ret_tail = tail;
    return RC_OK;
}

enum rc logfile_open(const struct logfile_options *options, struct logfile **ret)
{
    struct logfile *self = x_alloc(1, sizeof *self);
    struct tail tail;
    enum rc rc = RC_CONFIG;

    self->fd = -1;
    self->dir_fd = options->dir_fd;
    self->format = options->format;
    self->rotation = options->rotation;
    self->is_utc = options->is_utc;
    self->line = open_memstream(&self->line_bytes, &self->line_len);
    if (self->line == NULL) {
        rc = RC_SYSTEM;
        goto out;
    }
    if (filename_of_stream(options->stream, self->base) == 0)
        goto out;
    snprintf(self->name, sizeof self->name, "%s%s", self->base, logfile_ending(self->format));
    rc = open_file(self, &tail);
    if (rc != RC_OK)
        goto out;
    self->place = tail.place;
    if (tail.place == 0)
        self->place = asides_place(self->dir_fd, self->base, self->format);
    *ret = self;
    self = NULL;
out:
    logfile_close(&self);
    return rc;
}

void logfile_close(struct logfile **self_p)
{
    struct logfile *self = *self_p;
    const int kept = errno;

    *self_p = NULL;
    if (self == NULL)
        return;
    if (self->fd >= 0)
        close(self->fd);
    if (self->line != NULL)
        fclose(self->line);
    free(self->line_bytes);
    free(self);
    errno = kept;
}

uint64_t logfile_place(const struct logfile *self)
{
    return self->place;
}

bool logfile_holds_place(const struct logfile *self)
{
    return self->fd >= 0 && self->size_bytes > 0 && !self->is_dirty && !self->is_lost;
}

bool logfile_take_rotated(struct logfile *self)
{
    const bool is_rotated = self->is_rotated;

    self->is_rotated = false;
    return is_rotated;
}

enum rc logfile_sync(struct logfile *self)
{
    if (self->is_lost) {
        errno = EIO;
        return RC_SYSTEM;
    }
    if (!self->is_dirty || self->fd < 0)
        return RC_OK;
    if (fdatasync(self->fd) != 0) {
        self->is_lost = true;
        return RC_SYSTEM;
    }
    self->is_dirty = false;
    return RC_OK;
}

enum rc logfile_reopen(struct logfile *self)
{
    struct tail tail;
    enum rc rc = logfile_sync(self);

    if (rc != RC_OK)
        return rc;
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    rc = open_file(self, &tail);
    /* Only a file that ends elsewhere than we stopped makes us doubt: it is not ours. */
    if (rc == RC_OK && tail.place != 0 && tail.place != self->place)
        rc = RC_CONFIG;
    return rc;
}

/* Put the file aside under this name, unless there is such a file, or a compressed one. RC_END: there is. */
static enum rc move_aside(struct logfile *self, const char *mark)
{
    char aside[NAME_MAX + 1], compressed[NAME_MAX + 4];

    snprintf(aside, sizeof aside, "%s.%s%s", self->base, mark, logfile_ending(self->format));
    snprintf(compressed, sizeof compressed, "%s.gz", aside);
    if (faccessat(self->dir_fd, compressed, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return RC_END;
    if (renameat2(self->dir_fd, self->name, self->dir_fd, aside, RENAME_NOREPLACE) == 0)
        return RC_OK;
    return errno == EEXIST ? RC_END : RC_SYSTEM;
}

static enum rc rotate(struct logfile *self)
{
    const bool is_daily = self->rotation.kind == ROTATE_DAILY && self->date[0] != '\0';
    char mark[64];
    enum rc rc = logfile_sync(self);

    if (rc != RC_OK)
        return rc;
    rc = RC_END;
    if (is_daily && self->rotation.size_bytes == 0)
        rc = move_aside(self, self->date);
    if (rc == RC_END) { /* with its last seq, which comes once; so do days that come again */
        snprintf(mark, sizeof mark, "%s%s%012" PRIu64, is_daily ? self->date : "",
                 is_daily ? "." : "", self->place);
        rc = move_aside(self, mark);
    }
    if (rc != RC_OK) {
        if (rc == RC_END)
            errno = EEXIST;
        return RC_SYSTEM;
    }
    close(self->fd);
    self->fd = -1;
    self->is_rotated = true;
    return RC_OK;
}

static bool is_due(const struct logfile *self, const struct calendar *when)
{
    if (self->rotation.kind == ROTATE_NONE)
        return false;
    if (self->rotation.size_bytes > 0 && self->size_bytes >= self->rotation.size_bytes)
        return self->size_bytes > 0;
    return self->rotation.kind == ROTATE_DAILY && self->size_bytes > 0 && self->date[0] != '\0' &&
           strcmp(self->date, when->date) < 0;
}

/* Take back `torn_bytes`; what did not fit must not stand before the next line. */
static enum rc cut_torn(struct logfile *self)
{
    struct stat info;

    if (self->torn_bytes == 0)
        return RC_OK;
    if (fstat(self->fd, &info) != 0 || (uint64_t)info.st_size < self->torn_bytes)
        return RC_SYSTEM;
    if (ftruncate(self->fd, info.st_size - (off_t)self->torn_bytes) != 0)
        return RC_SYSTEM;
    self->torn_bytes = 0;
    return RC_OK;
}

static enum rc write_line(struct logfile *self)
{
    size_t done = 0;

    if (cut_torn(self) != RC_OK)
        return RC_SYSTEM;
    while (done < self->line_len) {
        const ssize_t n = write(self->fd, self->line_bytes + done, self->line_len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const int kept = errno;

            self->torn_bytes = done;
            if (cut_torn(self) != RC_OK)
                log_warn("archive.torn", "file=%s bytes=%zu", self->name, done);
            errno = kept;
            return RC_SYSTEM;
        }
        done += (size_t)n;
    }
    self->size_bytes += done;
    self->is_dirty = true;
    return RC_OK;
}

/* The line of ours that has to stand before the event, or NULL. */
static const char *mark_due(const struct logfile *self, const struct calendar *when)
{
    if (self->size_bytes == 0)
        return TEXTLOG_OPENED;
    if (strcmp(self->when.date, when->date) != 0)
        return TEXTLOG_DAY;
    if (strcmp(self->when.zone, when->zone) != 0)
        return TEXTLOG_CLOCK;
    if (self->size_bytes - self->mark_bytes >= LOGFILE_MARK_EVERY)
        return TEXTLOG_GOES_ON;
    return NULL;
}

/* Put the record together in self->line. Returns whether a line of ours is in it. */
static bool compose(struct logfile *self, const struct zchat_event *event,
                    const struct calendar *when)
{
    const bool is_gap = event->kind == ZCHAT_GAP;
    const char *mark;

    rewind(self->line);
    if (self->format == LOGFILE_JSONL) {
        event_json(self->line, event);
        return false;
    }
    if (is_gap) {
        textlog_gap(self->line, event, when);
        return true;
    }
    mark = mark_due(self, when);
    if (mark != NULL)
        textlog_mark(self->line, mark, when, event->stream, event->seq);
    textlog_event(self->line, event, when);
    return mark != NULL;
}

enum rc logfile_append(struct logfile *self, const struct zchat_event *event)
{
    const bool is_gap = event->kind == ZCHAT_GAP;
    const uint64_t first = is_gap ? event->first : event->seq;
    const uint64_t last = is_gap ? event->last : event->seq;
    struct zchat_event rest = *event;
    struct calendar when = self->when;
    uint64_t begin;
    struct tail tail;
    bool has_mark;

    if (last <= self->place)
        return RC_OK;
    if (first > self->place + 1)
        return RC_END;
    rest.first = self->place + 1; /* of a gap, only what is not in the file */

    if (!is_gap) {
        calendar_of(event->ts_ms, self->is_utc, &when);
        if (self->fd >= 0 && is_due(self, &when) && rotate(self) != RC_OK)
            return RC_SYSTEM;
    }
    if (self->fd < 0 && open_file(self, &tail) != RC_OK)
        return RC_SYSTEM;

    begin = self->size_bytes;
    has_mark = compose(self, &rest, &when);
    if (fflush(self->line) != 0 || write_line(self) != RC_OK)
        return RC_SYSTEM;
    self->place = last;
    if (has_mark)
        self->mark_bytes = begin;
    if (!is_gap) {
        self->when = when;
        if (strcmp(self->date, when.date) < 0)
            memcpy(self->date, when.date, sizeof self->date);
    }
    return RC_OK;
}
