/* verb_wait.c - block until somebody says what is waited for. Nothing is confirmed: a private message that ends the
 * wait is still unread for the person. */
#include "client/cli/cli.h"
#include "client/cli/filter.h"
#include "client/cli/place.h"
#include "client/cli/show.h"
#include "client/cli/verbs.h"

#include "shared/text/name.h"

static enum exit_code wait_for(struct cli *cli, const struct filter *filter, uint64_t until_ms)
{
    const struct show show = show_for(cli->args);
    struct zchat_event event;
    enum exit_code code;

    for (;;) {
        code = cli_next(cli, until_ms, NULL, 0, &event);
        if (code != EXIT_GO_ON)
            return code;
        if (event.kind == ZCHAT_ANSWER && event.ref == 0)
            return cli_fail((enum rc)event.rc, event.stream);
        if (event.kind == ZCHAT_LIVE && cli->args->is_verbose)
            place_tell_live(event.stream, event.seq);
        if (event.kind == ZCHAT_EVENT && filter_matches(filter, &event, zchat_nick(cli->chat))) {
            show_event(&show, &event);
            code = cli_flush();
            return code == EXIT_GO_ON ? EXIT_DONE : code;
        }
        if (event.kind == ZCHAT_NONE && cli_now_ms() >= until_ms)
            return cli_fail(RC_TIMEOUT, cli->args->word[0]);
    }
}

enum exit_code verb_wait(const struct args *args)
{
    uint64_t until_ms = UINT64_MAX;
    struct filter filter;
    struct cli cli;
    zchat_rc rc;
    enum exit_code code = filter_init(&filter, args);

    if (code != EXIT_GO_ON)
        return code;
    code = place_check_stream(args->word[0]);
    if (code == EXIT_GO_ON)
        code = cli_open(&cli, args, false);
    if (code != EXIT_GO_ON)
        goto out;
    cli.tells_link = true;
    if (args->has_timeout) /* of the whole; without it, only finding the broker is in a hurry */
        until_ms = cli_later_ms(args->timeout_ms);
    rc = zchat_follow(cli.chat, args->word[0],
                      place_since(args, (struct zchat_place){ZCHAT_FROM_HEAD, 0}), 0);
    code = rc != 0 ? cli_fail((enum rc)rc, args->word[0]) : wait_for(&cli, &filter, until_ms);
    cli_close(&cli);
out:
    filter_fini(&filter);
    return code;
}
