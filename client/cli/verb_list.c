/* verb_list.c - questions that are answered with rows: who, rooms, devices, sessions, brokers, figures, bans. */
#include "client/cli/cli.h"
#include "client/cli/lists.h"
#include "client/cli/print.h"
#include "client/cli/verbs.h"

#include "shared/base/limits.h"
#include "shared/text/json.h"
#include "shared/text/name.h"

#include <string.h>

static enum exit_code refuse_room(const char *room)
{
    return cli_usage("\"%s\" is not a room's name: #room", room);
}

/* Print who is in `room` (NULL: everywhere). */
static enum exit_code ask_people(struct cli *cli, const char *room, bool has_members)
{
    struct people people = {0};
    struct zchat_event answer;
    enum exit_code code;
    uint32_t ref;
    zchat_rc rc = zchat_who(cli->chat, room, &ref);

    if (rc == RC_BAD_NAME)
        code = refuse_room(room);
    else if (rc != 0)
        code = cli_fail((enum rc)rc, "");
    else
        code = cli_answer(cli, ref, people_take, &people, &answer);
    if (code == EXIT_GO_ON) {
        people_print(stdout, &people, cli->args->is_json, has_members);
        code = cli_flush();
    }
    people_fini(&people);
    return code;
}

static enum exit_code list_people(const struct args *args, const char *room, bool has_members)
{
    struct cli cli;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    code = ask_people(&cli, room, has_members);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

enum exit_code verb_who(const struct args *args)
{
    return list_people(args, args->word_count > 0 ? args->word[0] : NULL, false);
}

enum exit_code verb_users(const struct args *args)
{
    return list_people(args, NULL, true);
}

/* How a list is asked for, and how one of its rows is printed. */
typedef zchat_rc ask_function(struct zchat *chat, const char *about, uint32_t *ret_ref);
typedef void print_function(FILE *out, const struct zchat_event *row, bool is_json);

struct listing {
    print_function *print;
    void (*print_head)(FILE *out); /* above the first row, for people; NULL: nothing, or it was */
    bool is_json;
};

static void on_row(void *context, const struct zchat_event *row)
{
    struct listing *listing = context;

    if (listing->print_head != NULL && !listing->is_json)
        listing->print_head(stdout);
    listing->print_head = NULL;
    listing->print(stdout, row, listing->is_json);
}

static enum exit_code list_below(const struct args *args, ask_function *ask, print_function *print,
                                 void (*print_head)(FILE *out))
{
    const char *about = args->word_count > 0 ? args->word[0] : NULL;
    struct listing listing = {print, print_head, args->is_json};
    struct zchat_event answer;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    cli.about = about != NULL ? about : args->verb->name;
    rc = ask(cli.chat, about, &ref);
    if (rc == RC_BAD_NAME)
        code = cli_usage("\"%s\" is not a name: a room is #room, a person nick", about);
    else if (rc != 0)
        code = cli_fail((enum rc)rc, "");
    else
        code = cli_answer(&cli, ref, on_row, &listing, &answer);
    if (code == EXIT_GO_ON)
        code = cli_flush();
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

static enum exit_code list(const struct args *args, ask_function *ask, print_function *print)
{
    return list_below(args, ask, print, NULL);
}

static zchat_rc ask_rooms(struct zchat *chat, const char *about, uint32_t *ret_ref)
{
    (void)about;
    return zchat_rooms(chat, false, ret_ref);
}

static zchat_rc ask_sessions(struct zchat *chat, const char *about, uint32_t *ret_ref)
{
    (void)about;
    return zchat_sessions(chat, ret_ref);
}

static zchat_rc ask_stats(struct zchat *chat, const char *about, uint32_t *ret_ref)
{
    (void)about;
    return zchat_stats(chat, ret_ref);
}

static zchat_rc ask_devices(struct zchat *chat, const char *about, uint32_t *ret_ref)
{
    return zchat_devices(chat, about != NULL && about[0] == '@' ? about + 1 : about, ret_ref);
}

enum exit_code verb_rooms(const struct args *args)
{
    return list(args, ask_rooms, room_print);
}

enum exit_code verb_device_list(const struct args *args)
{
    return list(args, ask_devices, device_print);
}

enum exit_code verb_sessions(const struct args *args)
{
    return list(args, ask_sessions, session_print);
}

static zchat_rc ask_brokers(struct zchat *chat, const char *about, uint32_t *ret_ref)
{
    (void)about;
    return zchat_ask_brokers(chat, ret_ref);
}

enum exit_code verb_brokers(const struct args *args)
{
    return list_below(args, ask_brokers, broker_print, brokers_head);
}

enum exit_code verb_stats(const struct args *args)
{
    return list(args, ask_stats, stat_print);
}

enum exit_code verb_bans(const struct args *args)
{
    return list(args, zchat_bans, ban_print);
}

/* --- one room --------------------------------------------------------------------- */

struct wanted {
    const char *room;
    bool is_json, is_topic; /* its topic alone */
    bool is_found;
};

static void print_topic(FILE *out, const struct zchat_event *row, bool is_json)
{
    struct json json;

    if (is_json) {
        json_open(&json, out);
        json_text(&json, "stream", span_of(row->stream));
        json_text(&json, "topic", span_of(row->topic));
        json_close(&json);
    } else {
        print_padded(out, row->topic, 0);
        fputc('\n', out);
    }
}

static void on_wanted(void *context, const struct zchat_event *row)
{
    struct wanted *wanted = context;

    if (strcmp(row->stream, wanted->room) != 0)
        return;
    wanted->is_found = true;
    if (wanted->is_topic)
        print_topic(stdout, row, wanted->is_json);
    else
        room_print(stdout, row, wanted->is_json);
}

static enum exit_code show_room(struct cli *cli, struct wanted *wanted)
{
    struct zchat_event answer;
    uint32_t ref;
    zchat_rc rc = zchat_rooms(cli->chat, false, &ref);
    enum exit_code code = rc != 0 ? cli_fail((enum rc)rc, wanted->room)
                                  : cli_answer(cli, ref, on_wanted, wanted, &answer);

    if (code != EXIT_GO_ON)
        return code;
    if (!wanted->is_found)
        return cli_fail(RC_NO_SUCH_ROOM, wanted->room);
    return wanted->is_topic ? cli_flush() : ask_people(cli, wanted->room, false);
}

enum exit_code verb_room_show(const struct args *args)
{
    struct wanted wanted = {.is_json = args->is_json,
                            .is_topic = args->verb->what != NULL}; /* `room topic` without text */
    struct stream_name name;
    struct cli cli;
    enum exit_code code;

    if (stream_name_parse(span_of(args->word[0]), &name) != RC_OK || name.sigil != '#')
        return refuse_room(args->word[0]);
    wanted.room = name.text;
    code = cli_open(&cli, args, false);
    if (code != EXIT_GO_ON)
        return code;
    code = show_room(&cli, &wanted);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
