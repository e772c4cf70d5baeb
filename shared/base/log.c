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

static _Atomic(log_sink_function *) log_sink;

void log_set_sink(log_sink_function *sink)
{
    atomic_store(&log_sink, sink);
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_put_line(struct span line)
{
    /* A full disk or a closed pipe must not stop the chat, and there is nowhere else to say it. */
    ssize_t written = write(atomic_load(&log_fd), line.ptr, line.len);

    (void)written;
}

static size_t put_head(char *line, size_t room, const struct log_record *record)
{
    const time_t seconds = (time_t)(record->wall_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);

    size_t len = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);

    return len +
           put_len(snprintf(line + len, room - len, ".%03dZ %s %s ", (int)(record->wall_ms % 1000),
                            level_names[record->level], record->event),
                   room - len);
}

void log_put_record(const struct log_record *record)
{
    char line[LINE_BYTES_MAX];
    size_t len = put_head(line, sizeof(line), record);
    const size_t room = sizeof(line) - 1 - len;
    const size_t text_len = record->text.len < room ? record->text.len : room;

    memcpy(line + len, record->text.ptr, text_len);
    len += text_len;
    for (size_t i = 0; i < len; i++) { /* the event's name, too */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    line[len++] = '\n';
    log_put_line((struct span){line, len});
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
        return;

    int saved = errno;
    char text[LINE_BYTES_MAX];
    struct timespec now;
    log_sink_function *sink = atomic_load(&log_sink);
    va_list args;

    clock_gettime(CLOCK_REALTIME, &now);
    errno = saved; /* for %m */
    va_start(args, format);
    size_t len = put_len(vsnprintf(text, sizeof(text), format, args), sizeof(text));
    va_end(args);

    /* One event is one line, whatever stands in it. */
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
    const struct log_record record = {.level = level,
                                      .wall_ms = (uint64_t)now.tv_sec * 1000 +
                                                 (uint64_t)now.tv_nsec / 1000000,
                                      .event = event,
                                      .text = {text, len}};
    (sink != NULL ? sink : log_put_record)(&record);
    errno = saved;
}
