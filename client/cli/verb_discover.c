/* verb_discover.c - which brokers announce themselves here. Nothing is connected to: whether one is the right one, its
 * fingerprint shows, and a person compares it. */
#include "client/cli/cli.h"
#include "client/cli/verbs.h"

#include "client/lib/net/discover.h"
#include "client/lib/net/known.h"
#include "shared/text/json.h"

#include <inttypes.h>
#include <string.h>

#define LISTEN_S 3

/* What this home knows of the address: "new", "known", or "changed": it was met with another key. */
static const char *standing_of(const struct home *home, const struct broker_url *url)
{
    unsigned char pinned[PUBLIC_KEY_BYTES];
    struct why ignored;

    if (known_find(home, url, pinned, &ignored) != RC_OK)
        return "new";
    return memcmp(pinned, url->key, sizeof(pinned)) == 0 ? "known" : "changed";
}

static void print_one(const struct args *args, const struct home *home,
                      const struct broker_url *url)
{
    const char *standing = standing_of(home, url);
    char text[URL_BYTES_MAX], fingerprint[40], words[KEY_WORDS_BYTES];
    struct json json;

    broker_url_format(url, text);
    key_fingerprint(url->key, fingerprint);
    key_words(url->key, words);
    if (args->is_json) {
        json_open(&json, stdout);
        json_text(&json, "broker", span_of(text));
        json_text(&json, "fingerprint", span_of(fingerprint));
        json_text(&json, "words", span_of(words));
        json_text(&json, "state", span_of(standing));
        json_close(&json);
        return;
    }
    printf(
        "%s\n    [%s]\n    %s\n    %s\n", text, fingerprint, words,
        strcmp(standing, "known") == 0 ? "known: you have met this one"
        : strcmp(standing, "changed") == 0
            ? "another key than this address had: somebody may pretend to be your broker"
            : "new: compare these words with its owner's (zchat key) before you use the address");
}

enum exit_code verb_discover(const struct args *args)
{
    const uint64_t until_ms =
        cli_later_ms(1000 * (uint64_t)(args->seconds == 0 ? LISTEN_S : args->seconds));
    struct discoverer *discoverer = NULL;
    enum exit_code code = EXIT_GO_ON;
    struct home home;
    struct why why;
    bool was_any = false;

    if (home_find(args->home, &home, &why) != RC_OK || discover_open(&discoverer, &why) != RC_OK) {
        cli_say("%s", why.text);
        return EXIT_OTHER;
    }
    while (code == EXIT_GO_ON && discover_listen(discoverer, until_ms)) {
        print_one(args, &home, discover_get(discoverer, discover_count(discoverer) - 1));
        was_any = true;
        code = cli_flush();
    }
    if (discover_left_out(discoverer) > 0)
        cli_say("%" PRIu64 " announcements were left out: more than is believable",
                discover_left_out(discoverer));
    discover_close(&discoverer);
    if (code != EXIT_GO_ON)
        return code;
    if (!was_any)
        cli_say("no broker announces itself here (zchat-broker --discover on)");
    return was_any ? EXIT_DONE : EXIT_NOT_FOUND;
}
