#include "client/tui/layout.h"

#include "client/tui/text.h"

#include "client/cli/print.h"
#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NICK_COLUMNS 12 /* with the space behind it */
#define SIGN_COLUMNS 3  /* likewise */
#define TEXT_LEAST   8

/* The time as the settings want it; "" when that is nothing. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the settings have looked at it */
static void write_time(const struct desk *desk, uint64_t ts_ms, char *buf, size_t capacity)
{
    const time_t seconds = (time_t)(ts_ms / 1000);
    struct tm when;

    if (localtime_r(&seconds, &when) == NULL ||
        strftime(buf, capacity, desk->settings->time_format, &when) == 0)
        buf[0] = '\0';
}
#pragma GCC diagnostic pop

void layout_init(struct layout *self, const struct desk *desk, int width)
{
    char now[40];

    *self = (struct layout){.desk = desk, .width = width};
    write_time(desk, 0, now, sizeof(now));
    if (now[0] != '\0')
        self->time_columns = (int)text_width(span_of(now)) + 1;
    if (self->time_columns + SIGN_COLUMNS + TEXT_LEAST > width)
        self->time_columns = 0;
    self->nick_columns = width >= LAYOUT_WIDE ? NICK_COLUMNS : 0;
    self->text_column = self->time_columns + SIGN_COLUMNS + self->nick_columns;
}

const char *layout_sign(const struct desk *desk, enum item_state state)
{
    static const char *const utf8[] = {"", "·", "✓", "✓✓", "!"};
    static const char *const ascii[] = {"", ".", "+", "++", "!"};

    return desk->is_utf8 ? utf8[state] : ascii[state];
}

/* --- the text of an item ---------------------------------------------------------- */

/* What stands in the nick's place. */
static void label_of(const struct item *item, char *buf, size_t capacity)
{
    switch (item->kind) {
    case ITEM_MESSAGE:
        snprintf(buf, capacity, "%s", item->from);
        break;
    case ITEM_NOTICE:
        snprintf(buf, capacity, "-%s-", item->from);
        break;
    case ITEM_GAP:
        snprintf(buf, capacity, "...");
        break;
    default:
        snprintf(buf, capacity, "*");
        break;
    }
}

enum role layout_nick_role(const struct desk *desk, const char *nick)
{
    if (strcmp(nick, desk->nick) == 0)
        return ROLE_NICK_OWN;
    return ROLE_NICK + (enum role)(nick_hash(nick) % NICK_COLORS);
}

static enum role label_role(const struct layout *self, const struct item *item)
{
    if (item->kind != ITEM_MESSAGE && item->kind != ITEM_NOTICE)
        return ROLE_EVENT;
    return layout_nick_role(self->desk, item->from);
}

static enum role text_role(const struct layout *self, const struct item *item)
{
    if (item->id == self->desk->found_id)
        return ROLE_FOUND;
    switch (item->kind) {
    case ITEM_NOTICE:
        return ROLE_NOTICE;
    case ITEM_EVENT:
    case ITEM_FOLD:
    case ITEM_GAP:
        return ROLE_EVENT;
    case ITEM_REMARK:
        return ROLE_REMARK;
    default:
        break;
    }
    if (item->is_mention)
        return ROLE_MENTION;
    return item->state == ITEM_WAITING || item->state == ITEM_FAILED ? ROLE_PENDING : ROLE_TEXT;
}

/* The text that is broken into rows; narrow, the label stands before it. The caller frees it. */
static char *body_of(const struct layout *self, const struct item *item, size_t *ret_label)
{
    char label[NAME_BYTES_MAX + 8];
    const bool is_said = item->kind == ITEM_MESSAGE;
    char *body = NULL;

    *ret_label = 0;
    if (self->nick_columns > 0)
        return x_strdup(item->text);
    label_of(item, label, sizeof(label));
    *ret_label = strlen(label);
    if (asprintf(&body, "%s%s %s", label, is_said ? ":" : "", item->text) < 0)
        return x_strdup(item->text);
    return body;
}

static int text_columns(const struct layout *self)
{
    return self->width - self->text_column > 1 ? self->width - self->text_column : 1;
}

static int text_rows(const struct layout *self, struct item *item)
{
    size_t label, next = 0;
    char *body;
    struct span text;
    int rows = 0;

    if (item->rows_width == self->width)
        return item->rows;
    body = body_of(self, item, &label);
    text = span_of(body);
    do {
        const size_t at = next;

        text_row(text, at, (size_t)text_columns(self), &next);
        rows++;
    } while (next < text.len);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        rows++;
    free(body);
    item->rows = rows;
    item->rows_width = self->width;
    return rows;
}

/* --- lines above ------------------------------------------------------------------ */

static bool day_of(uint64_t ts_ms, struct tm *ret)
{
    const time_t seconds = (time_t)(ts_ms / 1000);

    return localtime_r(&seconds, ret) != NULL;
}

/* The first item of another day than the one before it. */
static bool begins_day(const struct buffer *buffer, size_t index)
{
    struct tm here, before;

    if (!day_of(buffer_at(buffer, index)->ts_ms, &here))
        return false;
    return index == 0 || !day_of(buffer_at(buffer, index - 1)->ts_ms, &before) ||
           here.tm_yday != before.tm_yday || here.tm_year != before.tm_year;
}

static bool is_line_above(const struct buffer *buffer, size_t index)
{
    return buffer->line_id != 0 && buffer_at(buffer, index)->id == buffer->line_id;
}

int layout_rows(const struct layout *self, const struct buffer *buffer, size_t index)
{
    return text_rows(self, buffer_at(buffer, index)) + begins_day(buffer, index) +
           is_line_above(buffer, index);
}

static void draw_rule(const struct layout *self, struct grid *grid, int row, int column,
                      const char *text, enum role role)
{
    const char *dash = self->desk->is_utf8 ? "─" : "-";
    const int used = (int)text_width(span_of(text)) + 2, left = (self->width - used) / 2;

    grid_fill(grid, row, column, self->width, dash, role);
    if (left < 0)
        return;
    grid_put(grid, row, column + left, 1, SPAN(" "), role);
    grid_put(grid, row, column + left + 1, used - 2, span_of(text), role);
    grid_put(grid, row, column + left + used - 1, 1, SPAN(" "), role);
}

static void draw_day(const struct layout *self, const struct item *item, struct grid *grid, int row,
                     int column)
{
    char text[64];
    struct tm when;

    if (day_of(item->ts_ms, &when) && strftime(text, sizeof(text), "%a %Y-%m-%d", &when) > 0)
        draw_rule(self, grid, row, column, text, ROLE_DAY);
}

/* --- drawing ---------------------------------------------------------------------- */

static void draw_head(const struct layout *self, const struct item *item, struct grid *grid,
                      int row, int column)
{
    char text[NAME_BYTES_MAX + 8];
    int width;

    write_time(self->desk, item->ts_ms, text, sizeof(text));
    if (self->time_columns > 0)
        grid_put(grid, row, column, self->time_columns - 1, span_of(text), ROLE_TIME);
    grid_put(grid, row, column + self->time_columns, SIGN_COLUMNS - 1,
             span_of(layout_sign(self->desk, item->state)),
             item->state == ITEM_FAILED ? ROLE_SIGN_BAD : ROLE_SIGN);
    if (self->nick_columns == 0)
        return;
    label_of(item, text, sizeof(text));
    width = (int)text_width(span_of(text));
    if (width > self->nick_columns - 1)
        width = self->nick_columns - 1;
    grid_put_cut(grid, row, column + self->text_column - 1 - width, width, span_of(text),
                 label_role(self, item));
}

void layout_draw(const struct layout *self, const struct buffer *buffer, size_t index,
                 struct grid *grid, int row, int top, int bottom, int column)
{
    struct item *item = buffer_at(buffer, index);
    const int x = column + self->text_column, width = text_columns(self);
    size_t label, next = 0;
    char *body;
    struct span text;
    bool is_first = true;

    if (begins_day(buffer, index)) {
        if (row >= top && row < bottom)
            draw_day(self, item, grid, row, column);
        row++;
    }
    if (is_line_above(buffer, index)) {
        if (row >= top && row < bottom)
            draw_rule(self, grid, row, column, "unread", ROLE_UNREAD);
        row++;
    }
    body = body_of(self, item, &label);
    text = span_of(body);
    do {
        const size_t at = next, end = text_row(text, at, (size_t)width, &next);
        const struct span part = {text.ptr + at, end - at};

        if (row >= top && row < bottom) {
            if (is_first)
                draw_head(self, item, grid, row, column);
            grid_put(grid, row, x, width, part, text_role(self, item));
            if (at < label)
                grid_put(grid, row, x, width,
                         (struct span){part.ptr, label - at < part.len ? label - at : part.len},
                         label_role(self, item));
        }
        is_first = false;
        row++;
    } while (next < text.len && row < bottom);
    free(body);
}

/* --- scrolling -------------------------------------------------------------------- */

/* Where the window's bottom is: an item, and how many rows of it are below. */
struct place {
    size_t index;
    int below;
};

static struct place place_of(const struct layout *self, const struct buffer *buffer)
{
    size_t index = buffer_index_of(buffer, buffer->anchor_id);
    int below = buffer->anchor_rows;

    if (index == SIZE_MAX) {
        index = buffer->count - 1;
        below = 0;
    }
    if (below >= layout_rows(self, buffer, index)) /* the width has changed */
        below = layout_rows(self, buffer, index) - 1;
    return (struct place){index, below};
}

/* Rows that stand at and above the place, counted no further than `most`. */
static int rows_above(const struct layout *self, const struct buffer *buffer, struct place place,
                      int most)
{
    int rows = layout_rows(self, buffer, place.index) - place.below;

    while (rows < most && place.index > 0)
        rows += layout_rows(self, buffer, --place.index);
    return rows;
}

static void move(const struct layout *self, const struct buffer *buffer, struct place *place,
                 int rows)
{
    place->below += rows;
    while (place->below >= layout_rows(self, buffer, place->index) && place->index > 0)
        place->below -= layout_rows(self, buffer, place->index--);
    while (place->below < 0 && place->index + 1 < buffer->count)
        place->below += layout_rows(self, buffer, ++place->index);
    if (place->below < 0)
        place->below = 0;
    if (place->below >= layout_rows(self, buffer, place->index))
        place->below = layout_rows(self, buffer, place->index) - 1;
}

static void set_place(struct buffer *buffer, struct place place)
{
    const bool is_end = place.index + 1 == buffer->count && place.below == 0;

    buffer->anchor_id = is_end ? 0 : buffer_at(buffer, place.index)->id;
    buffer->anchor_rows = place.below;
}

bool layout_scroll(const struct layout *self, struct buffer *buffer, int height, int rows)
{
    struct place place;
    int above;

    if (buffer->count == 0)
        return true;
    place = place_of(self, buffer);
    if (rows > 0) { /* no further than the oldest row at the top */
        above = rows_above(self, buffer, place, height + rows) - height;
        rows = above < rows ? (above > 0 ? above : 0) : rows;
    }
    move(self, buffer, &place, rows);
    set_place(buffer, place);
    return rows_above(self, buffer, place, height + 1) <= height;
}

void layout_show(const struct layout *self, struct buffer *buffer, int height, size_t index)
{
    struct place place = {index, layout_rows(self, buffer, index) - 1}; /* its first row */

    move(self, buffer, &place, 1 - height);
    set_place(buffer, place);
}
