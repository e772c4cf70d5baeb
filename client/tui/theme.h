/* theme.h - the colour and the attributes of each role. Pure. */
#ifndef CLIENT_TUI_THEME_H
#define CLIENT_TUI_THEME_H

#include "client/tui/role.h"
#include "client/conf/settings.h"

enum look_attribute { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_REVERSE = 4, LOOK_UNDERLINE = 8 };

struct look {
    short foreground, background; /* of 0 to 15; -1: the terminal's own */
    unsigned attributes;          /* what stays when there are no colours */
};

/* With `colors` below 8 there are none; below 16 the bright ones become bold. */
struct look theme_look(enum settings_theme theme, enum role role, int colors);

#endif
