/* completion.h - what bash, zsh and fish need to complete a command line, generated from the tables that the programs
 * themselves read. */
#ifndef SHARED_TEXT_COMPLETION_H
#define SHARED_TEXT_COMPLETION_H

#include "shared/base/rc.h"

#include <stddef.h>
#include <stdio.h>

struct completion_option {
    const char *name; /* without -- */
    char letter;      /* 0: none */
    const char
        *value; /* NULL: takes none; "FILE", "DIR", "NICK", "a|b|c" and what else it is called */
    const char *help; /* half a line */
    unsigned uses;    /* together with completion_verb.use not 0: it goes with that verb */
};

struct completion_verb {
    const char *name;  /* "send", "room ban", or, for `room` itself, "room" with use 0 */
    const char *words; /* "#room NICK [REASON]" */
    const char *help;
    unsigned use;
};

struct completion {
    const char *program;
    const struct completion_option *options;
    size_t option_count;
    const struct completion_verb *verbs; /* may be NULL */
    size_t verb_count;
    unsigned use; /* of the program without a verb */
};

/* Write the script for "bash", "zsh" or "fish". RC_CONFIG: another shell. */
enum rc completion_print(FILE *out, const char *shell, const struct completion *self) MUST_CHECK;

/* Find the options in a text like that of --help: lines that begin with two spaces and `--name [VALUE]`, and behind two
 * spaces or more what it does. The text is cut into pieces; the options point into it. Returns how many there are. */
size_t completion_scan(char *help, struct completion_option *options, size_t capacity);

#endif
