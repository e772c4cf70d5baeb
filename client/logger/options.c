#include "client/logger/options.h"

#include "client/lib/net/home.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/conf/common.h"

#include <string.h>

#define FORMAT_CHOICE "jsonl|text|both"
#define CONFIG_FILE   "logger.conf" /* in the folder of the configuration */

enum format { FORMAT_JSONL, FORMAT_TEXT, FORMAT_BOTH };

static const char *check_streams(const char *text)
{
    static char why[PATTERN_WHY_BYTES]; /* as long as it takes to tell it; there is one thread */
    struct patterns patterns = {.count = 0};

    return patterns_add(&patterns, text, why) == RC_OK ? NULL : why;
}

static const char *check_rotate(const char *text)
{
    struct rotation ignored;

    return rotation_parse(text, &ignored) == RC_OK ? NULL : ROTATION_EXPECTED;
}

static const char *check_keep(const char *text)
{
    struct keep ignored;

    return keep_parse(text, &ignored) == RC_OK ? NULL : KEEP_EXPECTED;
}

#define AT(member) CONF_AT(struct logger_options, member)

/* clang-format off */
static const struct conf_row TABLE[] = {
    CONF_COMMON_CONFIG(struct logger_options),
    {.key = "out", .type = CONF_TEXT, AT(out), .argument = "DIR",
     .help = "the folder of the archive; it is made if it is missing"},
    {.key = "broker", .type = CONF_TEXT, AT(broker), .argument = "URL|@FILE",
     .help = "zchat://HOST:PORT?key=KEY, others of the same chat behind commas, or the file of them; else $ZCHAT_BROKER, the last one used, the local broker's"},
    {.key = "streams", .type = CONF_TEXT, CONF_LIST_AT(struct logger_options, streams, streams_count),
     .check = check_streams, .is_reloadable = true, .argument = "PATTERNS", .example = "streams = \"#*,!#secret*\"",
     .help = "which streams, with commas between: '#*', '#team-*,!#team-x', '@NICK' (the logger's own), and private rooms "
             "it is in when they match; default: all public rooms; may be repeated, and stands in quotation marks in a file"},
    {.key = "format", .type = CONF_CHOICE, AT(format), .initial = "jsonl", .choices = FORMAT_CHOICE,
     .is_reloadable = true, .argument = "FORMAT", .help = "jsonl, text (as irclog2html reads it) or both"},
    {.key = "rotate", .type = CONF_TEXT, AT(rotate), .initial = "none", .check = check_rotate,
     .is_reloadable = true, .argument = "WHEN", .help = "daily, a size (500K, 100M, 2G), daily,SIZE or none"},
    {.key = "keep", .type = CONF_TEXT, AT(keep), .initial = "all", .check = check_keep,
     .is_reloadable = true, .argument = "HOW-MUCH", .help = "of rotated files of each stream: 30 (files), 90d, 10G, some of "
             "them with commas, or all"},
    {.key = "compress", .type = CONF_FLAG, AT(compresses), .is_reloadable = true,
     .help = "compress rotated files (NAME.2026-11-25.jsonl.gz)"},
    {.key = "utc", .type = CONF_FLAG, AT(is_utc), .is_reloadable = true,
     .help = "days, and times of text, are those of UTC; else of the local time zone"},
    {.key = "confirm", .type = CONF_FLAG, AT(confirms),
     .help = "tell senders that private messages to the logger have arrived; only when its own stream is archived"},
    {.key = "nick", .type = CONF_TEXT, AT(nick), .initial = "logger", .argument = "NICK", .help = "who the logger is"},
    {.key = "home", .type = CONF_TEXT, AT(home), .is_command = true, .argument = "DIR",
     .help = "one folder for its configuration and key; else $ZCHAT_HOME, the XDG folders"},
    {.key = "history", .type = CONF_TEXT, AT(history), .argument = "FILE",
     .help = "append what is shown, for zchat-check"},
    LOG_ROWS(struct logger_options),
    CONF_COMMON_FLAGS(struct logger_options),
};
/* clang-format on */

static const struct conf_schema SCHEMA = {
    .program = "zchat-logger",
    .about = "The configuration of zchat-logger: see zchat-logger(1). A line that begins with # is "
             "a comment; what "
             "is commented out here is the default. No secrets belong in this file.",
    .size = sizeof(struct logger_options),
    .row = TABLE,
    .count = sizeof(TABLE) / sizeof(TABLE[0]),
};

const struct conf_schema *logger_options_schema(void)
{
    return &SCHEMA;
}

void logger_options_help(FILE *out)
{
    fputs("usage: zchat-logger --out DIR [OPTION ...]\n"
          "\n"
          "Archives streams without gaps or repeats, over its own and the broker's restarts.\n"
          "\n",
          out);
    conf_help(&SCHEMA, out);
    fputs(
        "\nFILE, or " CONFIG_FILE " in the folder of the configuration, may hold all of these but "
        "config, home,\ncheck-config, print-config, help and version.\n"
        "Files are DIR/NAME.jsonl and DIR/NAME.log with NAME percent-encoded (%23lobby.jsonl); "
        "rotated\nones NAME.2026-11-25.jsonl, or NAME.000000000042.jsonl with the seq of the last "
        "event.\n"
        "SIGUSR1 opens the files again; SIGHUP reads the configuration again, opens the files and "
        "looks\nfor new rooms at once.\n"
        "Exit: 0 stopped, 1 failed, 2 usage, 5 cannot connect or not let in.\n",
        out);
}

/* What follows from the values. RC_CONFIG: too much of what is right by itself. */
static enum rc derive(struct logger_options *self, char *why)
{
    char expected[PATTERN_WHY_BYTES];
    enum rc rc = RC_OK;

    self->has_jsonl = self->format != FORMAT_TEXT;
    self->has_text = self->format != FORMAT_JSONL;
    self->patterns.count = 0;
    for (size_t i = 0; i < self->streams_count && rc == RC_OK; i++)
        rc = patterns_add(&self->patterns, self->streams[i], expected);
    if (rc != RC_OK) {
        snprintf(why, CONF_WHY_BYTES, "streams: expected %s", expected);
        return rc;
    }
    rc = rotation_parse(self->rotate, &self->rotation);
    if (rc == RC_OK)
        rc = keep_parse(self->keep, &self->kept);
    return rc;
}

static enum rc finish(struct logger_options *self, char *why)
{
    const char *contradiction = log_settings_check(&self->log);

    if (derive(self, why) != RC_OK)
        return RC_CONFIG;
    if (contradiction != NULL) {
        snprintf(why, CONF_WHY_BYTES, "%s", contradiction);
        return RC_CONFIG;
    }
    if (self->out[0] == '\0' && !self->common.is_print) {
        snprintf(why, CONF_WHY_BYTES, "--out DIR is missing");
        return RC_CONFIG;
    }
    return RC_OK;
}

/* The file that is read when --config names none; "": there is no folder for it. */
static void find_file(int argc, char *const *argv, char *buf, size_t capacity)
{
    struct logger_options *given = x_alloc(1, sizeof(*given));
    char ignored[CONF_WHY_BYTES];
    struct why no_home;
    struct home home;

    buf[0] = '\0';
    /* What is wrong there will be told when it is read for good. */
    if (conf_read_arguments(&SCHEMA, given, argc, argv, ignored) == RC_OK &&
        home_find(given->home, &home, &no_home) == RC_OK)
        snprintf(buf, capacity, "%s/%s", home.config, CONFIG_FILE);
    free(given);
}

enum rc logger_options_parse(int argc, char *const *argv, struct logger_options *ret,
                             char ret_why[static CONF_WHY_BYTES])
{
    struct logger_options *options = x_alloc(1, sizeof(*options));
    char file[FILE_PATH_MAX];
    enum rc rc;

    ret_why[0] = '\0';
    find_file(argc, argv, file, sizeof(file));
    rc = conf_load(&SCHEMA, options, file[0] != '\0' ? file : NULL, argc, argv, NULL, ret_why);
    if (rc == RC_OK && !options->common.is_help && !options->common.is_version)
        rc = finish(options, ret_why);
    if (rc == RC_OK)
        *ret = *options;
    free(options);
    return rc;
}

void logger_options_reload(struct logger_options *self, const struct logger_options *fresh,
                           struct conf_changes *ret)
{
    char ignored[CONF_WHY_BYTES];
    enum rc rc;

    conf_reload(&SCHEMA, self, fresh, ret);
    rc = derive(self, ignored);
    INVARIANT(rc == RC_OK); /* it was, in `fresh` */
}
