/* verb_care.c - the broker's disk: how long rooms are kept, backups, purges. */
#include "client/cli/cli.h"
#include "client/cli/verbs.h"
#include "client/cli/when.h"

#include "shared/base/clock.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <string.h>

#define KEEP_S_MAX 315360000 /* ten years; who wants more wants for ever */

/* What is asked; its answer is printed by the verb. */
typedef zchat_rc ask_function(struct zchat *chat, const struct args *args, uint64_t value,
                              uint32_t *ret_ref);

static enum exit_code ask(const struct args *args, ask_function *question, uint64_t value,
                          const char *bad_name, struct zchat_event *ret, struct cli *cli)
{
    enum exit_code code = cli_open(cli, args, false);
    uint32_t ref;
    zchat_rc rc;

    if (code != EXIT_GO_ON)
        return code;
    cli->about = args->word[0];
    cli->is_patient = true;
    rc = question(cli->chat, args, value, &ref);
    if (rc == RC_BAD_NAME || rc == RC_BAD_FIELD)
        return cli_usage("\"%s\" is not %s", args->word[0], bad_name);
    if (rc != 0)
        return cli_fail((enum rc)rc, args->word[0]);
    return cli_answer(cli, ref, NULL, NULL, ret);
}

static enum exit_code end(struct cli *cli, enum exit_code code)
{
    if (code == EXIT_GO_ON)
        code = cli_flush();
    cli_close(cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

/* --- room keep ----------------------------------------------------------------------- */

static zchat_rc ask_keep(struct zchat *chat, const struct args *args, uint64_t value,
                         uint32_t *ret_ref)
{
    return zchat_keep(chat, args->word[0], (uint32_t)value, ret_ref);
}

enum exit_code verb_room_keep(const struct args *args)
{
    const char *given = args->word[1];
    struct zchat_event answer;
    struct cli cli = {.chat = NULL};
    struct json json;
    uint32_t seconds = 0;
    enum exit_code code;

    if (strcmp(given, "for-ever") == 0)
        seconds = ZCHAT_KEEP_FOR_EVER;
    else if (strcmp(given, "as-usual") != 0 &&
             when_seconds(given, 1, KEEP_S_MAX, &seconds) != RC_OK)
        return cli_usage("\"%s\" is no time from 1s to 3650d, nor for-ever or as-usual", given);
    code = ask(args, ask_keep, seconds, "a room's name: #room, 1 to 32 letters, digits, - or _",
               &answer, &cli);
    if (code == EXIT_GO_ON && args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "done", SPAN("keep"));
        json_text(&json, "stream", span_of(answer.stream));
        if (seconds == ZCHAT_KEEP_FOR_EVER)
            json_text(&json, "keep", SPAN("for-ever"));
        else if (seconds != 0)
            json_uint(&json, "keep", seconds);
        if (answer.seq != 0)
            json_uint(&json, "seq", answer.seq);
        json_close(&json);
    }
    return end(&cli, code);
}

/* --- admin backup -------------------------------------------------------------------- */

static zchat_rc ask_backup(struct zchat *chat, const struct args *args, uint64_t value,
                           uint32_t *ret_ref)
{
    (void)value;
    return zchat_backup(chat, args->word[0], ret_ref);
}

enum exit_code verb_backup(const struct args *args)
{
    struct zchat_event answer;
    struct cli cli = {.chat = NULL};
    struct json json;
    enum exit_code code =
        ask(args, ask_backup, 0, "a file's name: 1 to 64 letters, digits, ., - or _, no folder",
            &answer, &cli);

    if (code == EXIT_GO_ON && args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "done", SPAN("backup"));
        json_text(&json, "name", span_of(args->word[0]));
        json_uint(&json, "size", answer.size);
        json_uint(&json, "events", answer.events);
        json_uint(&json, "seconds", answer.seconds);
        json_close(&json);
    } else if (code == EXIT_GO_ON) {
        printf("%s: %" PRIu64 " bytes, %" PRIu64 " events, %" PRIu32 " s\n", args->word[0],
               answer.size, answer.events, answer.seconds);
    }
    return end(&cli, code);
}

/* --- admin purge --------------------------------------------------------------------- */

static zchat_rc ask_purge(struct zchat *chat, const struct args *args, uint64_t value,
                          uint32_t *ret_ref)
{
    return zchat_purge(chat, args->word[0], value, ret_ref);
}

enum exit_code verb_purge(const struct args *args)
{
    struct since before = {.is_time = true};
    struct zchat_event answer;
    struct cli cli = {.chat = NULL};
    struct json json;
    enum exit_code code;

    if (args->before_when != NULL &&
        (when_since(args->before_when, clock_wall_ms(), &before) != RC_OK || !before.is_time))
        return cli_usage("--before TIME: \"%s\" is no time like 2026-11-23, or 30d ago as 30d",
                         args->before_when);
    code = ask(args, ask_purge, before.value, "a room or a person: #room or @nick", &answer, &cli);
    if (code == EXIT_GO_ON && args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "done", SPAN("purge"));
        json_text(&json, args->word[0][0] == '#' ? "stream" : "nick",
                  span_of(args->word[0][0] == '#' ? args->word[0] : args->word[0] + 1));
        json_uint(&json, "events", answer.events);
        json_close(&json);
    } else if (code == EXIT_GO_ON) {
        printf("%" PRIu64 " events of %s are gone\n", answer.events, args->word[0]);
    }
    return end(&cli, code);
}
