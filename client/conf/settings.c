#include "client/conf/settings.h"

#include "shared/text/name.h"
#include "shared/text/url_list.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What stands in the file is read by many: an invitation is good once, and a secret. */
static const char *check_broker(const char *text)
{
    static struct url_list list;
    const char *expected;
    struct span part;

    if (text[0] == '@')
        return text[1] != '\0' ? NULL : "@FILE, or a broker's address";
    if (url_list_parse(span_of(text), &list, &part, &expected) != RC_OK)
        return expected;
    for (size_t i = 0; i < list.count; i++) {
        if (list.item[i].has_invite)
            return "an address without an invitation: that is given once, with --broker";
    }
    return list.count > 0 ? NULL : "a broker's address, and others behind commas";
}

static const char *check_nick(const char *text)
{
    struct name ignored;

    return name_parse(span_of(text[0] == '@' ? text + 1 : text), &ignored) == RC_OK
               ? NULL
               : "a name of 1 to 32 letters, digits, - or _ of one script";
}

/* What strftime() takes, with a bound for what it makes. */
static const char *check_time(const char *text)
{
    static const char expected[] = "a time in at most 16 columns, such as %H:%M, %H:%M:%S or %I:%M";
    size_t width = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '%') {
            width += 1;
        } else {
            at++;
            if (*at == '\0' || strchr("HIMSpRT%", *at) == NULL)
                return expected;
            width += *at == 'T' ? 8 : *at == 'R' ? 5 : 2;
        }
        if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
            return expected;
    }
    return width <= 16 ? NULL : expected;
}

bool settings_quiet(const char *text, int *ret_from, int *ret_until)
{
    int from_h, from_m, until_h, until_m, len = 0;

    *ret_from = *ret_until = 0;
    if (text[0] == '\0')
        return true;
    if (sscanf(text, "%2d:%2d-%2d:%2d%n", &from_h, &from_m, &until_h, &until_m, &len) != 4 ||
        text[len] != '\0' || from_h < 0 || from_h > 23 || until_h < 0 || until_h > 23 ||
        from_m < 0 || from_m > 59 || until_m < 0 || until_m > 59)
        return false;
    *ret_from = from_h * 60 + from_m;
    *ret_until = until_h * 60 + until_m;
    return true;
}

static const char *check_quiet(const char *text)
{
    int from, until;

    return settings_quiet(text, &from, &until) ? NULL : "hours such as 22:00-07:00, or nothing";
}

#define AT(member)             CONF_AT(struct client_settings, member)
#define LIST_AT(member, count) CONF_LIST_AT(struct client_settings, member, count)

/* clang-format off */
static const struct conf_row TABLE[] = {
    /* of all verbs */
    {.key = "broker", .type = CONF_TEXT, AT(broker), .check = check_broker, .argument = "URL|@FILE",
     .example = "broker = zchat://chat.example.org:5670?key=KEY",
     .help = "the broker to use: an address or the file of one, and others of the same chat behind commas; --broker and "
             "$ZCHAT_BROKER go first, and without any of them the last one used"},
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
    {.key = "ui.theme", .type = CONF_CHOICE, AT(theme), .choices = "dark|light|none", .initial = "dark",
     .argument = "THEME", .help = "colours for a dark or a light ground, or none at all; NO_COLOR is honoured"},
    {.key = "ui.time", .type = CONF_TEXT, AT(time_format), .initial = "%H:%M", .may_be_empty = true, .check = check_time,
     .argument = "FORMAT", .help = "the time before a message, as strftime(3) writes it; empty: none"},
    {.key = "ui.rooms", .type = CONF_FLAG, AT(has_rooms), .initial = "yes",
     .help = "show the list of rooms and people where the terminal has 64 columns or more"},
    {.key = "ui.mouse", .type = CONF_FLAG, AT(has_mouse),
     .help = "the wheel scrolls; the terminal selects text with Shift then"},
    {.key = "ui.scrollback", .type = CONF_UINT, AT(scrollback), .initial = "5000", .least = 100, .most = 100000,
     .argument = "N", .help = "messages of a room that are kept; older ones are fetched when you look back"},
    {.key = "ui.paste-lines", .type = CONF_UINT, AT(paste_lines), .initial = "1", .least = 1, .most = 10000,
     .argument = "N", .help = "ask before a paste of more lines than this"},
    {.key = "notify.rooms", .type = CONF_CHOICE, AT(notify_rooms), .choices = "all|mentions|none", .initial = "mentions",
     .argument = "WHAT", .help = "what calls you in rooms; private messages always do, see room.*.notify"},
    {.key = "notify.bell", .type = CONF_FLAG, AT(has_bell), .initial = "yes", .help = "ring the terminal's bell"},
    {.key = "notify.terminal", .type = CONF_FLAG, AT(has_terminal),
     .help = "let the terminal notify (OSC 9 and OSC 777)"},
    {.key = "notify.command", .type = CONF_TEXT, AT(notify_command), .may_be_empty = true, .argument = "PROGRAM ...",
     .example = "notify.command = notify-send %t %b",
     .help = "start a program, without a shell: words parted by spaces, %t is the room, %b who said what"},
    {.key = "notify.quiet", .type = CONF_TEXT, AT(quiet), .may_be_empty = true, .check = check_quiet, .argument = "HH:MM-HH:MM",
     .example = "notify.quiet = 22:00-07:00", .help = "hours in which nothing calls you"},
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
