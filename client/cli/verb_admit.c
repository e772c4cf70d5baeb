/* verb_admit.c - invitations: for somebody new, and for another machine of one's own.
 *
 * The address goes to stdout, alone, and what to do with it to stderr. */
#include "client/cli/cli.h"
#include "client/cli/verbs.h"
#include "client/cli/words.h"

#include "shared/text/clean.h"
#include "shared/text/json.h"

#include <stdlib.h>

static void print_json(const struct zchat_admission *whom, const char *nick,
                       const struct zchat_event *answer)
{
    struct json json;

    json_open(&json, stdout);
    json_text(&json, "invitation", span_of(answer->text));
    if (whom->is_device)
        json_text(&json, "device", span_of(whom->device_name == NULL ? "" : whom->device_name));
    else
        json_text(&json, "role", span_of(whom->role == NULL ? "member" : whom->role));
    if (nick != NULL)
        json_text(&json, "nick", span_of(nick));
    json_time(&json, "until", answer->until_ms);
    json_close(&json);
}

static void print_advice(const struct zchat_admission *whom, const char *nick,
                         const struct zchat_event *answer)
{
    char until[WORDS_TIME_BYTES], name[256];

    words_until(answer->until_ms, until);
    clean_copy(name, sizeof(name), span_of(nick == NULL ? "" : nick));
    if (whom->is_device)
        cli_say("this makes one more machine yours (%s), once, until %s; it is a secret", name,
                until);
    else
        cli_say("this lets %s in as %s, once, until %s; it is a secret",
                name[0] == '\0' ? "one person" : name, whom->role == NULL ? "member" : whom->role,
                until);
    cli_say("there: put it into a file, chmod 600 FILE, and run: zchat --broker @FILE");
}

static enum exit_code admit(const struct args *args, const struct zchat_admission *whom)
{
    struct zchat_event answer;
    const char *nick;
    struct cli cli;
    uint32_t ref;
    zchat_rc rc;
    enum exit_code code = cli_open(&cli, args, false);

    if (code != EXIT_GO_ON)
        return code;
    cli.about = args->verb->name;
    nick = whom->is_device ? zchat_nick(cli.chat) : whom->nick;
    rc = zchat_admit(cli.chat, whom, &ref);
    if (rc == RC_BAD_NAME)
        code = cli_usage("\"%s\" cannot be a nick: %s", whom->nick, rc_sentence(RC_BAD_NAME));
    else if (rc != 0)
        code = cli_fail((enum rc)rc, args->verb->name);
    else
        code = cli_answer(&cli, ref, NULL, NULL, &answer);
    if (code == EXIT_GO_ON) {
        if (args->is_json)
            print_json(whom, nick, &answer);
        else
            puts(answer.text);
        code = cli_flush();
        if (!args->is_json)
            print_advice(whom, nick, &answer);
    }
    cli_close(&cli);
    return code == EXIT_GO_ON ? EXIT_DONE : code;
}

enum exit_code verb_invite(const struct args *args)
{
    const char *nick = args->word_count > 0 ? args->word[0] : NULL;
    const struct zchat_admission whom = {
        .nick = nick != NULL && nick[0] == '@' ? nick + 1 : nick,
        .role = args->role,
        .seconds = args->expires_s,
    };

    return admit(args, &whom);
}

enum exit_code verb_device_add(const struct args *args)
{
    const struct zchat_admission whom = {
        .is_device = true,
        .device_name = args->word_count > 0 ? args->word[0] : NULL,
        .seconds = args->expires_s,
    };

    return admit(args, &whom);
}
