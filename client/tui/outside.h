/* outside.h - the message is written in the editor that the person has chosen. */
#ifndef CLIENT_TUI_OUTSIDE_H
#define CLIENT_TUI_OUTSIDE_H

#include "client/tui/session.h"

/* Gives the terminal to $VISUAL or $EDITOR with the input's text in a file, and takes it back with what was written. The broker is
 * listened to meanwhile; nothing counts as shown. */
void outside_edit(struct session *self);

#endif
