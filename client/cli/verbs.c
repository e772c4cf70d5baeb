#include "client/cli/verbs.h"

#include "client/cli/configured.h"
#include "shared/text/completion.h"

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
     USE_SEND, 1, WORDS_ANY, verb_send, NULL, NULL},
    {"tail", "[STREAM ...]", "follow streams",
     "Without STREAM: the rooms you are in, and your own messages from the first unconfirmed one "
     "on.\n",
     USE_TAIL, 0, 4096, verb_tail, NULL, NULL},
    {"history", "STREAM", "look back",
     "Prints the last 20 events (-n) before the end, or before --before.\n", USE_HISTORY, 1, 1,
     verb_history, NULL, NULL},
    {"wait", "STREAM", "block until somebody says what is waited for",
     "Prints the first message that comes from now on, or from --since on, for which all that is\n"
     "asked for is true. Without --timeout it waits for ever.\n",
     USE_WAIT, 1, 1, verb_wait, NULL, NULL},
    {"exec", "STREAM [OPTION ...] -- CMD [ARG ...]", "run a program for each message",
     "No shell. ZCHAT_STREAM, _SEQ, _FROM, _TEXT, _TS, _KIND, _REPLY_TO and _NICK are in its\n"
     "environment, and the event as JSON is its standard input; what it writes is posted as a "
     "notice\n"
     "to where the message came from. Notices and your own messages start nothing. With --durable\n"
     "every message is done at least once, over restarts. What strangers write is in ZCHAT_TEXT:\n"
     "quote it.\n",
     USE_EXEC, 2, WORDS_ANY, verb_exec, NULL, NULL},
    {"search", "WORD ...", "what was said, the newest first",
     "All words must be in it. \"two words\" in quotes stand next to each other, begin* is the\n"
     "beginning of a word. Among the words may stand from:NICK, in:#room, in:@NICK, before:TIME\n"
     "and after:TIME; a TIME is 10m, 2h, 1d ago, or 2026-11-23, or 2026-11-23T09:21.\n",
     USE_SEARCH, 0, WORDS_ANY, verb_search, NULL, NULL},
    {"who", "[#room]", "people and their rooms",
     "A room that one runs as an operator stands with @ before it.\n", USE_PLAIN, 0, 1, verb_who,
     NULL, NULL},
    {"rooms", "", "rooms, people in them, messages; * marks yours, @ those you run", "", USE_PLAIN,
     0, 0, verb_rooms, NULL, NULL},
    {"join", "#room", "become a member; a room that is new is made", "", USE_PLAIN, 1, 1, verb_join,
     NULL, NULL},
    {"leave", "#room", "cease to be a member", "", USE_PLAIN, 1, 1, verb_leave, NULL, NULL},
    {"ping", "", "how long the broker takes to answer", "", USE_PLAIN, 0, 0, verb_ping, NULL, NULL},
    {"status", "", "broker, link, nick, versions, fingerprints", "", USE_PLAIN, 0, 0, verb_status,
     NULL, NULL},
    {"discover", "", "brokers of this network that announce themselves",
     "Prints the address of each with its key's fingerprint, and the same in words. Anybody can\n"
     "announce anything: compare the fingerprint with the broker's owner before you use an "
     "address.\n"
     "Nothing is connected to, and nothing is kept. Exits with 6 when none was heard.\n",
     USE_DISCOVER, 0, 0, verb_discover, NULL, NULL},
    {"doctor", "", "why can I not connect? Each step to the broker, and how to mend what is wrong",
     "Looks at home, address, key, outbox, both ports, greeting, handshake, who one is there, and "
     "the\n"
     "clock. A line for each: ok, warn or fail. It uses up no invitation and makes no key.\n",
     USE_PLAIN, 0, 0, verb_doctor, NULL, NULL},
    {"key", "", "your public key, its fingerprint and the broker's; asks nobody",
     "The words say the same as the fingerprint, for comparing by telephone.\n", USE_PLAIN, 0, 0,
     verb_key, NULL, NULL},
    {"invite", "[NICK]", "an invitation for somebody new",
     "Prints an address that lets one person in, once. It is a secret: whoever has it may use it.\n"
     "With NICK it is good for that name alone.\n",
     USE_INVITE, 0, 1, verb_invite, NULL, NULL},

    {"device add", "[NAME]", "an invitation for another machine of yours",
     "Prints an address that makes one more key yours. It is a secret: whoever uses it is you.\n",
     USE_DEVICE, 0, 1, verb_device_add, NULL, NULL},
    {"device list", "[NICK]", "the keys that are yours; * marks this one", "", USE_PLAIN, 0, 1,
     verb_device_list, NULL, NULL},
    {"device remove", "KEY", "this key is not yours any more",
     "KEY is one of `zchat device list`, or its first digits, at least four. What it has open is\n"
     "cut, and it can never be bound again.\n",
     USE_PLAIN, 1, 1, verb_order, "revoke", "k"},

    {"room create", "#room", "make a room that is new, or that nobody is in", "", USE_CREATE, 1, 1,
     verb_room_create, NULL, NULL},
    {"room topic", "#room [TEXT]", "set what it is about; \"\" clears it, without TEXT it is told",
     "", USE_PLAIN, 1, WORDS_ANY, verb_room_topic, "topic", "rt"},
    {"room private", "#room", "only who is invited may come in and read", "", USE_PLAIN, 1, 1,
     verb_order, "private", "r"},
    {"room public", "#room", "everybody may come in, and read what is said from now on", "",
     USE_PLAIN, 1, 1, verb_order, "public", "r"},
    {"room persistent", "#room", "keep it as it is when everybody has left", "", USE_PLAIN, 1, 1,
     verb_order, "persistent", "r"},
    {"room passing", "#room", "let it begin anew when everybody has left", "", USE_PLAIN, 1, 1,
     verb_order, "passing", "r"},
    {"room keep", "#room TIME|for-ever|as-usual", "how long what is said there is kept",
     "TIME is 1h, 30d ...; as-usual is what the broker does with other rooms. What is older is "
     "removed\n"
     "for everybody. Longer than usual takes an operator of the broker.\n",
     USE_PLAIN, 2, 2, verb_room_keep, NULL, NULL},
    {"room invite", "#room NICK", "let somebody in, once, and tell them", "", USE_PLAIN, 2, 2,
     verb_order, "invite", "rn"},
    {"room op", "#room NICK", "make a member an operator", "", USE_PLAIN, 2, 2, verb_order, "op",
     "rn"},
    {"room deop", "#room NICK", "an operator no longer", "", USE_PLAIN, 2, 2, verb_order, "deop",
     "rn"},
    {"room kick", "#room NICK [REASON]", "put somebody out", "", USE_PLAIN, 2, WORDS_ANY,
     verb_order, "kick", "rnt"},
    {"room ban", "#room NICK [REASON]", "put somebody out, and keep them out",
     "With --key KEY instead of NICK it is that device alone.\n", USE_BAN, 1, WORDS_ANY, verb_order,
     "ban", "rnt"},
    {"room unban", "#room NICK", "a ban ends", "", USE_UNBAN, 1, 2, verb_order, "unban", "rn"},
    {"room mute", "#room NICK [REASON]", "a member may read, and not write", "", USE_MUTE, 2,
     WORDS_ANY, verb_order, "mute", "rnt"},
    {"room unmute", "#room NICK", "may write again", "", USE_PLAIN, 2, 2, verb_order, "unmute",
     "rn"},
    {"room bans", "#room", "bans, mutes and invitations that stand", "", USE_PLAIN, 1, 1, verb_bans,
     NULL, NULL},
    {"room show", "#room", "topic, modes, and who is there", "", USE_PLAIN, 1, 1, verb_room_show,
     NULL, NULL},

    {"admin users", "", "everybody who has an account, with role and state", "", USE_PLAIN, 0, 0,
     verb_users, NULL, NULL},
    {"admin sessions", "", "who is connected, with which key", "", USE_PLAIN, 0, 0, verb_sessions,
     NULL, NULL},
    {"admin brokers", "", "who serves this chat, who is behind, who is gone",
     "Of one that is alone there is one row. * marks the one that was asked; behind: what others "
     "did, and it has\n"
     "not heard yet; seen: when it was heard of last. One that is dead is told of for a minute.\n",
     USE_PLAIN, 0, 0, verb_brokers, NULL, NULL},
    {"admin stats", "", "the broker's figures",
     "As on its metrics page; counters are since its start.\n", USE_PLAIN, 0, 0, verb_stats, NULL,
     NULL},
    {"admin revoke", "NICK [KEY]", "remove one device of a person, or all",
     "KEY is one of `zchat device list NICK`, or its first digits, at least four.\n", USE_PLAIN, 1,
     2, verb_order, "revoke", "nk"},
    {"admin kick", "NICK [REASON]", "cut what somebody has open here",
     "They may come back after --for, else after 10 seconds.\n", USE_MUTE, 1, WORDS_ANY,
     verb_admin_kick, "ban", "nt"},
    {"admin ban", "NICK [REASON]", "shut the broker to a person, or with --key to a device", "",
     USE_BAN, 0, WORDS_ANY, verb_order, "ban", "nt"},
    {"admin unban", "NICK", "open it again", "", USE_UNBAN, 0, 1, verb_order, "unban", "n"},
    {"admin bans", "", "bans that stand", "", USE_PLAIN, 0, 0, verb_bans, NULL, NULL},
    {"admin backup", "NAME", "a copy of all that is stored, while it goes on",
     "It is the file NAME in the folder backups of the broker's data folder, checked and whole "
     "when this\n"
     "ends. The broker's key is not in it: keep broker.key as well. `zchat-broker --restore` puts "
     "it back.\n",
     USE_PLAIN, 1, 1, verb_backup, NULL, NULL},
    {"admin purge", "#room|@nick", "remove what was said in a room, or by a person",
     "A room's events are gone then, and readers are told so. A person's messages stand empty "
     "wherever\n"
     "they were. Who has read them may still have them.\n",
     USE_PURGE, 1, 1, verb_purge, NULL, NULL},
    {"admin role", "NICK ROLE", "ROLE is member, operator or owner", "", USE_PLAIN, 2, 2,
     verb_order, "role", "no"},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const struct cli_group groups[] = {
    {"device", "the machines you use"},
    {"room", "run a room: topic, modes, who may come in and write"},
    {"admin", "run the broker, for its operators and owners"},
};
#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

const struct cli_group *verb_group(const char *name)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    }
    return NULL;
}

/* What stands behind the group's word, or NULL. */
static const char *word_in_group(const char *name, const char *group)
{
    size_t len = strlen(group);

    if (len == 0)
        return strchr(name, ' ') == NULL ? name : NULL;
    return strncmp(name, group, len) == 0 && name[len] == ' ' ? name + len + 1 : NULL;
}

static bool is_named(const char *name, const char *group, const char *word)
{
    const char *own = word_in_group(name, group);

    return own != NULL && strcmp(own, word) == 0;
}

const struct cli_verb *verb_find(const struct cli_group *group, const char *word)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (is_named(verbs[i].name, group == NULL ? "" : group->name, word))
            return &verbs[i];
    }
    return NULL;
}

static void list_verbs(FILE *out, const char *group)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        const char *name = word_in_group(verbs[i].name, group);

        if (name != NULL)
            fprintf(out, "  %-10s %-19s %s\n", name, verbs[i].usage, verbs[i].does);
    }
}

static void help_group(FILE *out, const struct cli_group *group)
{
    fprintf(out, "usage: zchat %s ACTION [WORD ...] [OPTION ...]\n\n%s.\n\n", group->name,
            group->does);
    list_verbs(out, group->name);
    fprintf(out, "\n`zchat %s ACTION --help` tells more about one of them.\n", group->name);
}

static void help_program(FILE *out)
{
    fputs("usage: zchat [OPTION ...] [VERB ...]\n\n"
          "Without a verb: the chat itself; a line is a message, /help tells the commands.\n\n",
          out);
    list_verbs(out, "");
    for (size_t i = 0; i < GROUP_COUNT; i++)
        fprintf(out, "  %-10s %-19s %s\n", groups[i].name, "ACTION ...", groups[i].does);
    fputs("\noptions:\n", out);
    args_print_options(out, USE_ALL);
    fputs("\n`zchat VERB --help` tells more about one verb.\n\n"
          "exit: 0 done, 1 other failure, 2 usage, 3 timed out (state unknown), 4 refused by the "
          "broker,\n"
          "      5 cannot connect or not let in, 6 no such room or nick, 7 stored but not "
          "delivered in time\n",
          out);
}

void verbs_help(FILE *out, const struct cli_group *group, const struct cli_verb *verb)
{
    if (verb == NULL) {
        if (group != NULL)
            help_group(out, group);
        else
            help_program(out);
        return;
    }
    fprintf(out, "usage: zchat %s %s%s[OPTION ...]\n\n%s.\n%s\noptions:\n", verb->name, verb->usage,
            verb->usage[0] == '\0' ? "" : " ", verb->does, verb->help);
    args_print_options(out, verb->use);
}

/* Run what is asked for, with the configuration. */
static enum exit_code run(struct args *args, cli_screen_function *on_screen)
{
    static struct client_settings settings;
    char why[CONF_WHY_BYTES];

    if (configured(args, &settings, why) != RC_OK) {
        fprintf(stderr, "zchat: %s\n", why);
        return EXIT_USAGE;
    }
    if (args->is_print) {
        conf_print(settings_schema(), &settings, stdout);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_OTHER;
    }
    if (args->is_check) {
        puts("the configuration is good");
        return EXIT_DONE;
    }
    if (args->verb != NULL)
        return args->verb->run(args);
    return on_screen == NULL || args->is_plain || args->is_json ? line_mode(args)
                                                                : on_screen(args, &settings);
}

/* --print-completion SHELL: for who builds and packages this. */
static enum exit_code print_completion(const char *shell)
{
    struct completion_option options[ARGS_OPTIONS_MAX];
    struct completion_verb all[GROUP_COUNT + VERB_COUNT];
    const struct completion completion = {
        .program = "zchat",
        .options = options,
        .option_count = args_completion(options),
        .verbs = all,
        .verb_count = GROUP_COUNT + VERB_COUNT,
        .use = USE_LINE,
    };

    for (size_t i = 0; i < VERB_COUNT; i++)
        all[i] =
            (struct completion_verb){verbs[i].name, verbs[i].usage, verbs[i].does, verbs[i].use};
    for (size_t i = 0; i < GROUP_COUNT; i++)
        all[VERB_COUNT + i] = (struct completion_verb){groups[i].name, "", groups[i].does, 0};
    if (completion_print(stdout, shell, &completion) == RC_OK)
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_OTHER;
    fputs("zchat: --print-completion takes bash, zsh or fish\n", stderr);
    return EXIT_USAGE;
}

int cli_main(int argc, char **argv, cli_screen_function *on_screen)
{
    char why[ARGS_WHY_BYTES];
    struct args args;
    enum exit_code code;

    setlocale(LC_CTYPE, "");
    if (argc == 3 && strcmp(argv[1], "--print-completion") == 0)
        return (int)print_completion(argv[2]);
    if (args_parse(argc, argv, &args, why) != RC_OK) {
        fprintf(stderr, "zchat: %s\n", why);
        code = EXIT_USAGE;
    } else if (args.is_help) {
        verbs_help(stdout, args.group, args.verb);
        code = EXIT_DONE;
    } else if (args.is_version) {
        puts("zchat " ZCHAT_VERSION);
        code = EXIT_DONE;
    } else {
        code = run(&args, on_screen);
    }
    args_fini(&args);
    return (int)code;
}
