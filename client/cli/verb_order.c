/* verb_order.c - one thing about one room or person: room kick, admin ban, device remove ... */
#include "client/cli/cli.h"
#include "client/cli/lists.h"
#include "client/cli/verbs.h"
#include "client/cli/words.h"

#include "shared/base/clock.h"
#include "shared/base/limits.h"
#include "shared/text/json.h"
#include "shared/text/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_DIGITS_MIN 4
#define KICK_SECONDS      10
#define KEY_DIGITS        ((size_t)2 * PUBLIC_KEY_BYTES)

struct order_run {
    struct cli cli;
    const struct args *args;
    struct zchat_order order;
    char *text;                       /* ours, or NULL */
    const char *prefix;               /* of a key that is to be looked up, or NULL */
    char key[KEY_DIGITS + 1];         /* the one that was found */
    size_t found;                     /* devices with this prefix */
    char about[STREAM_BYTES_MAX * 3]; /* what is asked, for complaints */
};

/* Digits only, and as many as make sense. */
static bool is_key_or_prefix(const char *given)
{
    size_t len = strlen(given);

    return len >= PREFIX_DIGITS_MIN && len <= KEY_DIGITS &&
           strspn(given, "0123456789abcdefABCDEF") == len;
}

static void on_device(void *context, const struct zchat_event *row)
{
    struct order_run *self = context;

    if (strncasecmp(row->key, self->prefix, strlen(self->prefix)) != 0)
        return;
    self->found++;
    snprintf(self->key, sizeof(self->key), "%s", row->key);
}

/* The one device whose key begins like this. */
static enum exit_code find_key(struct order_run *self)
{
    struct zchat_event answer;
    enum exit_code code;
    uint32_t ref;
    zchat_rc rc;

    if (self->prefix == NULL)
        return EXIT_GO_ON;
    rc = zchat_devices(self->cli.chat, self->order.nick, &ref);
    code = rc != 0 ? cli_fail((enum rc)rc, self->about)
                   : cli_answer(&self->cli, ref, on_device, self, &answer);
    if (code != EXIT_GO_ON)
        return code;
    if (self->found == 0) {
        cli_say("no device here has a key that begins with %s; `zchat device list` shows them",
                self->prefix);
        return EXIT_NOT_FOUND;
    }
    if (self->found > 1)
        return cli_usage("%zu devices have keys that begin with %s: give more digits", self->found,
                         self->prefix);
    self->order.key = self->key;
    return EXIT_GO_ON;
}

/* Take the words by the verb's form: r a room, n a nick, o a role, k a key or its beginning, t all that is left.
 * What is missing at the end was allowed to be, but for whom a ban is. */
static enum exit_code take_words(struct order_run *self)
{
    const struct args *args = self->args;
    size_t at = 0;

    self->order.what = args->verb->what;
    self->order.key = args->key;
    self->order.seconds = args->for_s;
    for (const char *form = args->verb->form; *form != '\0' && at < args->word_count; form++) {
        const char *word = args->word[at];

        if (*form == 't') {
            self->order.text = self->text = words_join(args, at);
            break;
        }
        at++;
        if (*form == 'r') {
            self->order.room = word;
        } else if (*form == 'n') {
            self->order.nick = word[0] == '@' ? word + 1 : word;
        } else if (*form == 'o') {
            if (!args_is_role(word))
                return cli_usage("a role is member, operator or owner, not \"%s\"", word);
            self->order.text = word;
        } else if (!is_key_or_prefix(word)) {
            return cli_usage("\"%s\" is not a key: it has 64 hexadecimal digits, and its first %d "
                             "or more may stand for it",
                             word, PREFIX_DIGITS_MIN);
        } else if (strlen(word) == KEY_DIGITS) {
            self->order.key = word;
        } else {
            self->prefix = word;
        }
    }
    if (strchr(args->verb->form, 'n') != NULL && self->order.nick == NULL && args->key == NULL)
        return cli_usage("%s: whom? Give NICK, or --key KEY", args->verb->name);
    snprintf(self->about, sizeof(self->about), "%s%s%s%s%s", args->verb->name,
             self->order.room != NULL ? " " : "", self->order.room != NULL ? self->order.room : "",
             self->order.nick != NULL ? " " : "", self->order.nick != NULL ? self->order.nick : "");
    return EXIT_GO_ON;
}

static void print_done(const struct order_run *self, const struct zchat_event *answer)
{
    const struct zchat_order *order = &self->order;
    struct json json;

    if (!self->args->is_json)
        return; /* it is done, and there is nothing to tell */
    json_open(&json, stdout);
    json_text(&json, "done", span_of(order->what));
    if (order->room != NULL)
        json_text(&json, "stream", span_of(order->room));
    if (order->nick != NULL)
        json_text(&json, "nick", span_of(order->nick));
    if (order->key != NULL)
        json_text(&json, "key", span_of(order->key));
    if (order->text != NULL)
        json_text(&json, strcmp(order->what, "role") == 0 ? "role" : "text", span_of(order->text));
    if (order->seconds != 0)
        json_time(&json, "until", clock_wall_ms() + (uint64_t)order->seconds * 1000);
    if (answer->seq != 0)
        json_uint(&json, "seq", answer->seq);
    json_close(&json);
}

static enum exit_code give(struct order_run *self)
{
    struct zchat_event answer;
    uint32_t ref;
    zchat_rc rc = zchat_order(self->cli.chat, &self->order, &ref);
    enum exit_code code;

    if (rc == RC_BAD_NAME)
        return cli_usage("%s: a room is #room and a person nick, 1 to 32 letters, digits, - or _",
                         self->about);
    if (rc != 0)
        return cli_fail((enum rc)rc, self->about);
    code = cli_answer(&self->cli, ref, NULL, NULL, &answer);
    if (code != EXIT_GO_ON)
        return code;
    print_done(self, &answer);
    return cli_flush();
}

enum exit_code verb_order(const struct args *args)
{
    struct order_run self = {.args = args};
    enum exit_code code = take_words(&self);

    if (code == EXIT_GO_ON)
        code = cli_open(&self.cli, args, false);
    if (code == EXIT_GO_ON) {
        self.cli.about = self.about;
        code = find_key(&self);
        if (code == EXIT_GO_ON)
            code = give(&self);
        cli_close(&self.cli);
    }
    free(self.text);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

/* Without TEXT the topic is told, not set. */
enum exit_code verb_room_topic(const struct args *args)
{
    return args->word_count > 1 ? verb_order(args) : verb_room_show(args);
}

/* A ban that is soon over: it cuts what is open, and whoever comes back by itself at once does not. */
enum exit_code verb_admin_kick(const struct args *args)
{
    struct args kick = *args;

    if (kick.for_s == 0)
        kick.for_s = KICK_SECONDS;
    return verb_order(&kick);
}
