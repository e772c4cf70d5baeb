/* options.h - the command line of zchat-logger. */
#ifndef CLIENT_LOGGER_OPTIONS_H
#define CLIENT_LOGGER_OPTIONS_H

#include "client/logger/asides.h"
#include "client/logger/logfile.h"
#include "client/logger/patterns.h"
#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdio.h>

struct logger_options {
    const char *out;
    const char *broker; /* NULL: as libzchat chooses */
    const char *nick;
    const char *home;         /* NULL: as libzchat chooses */
    const char *history;      /* NULL: none is kept */
    struct patterns patterns; /* none: all public rooms */
    bool has_jsonl, has_text;
    struct rotation rotation;
    struct keep keep;
    bool is_utc, compresses, confirms;
    bool wants_help, wants_version;
};

/* Parse; strings borrow from argv. RC_CONFIG: ret_why (at least 160 bytes) says which argument and what
 * was expected; *ret is cleared. */
enum rc logger_options_parse(int argc, char **argv, struct logger_options *ret,
                             char ret_why[static 160]) MUST_CHECK;
void logger_options_fini(struct logger_options *self);

/* Is `stream` one of those asked for? */
bool logger_options_match(const struct logger_options *self, const char *stream);

void logger_options_help(FILE *out);

#endif
