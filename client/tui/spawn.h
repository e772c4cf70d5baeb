/* spawn.h - programs that are started from here, without a shell. */
#ifndef CLIENT_TUI_SPAWN_H
#define CLIENT_TUI_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Start it and forget it: no input, no output, no child to wait for. False: it cannot be started (errno). */
bool spawn_away(char *const *argv);

/* Start it on this terminal; -1: it cannot be started (errno). The caller waits. */
pid_t spawn_here(char *const *argv);

#endif
