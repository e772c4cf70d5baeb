#include "client/cli/args.h"

#include "client/cli/format.h"
#include "client/cli/verbs.h"
#include "client/cli/when.h"
#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/text/clean.h"
#include "shared/text/completion.h"
#include "shared/text/url.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_MS_DEFAULT 30000
#define JOBS_MAX         64
#define EXPIRES_S_MIN    60 /* protocol 5.3 */
#define SECONDS_MAX      3600

/* Take a value into `args`; false: `expected` of its row is not met. */
typedef bool take_function(struct args *args, const char *value);

#define FLAG(member)                                                \
    static bool take_##member(struct args *args, const char *value) \
    {                                                               \
        (void)value;                                                \
        args->member = true;                                        \
        return true;                                                \
    }
FLAG(is_json)
FLAG(is_plain)
FLAG(is_verbose)
FLAG(is_help)
FLAG(is_version)
FLAG(is_lines)
FLAG(is_notice)
FLAG(is_until_end)
FLAG(is_private)
FLAG(is_persistent)
FLAG(is_check)
FLAG(is_print)
FLAG(is_text)
FLAG(is_utc)
FLAG(ignores_case)
FLAG(is_mention)
#undef FLAG

#define TEXT(member)                                                \
    static bool take_##member(struct args *args, const char *value) \
    {                                                               \
        args->member = value;                                       \
        return value[0] != '\0';                                    \
    }
TEXT(broker)
TEXT(nick)
TEXT(home)
TEXT(history)
TEXT(config)
TEXT(match)
TEXT(from)
TEXT(in)
TEXT(after_when)
#undef TEXT

static bool take_timeout(struct args *args, const char *value)
{
    uint64_t ms;

    if (when_duration(value, &ms) != RC_OK || ms == 0 || ms > UINT32_MAX)
        return false;
    args->timeout_ms = (uint32_t)ms;
    args->has_timeout = true;
    return true;
}

static bool take_limit(struct args *args, const char *value)
{
    uint64_t ms;

    if (when_duration(value, &ms) != RC_OK || ms == 0 || ms > UINT32_MAX)
        return false;
    args->limit_ms = (uint32_t)ms;
    return true;
}

static bool take_jobs(struct args *args, const char *value)
{
    uint64_t jobs;

    if (when_number(value, JOBS_MAX, &jobs) != RC_OK || jobs == 0)
        return false;
    args->jobs = (uint32_t)jobs;
    return true;
}

/* What is wrong with a template says check_whole(). */
static bool take_format(struct args *args, const char *value)
{
    args->format = value;
    return true;
}

static bool take_wait(struct args *args, const char *value)
{
    args->wait = strcmp(value, "delivered") == 0 ? WAIT_DELIVERED : WAIT_STORED;
    return args->wait == WAIT_DELIVERED || strcmp(value, "stored") == 0;
}

static bool take_session(struct args *args, const char *value)
{
    unsigned char bytes[8];

    if (hex_decode((struct span){value, strlen(value)}, bytes, sizeof(bytes)) != RC_OK)
        return false;
    args->session = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        args->session = args->session << 8 | bytes[i];
    return args->session != 0;
}

static bool take_post_number(struct args *args, const char *value)
{
    uint64_t number;

    if (when_number(value, UINT32_MAX, &number) != RC_OK || number == 0)
        return false;
    args->number = (uint32_t)number;
    return true;
}

static bool take_since(struct args *args, const char *value)
{
    struct since ignored;

    args->since = value;
    return when_since(value, 0, &ignored) == RC_OK;
}

static bool take_durable(struct args *args, const char *value)
{
    args->durable = value;
    return value[0] != '\0' && strlen(value) <= MARK_NAME_BYTES_MAX;
}

bool args_is_role(const char *given)
{
    return strcmp(given, "member") == 0 || strcmp(given, "operator") == 0 ||
           strcmp(given, "owner") == 0;
}

static bool take_role(struct args *args, const char *value)
{
    args->role = value;
    return args_is_role(value);
}

static bool take_key(struct args *args, const char *value)
{
    unsigned char ignored[PUBLIC_KEY_BYTES];

    args->key = value;
    return hex_decode(span_of(value), ignored, sizeof(ignored)) == RC_OK;
}

static bool take_expires(struct args *args, const char *value)
{
    return when_seconds(value, EXPIRES_S_MIN, INVITE_SECONDS_MAX, &args->expires_s) == RC_OK;
}

static bool take_for_s(struct args *args, const char *value)
{
    return when_seconds(value, 1, INVITE_SECONDS_MAX, &args->for_s) == RC_OK;
}

static bool take_seconds(struct args *args, const char *value)
{
    uint64_t seconds;

    if (when_number(value, SECONDS_MAX, &seconds) != RC_OK || seconds == 0)
        return false;
    args->seconds = (uint32_t)seconds;
    return true;
}

#define NUMBER(member)                                                \
    static bool take_##member(struct args *args, const char *value)   \
    {                                                                 \
        args->has_##member = true;                                    \
        return when_number(value, INT64_MAX, &args->member) == RC_OK; \
    }
NUMBER(last)
NUMBER(count)
#undef NUMBER

/* An event's number or a time, as the verb has it: see check_before(). */
static bool take_before(struct args *args, const char *value)
{
    args->before_when = value;
    args->has_before = when_number(value, INT64_MAX, &args->before) == RC_OK;
    return value[0] != '\0';
}

struct option_row {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* what it takes; NULL: a flag */
    const char *takes; /* the same for a complaint; NULL: `value` says it */
    unsigned uses;
    take_function *take;
    const char *help;
};

static const struct option_row options[] = {
    {"broker", 0, "URL|@FILE", NULL, USE_ALL, take_broker,
     "an address, an invitation, or the file of one; else $ZCHAT_BROKER, the last one, the local "
     "one"},
    {"nick", 0, "NICK", NULL, USE_ALL, take_nick, "else $ZCHAT_NICK, the last one, the login name"},
    {"home", 0, "DIR", NULL, USE_ALL, take_home, "keys and state in one folder; else $ZCHAT_HOME"},
    {"history", 0, "FILE", NULL, USE_ALL, take_history,
     "append what is sent, told and shown, for zchat-check"},
    {"timeout", 0, "TIME", NULL, USE_ALL, take_timeout, "give up after this (10s)"},
    {"config", 0, "FILE", NULL, USE_ALL, take_config,
     "else zchat.conf in the folder of the configuration"},
    {"json", 0, NULL, NULL, USE_ALL, take_is_json, "one JSON object a line"},
    {"no-json", 0, NULL, NULL, USE_ALL, take_is_text,
     "text, also where the configuration says json"},
    {"verbose", 'v', NULL, NULL, USE_ALL, take_is_verbose, "tell more: receipts, the link"},
    {"plain", 0, NULL, NULL, USE_LINE, take_is_plain, "line mode on a terminal, too"},
    {"wait", 0, "stored|delivered", NULL, USE_SEND, take_wait, "how far to wait (stored)"},
    {"lines", 0, NULL, NULL, USE_SEND, take_is_lines, "each line of standard input is a message"},
    {"notice", 0, NULL, NULL, USE_SEND, take_is_notice, "as a program: nobody should answer"},
    {"session", 0, "S", NULL, USE_SEND, take_session,
     "repeat a post of this session (16 hex digits) ..."},
    {"number", 0, "N", NULL, USE_SEND, take_post_number,
     "... and number: never makes a second message"},
    {"match", 0, "REGEX", NULL, USE_WAIT | USE_EXEC, take_match,
     "messages in which this matches (PCRE; ^ and $ at every line)"},
    {"ignore-case", 'i', NULL, NULL, USE_WAIT | USE_EXEC, take_ignores_case,
     "--match takes a for A"},
    {"from", 0, "NICK", NULL, USE_WAIT | USE_EXEC | USE_SEARCH, take_from,
     "messages of this person alone"},
    {"mention", 0, NULL, NULL, USE_WAIT | USE_EXEC, take_is_mention,
     "messages that name you, as nick or @nick"},
    {"since", 0, "SEQ|10m|TIME|all", NULL, USE_TAIL | USE_WAIT | USE_EXEC, take_since,
     "begin there"},
    {"last", 'n', "N", NULL, USE_TAIL | USE_HISTORY | USE_SEARCH, take_last,
     "begin N events before the end; search: the newest N"},
    {"count", 0, "N", NULL, USE_TAIL | USE_EXEC, take_count, "end after N events"},
    {"limit", 0, "TIME", NULL, USE_EXEC, take_limit, "how long one run may take (30s)"},
    {"jobs", 0, "N", "a number from 1 to 64", USE_EXEC, take_jobs, "so many runs at a time (1)"},
    {"format", 0, "FORMAT", NULL, USE_TAIL | USE_HISTORY | USE_WAIT | USE_SEARCH, take_format,
     "%t time %f from %s stream %q number %m text %k kind, or short, long, tsv"},
    {"utc", 0, NULL, NULL, USE_TAIL | USE_HISTORY | USE_WAIT | USE_SEARCH, take_is_utc,
     "times in UTC, not of here"},
    {"until-end", 0, NULL, NULL, USE_TAIL, take_is_until_end, "end when all was read"},
    {"durable", 0, "NAME", NULL, USE_TAIL | USE_EXEC, take_durable,
     "the broker remembers the place under this name"},
    {"in", 0, "STREAM", NULL, USE_SEARCH, take_in,
     "#room; @nick: private messages with that person"},
    {"before", 0, "SEQ|TIME", NULL, USE_HISTORY | USE_SEARCH | USE_PURGE, take_before,
     "what stands before this event; search, purge: 1d, 2026-11-23 ..."},
    {"after", 0, "TIME", NULL, USE_SEARCH, take_after_when, "not older than 1d, 2026-11-23 ..."},
    {"role", 0, "ROLE", "member|operator|owner", USE_INVITE, take_role,
     "of who comes: member (as without), operator or owner"},
    {"expires", 0, "TIME", "a time from 1m to 365d", USE_INVITE | USE_DEVICE, take_expires,
     "how long the invitation is good (1d)"},
    {"private", 0, NULL, NULL, USE_CREATE, take_is_private, "only who is invited may come in"},
    {"persistent", 0, NULL, NULL, USE_CREATE, take_is_persistent,
     "stays as it is when everybody has left"},
    {"for", 0, "TIME", "a time from 1s to 365d", USE_BAN | USE_MUTE, take_for_s,
     "ends after this (for ever)"},
    {"key", 0, "KEY", "64 hexadecimal digits", USE_BAN | USE_UNBAN, take_key,
     "one device, not a person"},
    {"seconds", 0, "N", "1 to 3600", USE_DISCOVER, take_seconds, "how long to listen (3)"},
    {"check-config", 0, NULL, NULL, USE_ALL, take_is_check, "check the configuration and exit"},
    {"print-config", 0, NULL, NULL, USE_ALL, take_is_print,
     "print the configuration with every setting and its default, and exit"},
    {"help", 'h', NULL, NULL, USE_ALL, take_is_help, "this"},
    {"version", 0, NULL, NULL, USE_ALL, take_is_version, "name and version"},
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

_Static_assert(OPTION_COUNT <= ARGS_OPTIONS_MAX, "ARGS_OPTIONS_MAX");

size_t args_completion(struct completion_option *ret)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        ret[i] = (struct completion_option){.name = options[i].name,
                                            .letter = options[i].letter,
                                            .value = options[i].value,
                                            .help = options[i].help,
                                            .uses = options[i].uses};
    return OPTION_COUNT;
}

void args_print_options(FILE *out, unsigned use)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &options[i];
        char left[64];

        if ((row->uses & use) == 0)
            continue;
        snprintf(left, sizeof(left), "%s%c%s--%s%s%s", row->letter == 0 ? "" : "-",
                 row->letter == 0 ? ' ' : row->letter, row->letter == 0 ? "   " : ", ", row->name,
                 row->value == NULL ? "" : " ", row->value == NULL ? "" : row->value);
        fprintf(out, "  %-30s %s\n", left, row->help);
    }
}

static const struct option_row *find_option(const char *word, const char **ret_value)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &options[i];
        size_t len = strlen(row->name);

        *ret_value = NULL;
        if (row->letter != 0 && word[0] == '-' && word[1] == row->letter) {
            if (word[2] != '\0' && row->value != NULL)
                *ret_value = word + 2; /* -n5 */
            if (word[2] == '\0' || row->value != NULL)
                return row;
        }
        if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, row->name, len) != 0)
            continue;
        if (word[2 + len] == '=')
            *ret_value = word + 2 + len + 1;
        if (word[2 + len] == '\0' || *ret_value != NULL)
            return row;
    }
    return NULL;
}

static enum rc complain(char why[static ARGS_WHY_BYTES], const char *before, const char *word,
                        const char *after)
{
    char shown[128];

    clean_copy(shown, sizeof(shown), span_of(word));
    snprintf(why, ARGS_WHY_BYTES, "%s%s%s", before, shown, after);
    return RC_CONFIG;
}

/* Take the option at argv[*at]; *at moves to its last word. */
static enum rc take_option(int argc, char **argv, int *at, struct args *args, unsigned *uses,
                           char why[static ARGS_WHY_BYTES])
{
    const char *value, *word = argv[*at];
    const struct option_row *row = find_option(word, &value);
    char sentence[256];

    if (row == NULL)
        return complain(why, "there is no option ", word,
                        "; `zchat --help` lists them, and -- ends them");
    if (row->value == NULL && value != NULL)
        return complain(why, "", word, ": this option takes no value");
    if (row->value != NULL && value == NULL) {
        if (*at + 1 >= argc)
            return complain(why, "", word, " needs a value");
        value = argv[++*at];
    }
    if (!row->take(args, value == NULL ? "" : value)) {
        snprintf(sentence, sizeof(sentence), "--%s takes %s, not \"", row->name,
                 row->takes == NULL ? row->value : row->takes);
        return complain(why, sentence, value == NULL ? "" : value, "\"");
    }
    *uses &= row->uses;
    return RC_OK;
}

static enum rc check_format(struct args *args, char why[static ARGS_WHY_BYTES])
{
    char wrong[FORMAT_WHY_BYTES], before[FORMAT_WHY_BYTES + 64];

    if (args->format == NULL)
        return RC_OK;
    if (args->is_json) {
        snprintf(why, ARGS_WHY_BYTES, "--json and --format are two forms: give one of them");
        return RC_CONFIG;
    }
    if (format_find(args->format, &args->format, wrong) == RC_OK)
        return RC_OK;
    snprintf(before, sizeof(before), "--format: %s: \"", wrong);
    return complain(why, before, args->format, "\"");
}

static enum rc check_before(const struct args *args, char why[static ARGS_WHY_BYTES])
{
    if (args->before_when == NULL || args->has_before || args->verb->use != USE_HISTORY)
        return RC_OK;
    return complain(why, "--before takes SEQ, not \"", args->before_when, "\"");
}

/* exec: what stands behind the stream is not ours to read, and `--` says so. */
static enum rc check_rest(const struct args *args, char why[static ARGS_WHY_BYTES])
{
    if (args->verb == NULL || args->verb->use != USE_EXEC ||
        (args->has_rest && args->rest_first == 1))
        return RC_OK;
    snprintf(why, ARGS_WHY_BYTES, "usage: zchat exec %s", args->verb->usage);
    return RC_CONFIG;
}

/* What only a look at the whole shows. */
static enum rc check_whole(struct args *args, unsigned uses, char why[static ARGS_WHY_BYTES])
{
    unsigned use = args->verb == NULL ? USE_LINE : args->verb->use;
    const char *name = args->verb == NULL ? "" : args->verb->name;

    if (args->is_help || args->is_version || args->is_check || args->is_print)
        return RC_OK;
    if (args->is_json && args->is_text) {
        snprintf(why, ARGS_WHY_BYTES, "--json and --no-json say the opposite: give one of them");
        return RC_CONFIG;
    }
    if (args->group != NULL && args->verb == NULL) {
        snprintf(why, ARGS_WHY_BYTES, "zchat %s needs one more word: `zchat %s --help` lists them",
                 args->group->name, args->group->name);
        return RC_CONFIG;
    }
    if ((uses & use) == 0) {
        snprintf(why, ARGS_WHY_BYTES,
                 "%s%s does not take one of these options; see zchat %s%s--help",
                 args->verb == NULL ? "the chat itself" : "zchat ", name, name,
                 name[0] == '\0' ? "" : " ");
        return RC_CONFIG;
    }
    if (args->verb != NULL &&
        (args->word_count < args->verb->words_min || args->word_count > args->verb->words_max)) {
        snprintf(why, ARGS_WHY_BYTES, "usage: zchat %s %s", name, args->verb->usage);
        return RC_CONFIG;
    }
    if (args->key != NULL && args->verb != NULL && args->word_count > args->verb->words_min) {
        snprintf(why, ARGS_WHY_BYTES, "--key says which device: leave NICK away");
        return RC_CONFIG;
    }
    if ((args->session == 0) != (args->number == 0)) {
        snprintf(why, ARGS_WHY_BYTES, "--session and --number go together");
        return RC_CONFIG;
    }
    if (args->is_lines && args->word_count > 1 &&
        !(args->word_count == 2 && strcmp(args->word[1], "-") == 0)) {
        snprintf(why, ARGS_WHY_BYTES, "--lines reads standard input: leave TEXT away");
        return RC_CONFIG;
    }
    if (args->since != NULL && args->has_last) {
        snprintf(why, ARGS_WHY_BYTES, "--since and -n both say where to begin: give one of them");
        return RC_CONFIG;
    }
    return check_rest(args, why) == RC_OK && check_before(args, why) == RC_OK
               ? check_format(args, why)
               : RC_CONFIG;
}

static enum rc complain_of_verb(const struct cli_group *group, const char *word,
                                char why[static ARGS_WHY_BYTES])
{
    char before[64], after[64];
    const char *space = group == NULL ? "" : " ";
    const char *name = group == NULL ? "" : group->name;

    snprintf(before, sizeof(before), "there is no verb %s%s", name, space);
    snprintf(after, sizeof(after), "; `zchat %s%s--help` lists them", name, space);
    return complain(why, before, word, after);
}

/* The verb, or the first or second word of one that has two. */
static enum rc take_verb(const char *word, struct args *args, char why[static ARGS_WHY_BYTES])
{
    if (args->group == NULL) {
        args->group = verb_group(word);
        if (args->group != NULL)
            return RC_OK;
    }
    args->verb = verb_find(args->group, word);
    return args->verb != NULL ? RC_OK : complain_of_verb(args->group, word, why);
}

enum rc args_parse(int argc, char **argv, struct args *ret, char why[static ARGS_WHY_BYTES])
{
    unsigned uses = USE_ALL;
    bool is_over = false; /* no more options */
    enum rc rc = RC_OK;

    *ret = (struct args){.timeout_ms = ARGS_TIMEOUT_MS, .limit_ms = LIMIT_MS_DEFAULT, .jobs = 1};
    ret->word = x_alloc((size_t)argc + 1, sizeof(*ret->word));
    for (int i = 1; i < argc && rc == RC_OK; i++) {
        const char *word = argv[i];

        if (!is_over && strcmp(word, "--") == 0) {
            is_over = ret->has_rest = true;
            ret->rest_first = ret->word_count;
        } else if (!is_over && word[0] == '-' && word[1] != '\0') {
            rc = take_option(argc, argv, &i, ret, &uses, why);
        } else if (ret->verb == NULL) {
            rc = take_verb(word, ret, why);
        } else {
            ret->word[ret->word_count++] = word;
        }
    }
    return rc == RC_OK ? check_whole(ret, uses, why) : rc;
}

void args_fini(struct args *self)
{
    free(self->word);
    self->word = NULL;
    self->word_count = 0;
}
