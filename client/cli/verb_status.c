/* verb_status.c - ping, status and key. */
#include "client/cli/cli.h"
#include "client/cli/verbs.h"

#include "client/lib/net/choice.h"
#include "client/lib/net/keys.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <string.h>

static enum exit_code ask_ping(struct cli *cli, struct zchat_event *ret)
{
    uint32_t ref;
    zchat_rc rc = zchat_ping(cli->chat, &ref);

    return rc != 0 ? cli_fail((enum rc)rc, "") : cli_answer(cli, ref, NULL, NULL, ret);
}

enum exit_code verb_ping(const struct args *args)
{
    struct zchat_event answer;
    struct json json;
    struct cli cli;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    code = ask_ping(&cli, &answer);
    if (code == EXIT_GO_ON) {
        if (args->is_json) {
            json_open(&json, stdout);
            json_uint(&json, "round_trip_ms", answer.round_trip_ms);
            json_close(&json);
        } else {
            printf("answered in %" PRIu32 " ms\n", answer.round_trip_ms);
        }
        code = cli_flush();
    }
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

static void print_status_json(const struct cli *cli, const struct zchat_identity *identity,
                              uint32_t round_trip_ms)
{
    struct zchat_outbox outbox;
    struct json json;

    zchat_outbox(cli->chat, &outbox);
    json_open(&json, stdout);
    json_text(&json, "broker", span_of(zchat_broker(cli->chat)));
    json_text(&json, "link", identity->is_up ? SPAN("up") : SPAN("down"));
    json_text(&json, "nick", span_of(zchat_nick(cli->chat)));
    json_text(&json, "agent", SPAN("zchat/" ZCHAT_VERSION));
    json_text(&json, "broker_agent", span_of(identity->broker_agent));
    json_uint(&json, "version", identity->version);
    json_text(&json, "fingerprint", span_of(identity->fingerprint));
    json_text(&json, "broker_fingerprint", span_of(identity->broker_fingerprint));
    json_uint(&json, "unanswered", outbox.waiting);
    if (identity->is_up)
        json_uint(&json, "round_trip_ms", round_trip_ms);
    json_close(&json);
}

static void print_status(const struct cli *cli, const struct zchat_identity *identity,
                         uint32_t round_trip_ms)
{
    struct zchat_outbox outbox;

    zchat_outbox(cli->chat, &outbox);
    printf("broker       %s\n", zchat_broker(cli->chat));
    printf("             %s, key [%s]\n",
           identity->broker_agent[0] != '\0' ? identity->broker_agent : "unknown version",
           identity->broker_fingerprint[0] != '\0' ? identity->broker_fingerprint : "none");
    if (identity->is_up)
        printf("link         up, answers in %" PRIu32 " ms, protocol %" PRIu32 "\n", round_trip_ms,
               identity->version);
    else
        puts("link         down");
    printf("nick         %s, key [%s]\n", zchat_nick(cli->chat), identity->fingerprint);
    printf("program      zchat %s\n", ZCHAT_VERSION);
    printf("unanswered   %zu%s\n", outbox.waiting,
           outbox.waiting > 0 ? " of ended runs, to be sent at the next start" : "");
}

/* The status of a link that is down is worth printing too; the exit code says that it is. */
enum exit_code verb_status(const struct args *args)
{
    struct zchat_identity identity;
    struct zchat_event answer = {0};
    struct cli cli;
    enum exit_code code = cli_open(&cli, args, false), end;

    if (code != EXIT_GO_ON)
        return code;
    code = ask_ping(&cli, &answer);
    if (code == EXIT_GO_ON || code == EXIT_NO_LINK || code == EXIT_TIMED_OUT) {
        zchat_describe(cli.chat, &identity);
        if (args->is_json)
            print_status_json(&cli, &identity, answer.round_trip_ms);
        else
            print_status(&cli, &identity, answer.round_trip_ms);
        end = cli_flush();
        if (code == EXIT_GO_ON)
            code = end;
    }
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

enum exit_code verb_key(const struct args *args)
{
    char hex[2 * PUBLIC_KEY_BYTES + 1], fingerprint[40];
    struct key_pair keys;
    struct home home;
    struct name nick;
    struct why why;
    struct json json;
    enum rc rc = home_open(args->home, &home, &why);
    enum exit_code code;

    if (rc == RC_OK)
        rc = choice_nick(&home, args->nick, &nick, &why);
    if (rc == RC_OK)
        rc = home_key(&home, &nick, &keys, &why);
    if (rc != RC_OK) {
        cli_say("%s (%s)", why.text, rc_name(rc));
        return rc == RC_BAD_NAME ? EXIT_USAGE : exit_code_of(rc);
    }
    hex_encode(keys.public_key, PUBLIC_KEY_BYTES, hex);
    key_fingerprint(keys.public_key, fingerprint);
    explicit_bzero(&keys, sizeof(keys));
    if (args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "nick", name_text(&nick));
        json_text(&json, "key", span_of(hex));
        json_text(&json, "fingerprint", span_of(fingerprint));
        json_close(&json);
    } else {
        printf("%s %s\n[%s]\n", nick.text, hex, fingerprint);
    }
    code = cli_flush();
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
