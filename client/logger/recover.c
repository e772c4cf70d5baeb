#include "client/logger/recover.h"

#include "client/logger/textlog.h"
#include "shared/base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* More than any two records: 16 KiB of text, six bytes each when escaped, and the fields. Of a text log, more than lies
 * between two lines of ours. */
#define TAIL_BYTES_MAX  (256 * 1024)
#define FIRST_BYTES     4096 /* most first lines fit */
#define MARKS_BYTES_MAX (2 * LOGFILE_MARK_EVERY)
#define CHUNK_BYTES     (64 * 1024)

/* The end of a file's content. */
struct ending {
    char *buf;            /* owned */
    size_t capacity, len; /* of all that is kept; and as much is there */
    size_t room;          /* in buf: `capacity` at most */
    uint64_t size;        /* of all content */
};

const char *logfile_ending(enum logfile_format format)
{
    return format == LOGFILE_JSONL ? ".jsonl" : ".log";
}

/* Digits up to `stop`; 0 is no place. */
static bool take_place(struct span *text, char stop, uint64_t *ret)
{
    uint64_t value = 0;
    size_t at = 0;

    while (at < text->len && at < 19 && text->ptr[at] >= '0' && text->ptr[at] <= '9')
        value = value * 10 + (uint64_t)(text->ptr[at++] - '0');
    if (value == 0 || at == text->len || text->ptr[at] != stop)
        return false;
    text->ptr += at + 1;
    text->len -= at + 1;
    *ret = value;
    return true;
}

static bool skip_until(struct span *text, const char *mark)
{
    const char *found = memmem(text->ptr, text->len, mark, strlen(mark));

    if (found == NULL)
        return false;
    text->len -= (size_t)(found - text->ptr) + strlen(mark);
    text->ptr = found + strlen(mark);
    return true;
}

bool recover_line(struct span line, struct tail *ret)
{
    struct tail tail = {.place = 0};

    if (line.len == 0 || memchr(line.ptr, '\0', line.len) != NULL)
        return false;
    if (line.ptr[0] != '{' || line.ptr[line.len - 1] != '}')
        return false;
    /* event_json() puts the stream first; a name holds no quotes, so this is its end. */
    if (!skip_until(&line, "\",\"seq\":") || !take_place(&line, ',', &tail.place))
        return false;
    if (line.len > 6 && memcmp(line.ptr, "\"ts\":\"", 6) == 0)
        tail.ts_ms = calendar_parse(line.ptr + 6, line.len - 6);
    tail.size_bytes = ret->size_bytes;
    *ret = tail;
    return true;
}

/* Read the last bytes of the file; false with errno. */
static bool read_plain(int fd, struct ending *self)
{
    const uint64_t from = self->size > self->capacity ? self->size - self->capacity : 0;

    while (self->len < self->size - from) {
        const ssize_t n = pread(fd, self->buf + self->len, (size_t)(self->size - from) - self->len,
                                (off_t)(from + self->len));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        self->len += (size_t)n;
    }
    return true;
}

/* The same of what is compressed, as far as it can be read. */
static void read_compressed(int fd, struct ending *self)
{
    const int own = dup(fd);
    gzFile file = own < 0 || lseek(own, 0, SEEK_SET) != 0 ? NULL : gzdopen(own, "rb");
    int n;

    self->size = 0;
    if (file == NULL) {
        if (own >= 0)
            close(own);
        return;
    }
    for (;;) {
        if (self->room - self->len < CHUNK_BYTES && self->room < self->capacity) {
            self->room = 2 * self->room < self->capacity ? 2 * self->room : self->capacity;
            self->buf = x_realloc(self->buf, self->room, 1);
        } else if (self->room - self->len < CHUNK_BYTES) {
            const size_t kept = self->room / 2;

            memmove(self->buf, self->buf + self->len - kept, kept);
            self->len = kept;
        }
        n = gzread(file, self->buf + self->len, CHUNK_BYTES);
        if (n <= 0)
            break;
        self->len += (size_t)n;
        self->size += (uint64_t)n;
    }
    gzclose_r(file);
}

/* Find the last line that is a record, from the end backwards. Returns how many bytes of buf
 * reach up to its end, 0 for none. `is_whole`: buf begins with a line. */
static size_t last_record(const char *buf, size_t len, bool is_whole, struct tail *ret)
{
    size_t end = len;

    while (end > 0) {
        const char *newline = memrchr(buf, '\n', end);
        const char *before;
        size_t begin;

        if (newline == NULL)
            return 0;
        end = (size_t)(newline - buf);
        before = end == 0 ? NULL : memrchr(buf, '\n', end);
        if (before == NULL && !is_whole)
            return 0;
        begin = before == NULL ? 0 : (size_t)(before - buf) + 1;
        if (recover_line((struct span){buf + begin, end - begin}, ret))
            return end + 1;
    }
    return 0;
}

/* The last line of ours; returns where it begins, SIZE_MAX: there is none. */
static size_t last_mark(const char *buf, size_t len, bool is_whole, struct calendar *ret_when,
                        uint64_t *ret_next)
{
    const char *newline = memrchr(buf, '\n', len);

    while (newline != NULL) {
        const size_t end = (size_t)(newline - buf);
        const char *before = end == 0 ? NULL : memrchr(buf, '\n', end);
        const size_t begin = before == NULL ? 0 : (size_t)(before - buf) + 1;

        if (before == NULL && !is_whole)
            break;
        *ret_next = textlog_read_mark((struct span){buf + begin, end - begin}, ret_when);
        if (*ret_next > 0)
            return begin;
        newline = before;
    }
    return SIZE_MAX;
}

/* Count the whole events behind the last line of ours. Returns as last_record(). */
static size_t last_text(const char *buf, size_t len, bool is_whole, struct tail *ret)
{
    uint64_t next = 0;
    const size_t mark = last_mark(buf, len, is_whole, &ret->when, &next);
    size_t end = 0, at = 0;

    if (mark == SIZE_MAX)
        return 0;
    ret->mark_bytes = mark;
    at = end = (size_t)((const char *)memchr(buf + mark, '\n', len - mark) - buf) + 1;
    for (const char *newline; (newline = memchr(buf + at, '\n', len - at)) != NULL;) {
        const struct span line = {buf + at, (size_t)(newline - buf) - at};
        const enum textlog_line kind = textlog_read_line(line);

        if (kind == TEXTLOG_BAD)
            break;
        at += line.len + 1;
        if (kind == TEXTLOG_LAST) {
            next++;
            end = at;
        }
    }
    ret->place = next - 1;
    return ret->place == 0 ? 0 : end; /* a line of ours that waits for the first event is torn */
}

bool recover_is_compressed(int fd)
{
    unsigned char magic[2];

    return pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* Lines of ours at the beginning of a log whose first event was torn. */
static bool is_torn_start(const struct ending *self)
{
    const char *newline = memchr(self->buf, '\n', self->len);
    const struct span line = {self->buf, (size_t)(newline - self->buf)};
    struct calendar when;

    return textlog_read_mark(line, &when) == 1;
}

enum rc recover_file(int fd, enum logfile_format format, struct tail *ret)
{
    const bool is_text = format == LOGFILE_TEXT;
    struct ending ending = {.capacity = is_text ? MARKS_BYTES_MAX : TAIL_BYTES_MAX};
    struct tail tail = {.place = 0};
    struct stat info;
    enum rc rc = RC_SYSTEM;
    bool is_compressed, is_whole;
    size_t end;

    if (fstat(fd, &info) != 0)
        return RC_SYSTEM;
    if (!S_ISREG(info.st_mode))
        return RC_CONFIG;
    ending.size = (uint64_t)info.st_size;
    is_compressed = recover_is_compressed(fd);
    /* Most are small, and megabytes are dear; how much is in a compressed one shows as it is read. */
    if (!is_compressed && ending.size < ending.capacity)
        ending.capacity = ending.size + 1;
    ending.room = is_compressed ? CHUNK_BYTES : ending.capacity;
    ending.buf = x_realloc(NULL, ending.room, 1);
    if (is_compressed)
        read_compressed(fd, &ending);
    else if (!read_plain(fd, &ending))
        goto out;
    is_whole = ending.len == ending.size;
    end = is_text ? last_text(ending.buf, ending.len, is_whole, &tail)
                  : last_record(ending.buf, ending.len, is_whole, &tail);
    tail.size_bytes = end == 0 ? 0 : ending.size - ending.len + end;
    tail.mark_bytes = end == 0 ? 0 : ending.size - ending.len + tail.mark_bytes;
    /* Without any record it may only be empty, or hold a first line that was torn. */
    rc = RC_OK;
    if (end == 0 && (!is_whole || memchr(ending.buf, '\n', ending.len) != NULL))
        rc = is_text && is_whole && is_torn_start(&ending) ? RC_OK : RC_CONFIG;
    if (rc == RC_OK)
        *ret = tail;
out:
    free(ending.buf);
    return rc;
}

/* The first line; `ret->ptr` is the caller's to free. False: there is none, or it has no end in what may be a line. */
static bool read_first_line(gzFile file, struct span *ret)
{
    char *buf = NULL;
    size_t len = 0;

    for (size_t capacity = FIRST_BYTES; capacity <= TAIL_BYTES_MAX; capacity *= 2) {
        buf = x_realloc(buf, capacity, 1);

        const int n = gzread(file, buf + len, (unsigned)(capacity - len));
        const char *newline = n <= 0 ? NULL : memchr(buf + len, '\n', (size_t)n);

        *ret = (struct span){buf, newline == NULL ? 0 : (size_t)(newline - buf)};
        if (newline != NULL || n < (int)(capacity - len))
            return newline != NULL;
        len = capacity;
    }
    return false;
}

uint64_t recover_first(int fd, enum logfile_format format)
{
    const int own = dup(fd);
    /* It reads plain files as well. */
    gzFile file = own < 0 || lseek(own, 0, SEEK_SET) != 0 ? NULL : gzdopen(own, "rb");
    struct span line = {NULL, 0};
    const bool has_line = file != NULL && read_first_line(file, &line);
    struct tail tail = {.place = 0};
    struct calendar when;

    if (has_line && format == LOGFILE_TEXT)
        tail.place = textlog_read_mark(line, &when);
    else if (has_line)
        (void)recover_line(line, &tail);
    if (file != NULL)
        gzclose_r(file);
    else if (own >= 0)
        close(own);
    free((char *)(uintptr_t)line.ptr);
    return tail.place;
}
