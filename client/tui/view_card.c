#include "client/tui/view_card.h"

#include "client/tui/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_COLUMNS  13
#define COLUMN_LEAST 38

/* The order of the card: what people look for first, in few words. */
static const struct {
    enum action action;
    const char *does;
} wanted[] = {
    {ACTION_SEND, "send, or run the /command"},
    {ACTION_NEWLINE, "a new line in the text"},
    {ACTION_COMPLETE, "complete nick, #room"},
    {ACTION_EDIT, "write in $EDITOR"},
    {ACTION_PAGE_UP, "a page up; fetches more"},
    {ACTION_PAGE_DOWN, "a page down"},
    {ACTION_SCROLL_TOP, "the oldest"},
    {ACTION_SCROLL_BOTTOM, "the newest"},
    {ACTION_JUMP_UNREAD, "the first unread"},
    {ACTION_FIND, "search here; again: older"},
    {ACTION_BUFFER_ACTIVE, "next room with news"},
    {ACTION_BUFFER_NEXT, "next room"},
    {ACTION_BUFFER_PREV, "previous room"},
    {ACTION_BUFFER_LAST, "the room before"},
    {ACTION_BUFFER_1, "room 1 (to M-9: 9)"},
    {ACTION_PEOPLE, "people of the room"},
    {ACTION_CANCEL, "close, go to the end"},
    {ACTION_HELP, "this card"},
    {ACTION_REDRAW, "draw anew"},
    {ACTION_SUSPEND, "to the shell; fg: back"},
    {ACTION_INTERRUPT, "clear; twice: quit"},
    {ACTION_LINE_BEGIN, "begin of line"},
    {ACTION_LINE_END, "end of line"},
    {ACTION_CHAR_BACK, "back"},
    {ACTION_CHAR_FORWARD, "forward"},
    {ACTION_WORD_BACK, "word back"},
    {ACTION_WORD_FORWARD, "word forward"},
    {ACTION_UP, "row up, earlier text"},
    {ACTION_DOWN, "row down, later text"},
    {ACTION_RECALL_PREV, "earlier text"},
    {ACTION_RECALL_NEXT, "later text"},
    {ACTION_DELETE_CHAR, "delete"},
    {ACTION_DELETE_BACK, "delete before"},
    {ACTION_KILL_WORD, "cut word"},
    {ACTION_KILL_WORD_BACK, "cut word before"},
    {ACTION_KILL_BLANK_BACK, "cut back to a space"},
    {ACTION_KILL_BEGIN, "cut to the begin"},
    {ACTION_KILL_END, "cut to the end"},
    {ACTION_YANK, "insert what was cut"},
    {ACTION_YANK_POP, "what was cut before"},
    {ACTION_TRANSPOSE_CHARS, "swap characters"},
    {ACTION_TRANSPOSE_WORDS, "swap words"},
    {ACTION_UNDO, "undo"},
};
#define WANTED_COUNT (sizeof(wanted) / sizeof(wanted[0]))

static void draw_key(const struct desk *desk, struct grid *grid, int row, int column, int width,
                     size_t index)
{
    char keys[64];

    keymap_keys(desk->keymap, wanted[index].action, keys, sizeof(keys));
    if (strlen(keys) > KEY_COLUMNS - 2) /* the first one will do */
        keys[strcspn(keys, " ")] = '\0';
    grid_put_cut(grid, row, column + 1, KEY_COLUMNS - 2, span_of(keys), ROLE_CARD_KEY);
    grid_put_cut(grid, row, column + KEY_COLUMNS, width - KEY_COLUMNS - 1,
                 span_of(wanted[index].does), ROLE_CARD);
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
        draw_key(desk, grid, 1 + (int)i % height, ((int)i / height) * width, width, i);
    grid_put_cut(grid, grid->rows - 1, 0, grid->columns,
                 SPAN(" /help tells the commands, zchat(1) everything"), ROLE_CARD);
}

void view_card_question(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    grid_fill(grid, frame->status_row, 0, grid->columns, " ", ROLE_BAR_BAD);
    grid_put_cut(grid, frame->status_row, 1, grid->columns - 2, span_of(desk->question),
                 ROLE_BAR_BAD);
    grid->cursor_row = frame->status_row;
    grid->cursor_column = 0;
}
