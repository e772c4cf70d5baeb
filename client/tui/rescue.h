/* rescue.h - puts the terminal back when the program crashes. Safe in signal handlers: write(), tcsetattr(). */
#ifndef CLIENT_TUI_RESCUE_H
#define CLIENT_TUI_RESCUE_H

/* Remember the modes of the terminal as they are now: before anything changes them. */
void rescue_remember(void);

/* What brings the screen back (a list that ends with NULL; "" for what the terminal does not have). Catches the signals of
 * crashes; afterwards they end the program as they always do. */
void rescue_begin(const char *const *sequences);
/* The screen is ours (or not): a crash must put it back (or not). */
void rescue_arm(int is_armed);
void rescue_end(void);

#endif
