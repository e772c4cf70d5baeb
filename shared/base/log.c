#include "shared/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX 1024 /* a longer line is cut: below PIPE_BUF, so lines never mix */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static atomic_int max_level = LOG_LEVEL_INFO;

/* Threads may write while another reopens, so this number, once it is a file's, is never closed:
 * dup3() puts the new file under it in one step. */
static atomic_int log_fd = STDERR_FILENO;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

int log_open(const char *path)
{
    int fd = atomic_load(&log_fd);

    if (path == NULL)
        return fd == STDERR_FILENO || dup3(STDERR_FILENO, fd, O_CLOEXEC) >= 0 ? 0 : -1;

    int opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

    if (opened < 0)
        return -1;
    if (fd == STDERR_FILENO) {
        atomic_store(&log_fd, opened);
        return 0;
    }

    int result = dup3(opened, fd, O_CLOEXEC);
    int saved = errno;

    close(opened);
    errno = saved;
    return result < 0 ? -1 : 0;
}

/* What an snprintf() of `result` has put into a rest of `room` bytes. */
static size_t put_len(int result, size_t room)
{
    if (result < 0)
        return 0;
    return (size_t)result < room ? (size_t)result : room - 1;
}

static size_t put_head(char *line, size_t room, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);

    size_t len = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);

    return len + put_len(snprintf(line + len, room - len, ".%03dZ %s %s ",
                                  (int)(now.tv_nsec / 1000000), level_names[level], event),
                         room - len);
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
        return;

    int saved = errno;
    char line[LINE_BYTES_MAX];
    size_t len = put_head(line, sizeof(line), level, event);
    va_list args;

    errno = saved; /* for %m */
    va_start(args, format);
    len += put_len(vsnprintf(line + len, sizeof(line) - len, format, args), sizeof(line) - len);
    va_end(args);

    /* One event is one line, whatever stands in it. */
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    line[len++] = '\n'; /* in the place of the NUL */

    /* A full disk or a closed pipe must not stop the chat, and there is nowhere else to say it. */
    ssize_t written = write(atomic_load(&log_fd), line, len);

    (void)written;
    errno = saved;
}
