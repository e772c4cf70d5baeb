#include "client/logger/logfile.h"

#include "client/lib/net/event_json.h"
#include "client/logger/filename.h"
#include "client/logger/recover.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"
#include "shared/text/clean.h"
#include "shared/text/json.h"

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
    char date[11]; /* of the events in the file, "" when unknown */
    uint64_t place;
    uint64_t size_bytes;
    uint64_t torn_bytes; /* of a failed write, still at the file's end */
    bool is_dirty;
    bool is_lost; /* a sync failed: what the disk has is unknown */
    FILE *line;   /* one record is put together here */
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
    rc = recover_file(fd, self->format, &tail);
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
    memcpy(self->date, tail.date, sizeof self->date);
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
        self->place = recover_aside(self->dir_fd, self->base, self->format);
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

static enum rc rotate(struct logfile *self)
{
    char aside[NAME_MAX + 1], mark[32];
    enum rc rc = logfile_sync(self);

    if (rc != RC_OK)
        return rc;
    if (self->rotation.kind == ROTATE_DAILY)
        snprintf(mark, sizeof mark, "%s", self->date);
    else
        snprintf(mark, sizeof mark, "%012" PRIu64, self->place);
    snprintf(aside, sizeof aside, "%s.%s%s", self->base, mark, logfile_ending(self->format));
    if (renameat2(self->dir_fd, self->name, self->dir_fd, aside, RENAME_NOREPLACE) != 0) {
        if (errno != EEXIST)
            return RC_SYSTEM;
        /* A day that came twice (a clock set back): both files are kept. */
        snprintf(aside, sizeof aside, "%s.%s.%" PRIu64 "%s", self->base, mark, self->place,
                 logfile_ending(self->format));
        if (renameat2(self->dir_fd, self->name, self->dir_fd, aside, RENAME_NOREPLACE) != 0)
            return RC_SYSTEM;
    }
    close(self->fd);
    self->fd = -1;
    return RC_OK;
}

static bool is_due(const struct logfile *self, const char *date)
{
    switch (self->rotation.kind) {
    case ROTATE_NONE:
        return false;
    case ROTATE_DAILY:
        return self->date[0] != '\0' && strcmp(self->date, date) != 0;
    case ROTATE_SIZE:
        return self->size_bytes > 0 && self->size_bytes >= self->rotation.size_bytes;
    }
    return false;
}

static void text_line(FILE *out, const struct zchat_event *event, const char *time)
{
    struct span text = {event->text, event->text_len};

    if (event->kind == ZCHAT_GAP) {
        fprintf(out, "%" PRIu64 " - gap: events %" PRIu64 " to %" PRIu64 " are no longer kept\n",
                event->last, event->first, event->last);
        return;
    }
    fprintf(out, "%" PRIu64 " %s ", event->seq, time);
    if (strcmp(event->type, "message") == 0) {
        fputs(strcmp(event->message_kind, "notice") == 0 ? "-" : "<", out);
        clean_write(out, span_of(event->from), false, "");
        if (event->to[0] != '\0') {
            fputs(" to ", out);
            clean_write(out, span_of(event->to), false, "");
        }
        fputs(strcmp(event->message_kind, "notice") == 0 ? "- " : "> ", out);
    } else {
        fputs("* ", out);
        clean_write(out, span_of(event->from), false, "");
        fputs(" ", out);
        clean_write(out, span_of(event->type), false, "");
        if (event->upto != 0)
            fprintf(out, " up to %" PRIu64, event->upto);
        if (text.len > 0)
            fputs(" ", out);
    }
    clean_write(out, text, false, "");
    fputc('\n', out);
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

enum rc logfile_append(struct logfile *self, const struct zchat_event *event)
{
    const bool is_gap = event->kind == ZCHAT_GAP;
    const uint64_t first = is_gap ? event->first : event->seq;
    const uint64_t last = is_gap ? event->last : event->seq;
    char time[25] = "";
    struct zchat_event rest = *event;
    struct tail tail;

    if (last <= self->place)
        return RC_OK;
    if (first > self->place + 1)
        return RC_END;
    rest.first = self->place + 1; /* of a gap, only what is not in the file */

    if (!is_gap) {
        time_format_utc(event->ts_ms, time);
        time[10] = '\0';
        if (self->fd >= 0 && is_due(self, time) && rotate(self) != RC_OK)
            return RC_SYSTEM;
    }
    if (self->fd < 0 && open_file(self, &tail) != RC_OK)
        return RC_SYSTEM;

    rewind(self->line);
    if (self->format == LOGFILE_JSONL) {
        event_json(self->line, &rest);
    } else {
        if (!is_gap)
            time[10] = 'T';
        text_line(self->line, &rest, time);
    }
    if (fflush(self->line) != 0 || write_line(self) != RC_OK)
        return RC_SYSTEM;
    self->place = last;
    if (!is_gap)
        memcpy(self->date, time, 10);
    return RC_OK;
}
