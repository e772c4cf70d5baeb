#include "client/tui/grid.h"

#include "client/tui/text.h"

#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = {.text = " ", .width = 1, .role = ROLE_TEXT};

struct grid *grid_new(int rows, int columns)
{
    struct grid *self = x_alloc(1, sizeof(*self));

    self->rows = rows;
    self->columns = columns;
    self->cell = x_alloc((size_t)rows * (size_t)columns, sizeof(*self->cell));
    grid_clear(self);
    return self;
}

void grid_destroy(struct grid **self_p)
{
    if (*self_p == NULL)
        return;
    free((*self_p)->cell);
    free(*self_p);
    *self_p = NULL;
}

void grid_clear(struct grid *self)
{
    for (int i = 0; i < self->rows * self->columns; i++)
        self->cell[i] = blank;
    self->cursor_row = self->cursor_column = -1;
}

struct cell *grid_at(const struct grid *self, int row, int column)
{
    return &self->cell[row * self->columns + column];
}

/* Half of a wide character is none: its other cells become spaces. */
static void cut_out(struct grid *self, int row, int column)
{
    int at = column;

    while (at > 0 && grid_at(self, row, at)->width == 0)
        at--;
    if (grid_at(self, row, at)->width <= 1)
        return;
    for (int end = at + grid_at(self, row, at)->width; at < end && at < self->columns; at++) {
        const unsigned char role = grid_at(self, row, at)->role;

        *grid_at(self, row, at) = blank;
        grid_at(self, row, at)->role = role;
    }
}

static void put_cluster(struct grid *self, int row, int column, const struct text_cluster *cluster,
                        enum role role)
{
    struct cell *cell;

    for (int i = 0; i < (int)cluster->width; i++) {
        cut_out(self, row, column + i);
        *grid_at(self, row, column + i) = (struct cell){.role = (unsigned char)role};
    }
    cell = grid_at(self, row, column);
    cell->width = (unsigned char)cluster->width;
    if (strlen(cluster->shown) < CELL_BYTES)
        memcpy(cell->text, cluster->shown, strlen(cluster->shown) + 1);
    else
        snprintf(cell->text, CELL_BYTES, "%*s", (int)cluster->width, "");
}

int grid_put(struct grid *self, int row, int column, int width, struct span text, enum role role)
{
    int used = 0;

    if (row < 0 || row >= self->rows || column < 0)
        return 0;
    if (width > self->columns - column)
        width = self->columns - column;
    for (size_t at = 0; at < text.len;) {
        struct text_cluster cluster;

        text_cluster_at(text, at, &cluster);
        at += cluster.len;
        if (cluster.width == 0)
            continue;
        if (used + (int)cluster.width > width)
            break;
        put_cluster(self, row, column + used, &cluster, role);
        used += (int)cluster.width;
    }
    return used;
}

int grid_put_cut(struct grid *self, int row, int column, int width, struct span text,
                 enum role role)
{
    char cut[2048];

    if (width <= 0)
        return 0;
    text_cut(cut, sizeof(cut), text, (size_t)width);
    return grid_put(self, row, column, width, span_of(cut), role);
}

void grid_fill(struct grid *self, int row, int column, int width, const char *cluster,
               enum role role)
{
    for (int used = 0; used < width;) {
        const int more = grid_put(self, row, column + used, width - used, span_of(cluster), role);

        if (more == 0)
            return;
        used += more;
    }
}

bool grid_row_equal(const struct grid *a, const struct grid *b, int row)
{
    for (int column = 0; column < a->columns; column++) {
        const struct cell *one = grid_at(a, row, column), *other = grid_at(b, row, column);

        if (one->width != other->width || one->role != other->role ||
            strcmp(one->text, other->text) != 0)
            return false;
    }
    return true;
}
