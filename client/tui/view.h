/* view.h - from the desk to the cells of the screen. Pure. */
#ifndef CLIENT_TUI_VIEW_H
#define CLIENT_TUI_VIEW_H

#include "client/tui/desk.h"
#include "client/tui/grid.h"

#define VIEW_ROWS_MIN    10
#define VIEW_COLUMNS_MIN 40

/* Where things stand on a screen of that size. */
struct view_frame {
    bool is_too_small;
    int list_columns;   /* 0: there is no list */
    int people_columns; /* likewise */
    int body_top, body_rows, body_column, body_columns;
    int status_row, input_row, input_rows;
};
void view_frame(const struct desk *desk, int rows, int columns, struct view_frame *ret);

/* What came is to be seen: the screen is large enough, and nothing lies over it. */
bool view_is_whole(const struct desk *desk, int rows, int columns);

void view_draw(struct desk *desk, struct grid *grid);

#endif
