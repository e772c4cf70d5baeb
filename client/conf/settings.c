#include "client/conf/settings.h"

#include "shared/text/name.h"
#include "shared/text/url.h"

#include <unistd.h>

/* What stands in the file is read by many: an invitation is good once, and a secret. */
static const char *check_broker(const char *text)
{
    struct broker_url url;
    const char *expected;

    if (text[0] == '@')
        return text[1] != '\0' ? NULL : "@FILE, or a broker's address";
    if (broker_url_parse(span_of(text), &url, &expected) != RC_OK)
        return expected;
    return url.has_invite ? "an address without an invitation: that is given once, with --broker"
                          : NULL;
}

static const char *check_nick(const char *text)
{
    struct name ignored;

    return name_parse(span_of(text[0] == '@' ? text + 1 : text), &ignored) == RC_OK
               ? NULL
               : "a name of 1 to 32 letters, digits, - or _ of one script";
}

#define AT(member)             CONF_AT(struct client_settings, member)
#define LIST_AT(member, count) CONF_LIST_AT(struct client_settings, member, count)

/* clang-format off */
static const struct conf_row TABLE[] = {
    /* of all verbs */
    {.key = "broker", .type = CONF_TEXT, AT(broker), .check = check_broker, .argument = "URL|@FILE",
     .example = "broker = zchat://chat.example.org:5670?key=KEY",
     .help = "the broker to use: an address or the file of one; --broker and $ZCHAT_BROKER go first, and without "
             "any of them the last one used"},
    {.key = "nick", .type = CONF_TEXT, AT(nick), .check = check_nick, .argument = "NICK",
     .example = "nick = alice",
     .help = "who you are; --nick and $ZCHAT_NICK go first, and without any of them the last one used"},
    {.key = "timeout", .type = CONF_DURATION, AT(timeout_ms), .initial = "10s", .least = 1, .most = 30 * UINT64_C(86400000),
     .argument = "TIME", .help = "give up after this; --timeout goes first"},
    {.key = "json", .type = CONF_FLAG, AT(is_json),
     .help = "print JSON, one object a line, as with --json; --no-json goes first"},
    {.key = "verbose", .type = CONF_FLAG, AT(is_verbose),
     .help = "tell more: receipts, the link; as with --verbose"},
    /* of the full-screen client */
    {.key = "key.*", .type = CONF_TEXT, LIST_AT(key, key_count), .is_reloadable = true, .argument = "ACTION",
     .example = "key.C-g = cancel", .help = "what a key does: key.KEY = ACTION; none takes the key away"},
    {.key = "room.*.notify", .type = CONF_CHOICE, LIST_AT(room, room_count), .is_reloadable = true,
     .choices = "all|mentions|none", .argument = "WHAT", .example = "room.#ops.notify = all",
     .help = "what calls you in one room, or from one person: room.#ROOM.notify, room.@NICK.notify"},
};
/* clang-format on */

static const struct conf_schema SCHEMA = {
    .program = "zchat",
    .about = "The configuration of zchat: see zchat.conf(5). A line that begins with # is a "
             "comment; what is "
             "commented out here is the default. No secrets belong in this file.",
    .size = sizeof(struct client_settings),
    .row = TABLE,
    .count = sizeof(TABLE) / sizeof(TABLE[0]),
};

const struct conf_schema *settings_schema(void)
{
    return &SCHEMA;
}

enum rc settings_load(const char *path, bool must_exist, struct client_settings *ret,
                      char why[static CONF_WHY_BYTES])
{
    conf_defaults(&SCHEMA, ret);
    if (!must_exist && access(path, F_OK) != 0)
        return RC_OK;
    snprintf(ret->common.config, sizeof(ret->common.config), "%s", path);
    return conf_read_file(&SCHEMA, ret, path, NULL, why);
}
