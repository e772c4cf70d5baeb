/* options.h - the settings of zchat-logger: its table for shared/conf, and what only a look at the whole shows. */
#ifndef CLIENT_LOGGER_OPTIONS_H
#define CLIENT_LOGGER_OPTIONS_H

#include "client/logger/amounts.h"
#include "client/logger/patterns.h"
#include "shared/conf/conf.h"
#include "shared/log/output.h"

#include <stdbool.h>
#include <stdio.h>

/* Texts are empty where nothing was given; then libzchat chooses. */
struct logger_options {
    struct conf_common common;
    char out[CONF_PATH_BYTES];
    char broker[CONF_VALUE_BYTES];
    char nick[160];
    char home[CONF_PATH_BYTES];
    char history[CONF_PATH_BYTES];
    char streams[PATTERNS_MAX][CONF_VALUE_BYTES]; /* each a list with commas */
    size_t streams_count;
    uint32_t format;
    char rotate[AMOUNT_BYTES];
    char keep[AMOUNT_BYTES];
    uint32_t compresses; /* flags are 0 or 1 */
    uint32_t is_utc;
    uint32_t confirms;
    struct log_settings log;

    /* What follows from these. */
    bool has_jsonl, has_text;
    struct rotation rotation;
    struct keep kept;
    struct patterns patterns; /* none: all public rooms */
};

const struct conf_schema *logger_options_schema(void);

/* Read file and command line. RC_CONFIG: ret_why says which setting and what was expected; *ret is as it was. */
enum rc logger_options_parse(int argc, char *const *argv, struct logger_options *ret,
                             char ret_why[static CONF_WHY_BYTES]) MUST_CHECK;

/* Take the reloadable values of `fresh`, and say what differs: the others need a restart. */
void logger_options_reload(struct logger_options *self, const struct logger_options *fresh,
                           struct conf_changes *ret);

void logger_options_help(FILE *out);

#endif
