/* output.h - where the log goes and how it looks: text or JSON, to stderr, a file, syslog or the journal.
 *
 * The rows for a program's table of settings, and carrying them out. JSON is one object a line: ts, level, event, then
 * the event's key=value as texts, and the words that are neither as `text`. The journal gets the same as fields:
 * ZCHAT_EVENT, ZCHAT_KEY=value. When nobody listens there, lines go to stderr. */
#ifndef SHARED_LOG_OUTPUT_H
#define SHARED_LOG_OUTPUT_H

#include "shared/base/log.h"
#include "shared/conf/conf.h"

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_JOURNAL };

struct log_settings {
    uint32_t level;             /* enum log_level */
    uint32_t format;            /* enum log_format */
    uint32_t target;            /* enum log_target */
    char file[CONF_PATH_BYTES]; /* instead of stderr; "": none */
    char socket[108];           /* "": the usual one of syslog or the journal */
};

/* `type_` has a member `log`. */
#define LOG_ROWS(type_)                                                                           \
    {.key = "log-level",                                                                          \
     .type = CONF_CHOICE,                                                                         \
     CONF_AT(type_, log.level),                                                                   \
     .initial = "info",                                                                           \
     .choices = "error|warn|info|debug",                                                          \
     .is_reloadable = true,                                                                       \
     .argument = "LEVEL",                                                                         \
     .help = "error, warn, info or debug"},                                                       \
        {.key = "log-format",                                                                     \
         .type = CONF_CHOICE,                                                                     \
         CONF_AT(type_, log.format),                                                              \
         .initial = "text",                                                                       \
         .choices = "text|json",                                                                  \
         .is_reloadable = true,                                                                   \
         .argument = "FORMAT",                                                                    \
         .help = "text, or json: one object a line"},                                             \
        {.key = "log-to",                                                                         \
         .type = CONF_CHOICE,                                                                     \
         CONF_AT(type_, log.target),                                                              \
         .initial = "stderr",                                                                     \
         .choices = "stderr|syslog|journal",                                                      \
         .is_reloadable = true,                                                                   \
         .argument = "WHERE",                                                                     \
         .help = "stderr, syslog, or journal: systemd's, with a field for each key"},             \
        {.key = "log-socket",                                                                     \
         .type = CONF_TEXT,                                                                       \
         CONF_AT(type_, log.socket),                                                              \
         .is_reloadable = true,                                                                   \
         .argument = "PATH",                                                                      \
         .help = "where syslog or the journal listens, when not in the usual place"},             \
    {                                                                                             \
        .key = "log-file", .type = CONF_TEXT, CONF_AT(type_, log.file), .is_reloadable = true,    \
        .argument = "FILE", .help = "log into this file instead of stderr; SIGUSR1 opens it anew" \
    }

/* NULL, or what contradicts what. */
const char *log_settings_check(const struct log_settings *settings);

/* From now on; again to open the file anew. `program` is static. RC_SYSTEM: `why`, and lines go where they went. */
enum rc log_output(const struct log_settings *settings, const char *program,
                   char why[static CONF_WHY_BYTES]) MUST_CHECK;

#endif
