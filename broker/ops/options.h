/* options.h - the broker's configuration: one table from which the command line, the file, --help,
 * --print-config and the tests are served.
 *
 * The command line outdoes the file, the file the defaults. */
#ifndef BROKER_OPS_OPTIONS_H
#define BROKER_OPS_OPTIONS_H

#include "broker/core/core.h"
#include "shared/base/log.h"
#include "shared/text/url.h"

#include <stdio.h>

#define BIND_MAX          16
#define PATH_BYTES_MAX    512
#define OPTIONS_WHY_BYTES 1024

struct options {
    uint32_t is_help; /* flags are 0 or 1 */
    uint32_t is_version;
    uint32_t is_check;
    uint32_t is_print;
    char config[PATH_BYTES_MAX];
    char data[PATH_BYTES_MAX];
    struct broker_url bind[BIND_MAX]; /* host (a number) and is_ipc; no port, no key */
    size_t bind_count;
    uint32_t port; /* 0: a free pair */
    uint32_t io_threads;
    uint32_t reader_threads;
    uint32_t is_insecure;
    uint32_t registration; /* as in limits, once options_parse() is through */
    char metrics[PATH_BYTES_MAX];
    uint32_t log_level; /* enum log_level */
    char log_file[PATH_BYTES_MAX];
    char history[PATH_BYTES_MAX]; /* "": none is kept */
    uint32_t is_sandboxed;
    uint32_t connections_max; /* 0: as many as there are descriptors */
    uint32_t connections_per_address;
    uint32_t handshakes_pending_max; /* of one address */
    uint32_t handshakes_per_address; /* a second; 0: no limit */
    uint32_t handshakes_per_address_burst;
    uint32_t handshakes_per_key;
    uint32_t handshakes_per_key_burst;
    uint32_t disk_free_min_mib;
    uint32_t disk_use_max_mib; /* 0: no limit */
    uint32_t ballast_mib;
    struct core_limits limits; /* all but hash_key */
};

enum option_type {
    OPTION_TEXT,
    OPTION_UINT,
    OPTION_FLAG,    /* yes or no; on the command line without a value */
    OPTION_CHOICE,  /* one of `choices`, kept as its index */
    OPTION_ADDRESS, /* may be repeated */
};

struct option_row {
    const char *key;
    enum option_type type;
    size_t offset;       /* in struct options */
    const char *initial; /* NULL: empty, or no */
    uint32_t least;
    uint32_t most;
    const char *choices; /* "a|b|c" */
    bool is_reloadable;  /* by SIGHUP */
    bool is_command;     /* on the command line only */
    const char *argument;
    const char *help;
};

const struct option_row *options_table(size_t *ret_count);

/* Read command line, file and defaults. RC_CONFIG: `why` is one sentence; for the file it names
 * file, line, key and what was expected. With is_help or is_version nothing else is checked. */
enum rc options_parse(struct options *ret, int argc, char *const *argv,
                      char why[static OPTIONS_WHY_BYTES]) MUST_CHECK;

/* Take the reloadable values of `fresh`; returns how many others differ: those need a restart, and
 * their keys stand in `ret_keys`, separated by spaces. */
size_t options_reload(struct options *self, const struct options *fresh,
                      char ret_keys[static OPTIONS_WHY_BYTES]);

/* True when every address is loopback or ipc. */
bool options_are_local(const struct options *self);

void options_help(FILE *out);
void options_print(const struct options *self, FILE *out); /* in the form of the file */

#endif
