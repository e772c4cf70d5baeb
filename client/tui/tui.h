/* tui.h - the full-screen client: one loop over the terminal and the broker. */
#ifndef CLIENT_TUI_TUI_H
#define CLIENT_TUI_TUI_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"
#include "client/conf/settings.h"

/* True when standard input and output are a terminal that can be drawn on. */
bool tui_is_possible(void);

/* The chat on the whole screen, until /quit, a signal or a second C-c. */
enum exit_code tui_mode(const struct args *args, const struct client_settings *settings);

#endif
