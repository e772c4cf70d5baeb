/* screen.h - the terminal: the only place that knows ncurses.
 *
 * One at a time. Whatever way the program goes but kill -9, the terminal is put back as it was: screen_leave()
 * by those who can, a handler that is safe in signals when it crashes. Keys are read by the caller, from standard input. */
#ifndef CLIENT_TUI_SCREEN_H
#define CLIENT_TUI_SCREEN_H

#include "client/tui/grid.h"
#include "client/conf/settings.h"

#include <stdbool.h>

/* Take the terminal on standard input and output. False: it cannot show a screen; *ret_why has a sentence. */
bool screen_open(const struct client_settings *settings, const char **ret_why);
void screen_close(void); /* leaves, and forgets; harmless when it is not open */

/* Give the terminal back for a while (a shell, an editor), and take it again: then everything is drawn. */
void screen_leave(void);
void screen_enter(void);

/* The size has changed, perhaps. */
void screen_resize(void);
void screen_size(int *ret_rows, int *ret_columns);

/* Show the grid, which has the screen's size; only what has changed is sent. */
void screen_draw(const struct grid *grid);
void screen_redraw(void); /* the next one sends everything */

/* Send bytes of ours to the terminal beside what is drawn: the bell, a notification. */
void screen_send(const char *bytes);

#endif
