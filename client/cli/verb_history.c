/* verb_history.c - look back. Reading again confirms nothing. */
#include "client/cli/cli.h"
#include "client/cli/show.h"
#include "client/cli/verbs.h"

#include <string.h>

#define LAST_DEFAULT 20

static enum exit_code print_all(struct cli *cli)
{
    const struct show show = show_for(cli->args);
    struct zchat_event event;
    enum exit_code code;
    uint64_t until_ms = UINT64_MAX;

    for (;;) {
        if (cli->was_up && until_ms == UINT64_MAX)
            until_ms = cli_later_ms(cli->args->timeout_ms);
        code = cli_next(cli, until_ms, NULL, 0, &event);
        if (code != EXIT_GO_ON)
            return code;
        if (event.kind == ZCHAT_ANSWER)
            return cli_fail((enum rc)event.rc, event.stream);
        if (event.kind == ZCHAT_LIVE)
            return cli_flush();
        if (event.kind == ZCHAT_NONE && cli_now_ms() >= until_ms)
            return cli_fail(RC_TIMEOUT, "");
        if (event.kind != ZCHAT_EVENT && event.kind != ZCHAT_GAP)
            continue;
        until_ms = cli_later_ms(cli->args->timeout_ms);
        show_event(&show, &event);
    }
}

enum exit_code verb_history(const struct args *args)
{
    const struct zchat_place from = {ZCHAT_FROM_LAST, args->has_last ? args->last : LAST_DEFAULT};
    uint64_t until = INT64_MAX;
    struct cli cli;
    enum exit_code code;
    zchat_rc rc;

    if (args->has_before) {
        if (args->before <= 1)
            return EXIT_DONE; /* nothing stands before the first */
        until = args->before - 1;
    }
    code = cli_open(&cli, args, false);
    if (code != EXIT_GO_ON)
        return code;
    rc = zchat_follow(cli.chat, args->word[0], from, until);
    if (rc == RC_BAD_NAME)
        code = cli_usage("\"%s\" is not a stream: it is #room or @nick", args->word[0]);
    else if (rc != 0)
        code = cli_fail((enum rc)rc, args->word[0]);
    else
        code = print_all(&cli);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
