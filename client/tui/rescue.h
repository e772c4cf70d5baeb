/* rescue.h - puts the terminal back when the program crashes. Safe in signal handlers: write(), tcsetattr(). */
#ifndef CLIENT_TUI_RESCUE_H
#define CLIENT_TUI_RESCUE_H

/* Remember the terminal as it is now, and what brings it back (may be NULL, "" when the terminal has none), and catch the
 * signals of crashes. Afterwards they end the program as they always do. */
void rescue_begin(const char *const *sequences);
/* The screen is ours (or not): a crash must put it back (or not). */
void rescue_arm(int is_armed);
void rescue_end(void);

#endif
