/* args.h - the command line: one table of options, read wherever they stand.
 *
 * Options may stand before the verb, behind it and between its words; `--` ends them. */
#ifndef CLIENT_CLI_ARGS_H
#define CLIENT_CLI_ARGS_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct client_settings;

/* Where an option may be used. */
enum args_use {
    USE_LINE = 1 << 0, /* no verb */
    USE_SEND = 1 << 1,
    USE_TAIL = 1 << 2,
    USE_HISTORY = 1 << 3,
    USE_PLAIN = 1 << 4, /* verbs without options of their own */
    USE_INVITE = 1 << 5,
    USE_DEVICE = 1 << 6, /* one more of them */
    USE_CREATE = 1 << 7,
    USE_BAN = 1 << 8,
    USE_MUTE = 1 << 9,
    USE_UNBAN = 1 << 10,
    USE_WAIT = 1 << 11,
    USE_EXEC = 1 << 12,
    USE_SEARCH = 1 << 13,
    USE_DISCOVER = 1 << 20,
    USE_PURGE = 1 << 21,
};
#define USE_ALL ((1 << 22) - 1)

#define ARGS_TIMEOUT_MS 10000 /* when nothing else is said */

enum wait_level { WAIT_STORED, WAIT_DELIVERED };

struct args {
    const struct cli_verb *verb;   /* NULL: none was given */
    const struct cli_group *group; /* with --help: of verbs, when only its first word was given */
    const char *broker, *nick, *home, *history, *config; /* NULL when not given */
    uint32_t timeout_ms;
    bool has_timeout;
    bool is_json, is_plain, is_verbose, is_help, is_version;
    bool is_check, is_print;                /* of the configuration */
    bool is_text;                           /* no JSON */
    const struct client_settings *settings; /* what configured() has added; NULL before */

    enum wait_level wait;
    bool is_lines, is_notice;
    uint64_t session; /* 0: none given */
    uint32_t number;  /* 0: none given */

    const char *since, *durable; /* NULL when not given */
    uint64_t last, count, before;
    bool has_last, has_count, has_before;      /* before: as a number, which a time is not */
    const char *before_when, *after_when, *in; /* NULL when not given */
    bool is_until_end;

    const char *format; /* NULL, or the template that was given or named */
    bool is_utc;

    const char *match, *from; /* NULL when not given */
    bool ignores_case, is_mention;
    uint32_t limit_ms, jobs; /* of exec; never 0 */

    const char *role;          /* NULL when not given */
    const char *key;           /* 64 hexadecimal digits, or NULL */
    uint32_t expires_s, for_s; /* 0: not given */
    bool is_private, is_persistent;
    uint32_t seconds; /* 0: not given */

    const char **word; /* behind the verb; point into argv */
    size_t word_count;
    bool has_rest;     /* there was a `--` ... */
    size_t rest_first; /* ... before this word */
};

/* Read the command line. RC_CONFIG: `why` (static size below) has one sentence. args_fini() frees the words
 * in either case. */
#define ARGS_WHY_BYTES 512
enum rc args_parse(int argc, char **argv, struct args *ret,
                   char why[static ARGS_WHY_BYTES]) MUST_CHECK;
void args_fini(struct args *self);

/* True for a role at a broker: "member", "operator", "owner". */
bool args_is_role(const char *given);

struct completion_option;

/* The options as shells complete them; they live for ever. `ret` has ARGS_OPTIONS_MAX. Returns how many. */
#define ARGS_OPTIONS_MAX 64
size_t args_completion(struct completion_option *ret);

/* The options for one use, a line each. */
void args_print_options(FILE *out, unsigned use);

#endif
