#include "client/logger/recover.h"

#include "client/logger/filename.h"
#include "shared/base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any two lines: 16 KiB of text, six bytes each when escaped, and the fields. */
#define TAIL_BYTES_MAX (256 * 1024)

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

static void take_date(struct span text, char *ret)
{
    const size_t len = sizeof "2026-11-23" - 1;

    ret[0] = '\0';
    if (text.len < len || text.ptr[4] != '-' || text.ptr[7] != '-')
        return;
    if (strspn(text.ptr, "0123456789-") < len)
        return;
    memcpy(ret, text.ptr, len);
    ret[len] = '\0';
}

bool recover_line(enum logfile_format format, struct span line, struct tail *ret)
{
    struct tail tail = {.date = ""};

    if (line.len == 0 || memchr(line.ptr, '\0', line.len) != NULL)
        return false;
    if (format == LOGFILE_TEXT) {
        if (!take_place(&line, ' ', &tail.place))
            return false;
        take_date(line, tail.date);
    } else {
        if (line.ptr[0] != '{' || line.ptr[line.len - 1] != '}')
            return false;
        /* event_json() puts the stream first; a name holds no quotes, so this is its end. */
        if (!skip_until(&line, "\",\"seq\":") || !take_place(&line, ',', &tail.place))
            return false;
        if (line.len > 6 && memcmp(line.ptr, "\"ts\":\"", 6) == 0)
            take_date((struct span){line.ptr + 6, line.len - 6}, tail.date);
    }
    tail.size_bytes = ret->size_bytes;
    *ret = tail;
    return true;
}

/* Read the last bytes of the file; false with errno. */
static bool read_end(int fd, uint64_t size, char *buf, size_t *ret_len)
{
    const uint64_t from = size > TAIL_BYTES_MAX ? size - TAIL_BYTES_MAX : 0;
    size_t len = 0;

    while (len < size - from) {
        const ssize_t n = pread(fd, buf + len, (size_t)(size - from) - len, (off_t)(from + len));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return true;
}

/* Find the last line that is a record, from the end backwards. Returns how many bytes of buf
 * reach up to its end, 0 for none. `is_whole`: buf begins with a line. */
static size_t last_record(enum logfile_format format, const char *buf, size_t len, bool is_whole,
                          struct tail *ret)
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
        if (recover_line(format, (struct span){buf + begin, end - begin}, ret))
            return end + 1;
    }
    return 0;
}

enum rc recover_file(int fd, enum logfile_format format, struct tail *ret)
{
    struct tail tail = {.date = ""};
    struct stat info;
    enum rc rc = RC_SYSTEM;
    char *buf = NULL;
    size_t len, end;
    uint64_t size;

    if (fstat(fd, &info) != 0)
        return RC_SYSTEM;
    if (!S_ISREG(info.st_mode))
        return RC_CONFIG;
    size = (uint64_t)info.st_size;
    buf = x_alloc(1, TAIL_BYTES_MAX);
    if (!read_end(fd, size, buf, &len))
        goto out;
    end = last_record(format, buf, len, len == size, &tail);
    tail.size_bytes = end == 0 ? 0 : size - len + end;
    /* Without any record it may only be empty, or hold a first line that was torn. */
    rc = end == 0 && (len < size || memchr(buf, '\n', len) != NULL) ? RC_CONFIG : RC_OK;
    if (rc == RC_OK)
        *ret = tail;
out:
    free(buf);
    return rc;
}

static bool is_aside(const char *name, const char *base, const char *ending)
{
    const size_t len = strlen(base);

    return strncmp(name, base, len) == 0 && name[len] == '.' && strstr(name + len, ending) != NULL;
}

uint64_t recover_aside(int dir_fd, const char *base, enum logfile_format format)
{
    /* A descriptor of its own: the position in the folder is not shared. */
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    uint64_t place = 0;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct tail tail;
        int file;

        if (!is_aside(entry->d_name, base, logfile_ending(format)))
            continue;
        file = openat(dir_fd, entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (file < 0)
            continue;
        if (recover_file(file, format, &tail) == RC_OK && tail.place > place)
            place = tail.place;
        close(file);
    }
    closedir(dir);
    return place;
}
