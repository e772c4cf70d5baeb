#include "client/cli/verbs.h"

#include "shared/base/stdfds.h"

#include <locale.h>
#include <string.h>

#define WORDS_ANY 100000

static const struct cli_verb verbs[] = {
    {"send", "TARGET [TEXT|-]", "post a message",
     "TARGET is #room or @nick. Words are joined by spaces. Without TEXT, or with -, standard "
     "input is\n"
     "the message; with --lines each of its lines is one. Prints STREAM SEQ for each message when "
     "it\n"
     "is on the broker's disk. A room is joined first when need be. When the time is over, the\n"
     "session and number that are printed make it safe to repeat.\n",
     USE_SEND, 1, WORDS_ANY, verb_send},
    {"tail", "[STREAM ...]", "follow streams",
     "Without STREAM: the rooms you are in, and your own messages from the first unconfirmed one "
     "on.\n",
     USE_TAIL, 0, 4096, verb_tail},
    {"history", "STREAM", "look back",
     "Prints the last 20 events (-n) before the end, or before --before.\n", USE_HISTORY, 1, 1,
     verb_history},
    {"who", "[#room]", "people and their rooms", "", USE_PLAIN, 0, 1, verb_who},
    {"rooms", "", "rooms, people in them, messages; * marks yours", "", USE_PLAIN, 0, 0,
     verb_rooms},
    {"join", "#room", "become a member; a room that is new is made", "", USE_PLAIN, 1, 1,
     verb_join},
    {"leave", "#room", "cease to be a member", "", USE_PLAIN, 1, 1, verb_leave},
    {"ping", "", "how long the broker takes to answer", "", USE_PLAIN, 0, 0, verb_ping},
    {"status", "", "broker, link, nick, versions, fingerprints", "", USE_PLAIN, 0, 0, verb_status},
    {"key", "", "your public key and its fingerprint; asks nobody", "", USE_PLAIN, 0, 0, verb_key},
};

static const char *const planned[] = {"search", "wait", "exec", "invite",
                                      "device", "room", "admin"};

const struct cli_verb *verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

bool verb_is_planned(const char *name)
{
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (strcmp(planned[i], name) == 0)
            return true;
    }
    return false;
}

static void help_program(FILE *out)
{
    fputs("usage: zchat [OPTION ...] [VERB ...]\n\n"
          "Without a verb: the chat itself; a line is a message, /help tells the commands.\n\n",
          out);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(out, "  %-8s %-18s %s\n", verbs[i].name, verbs[i].usage, verbs[i].does);
    fputs("\noptions:\n", out);
    args_print_options(out, USE_ALL);
    fputs("\n`zchat VERB --help` tells more about one verb.\n\n"
          "exit: 0 done, 1 other failure, 2 usage, 3 timed out (state unknown), 4 refused by the "
          "broker,\n"
          "      5 cannot connect or not let in, 6 no such room or nick, 7 stored but not "
          "delivered in time\n",
          out);
}

void verbs_help(FILE *out, const struct cli_verb *verb)
{
    if (verb == NULL) {
        help_program(out);
        return;
    }
    fprintf(out, "usage: zchat %s %s%s[OPTION ...]\n\n%s.\n%s\noptions:\n", verb->name, verb->usage,
            verb->usage[0] == '\0' ? "" : " ", verb->does, verb->help);
    args_print_options(out, verb->use);
}

int cli_main(int argc, char **argv)
{
    char why[ARGS_WHY_BYTES];
    struct args args;
    enum exit_code code;

    stdfds_fill();
    setlocale(LC_CTYPE, "");
    if (args_parse(argc, argv, &args, why) != RC_OK) {
        fprintf(stderr, "zchat: %s\n", why);
        code = EXIT_USAGE;
    } else if (args.is_help) {
        verbs_help(stdout, args.verb);
        code = EXIT_DONE;
    } else if (args.is_version) {
        puts("zchat " ZCHAT_VERSION);
        code = EXIT_DONE;
    } else {
        code = args.verb == NULL ? line_mode(&args) : args.verb->run(&args);
    }
    args_fini(&args);
    return (int)code;
}
