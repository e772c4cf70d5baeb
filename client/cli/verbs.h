/* verbs.h - the table of what zchat can do; parsing, help and dispatch read it. */
#ifndef CLIENT_CLI_VERBS_H
#define CLIENT_CLI_VERBS_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"

#include <stdio.h>

/* Verbs of two words that share the first. */
struct cli_group {
    const char *name;
    const char *does;
};

struct cli_verb {
    const char *name;  /* "join", "room kick" */
    const char *usage; /* its words */
    const char *does;  /* half a line */
    const char *help;  /* what --help adds */
    enum args_use use;
    size_t words_min, words_max;
    enum exit_code (*run)(const struct args *args);
    const char *what; /* verb_order(): for zchat_order(), else NULL */
    const char *form; /* verb_order(): what its words are, a letter each: see there */
};

/* NULL: it is no first word of verbs of two. */
const struct cli_group *verb_group(const char *name);

/* The verb `word`, or, with a group, the verb of these two words. NULL: there is no such verb. */
const struct cli_verb *verb_find(const struct cli_group *group, const char *word);

/* Help for one verb, for a group, or, with NULL and NULL, for the program. */
void verbs_help(FILE *out, const struct cli_group *group, const struct cli_verb *verb);

/* The verbs; each prints its results to stdout, trouble to stderr. */
enum exit_code verb_send(const struct args *args);
enum exit_code verb_tail(const struct args *args);
enum exit_code verb_history(const struct args *args);
enum exit_code verb_wait(const struct args *args);
enum exit_code verb_exec(const struct args *args);
enum exit_code verb_search(const struct args *args);
enum exit_code verb_who(const struct args *args);
enum exit_code verb_rooms(const struct args *args);
enum exit_code verb_join(const struct args *args);
enum exit_code verb_leave(const struct args *args);
enum exit_code verb_ping(const struct args *args);
enum exit_code verb_status(const struct args *args);
enum exit_code verb_discover(const struct args *args);
enum exit_code verb_doctor(const struct args *args);
enum exit_code verb_key(const struct args *args);
enum exit_code verb_invite(const struct args *args);
enum exit_code verb_device_add(const struct args *args);
enum exit_code verb_device_list(const struct args *args);
enum exit_code verb_room_create(const struct args *args);
enum exit_code verb_room_topic(const struct args *args);
enum exit_code verb_room_show(const struct args *args);
enum exit_code verb_users(const struct args *args);
enum exit_code verb_stats(const struct args *args);
enum exit_code verb_sessions(const struct args *args);
enum exit_code verb_brokers(const struct args *args);
enum exit_code verb_bans(const struct args *args);
enum exit_code verb_room_keep(const struct args *args);
enum exit_code verb_backup(const struct args *args);
enum exit_code verb_purge(const struct args *args);
enum exit_code verb_order(const struct args *args);
enum exit_code verb_admin_kick(const struct args *args);
enum exit_code line_mode(const struct args *args);

/* The chat on a terminal's whole screen. */
struct client_settings;
typedef enum exit_code cli_screen_function(const struct args *args,
                                           const struct client_settings *settings);

/* The program: reads the command line, runs the verb. Without a verb, and with neither --plain nor --json, the chat is
 * `on_screen`; NULL: there is no such terminal. */
int cli_main(int argc, char **argv, cli_screen_function *on_screen);

#endif
