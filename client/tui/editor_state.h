/* editor_state.h - what the sources of the editor share; nobody else includes it. */
#ifndef CLIENT_TUI_EDITOR_STATE_H
#define CLIENT_TUI_EDITOR_STATE_H

#include "client/tui/undo.h"

/* What was done last: some actions go on with it. */
enum editor_last {
    LAST_OTHER,
    LAST_TYPED,   /* a character more is the same change */
    LAST_DELETED, /* the same of deleting */
    LAST_KILLED,  /* what is cut now belongs to it */
    LAST_YANKED,  /* M-y takes another */
    LAST_VERTICAL /* the goal column stays */
};

struct editor {
    char *text; /* NUL-terminated */
    size_t len, cursor, capacity;
    struct undo undo;
    enum editor_last last;
    size_t typed_count; /* characters of the change that is being typed */

    struct kills *kills; /* borrowed */
    size_t yank_begin, yank_len, yank_index;

    struct recall *recall; /* borrowed */
    uint64_t recall_id;    /* RECALL_NEWEST: the draft is in the line */
    bool is_edited;        /* the line is no longer what the recall gave */
    struct line_state draft;

    bool is_searching;
    uint64_t search_id, before_search_id;
    struct line_state before_search;
    bool was_edited;

    size_t width; /* of the rows that were shown last; 0: none were */
    size_t first; /* row shown */
    size_t goal;  /* column that Up and Down keep to */
};

/* Put `text` in place of begin..end; the cursor stands behind it. EDITOR_FULL: nothing changed. The undo is the caller's. */
enum editor_done editor_splice(struct editor *self, size_t begin, size_t end, struct span text);

/* Keep how it stands, for undo. */
void editor_remember(struct editor *self);

/* The whole line, copied and put back. editor_give() takes the text. */
struct line_state editor_copy(const struct editor *self);
void editor_give(struct editor *self, struct line_state *state);

/* editor_rows.c: Up and Down within the text; false: there is no such row. */
bool editor_move_rows(struct editor *self, bool is_up);

/* editor_recall.c */
enum editor_done editor_recall_step(struct editor *self, bool is_older);
void editor_recall_leave(struct editor *self);

#endif
