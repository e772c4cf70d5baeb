/* log.h - one line an event, to stderr: time, level, a stable name, then key=value.
 *
 * error: someone must act. warn: we carried on, and the line says how. info: life of
 * process and sessions. debug: every command. Never bodies, secrets, or peer text that
 * did not go through clean_copy(). */
#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

#include "shared/base/span.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/* Log to this file (opened for appending, 0600) instead of stderr; NULL: stderr. Again to reopen.
 * Returns 0, or -1 with errno and the log as it was. */
int log_open(const char *path);

/* One event on its way out. `text` is one line without control characters; it borrows. */
struct log_record {
    enum log_level level;
    uint64_t wall_ms;
    const char *event;
    struct span text;
};

/* Whoever takes records instead of lines being written (shared/log); any thread may call it. NULL: lines again. */
typedef void log_sink_function(const struct log_record *record);
void log_set_sink(log_sink_function *sink);

/* Write the record as a line; and any line, with its newline, to where lines go. */
void log_put_record(const struct log_record *record);
void log_put_line(struct span line);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_write(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
