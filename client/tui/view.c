#include "client/tui/view.h"

#include "client/tui/layout.h"
#include "client/tui/text.h"
#include "client/tui/view_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PEOPLE_COLUMNS      16
#define LIST_FROM           64 /* columns of a screen that has a list */
#define LIST_LEAST          14
#define LIST_MOST           22
#define INPUT_MOST          8 /* rows */
#define PROMPT_BYTES        (STREAM_BYTES_MAX + 8)
#define PROMPT_COLUMNS_MOST 16

/* --- the frame -------------------------------------------------------------------- */

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

static struct editor *input_of(const struct desk *desk)
{
    return desk->is_finding ? desk->find : desk_current(desk)->editor;
}

/* "#lobby> ", cut when it is long. */
static int prompt(const struct desk *desk, char *buf, size_t capacity)
{
    char name[STREAM_BYTES_MAX + 1];

    if (desk->is_finding) {
        snprintf(buf, capacity, "search: ");
    } else {
        text_cut(name, sizeof(name), span_of(desk_current(desk)->name), PROMPT_COLUMNS_MOST);
        snprintf(buf, capacity, "%s> ", name);
    }
    return (int)text_width(span_of(buf));
}

void view_frame(const struct desk *desk, int rows, int columns, struct view_frame *ret)
{
    struct view_frame frame = {.is_too_small = rows < VIEW_ROWS_MIN || columns < VIEW_COLUMNS_MIN};
    struct editor_view input;
    char text[PROMPT_BYTES];
    int most = clamp(rows / 3, 1, INPUT_MOST);

    if (!frame.is_too_small) {
        if (desk->settings->has_rooms && columns >= LIST_FROM)
            frame.list_columns = clamp(columns / 6, LIST_LEAST, LIST_MOST);
        editor_view(input_of(desk), (size_t)(columns - prompt(desk, text, sizeof(text))),
                    (size_t)most, &input);
        frame.input_rows = clamp((int)input.row_count, 1, most);
        frame.input_row = rows - frame.input_rows;
        frame.status_row = frame.input_row - 1;
        frame.body_top = 1;
        frame.body_rows = frame.status_row - 1;
        frame.body_column = frame.list_columns > 0 ? frame.list_columns + 1 : 0;
        frame.body_columns = columns - frame.body_column;
        if (desk->shows_people && columns >= LIST_FROM && desk_current(desk)->kind == BUFFER_ROOM)
            frame.people_columns = PEOPLE_COLUMNS;
        frame.body_columns -= frame.people_columns > 0 ? frame.people_columns + 1 : 0;
    }
    *ret = frame;
}

/* --- the title -------------------------------------------------------------------- */

static void draw_title(const struct desk *desk, struct grid *grid)
{
    const struct buffer *buffer = desk_current(desk);
    int at = 1;

    grid_fill(grid, 0, 0, grid->columns, " ", ROLE_BAR);
    at += grid_put_cut(grid, 0, at, grid->columns - 2, span_of(buffer->name), ROLE_BAR);
    if (!buffer->is_member)
        at += grid_put(grid, 0, at, grid->columns - at, SPAN(" (you are not in it)"), ROLE_BAR_BAD);
    if (buffer->topic[0] != '\0') {
        at += grid_put(grid, 0, at, grid->columns - at - 1, SPAN(": "), ROLE_BAR);
        grid_put_cut(grid, 0, at, grid->columns - at - 1, span_of(buffer->topic), ROLE_BAR);
    }
}

/* --- the list --------------------------------------------------------------------- */

static enum role list_role(const struct desk *desk, size_t index)
{
    const struct buffer *buffer = desk->buffer[index];

    if (index == desk->current)
        return ROLE_LIST_CURRENT;
    if (buffer->mentions > 0 || (buffer->kind == BUFFER_PERSON && buffer->unread > 0))
        return ROLE_LIST_MENTION;
    return buffer->unread > 0 ? ROLE_LIST_UNREAD : ROLE_LIST;
}

/* "12", "3!" with mentions, "" when there is nothing. */
static void counts_of(const struct buffer *buffer, char *buf, size_t capacity)
{
    buf[0] = '\0';
    if (buffer->unread > 999)
        snprintf(buf, capacity, "999+");
    else if (buffer->unread > 0)
        snprintf(buf, capacity, "%" PRIu32, buffer->unread);
    if (buffer->mentions > 0)
        snprintf(buf + strlen(buf), capacity - strlen(buf), "!");
}

static void draw_entry(const struct desk *desk, struct grid *grid, int row, size_t index, int width)
{
    const struct buffer *buffer = desk->buffer[index];
    const enum role role = list_role(desk, index);
    const struct span mark = index != desk->current ? SPAN(" ")
                             : desk->is_utf8        ? SPAN("▸")
                                                    : SPAN(">");
    char counts[16];
    int used;

    counts_of(buffer, counts, sizeof(counts));
    used = (int)strlen(counts);
    grid_fill(grid, row, 0, width, " ", role);
    grid_put(grid, row, 0, 1, mark, role);
    grid_put_cut(grid, row, 1, width - 1 - used - (used > 0), span_of(buffer->name), role);
    grid_put(grid, row, width - used, used, span_of(counts), role);
}

static void draw_list(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    const size_t height = (size_t)frame->body_rows;
    size_t first = 0;

    /* The current one is always to be seen. */
    if (desk->current >= height)
        first = desk->current - height + 1;
    for (size_t i = 0; i < height && first + i < desk->count; i++)
        draw_entry(desk, grid, frame->body_top + (int)i, first + i, frame->list_columns);
    for (int row = frame->body_top; row < frame->status_row; row++)
        grid_put(grid, row, frame->list_columns, 1, desk->is_utf8 ? SPAN("│") : SPAN("|"),
                 ROLE_RULE);
}

/* --- people ----------------------------------------------------------------------- */

static void draw_people(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    const struct nicks *members = &desk_current(desk)->members;
    const int column = grid->columns - frame->people_columns, height = frame->body_rows;
    char more[32];

    for (int row = 0; row < height; row++) {
        grid_put(grid, frame->body_top + row, column - 1, 1, desk->is_utf8 ? SPAN("│") : SPAN("|"),
                 ROLE_RULE);
        if ((size_t)row >= members->count)
            continue;
        if (row == height - 1 && members->count > (size_t)height) {
            snprintf(more, sizeof(more), "and %zu more", members->count - (size_t)row);
            grid_put(grid, frame->body_top + row, column, frame->people_columns, span_of(more),
                     ROLE_EVENT);
            continue;
        }
        grid_put_cut(grid, frame->body_top + row, column, frame->people_columns,
                     span_of(members->nick[row]), layout_nick_role(desk, members->nick[row]));
    }
}

/* --- the conversation ------------------------------------------------------------- */

static void draw_body(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    struct buffer *buffer = desk_current(desk);
    struct layout layout;
    size_t index;
    int row = frame->status_row;

    if (buffer->count == 0)
        return;
    layout_init(&layout, desk, frame->body_columns);
    (void)layout_scroll(&layout, buffer, frame->body_rows, 0);
    index = buffer_index_of(buffer, buffer->anchor_id);
    if (index == SIZE_MAX)
        index = buffer->count - 1;
    else
        row += buffer->anchor_rows;
    for (;; index--) {
        row -= layout_rows(&layout, buffer, index);
        layout_draw(&layout, buffer, index, grid, row, frame->body_top, frame->status_row,
                    frame->body_column);
        if (row <= frame->body_top || index == 0)
            break;
    }
}

/* --- the status line -------------------------------------------------------------- */

static void put_link(const struct desk *desk, FILE *out)
{
    static const char *const words[] = {"connecting", "online", "offline", "not let in"};

    fprintf(out, " %s", words[desk->link]);
    if (desk->link == DESK_UP && desk->has_round_trip)
        fprintf(out, " %" PRIu32 " ms", desk->round_trip_ms);
}

/* Where there is no list, or not all of it, the status line tells who wrote. */
static void put_active(const struct desk *desk, const char *bar, FILE *out)
{
    char counts[16];
    bool is_first = true;

    for (size_t i = 0; i < desk->count; i++) {
        if (i == desk->current || desk->buffer[i]->unread == 0)
            continue;
        counts_of(desk->buffer[i], counts, sizeof(counts));
        fprintf(out, "%s %zu:%s(%s)", is_first ? bar : "", i, desk->buffer[i]->name, counts);
        is_first = false;
    }
}

static void status_text(const struct desk *desk, bool has_list, char *buf, size_t capacity)
{
    const struct buffer *buffer = desk_current(desk);
    const char *bar = desk->is_utf8 ? " │" : " |";
    FILE *out = fmemopen(buf, capacity, "w");

    if (out == NULL)
        return;
    put_link(desk, out);
    if (desk->unsent > 0)
        fprintf(out, "%s %zu unsent", bar, desk->unsent);
    if (!has_list)
        put_active(desk, bar, out);
    fprintf(out, "%s %s", bar, buffer->name);
    if (buffer->people > 0)
        fprintf(out, "%s %" PRIu32 " %s", bar, buffer->people,
                buffer->people == 1 ? "person" : "people");
    if (buffer->anchor_id != 0)
        fprintf(out, "%s looking back", bar);
    fclose(out);
    buf[capacity - 1] = '\0';
}

static void draw_status(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    const enum role role = desk->link == DESK_UP ? ROLE_BAR : ROLE_BAR_BAD;
    char text[1024] = "";
    int used;

    grid_fill(grid, frame->status_row, 0, grid->columns, " ", role);
    if (desk->hint[0] != '\0') {
        grid_put_cut(grid, frame->status_row, 1, grid->columns - 2, span_of(desk->hint), role);
        return;
    }
    status_text(desk, frame->list_columns > 0 && desk->count <= (size_t)frame->body_rows, text,
                sizeof(text));
    used = grid_put_cut(grid, frame->status_row, 0, grid->columns, span_of(text), role);
    if (desk->link != DESK_UP && desk->trouble[0] != '\0')
        grid_put_cut(grid, frame->status_row, used + 2, grid->columns - used - 3,
                     span_of(desk->trouble), role);
}

/* --- the input -------------------------------------------------------------------- */

static void draw_input(const struct desk *desk, struct grid *grid, const struct view_frame *frame)
{
    struct editor *editor = input_of(desk);
    struct editor_view input;
    char text[PROMPT_BYTES];
    const int column = prompt(desk, text, sizeof(text));

    editor_view(editor, (size_t)(grid->columns - column), (size_t)frame->input_rows, &input);
    grid_put(grid, frame->input_row, 0, column, span_of(text), ROLE_PROMPT);
    for (size_t i = 0; i < input.row_count; i++) {
        const struct span all = editor_text(editor);
        const struct span part = {all.ptr + input.row[i].begin,
                                  input.row[i].end - input.row[i].begin};

        grid_put(grid, frame->input_row + (int)i, column, grid->columns - column, part, ROLE_INPUT);
    }
    grid->cursor_row = frame->input_row + (int)input.cursor_row;
    grid->cursor_column = clamp(column + (int)input.cursor_column, 0, grid->columns - 1);
}

bool view_is_whole(const struct desk *desk, int rows, int columns)
{
    return desk->card != CARD_KEYS && rows >= VIEW_ROWS_MIN && columns >= VIEW_COLUMNS_MIN;
}

void view_draw(struct desk *desk, struct grid *grid)
{
    struct view_frame frame;

    grid_clear(grid);
    view_frame(desk, grid->rows, grid->columns, &frame);
    if (frame.is_too_small) {
        char text[64];

        snprintf(text, sizeof(text), "zchat needs %dx%d", VIEW_COLUMNS_MIN, VIEW_ROWS_MIN);
        grid_put(grid, 0, 0, grid->columns, span_of(text), ROLE_TEXT);
        return;
    }
    draw_title(desk, grid);
    if (frame.list_columns > 0)
        draw_list(desk, grid, &frame);
    if (frame.people_columns > 0)
        draw_people(desk, grid, &frame);
    draw_body(desk, grid, &frame);
    draw_status(desk, grid, &frame);
    draw_input(desk, grid, &frame);
    if (desk->card == CARD_KEYS)
        view_card_keys(desk, grid);
    else if (desk->card == CARD_QUESTION)
        view_card_question(desk, grid, &frame);
}
