/* settings.h - a table with a row of every type, for tests of shared/conf. */
#ifndef TESTS_SUPPORT_SETTINGS_H
#define TESTS_SUPPORT_SETTINGS_H

#include "shared/conf/common.h"
#include "shared/text/url.h"

struct settings {
    struct conf_common common;
    bool is_loud;
    uint32_t count;
    uint64_t many;
    uint32_t color;
    uint32_t wait_ms;
    uint64_t room_bytes;
    char title[32];
    char note[16];
    struct broker_url bind[3];
    size_t bind_count;
    char tag[4][8];
    size_t tag_count;
    struct {
        char name[CONF_NAME_BYTES];
        char command[24];
    } key[4];
    size_t key_count;
    struct {
        char name[CONF_NAME_BYTES];
        uint32_t notify;
    } room[4];
    size_t room_count;
};

static inline const char *settings_no_x(const char *text)
{
    return strchr(text, 'x') != NULL ? "a title without x" : NULL;
}

#define AT(member)             CONF_AT(struct settings, member)
#define LIST_AT(member, count) CONF_LIST_AT(struct settings, member, count)
/* clang-format off */
static const struct conf_row settings_rows[] = {
    CONF_COMMON_CONFIG(struct settings),
    {.key = "loud", .type = CONF_FLAG, AT(is_loud), .is_reloadable = true, .help = "make noise"},
    {.key = "count", .type = CONF_UINT, AT(count), .initial = "3", .least = 1, .most = 9, .is_reloadable = true,
     .argument = "N", .help = "how many"},
    {.key = "many", .type = CONF_UINT, AT(many), .most = UINT64_MAX, .argument = "N", .help = "how very many"},
    {.key = "color", .type = CONF_CHOICE, AT(color), .initial = "green", .choices = "red|green|blue",
     .argument = "COLOR", .help = "of it"},
    {.key = "wait", .type = CONF_DURATION, AT(wait_ms), .initial = "10s", .least = 1, .most = 3600000,
     .argument = "TIME", .help = "how long"},
    {.key = "space", .type = CONF_SIZE, AT(room_bytes), .initial = "32M", .most = UINT64_C(1) << 40,
     .unit = UINT64_C(1) << 20, .argument = "SIZE", .help = "how large"},
    {.key = "title", .type = CONF_TEXT, AT(title), .initial = "a title", .check = settings_no_x,
     .is_reloadable = true, .argument = "TEXT", .help = "its name"},
    {.key = "note", .type = CONF_TEXT, AT(note), .initial = "seen", .may_be_empty = true, .argument = "TEXT",
     .help = "a word on it"},
    {.key = "bind", .type = CONF_ADDRESS, LIST_AT(bind, bind_count), .initial = "127.0.0.1",
     .argument = "ADDRESS", .help = "where"},
    {.key = "tag", .type = CONF_TEXT, LIST_AT(tag, tag_count), .is_reloadable = true, .argument = "TAG",
     .help = "marks"},
    {.key = "key.*", .type = CONF_TEXT, LIST_AT(key, key_count), .is_reloadable = true, .argument = "COMMAND",
     .example = "key.C-g = cancel", .help = "what a key does"},
    {.key = "room.*.notify", .type = CONF_CHOICE, LIST_AT(room, room_count), .choices = "none|some|all",
     .argument = "WHAT", .example = "room.#ops.notify = all", .help = "when to call"},
    CONF_COMMON_FLAGS(struct settings),
};
/* clang-format on */
#undef AT
#undef LIST_AT

static const struct conf_schema settings_schema = {
    .program = "tested",
    .about = "The configuration of a test.",
    .size = sizeof(struct settings),
    .row = settings_rows,
    .count = sizeof(settings_rows) / sizeof(settings_rows[0]),
};

#endif
