/* conf.h - the settings of a program as one table, from which its command line, its file, --help, --print-config,
 * reloading, the manual page and the tests are served.
 *
 * A table describes the members of one struct, the settings. The command line outdoes the file, the file the
 * defaults. Knows nothing of any program; a table that is wrong is found by conf_check_table(). */
#ifndef SHARED_CONF_CONF_H
#define SHARED_CONF_CONF_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_WHY_BYTES   1024
#define CONF_PATH_BYTES  512
#define CONF_VALUE_BYTES 1024 /* a value as text, with its NUL */
#define CONF_NAME_BYTES  136  /* what stands in the place of `*`, with its NUL */
#define CONF_ROWS_MAX    256
#define CONF_DEPTH_MAX   8  /* files that include each other */
#define CONF_FILES_MAX   64 /* in all */

enum conf_type {
    CONF_FLAG,     /* yes or no; on the command line without a value. An integer of any size */
    CONF_UINT,     /* an integer of 4 or 8 bytes, as of all that follow but text and address */
    CONF_CHOICE,   /* one of `choices`, kept as its index */
    CONF_DURATION, /* "10s", kept in milliseconds */
    CONF_SIZE,     /* "100M", kept in bytes; a bare number counts `unit` of them */
    CONF_TEXT,     /* an array of char */
    CONF_ADDRESS,  /* struct broker_url: host (a number) and is_ipc; no port, no key */
};

/* Returns NULL, or what was expected (static). */
typedef const char *conf_check_function(const char *text);

/* Members that are 0 say no. A list has list_max > 0: its elements stand one behind the other at `offset`, how many is
 * a size_t at count_offset, and its key may be given again for each. The first of a file (or of the command line)
 * replaces those of other files. A key with `*` ("room.*.notify") is a list whose elements begin with `char
 * name[CONF_NAME_BYTES]`, which is what stood in its place, and then the value; in files only. */
struct conf_row {
    const char *key;
    enum conf_type type;
    size_t offset;
    size_t size;          /* of the member, or of one element */
    const char *initial;  /* the default; NULL: empty, or no */
    uint64_t least, most; /* of numbers; of a text `least` 0 and 1 mean: not empty */
    uint64_t unit;
    const char *choices; /* "a|b|c" */
    size_t list_max;
    size_t count_offset;
    bool may_be_empty;          /* a text */
    bool is_reloadable;         /* while the program runs */
    bool is_command;            /* on the command line only */
    conf_check_function *check; /* of the value, beyond its type; or NULL */
    const char *argument;       /* what the value is called */
    const char *example; /* "room.#ops.notify = all", where there is no default to show; or NULL */
    const char *help;
};

#define CONF_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define CONF_LIST_AT(type, member, count)                                     \
    .offset = offsetof(type, member), .size = sizeof(((type *)0)->member[0]), \
    .list_max = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), \
    .count_offset = offsetof(type, count)

/* What every program has on its command line: the first member of its settings, and rows of its table. */
struct conf_common {
    uint32_t is_help; /* flags are 0 or 1 */
    uint32_t is_version;
    uint32_t is_check;
    uint32_t is_print;
    char config[CONF_PATH_BYTES];
};

struct conf_schema {
    const char *program; /* "zchat-broker" */
    const char *about;   /* the first lines of a printed file, without `# ` */
    size_t size;         /* of the settings */
    const struct conf_row *row;
    size_t count;
};

/* The files that were read, and the patterns that were looked for; for who must keep them readable. */
struct conf_files {
    size_t count;
    char path[CONF_FILES_MAX][CONF_PATH_BYTES];
};

void conf_defaults(const struct conf_schema *schema, void *settings);

/* Read a file of `key = value` lines, where `#` begins a comment, a value may stand in quotation marks, and
 * `include PATTERN` reads others, relative to the file it stands in. A key may stand once in a file; a later file
 * outdoes an earlier one. RC_CONFIG: `why` is one sentence: file, line, key and what was expected; settings may have
 * changed. ret_files may be NULL. */
enum rc conf_read_file(const struct conf_schema *schema, void *settings, const char *path,
                       struct conf_files *ret_files, char why[static CONF_WHY_BYTES]) MUST_CHECK;

/* --key value, --key=value and --flag; the last one counts. RC_CONFIG: `why`; settings may have changed. */
enum rc conf_read_arguments(const struct conf_schema *schema, void *settings, int argc,
                            char *const *argv, char why[static CONF_WHY_BYTES]) MUST_CHECK;

/* Defaults, the file that --config names (or `file`, when it does not and there is such a file; may be NULL), command
 * line. With --help or --version no file is read. The settings begin with struct conf_common; they are untouched on
 * RC_CONFIG. */
enum rc conf_load(const struct conf_schema *schema, void *ret_settings, const char *file, int argc,
                  char *const *argv, struct conf_files *ret_files,
                  char why[static CONF_WHY_BYTES]) MUST_CHECK;

/* Two settings side by side. `keys` are separated by spaces, and end with "..." when there is no room for all. */
struct conf_changes {
    size_t taken, kept; /* rows that differ: that may be reloaded, and that may not */
    char taken_keys[CONF_WHY_BYTES];
    char kept_keys[CONF_WHY_BYTES];
};
/* Take the reloadable values of `fresh`, and say what differs. */
void conf_reload(const struct conf_schema *schema, void *settings, const void *fresh,
                 struct conf_changes *ret);

/* The options, one a line or more. */
void conf_help(const struct conf_schema *schema, FILE *out);
/* As a file: each setting with its help; what is as without a file stands there as a comment. */
void conf_print(const struct conf_schema *schema, const void *settings, FILE *out);

/* The element of that name of a list with `*`; NULL: there is none. */
const void *conf_named(const void *first, size_t count, size_t size, const char *name);

/* NULL, or what is wrong with the table: for tests. */
const char *conf_check_table(const struct conf_schema *schema);

#endif
