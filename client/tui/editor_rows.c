/* editor_rows.c - the rows of the line on the screen: where the cursor is, and what is seen. */
#include "client/tui/editor_state.h"
#include "client/tui/text.h"

#include <stdint.h>

struct row {
    size_t begin, end, next; /* end < next: the LF stands between them */
    bool is_last;
};

/* The row that begins at row->begin. The line's end needs a cell as well, for the cursor. */
static void find_end(struct span text, size_t width, struct row *row)
{
    struct text_cluster cluster;
    size_t used = 0, at = row->begin;

    row->is_last = false;
    for (; at < text.len && text.ptr[at] != '\n'; at += cluster.len) {
        text_cluster_at(text, at, &cluster);
        if (at > row->begin && cluster.width > 0 && used + cluster.width > width)
            break;
        used += cluster.width;
    }
    row->end = row->next = at;
    if (at < text.len && text.ptr[at] != '\n')
        return;
    if (used >= width && at > row->begin)
        return; /* full: the end stands in the next row */
    if (at < text.len)
        row->next = at + 1;
    else
        row->is_last = true;
}

static bool has_cursor(const struct editor *self, const struct row *row)
{
    return self->cursor < row->next || row->is_last;
}

static size_t column_of(const struct editor *self, const struct row *row)
{
    return text_width((struct span){self->text + row->begin, self->cursor - row->begin});
}

/* The row with the cursor, and the one before it (begin SIZE_MAX: there is none). Returns its number. */
static size_t find_cursor(const struct editor *self, size_t width, struct row *ret_before,
                          struct row *ret)
{
    struct row row = {0}, before = {.begin = SIZE_MAX};
    size_t number = 0;

    for (;; number++) {
        find_end(editor_text(self), width, &row);
        if (has_cursor(self, &row))
            break;
        before = row;
        row.begin = row.next;
    }
    *ret_before = before;
    *ret = row;
    return number;
}

bool editor_move_rows(struct editor *self, bool is_up)
{
    const size_t width = self->width == 0 ? SIZE_MAX : self->width;
    const struct span text = editor_text(self);
    struct row to, row;

    find_cursor(self, width, &to, &row);
    if (is_up ? to.begin == SIZE_MAX : row.is_last)
        return false;
    if (self->last != LAST_VERTICAL)
        self->goal = column_of(self, &row);
    if (!is_up) {
        to.begin = row.next;
        find_end(text, width, &to);
    }
    self->cursor = to.begin + text_fit((struct span){text.ptr + to.begin, to.end - to.begin},
                                       self->goal, NULL);
    if (self->cursor == to.next && !to.is_last && self->cursor > to.begin)
        self->cursor = text_prev(text, self->cursor); /* that place belongs to the next row */
    return true;
}

static size_t count_rows(struct span text, size_t width)
{
    struct row row = {0};
    size_t count = 1;

    for (find_end(text, width, &row); !row.is_last; find_end(text, width, &row)) {
        row.begin = row.next;
        count++;
    }
    return count;
}

static void fill(const struct editor *self, size_t width, size_t height, struct editor_view *view)
{
    struct row row = {0};

    for (size_t number = 0; view->row_count < height; number++) {
        find_end(editor_text(self), width, &row);
        if (number >= view->first) {
            view->row[view->row_count].begin = row.begin;
            view->row[view->row_count++].end = row.end;
        }
        if (row.is_last)
            return;
        row.begin = row.next;
    }
}

void editor_view(struct editor *self, size_t width, size_t height, struct editor_view *ret)
{
    const size_t columns = width < 1 ? 1 : width;
    const size_t least = height < 1 ? 1 : height;
    const size_t rows = least > EDITOR_ROWS_MAX ? EDITOR_ROWS_MAX : least;
    struct row before, row;
    const size_t cursor_row = find_cursor(self, columns, &before, &row);
    const size_t column = column_of(self, &row);

    self->width = columns;
    *ret = (struct editor_view){.total = count_rows(editor_text(self), columns)};
    if (self->first + rows > ret->total)
        self->first = ret->total > rows ? ret->total - rows : 0;
    if (cursor_row < self->first)
        self->first = cursor_row;
    if (cursor_row >= self->first + rows)
        self->first = cursor_row - rows + 1;
    ret->first = self->first;
    ret->cursor_row = cursor_row - self->first;
    ret->cursor_column = column < columns ? column : columns - 1;
    fill(self, columns, rows, ret);
}
