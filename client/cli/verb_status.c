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

static void json_brokers(struct json *json, const struct zchat *chat)
{
    const char *at = zchat_brokers(chat);

    json_array_open(json, "brokers");
    while (*at != '\0') {
        const size_t len = strcspn(at, " ");

        json_array_text(json, (struct span){at, len});
        at += at[len] == ' ' ? len + 1 : len;
    }
    json_array_close(json);
}

static void print_status_json(const struct cli *cli, const struct zchat_identity *identity,
                              uint32_t round_trip_ms)
{
    struct zchat_outbox outbox;
    struct json json;

    zchat_outbox(cli->chat, &outbox);
    json_open(&json, stdout);
    json_text(&json, "broker", span_of(zchat_broker(cli->chat)));
    json_brokers(&json, cli->chat);
    json_text(&json, "link", identity->is_up ? SPAN("up") : SPAN("down"));
    json_text(&json, "nick", span_of(zchat_nick(cli->chat)));
    json_text(&json, "agent", SPAN("zchat/" ZCHAT_VERSION));
    json_text(&json, "broker_agent", span_of(identity->broker_agent));
    json_uint(&json, "version", identity->version);
    json_text(&json, "role", span_of(identity->role));
    json_text(&json, "fingerprint", span_of(identity->fingerprint));
    json_text(&json, "broker_fingerprint", span_of(identity->broker_fingerprint));
    json_uint(&json, "unanswered", outbox.waiting);
    if (identity->is_up)
        json_uint(&json, "round_trip_ms", round_trip_ms);
    json_close(&json);
}

/* The other brokers of the chat, without their keys. */
static void print_others(const struct zchat *chat)
{
    const char *at = zchat_brokers(chat), *used = zchat_broker(chat);
    const char *what = "also at";

    while (*at != '\0') {
        const size_t len = strcspn(at, " ");

        if (len != strlen(used) || memcmp(at, used, len) != 0) {
            printf("%-12s %.*s\n", what, (int)strcspn(at, "? "), at);
            what = "";
        }
        at += at[len] == ' ' ? len + 1 : len;
    }
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
    print_others(cli->chat);
    if (identity->is_up)
        printf("link         up, answers in %" PRIu32 " ms, protocol %" PRIu32 "\n", round_trip_ms,
               identity->version);
    else
        puts("link         down");
    printf("nick         %s%s%s, key [%s]\n", zchat_nick(cli->chat),
           identity->role[0] == '\0' ? "" : ", ", identity->role, identity->fingerprint);
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

/* A public key as people see it. */
struct shown_key {
    char hex[2 * PUBLIC_KEY_BYTES + 1];
    char fingerprint[40];
    char words[KEY_WORDS_BYTES];
};

static void show_key(const unsigned char *key, struct shown_key *ret)
{
    hex_encode(key, PUBLIC_KEY_BYTES, ret->hex);
    key_fingerprint(key, ret->fingerprint);
    key_words(key, ret->words);
}

/* The key of the broker that would be spoken to; false when none is known, or it has none. */
static bool find_broker_key(const struct home *home, const char *given, struct shown_key *ret,
                            char url[static URL_BYTES_MAX])
{
    struct choice choice;
    struct why why;

    if (choice_broker(home, given, &choice, &why) != RC_OK || !choice.url.has_key)
        return false;
    broker_url_strip_invite(&choice.url);
    broker_url_format(&choice.url, url);
    show_key(choice.url.key, ret);
    return true;
}

static void print_key(const struct args *args, const struct name *nick, const struct shown_key *own,
                      const struct shown_key *broker, const char *url)
{
    struct json json;

    if (!args->is_json) {
        printf("%s %s\n[%s]\n%s\n", nick->text, own->hex, own->fingerprint, own->words);
        if (broker != NULL)
            printf("broker %s\n[%s]\n%s\n", broker->hex, broker->fingerprint, broker->words);
        return;
    }
    json_open(&json, stdout);
    json_text(&json, "nick", name_text(nick));
    json_text(&json, "key", span_of(own->hex));
    json_text(&json, "fingerprint", span_of(own->fingerprint));
    json_text(&json, "words", span_of(own->words));
    if (broker != NULL) {
        json_text(&json, "broker", span_of(url));
        json_text(&json, "broker_key", span_of(broker->hex));
        json_text(&json, "broker_fingerprint", span_of(broker->fingerprint));
        json_text(&json, "broker_words", span_of(broker->words));
    }
    json_close(&json);
}

enum exit_code verb_key(const struct args *args)
{
    char url[URL_BYTES_MAX];
    struct shown_key own, broker;
    struct key_pair keys;
    struct home home;
    struct name nick;
    struct why why;
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
    show_key(keys.public_key, &own);
    explicit_bzero(&keys, sizeof(keys));
    if (find_broker_key(&home, args->broker, &broker, url))
        print_key(args, &nick, &own, &broker, url);
    else
        print_key(args, &nick, &own, NULL, "");
    code = cli_flush();
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}
