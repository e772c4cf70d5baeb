/* verb_room.c - join, leave and room create. */
#include "client/cli/cli.h"
#include "client/cli/print.h"
#include "client/cli/verbs.h"

#include "shared/text/clean.h"
#include "shared/text/json.h"

#include <inttypes.h>

static void print_joined(const struct args *args, const struct zchat_event *answer)
{
    struct json json;

    if (args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "stream", span_of(answer->stream));
        json_uint(&json, "seq", answer->seq);
        json_uint(&json, "people", answer->people);
        json_flag(&json, "member", true);
        json_text(&json, "topic", span_of(answer->topic));
        json_flag(&json, "private", answer->is_private);
        json_flag(&json, "persistent", answer->is_persistent);
        json_flag(&json, "op", answer->is_op);
        json_close(&json);
        return;
    }
    print_padded(stdout, answer->stream, 0);
    printf(" %" PRIu64 "\n", answer->seq);
    if (answer->topic[0] == '\0')
        return;
    fputs("zchat: topic: ", stderr); /* stdout has the place alone, for scripts */
    clean_write(stderr, span_of(answer->topic), false, "");
    fputc('\n', stderr);
}

static void print_left(const struct args *args, const struct zchat_event *answer)
{
    struct json json;

    if (!args->is_json)
        return; /* it is done, and there is nothing to tell */
    json_open(&json, stdout);
    json_text(&json, "stream", span_of(answer->stream));
    json_flag(&json, "member", false);
    json_close(&json);
}

enum change { CHANGE_JOIN, CHANGE_LEAVE, CHANGE_CREATE };

static enum exit_code change(const struct args *args, enum change change)
{
    struct zchat_event answer;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    if (change == CHANGE_JOIN)
        rc = zchat_join(cli.chat, args->word[0], true, &ref);
    else if (change == CHANGE_LEAVE)
        rc = zchat_leave(cli.chat, args->word[0], &ref);
    else
        rc = zchat_create(cli.chat, args->word[0], args->is_private, args->is_persistent, &ref);
    if (rc == RC_BAD_NAME)
        code = cli_usage("\"%s\" is not a room's name: #room, 1 to 32 letters, digits, - or _",
                         args->word[0]);
    else if (rc != 0)
        code = cli_fail((enum rc)rc, "");
    else
        code = cli_answer(&cli, ref, NULL, NULL, &answer);
    if (code == EXIT_GO_ON) {
        if (change == CHANGE_LEAVE)
            print_left(args, &answer);
        else
            print_joined(args, &answer);
        code = cli_flush();
    }
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

enum exit_code verb_join(const struct args *args)
{
    return change(args, CHANGE_JOIN);
}

enum exit_code verb_leave(const struct args *args)
{
    return change(args, CHANGE_LEAVE);
}

enum exit_code verb_room_create(const struct args *args)
{
    return change(args, CHANGE_CREATE);
}
