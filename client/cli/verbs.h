/* verbs.h - the table of what zchat can do; parsing, help and dispatch read it. */
#ifndef CLIENT_CLI_VERBS_H
#define CLIENT_CLI_VERBS_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"

#include <stdio.h>

struct cli_verb {
    const char *name;
    const char *usage; /* its words */
    const char *does;  /* half a line */
    const char *help;  /* what --help adds */
    enum args_use use;
    size_t words_min, words_max;
    enum exit_code (*run)(const struct args *args);
};

/* NULL: there is no such verb. */
const struct cli_verb *verb_find(const char *name);

/* True for a verb of the contract that this version does not have. */
bool verb_is_planned(const char *name);

/* Help for one verb, or, with NULL, for the program. */
void verbs_help(FILE *out, const struct cli_verb *verb);

/* The verbs; each prints its results to stdout, trouble to stderr. */
enum exit_code verb_send(const struct args *args);
enum exit_code verb_tail(const struct args *args);
enum exit_code verb_history(const struct args *args);
enum exit_code verb_who(const struct args *args);
enum exit_code verb_rooms(const struct args *args);
enum exit_code verb_join(const struct args *args);
enum exit_code verb_leave(const struct args *args);
enum exit_code verb_ping(const struct args *args);
enum exit_code verb_status(const struct args *args);
enum exit_code verb_key(const struct args *args);
enum exit_code line_mode(const struct args *args);

/* The program: reads the command line, runs the verb. */
int cli_main(int argc, char **argv);

#endif
