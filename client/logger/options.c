#include "client/logger/options.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_OUT = 1,
    OPT_BROKER,
    OPT_STREAMS,
    OPT_FORMAT,
    OPT_ROTATE,
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
        "  --streams PATTERNS   which streams, with commas between: '#*' (all rooms, the "
        "default),\n"
        "                       '#team-*', '@NICK' (the logger's own)\n"
        "  --format FORMAT      jsonl (default), text or both\n"
        "  --rotate WHEN        daily (UTC), a size (500K, 100M, 2G) or none (default)\n"
        "  --nick NICK          who the logger is; default: logger\n"
        "  --home DIR           one folder for its key; else $ZCHAT_HOME, the XDG folders\n"
        "  --history FILE       append what is shown, for zchat-check\n"
        "  --help, --version\n"
        "\n"
        "Files are DIR/NAME.jsonl and DIR/NAME.log with NAME percent-encoded (%23lobby.jsonl).\n"
        "SIGUSR1 opens the files again; SIGHUP does so too and looks for new rooms at once.\n"
        "Exit: 0 stopped, 1 failed, 2 usage, 5 cannot connect or not let in.\n",
        out);
}

static enum rc add_patterns(struct logger_options *self, const char *list, char *why)
{
    while (*list != '\0') {
        const size_t len = strcspn(list, ", ");

        if (len > 0) {
            if (list[0] != '#' && list[0] != '@') {
                snprintf(why, 160, "--streams: '%.*s' does not begin with # or @",
                         (int)(len < 64 ? len : 64), list);
                return RC_CONFIG;
            }
            if (self->patterns_count == PATTERNS_MAX) {
                snprintf(why, 160, "--streams: at most %d patterns", PATTERNS_MAX);
                return RC_CONFIG;
            }
            self->patterns[self->patterns_count++] = x_spandup((struct span){list, len});
        }
        list += len + strspn(list + len, ", ");
    }
    return RC_OK;
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
    static const char units[] = "KMGT";
    unsigned long long size;
    char *end;

    self->rotation = (struct rotation){.kind = ROTATE_NONE};
    if (strcmp(text, "none") == 0)
        return RC_OK;
    if (strcmp(text, "daily") == 0) {
        self->rotation.kind = ROTATE_DAILY;
        return RC_OK;
    }
    errno = 0;
    size = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && errno == 0 && size > 0) {
        const char *unit = *end == '\0' ? NULL : strchr(units, *end & ~0x20);
        const unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);

        if ((*end == '\0' || (unit != NULL && end[1] == '\0')) && size <= UINT64_MAX >> shift) {
            self->rotation = (struct rotation){.kind = ROTATE_SIZE, .size_bytes = size << shift};
            return RC_OK;
        }
    }
    snprintf(why, 160, "--rotate: '%.40s' is none of daily, none, a size as 500K, 100M, 2G", text);
    return RC_CONFIG;
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
        return add_patterns(self, value, why);
    case OPT_FORMAT:
        return parse_format(self, value, why);
    case OPT_ROTATE:
        return parse_rotate(self, value, why);
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
    if (rc == RC_OK && self.patterns_count == 0)
        rc = add_patterns(&self, "#*", ret_why);
    if (rc != RC_OK) {
        logger_options_fini(&self);
        self = (struct logger_options){0};
    }
    *ret = self;
    return rc;
}

void logger_options_fini(struct logger_options *self)
{
    for (size_t i = 0; i < self->patterns_count; i++)
        free(self->patterns[i]);
    self->patterns_count = 0;
}

bool logger_options_match(const struct logger_options *self, const char *stream)
{
    for (size_t i = 0; i < self->patterns_count; i++)
        if (fnmatch(self->patterns[i], stream, 0) == 0)
            return true;
    return false;
}
