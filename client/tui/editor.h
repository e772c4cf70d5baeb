/* editor.h - the line that is being written: text of any script, of several lines.
 *
 * One for each buffer, so that its draft, undo and place in the recall stay with it; the kill ring is shared. The text is valid
 * UTF-8, at most TEXT_BYTES_MAX bytes, without controls but LF and TAB, and the cursor stands between clusters. */
#ifndef CLIENT_TUI_EDITOR_H
#define CLIENT_TUI_EDITOR_H

#include "client/tui/actions.h"
#include "client/tui/kills.h"
#include "client/tui/recall.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define EDITOR_ROWS_MAX       32  /* rows that are shown at most */
#define EDITOR_UNDO_MAX       100 /* changes that can be undone; typing a word is one */
#define EDITOR_UNDO_BYTES_MAX 262144

struct editor;

/* Borrows both. */
struct editor *editor_new(struct kills *kills, struct recall *recall);
void editor_destroy(struct editor **self_p);

/* Good until the next change. */
struct span editor_text(const struct editor *self);
size_t editor_cursor(const struct editor *self); /* in bytes */

/* Put text in at the cursor. RC_TOO_BIG: it would grow beyond TEXT_BYTES_MAX; RC_BAD_TEXT: not valid UTF-8, or with
 * controls. Nothing is changed then. */
enum rc editor_insert(struct editor *self, struct span text) MUST_CHECK;

/* The same in place of the bytes from `begin` to `end`, both between clusters; the cursor stands behind it (completion). */
enum rc editor_replace(struct editor *self, size_t begin, size_t end, struct span text) MUST_CHECK;

/* The same in place of everything: a draft of an earlier run, a text to be edited again. Nothing to undo is left. */
enum rc editor_restore(struct editor *self, struct span text, size_t cursor) MUST_CHECK;

enum editor_done {
    EDITOR_DONE,
    EDITOR_NOTHING, /* there was nothing to do: ring the bell or not */
    EDITOR_FULL,    /* it would grow beyond TEXT_BYTES_MAX: say so */
    EDITOR_NOT_MINE /* no action of the groups MOVING and EDITING */
};

/* Carry out an action of the groups MOVING and EDITING. */
enum editor_done editor_do(struct editor *self, enum action action);

/* The message was taken: remember it in the recall, and begin with an empty line. */
void editor_sent(struct editor *self);
/* Empty it; undo brings it back. */
void editor_clear(struct editor *self);

/* Search in the recall: put the newest entry that holds `part` into the line; `is_next`: the next older one. False: there
 * is none, the line stays. editor_search_end(): keep what was found, or put back what stood there before the search. Any
 * other change or move keeps it too. */
bool editor_search(struct editor *self, struct span part, bool is_next);
void editor_search_end(struct editor *self, bool is_kept);

/* The rows to show in `width` x `height` cells (both at least 1; height is taken as EDITOR_ROWS_MAX at most). Rows break where
 * they are full. The cursor is always among them; it never stands beyond the last column. The first row moves no
 * more than needed from one call to the next. */
struct editor_view {
    struct {
        size_t begin, end; /* of the text, without the LF */
    } row[EDITOR_ROWS_MAX];
    size_t row_count;
    size_t cursor_row, cursor_column; /* from 0, in cells */
    size_t first, total;              /* which row of how many is row[0] */
};
void editor_view(struct editor *self, size_t width, size_t height, struct editor_view *ret);

#endif
