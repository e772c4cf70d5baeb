#include "client/tui/view_card.h"

#include "client/tui/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_COLUMNS  18
#define COLUMN_LEAST 38

/* The order of the card: what people look for first. What has only numbers in it is told in one line. */
static const enum action wanted[] = {
    ACTION_SEND,       ACTION_NEWLINE,       ACTION_COMPLETE,    ACTION_PAGE_UP,
    ACTION_PAGE_DOWN,  ACTION_BUFFER_ACTIVE, ACTION_BUFFER_NEXT, ACTION_BUFFER_PREV,
    ACTION_BUFFER_1,   ACTION_JUMP_UNREAD,   ACTION_FIND,        ACTION_SCROLL_BOTTOM,
    ACTION_SCROLL_TOP, ACTION_BUFFER_LAST,   ACTION_UP,          ACTION_RECALL_SEARCH,
    ACTION_EDIT,       ACTION_CANCEL,        ACTION_LINE_BEGIN,  ACTION_LINE_END,
    ACTION_WORD_BACK,  ACTION_WORD_FORWARD,  ACTION_KILL_WORD,   ACTION_KILL_WORD_BACK,
    ACTION_KILL_BEGIN, ACTION_KILL_END,      ACTION_YANK,        ACTION_YANK_POP,
    ACTION_UNDO,       ACTION_DELETE_CHAR,   ACTION_DELETE_BACK, ACTION_TRANSPOSE_CHARS,
    ACTION_PEOPLE,     ACTION_REDRAW,        ACTION_SUSPEND,     ACTION_INTERRUPT,
};
#define WANTED_COUNT (sizeof(wanted) / sizeof(wanted[0]))

static void draw_key(const struct desk *desk, struct grid *grid, int row, int column, int width,
                     enum action action)
{
    char keys[64];
    const char *help = action_row(action)->help;

    keymap_keys(desk->keymap, action, keys, sizeof(keys));
    if (action == ACTION_BUFFER_1) {
        snprintf(keys, sizeof(keys), "M-1 ... M-9");
        help = "room 1 to 9 of the list";
    }
    grid_put_cut(grid, row, column, KEY_COLUMNS - 1, span_of(keys), ROLE_CARD_KEY);
    grid_put_cut(grid, row, column + KEY_COLUMNS, width - KEY_COLUMNS - 1, span_of(help),
                 ROLE_CARD);
}

void view_card_keys(const struct desk *desk, struct grid *grid)
{
    const int columns = grid->columns / COLUMN_LEAST > 0 ? grid->columns / COLUMN_LEAST : 1;
    const int width = grid->columns / columns, height = grid->rows - 2;

    grid_clear(grid);
    for (int row = 0; row < grid->rows; row++)
        grid_fill(grid, row, 0, grid->columns, " ", ROLE_CARD);
    grid_fill(grid, 0, 0, grid->columns, " ", ROLE_BAR);
    grid_put_cut(grid, 0, 1, grid->columns - 2,
                 SPAN("keys: M- is Alt (or Esc before), C- is Ctrl; any key closes this"),
                 ROLE_BAR);
    for (size_t i = 0; i < WANTED_COUNT && (int)i < columns * height; i++)
        draw_key(desk, grid, 1 + (int)i % height, ((int)i / height) * width, width, wanted[i]);
    grid_put_cut(grid, grid->rows - 1, 0, grid->columns,
                 SPAN("/help tells the commands; zchat(1) tells everything"), ROLE_CARD);
}

void view_card_question(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    grid_fill(grid, frame->status_row, 0, grid->columns, " ", ROLE_BAR_BAD);
    grid_put_cut(grid, frame->status_row, 1, grid->columns - 2, span_of(desk->question),
                 ROLE_BAR_BAD);
    grid->cursor_row = frame->status_row;
    grid->cursor_column = 0;
}
