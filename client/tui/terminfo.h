/* terminfo.h - what the terminal's description says; apart, since <term.h> makes macros of common words. */
#ifndef CLIENT_TUI_TERMINFO_H
#define CLIENT_TUI_TERMINFO_H

/* The string of that name ("cnorm"), "" when the terminal has none. After newterm(). */
const char *terminfo_string(const char *name);

#endif
