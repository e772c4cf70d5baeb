/* settings.h - what a person may choose about the full-screen client, with what holds when nothing is chosen. */
#ifndef CLIENT_TUI_SETTINGS_H
#define CLIENT_TUI_SETTINGS_H

#include "client/tui/buffer.h"
#include "client/tui/keymap.h"

#include <stdbool.h>
#include <stddef.h>

enum tui_theme { THEME_DARK, THEME_LIGHT, THEME_NONE };

struct tui_settings {
    enum tui_theme theme;
    char time_format[32]; /* strftime */
    bool has_mouse;
    bool has_list; /* the list of rooms, where there is room for it */
    size_t scrollback;
    size_t paste_lines; /* more than this is asked about */

    enum buffer_level notify_rooms; /* of rooms; private messages notify but with LEVEL_NONE */
    bool notify_bell;
    bool notify_osc;             /* OSC 9 and 777 */
    char notify_command[1024];   /* words, parted by spaces; "": none */
    int quiet_from, quiet_until; /* minutes of the day; equal: never */
};

#define TUI_SETTINGS_DEFAULTS           \
    ((struct tui_settings){             \
        .theme = THEME_DARK,            \
        .time_format = "%H:%M",         \
        .has_list = true,               \
        .scrollback = BUFFER_ITEMS_MAX, \
        .paste_lines = 1,               \
        .notify_rooms = LEVEL_MENTIONS, \
        .notify_bell = true,            \
    })

#endif
