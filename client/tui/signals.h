/* signals.h - the signals that concern a terminal: its size, stopping and going on. */
#ifndef CLIENT_TUI_SIGNALS_H
#define CLIENT_TUI_SIGNALS_H

#include <stdbool.h>

enum signals_kind { SIGNAL_RESIZE, SIGNAL_SUSPEND, SIGNAL_CONTINUE, SIGNAL_KINDS };

void signals_begin(void);
void signals_end(void);
int signals_fd(void); /* readable when one has come */
/* True once for each time one has come; several are one. */
bool signals_take(enum signals_kind kind);
/* Stop this process, as the shell's C-z does; returns when it goes on. */
void signals_stop(void);

#endif
