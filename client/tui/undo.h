/* undo.h - how a line stood before its last changes, bounded in number and bytes. */
#ifndef CLIENT_TUI_UNDO_H
#define CLIENT_TUI_UNDO_H

#include "client/tui/editor.h"

/* A text with its cursor; owns the text (NULL: nothing is kept). */
struct line_state {
    char *text;
    size_t len, cursor;
};

struct undo {
    struct line_state item[EDITOR_UNDO_MAX]; /* oldest first */
    size_t count, bytes;
};

/* Keep a copy; the oldest go. A text that is too large by itself is not kept. */
void undo_push(struct undo *self, struct span text, size_t cursor);

/* The newest, which the caller frees; false: there is none. */
bool undo_pop(struct undo *self, struct line_state *ret);

void undo_clear(struct undo *self);

#endif
