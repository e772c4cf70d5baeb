/* settings.h - what a person may choose in ~/.config/zchat/zchat.conf.
 *
 * One table for the command line and the full-screen client, in sections: keys without a dot are of both, `ui.`,
 * `key.`, `notify.` and `room.` of the full-screen client. Who needs a setting adds a member and its row. */
#ifndef CLIENT_CONF_SETTINGS_H
#define CLIENT_CONF_SETTINGS_H

#include "shared/base/limits.h"
#include "shared/conf/conf.h"

#define SETTINGS_FILE      "zchat.conf" /* in the folder of the configuration */
#define SETTINGS_KEYS_MAX  256
#define SETTINGS_ROOMS_MAX 256

enum settings_theme { THEME_DARK, THEME_LIGHT, THEME_NONE };
enum settings_notify { NOTIFY_ALL, NOTIFY_MENTIONS, NOTIFY_NONE };

struct settings_key {
    char name[CONF_NAME_BYTES]; /* "C-g" */
    char action[64];
};

struct settings_room {
    char name[CONF_NAME_BYTES]; /* "#ops", "@bob" */
    uint32_t notify;            /* enum settings_notify */
};

struct client_settings {
    struct conf_common common;
    char broker[CONF_VALUE_BYTES]; /* "": none */
    char nick[NAME_BYTES_MAX + 2]; /* "": none */
    uint32_t timeout_ms;
    bool is_json, is_verbose;

    uint32_t theme; /* enum settings_theme */
    char time_format[32];
    bool has_mouse, has_rooms;
    uint32_t scrollback, paste_lines;
    uint32_t notify_rooms; /* enum settings_notify */
    bool has_bell, has_terminal;
    char notify_command[CONF_VALUE_BYTES];
    char quiet[16]; /* "22:00-07:00", or "" */

    struct settings_key key[SETTINGS_KEYS_MAX];
    size_t key_count;
    struct settings_room room[SETTINGS_ROOMS_MAX];
    size_t room_count;
};

const struct conf_schema *settings_schema(void);

/* "22:00-07:00" in minutes of the day; "" is 0 and 0. False: it is neither. */
bool settings_quiet(const char *text, int *ret_from, int *ret_until);

/* The settings of a file; `must_exist`: not being there is a fault. RC_CONFIG: `why` is one sentence. */
enum rc settings_load(const char *path, bool must_exist, struct client_settings *ret,
                      char why[static CONF_WHY_BYTES]) MUST_CHECK;

#endif
