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

    struct settings_key key[SETTINGS_KEYS_MAX];
    size_t key_count;
    struct settings_room room[SETTINGS_ROOMS_MAX];
    size_t room_count;
};

const struct conf_schema *settings_schema(void);

/* The settings of a file; `must_exist`: not being there is a fault. RC_CONFIG: `why` is one sentence. */
enum rc settings_load(const char *path, bool must_exist, struct client_settings *ret,
                      char why[static CONF_WHY_BYTES]) MUST_CHECK;

#endif
