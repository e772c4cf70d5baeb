#include "client/logger/options.h"

#include "client/logger/amounts.h"

#include <getopt.h>
#include <string.h>

enum {
    OPT_OUT = 1,
    OPT_BROKER,
    OPT_STREAMS,
    OPT_FORMAT,
    OPT_ROTATE,
    OPT_KEEP,
    OPT_COMPRESS,
    OPT_UTC,
    OPT_CONFIRM,
    OPT_NICK,
    OPT_HOME,
    OPT_HISTORY,
    OPT_HELP,
    OPT_VERSION
};

void logger_options_help(FILE *out)
{
    fputs(
        "usage: zchat-logger --out DIR [OPTION ...]\n"
        "\n"
        "Archives streams without gaps or repeats, over its own and the broker's restarts.\n"
        "\n"
        "  --out DIR            the folder of the archive; it is made if it is missing\n"
        "  --broker URL         zchat://HOST:PORT?key=KEY; else $ZCHAT_BROKER, the last one used,\n"
        "                       the local broker's\n"
        "  --streams PATTERNS   which streams, with commas between: '#*', '#team-*,!#team-x', "
        "'@NICK'\n"
        "                       (the logger's own); private rooms it is in, too, when they match.\n"
        "                       Default: all public rooms\n"
        "  --format FORMAT      jsonl (default), text (as irclog2html reads it) or both\n"
        "  --rotate WHEN        daily, a size (500K, 100M, 2G), daily,SIZE or none (default)\n"
        "  --keep HOW-MUCH      of rotated files of each stream: 30 (files), 90d, 10G or all "
        "(default)\n"
        "  --compress           compress rotated files (NAME.2026-11-25.jsonl.gz)\n"
        "  --utc                days and times of text are UTC; default: local time\n"
        "  --confirm            tell senders that private messages to the logger have arrived\n"
        "  --nick NICK          who the logger is; default: logger\n"
        "  --home DIR           one folder for its key; else $ZCHAT_HOME, the XDG folders\n"
        "  --history FILE       append what is shown, for zchat-check\n"
        "  --help, --version\n"
        "\n"
        "Files are DIR/NAME.jsonl and DIR/NAME.log with NAME percent-encoded (%23lobby.jsonl); "
        "rotated\n"
        "ones NAME.2026-11-25.jsonl, or NAME.000000000042.jsonl with the seq of the last event.\n"
        "SIGUSR1 opens the files again; SIGHUP does so too and looks for new rooms at once.\n"
        "Exit: 0 stopped, 1 failed, 2 usage, 5 cannot connect or not let in.\n",
        out);
}

static enum rc parse_format(struct logger_options *self, const char *text, char *why)
{
    self->has_jsonl = strcmp(text, "jsonl") == 0 || strcmp(text, "both") == 0;
    self->has_text = strcmp(text, "text") == 0 || strcmp(text, "both") == 0;
    if (self->has_jsonl || self->has_text)
        return RC_OK;
    snprintf(why, 160, "--format: '%.40s' is none of jsonl, text, both", text);
    return RC_CONFIG;
}

static enum rc parse_rotate(struct logger_options *self, const char *text, char *why)
{
    const enum rc rc = rotation_parse(text, &self->rotation);

    if (rc != RC_OK)
        snprintf(why, 160, "--rotate: '%.40s' is none of " ROTATION_EXPECTED, text);
    return rc;
}

static enum rc parse_keep(struct logger_options *self, const char *text, char *why)
{
    const enum rc rc = keep_parse(text, &self->keep);

    if (rc != RC_OK)
        snprintf(why, 160, "--keep: '%.40s' is none of " KEEP_EXPECTED, text);
    return rc;
}

static enum rc parse_one(struct logger_options *self, int option, const char *value, char *why)
{
    switch (option) {
    case OPT_OUT:
        self->out = value;
        return RC_OK;
    case OPT_BROKER:
        self->broker = value;
        return RC_OK;
    case OPT_STREAMS:
        return patterns_add(&self->patterns, value, why);
    case OPT_FORMAT:
        return parse_format(self, value, why);
    case OPT_ROTATE:
        return parse_rotate(self, value, why);
    case OPT_KEEP:
        return parse_keep(self, value, why);
    case OPT_COMPRESS:
        self->compresses = true;
        return RC_OK;
    case OPT_UTC:
        self->is_utc = true;
        return RC_OK;
    case OPT_CONFIRM:
        self->confirms = true;
        return RC_OK;
    case OPT_NICK:
        self->nick = value;
        return RC_OK;
    case OPT_HOME:
        self->home = value;
        return RC_OK;
    case OPT_HISTORY:
        self->history = value;
        return RC_OK;
    case OPT_HELP:
        self->wants_help = true;
        return RC_OK;
    case OPT_VERSION:
        self->wants_version = true;
        return RC_OK;
    default:
        return RC_CONFIG;
    }
}

enum rc logger_options_parse(int argc, char **argv, struct logger_options *ret,
                             char ret_why[static 160])
{
    static const struct option table[] = {
        {"out", required_argument, NULL, OPT_OUT},
        {"broker", required_argument, NULL, OPT_BROKER},
        {"streams", required_argument, NULL, OPT_STREAMS},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"rotate", required_argument, NULL, OPT_ROTATE},
        {"keep", required_argument, NULL, OPT_KEEP},
        {"compress", no_argument, NULL, OPT_COMPRESS},
        {"utc", no_argument, NULL, OPT_UTC},
        {"confirm", no_argument, NULL, OPT_CONFIRM},
        {"nick", required_argument, NULL, OPT_NICK},
        {"home", required_argument, NULL, OPT_HOME},
        {"history", required_argument, NULL, OPT_HISTORY},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    struct logger_options self = {.nick = "logger", .has_jsonl = true};
    enum rc rc = RC_OK;
    int option;

    opterr = 0;
    optind = 0; /* tests parse more than once */
    ret_why[0] = '\0';
    while (rc == RC_OK && (option = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        if (option == '?' || option == ':') {
            snprintf(ret_why, 160, "'%.60s' is %s", argv[optind - 1],
                     option == '?' ? "no option" : "missing its value");
            rc = RC_CONFIG;
        } else {
            rc = parse_one(&self, option, optarg, ret_why);
        }
    }
    if (rc == RC_OK && !self.wants_help && !self.wants_version) {
        if (optind < argc) {
            snprintf(ret_why, 160, "'%.60s' is not expected", argv[optind]);
            rc = RC_CONFIG;
        } else if (self.out == NULL) {
            snprintf(ret_why, 160, "--out DIR is missing");
            rc = RC_CONFIG;
        }
    }
    if (rc != RC_OK) {
        logger_options_fini(&self);
        self = (struct logger_options){0};
    }
    *ret = self;
    return rc;
}

void logger_options_fini(struct logger_options *self)
{
    patterns_fini(&self->patterns);
}

bool logger_options_match(const struct logger_options *self, const char *stream)
{
    return patterns_match(&self->patterns, stream);
}
