/* grid.h - the screen as cells: what the view makes and the terminal shows.
 *
 * Pure. A wide character stands in its first cell, the others of it are empty (width 0). */
#ifndef CLIENT_TUI_GRID_H
#define CLIENT_TUI_GRID_H

#include "client/tui/role.h"

#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define CELL_BYTES 46

struct cell {
    char text[CELL_BYTES]; /* one cluster, NUL-terminated; "" for what a wide one covers */
    unsigned char width;   /* cells it needs; 0: covered */
    unsigned char role;
};

struct grid {
    int rows, columns;
    struct cell *cell;
    int cursor_row, cursor_column; /* -1: none is shown */
};

struct grid *grid_new(int rows, int columns);
void grid_destroy(struct grid **self_p);

void grid_clear(struct grid *self); /* spaces of ROLE_TEXT, no cursor */
struct cell *grid_at(const struct grid *self, int row, int column);

/* Write text from (row, column) on, in at most `width` cells and not beyond the edge; what does not fit is left out.
 * Returns the cells used. Whatever stands outside the grid is left out. */
int grid_put(struct grid *self, int row, int column, int width, struct span text, enum role role);
/* The same, but text that must be cut ends with an ellipsis. */
int grid_put_cut(struct grid *self, int row, int column, int width, struct span text,
                 enum role role);
void grid_fill(struct grid *self, int row, int column, int width, const char *cluster,
               enum role role);

bool grid_row_equal(const struct grid *a, const struct grid *b, int row);

#endif
