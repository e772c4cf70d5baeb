/* verb_search.c - what was said, the newest first. Finding something again confirms nothing. */
#include "client/cli/cli.h"
#include "client/cli/query.h"
#include "client/cli/show.h"
#include "client/cli/verbs.h"

#include "shared/base/clock.h"

#include <inttypes.h>

#define COUNT_DEFAULT 20

struct found {
    struct show show;
    uint64_t count;
};

static void on_found(void *context, const struct zchat_event *row)
{
    struct found *found = context;
    struct zchat_event event = *row;

    event.kind = ZCHAT_EVENT; /* and it is shown as one */
    found->count++;
    (void)show_event(&found->show, &event);
}

static void tell_rest(const struct found *found, const struct zchat_event *answer)
{
    if (found->count == 0)
        cli_say("nothing was found");
    else if (answer->cursor != 0)
        cli_say("there is more; -n %" PRIu64 " shows twice as much", 2 * found->count);
    if (answer->is_behind)
        cli_say("the broker is still indexing: not everything that was said can be found yet");
}

static enum exit_code search(struct cli *cli, const struct query *query)
{
    struct found found = {.show = show_for(cli->args)};
    struct zchat_event answer;
    enum exit_code code;
    uint32_t ref = 0;
    zchat_rc rc = zchat_search(cli->chat, &query->ask, &ref);

    cli->about = query->ask.stream;
    if (rc != 0)
        return cli_fail((enum rc)rc, "");
    code = cli_answer(cli, ref, on_found, &found, &answer);
    if (code != EXIT_GO_ON)
        return code;
    code = cli_flush();
    if (code == EXIT_GO_ON)
        tell_rest(&found, &answer);
    return code;
}

static enum rc read_query(const struct args *args, struct query *query, char *why)
{
    const struct {
        const char *filter, *value;
    } options[] = {{"in", args->in},
                   {"from", args->from},
                   {"before", args->before_when},
                   {"after", args->after_when}};
    enum rc rc = RC_OK;

    for (size_t i = 0; i < args->word_count && rc == RC_OK; i++)
        rc = query_take(query, args->word[i], why);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && rc == RC_OK; i++) {
        if (options[i].value != NULL)
            rc = query_set(query, options[i].filter, options[i].value, why);
    }
    return rc == RC_OK ? query_check(query, why) : rc;
}

enum exit_code verb_search(const struct args *args)
{
    char why[QUERY_WHY_BYTES];
    struct query query;
    struct cli cli;
    enum exit_code code;

    query_init(&query, clock_wall_ms());
    if (args->has_last && (args->last == 0 || args->last > UINT32_MAX))
        return cli_usage("-n takes a number from 1 to %" PRIu32, UINT32_MAX);
    query.ask.count = args->has_last ? (uint32_t)args->last : COUNT_DEFAULT;
    if (read_query(args, &query, why) != RC_OK)
        return cli_usage("%s", why);
    code = cli_open(&cli, args, false);
    if (code != EXIT_GO_ON)
        return code;
    code = search(&cli, &query);
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
