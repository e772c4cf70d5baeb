/* verb_list.c - who and rooms. */
#include "client/cli/cli.h"
#include "client/cli/lists.h"
#include "client/cli/verbs.h"

enum exit_code verb_who(const struct args *args)
{
    const char *room = args->word_count > 0 ? args->word[0] : NULL;
    struct people people = {0};
    struct zchat_event answer;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    rc = zchat_who(cli.chat, room, &ref);
    if (rc == RC_BAD_NAME)
        code = cli_usage("\"%s\" is not a room's name: #room", room);
    else if (rc != 0)
        code = cli_fail((enum rc)rc, "");
    else
        code = cli_answer(&cli, ref, people_take, &people, &answer);
    if (code == EXIT_GO_ON) {
        people_print(&people, args->is_json);
        code = cli_flush();
    }
    people_fini(&people);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

static void on_room(void *is_json, const struct zchat_event *row)
{
    room_print(row, *(bool *)is_json);
}

enum exit_code verb_rooms(const struct args *args)
{
    bool is_json = args->is_json;
    struct zchat_event answer;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    rc = zchat_rooms(cli.chat, false, &ref);
    code = rc != 0 ? cli_fail((enum rc)rc, "") : cli_answer(&cli, ref, on_room, &is_json, &answer);
    if (code == EXIT_GO_ON)
        code = cli_flush();
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
