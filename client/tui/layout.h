/* layout.h - an item of a buffer as rows: time, sign, nick, text.
 *
 * Wide: the nick has a column of its own, right-aligned. Narrow (below LAYOUT_WIDE columns): it stands before the text.
 * Rows are broken by text_row(). What stands above an item, the line of a new day and the unread line, belongs to its rows. */
#ifndef CLIENT_TUI_LAYOUT_H
#define CLIENT_TUI_LAYOUT_H

#include "client/tui/desk.h"
#include "client/tui/grid.h"

#define LAYOUT_WIDE 54

struct layout {
    const struct desk *desk;
    int width;
    int time_columns; /* with the space behind it */
    int nick_columns; /* with the space behind it; 0: narrow */
    int text_column;
};

void layout_init(struct layout *self, const struct desk *desk, int width);

/* How many rows item `index` of the buffer takes, lines above it included; at least 1. */
int layout_rows(const struct layout *self, const struct buffer *buffer, size_t index);

/* Draw it: its first row would stand at `row`; only rows from `top` to below `bottom` are drawn, at `column`. */
void layout_draw(const struct layout *self, const struct buffer *buffer, size_t index,
                 struct grid *grid, int row, int top, int bottom, int column);

/* The colour of a nick; one's own has one for itself. */
enum role layout_nick_role(const struct desk *desk, const char *nick);

/* "✓", "++": the sign of a state. */
const char *layout_sign(const struct desk *desk, enum item_state state);

/* Scroll by rows (negative: down) in a window of `height` rows; true: the oldest row is at the top now. */
bool layout_scroll(const struct layout *self, struct buffer *buffer, int height, int rows);
/* Put an item's first row at the window's top, or as near as the end allows. */
void layout_show(const struct layout *self, struct buffer *buffer, int height, size_t index);

#endif
