#include "client/tui/editor.h"

#include "client/tui/editor_state.h"
#include "client/tui/text.h"
#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/base/limits.h"
#include "shared/text/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 128
#define TYPED_MAX      20 /* characters that are one change; not all scripts have blanks */

struct editor *editor_new(struct kills *kills, struct recall *recall)
{
    struct editor *self = x_alloc(1, sizeof *self);

    self->capacity = CAPACITY_FIRST;
    self->text = x_alloc(self->capacity, 1);
    self->kills = kills;
    self->recall = recall;
    self->recall_id = RECALL_NEWEST;
    return self;
}

void editor_destroy(struct editor **self_p)
{
    struct editor *self = *self_p;

    if (self == NULL)
        return;
    undo_clear(&self->undo);
    free(self->draft.text);
    free(self->before_search.text);
    free(self->text);
    free(self);
    *self_p = NULL;
}

struct span editor_text(const struct editor *self)
{
    return (struct span){self->text, self->len};
}

size_t editor_cursor(const struct editor *self)
{
    return self->cursor;
}

/* --- changing ------------------------------------------------------------------------ */

/* `at`, or the end of the cluster that it stands in: what is put in can join with what stands there. */
static size_t snap(struct span text, size_t at)
{
    return at == 0 ? 0 : text_next(text, text_prev(text, at));
}

enum editor_done editor_splice(struct editor *self, size_t begin, size_t end, struct span text)
{
    const size_t len = self->len - (end - begin) + text.len;

    INVARIANT(begin <= end && end <= self->len);
    if (len > TEXT_BYTES_MAX)
        return EDITOR_FULL;
    while (len >= self->capacity) {
        self->capacity *= 2;
        self->text = x_realloc(self->text, self->capacity, 1);
    }
    memmove(self->text + begin + text.len, self->text + end, self->len - end);
    if (text.len > 0)
        memcpy(self->text + begin, text.ptr, text.len);
    self->len = len;
    self->text[len] = '\0';
    self->cursor = snap(editor_text(self), begin + text.len);
    self->is_edited = true;
    return EDITOR_DONE;
}

void editor_remember(struct editor *self)
{
    undo_push(&self->undo, editor_text(self), self->cursor);
}

struct line_state editor_copy(const struct editor *self)
{
    return (struct line_state){x_spandup(editor_text(self)), self->len, self->cursor};
}

void editor_give(struct editor *self, struct line_state *state)
{
    free(self->text);
    self->text = state->text;
    self->len = state->len;
    self->cursor = state->cursor;
    self->capacity = state->len + 1;
    *state = (struct line_state){0};
}

/* One change with its undo. */
static enum editor_done change(struct editor *self, size_t begin, size_t end, struct span text)
{
    if (begin == end && text.len == 0)
        return EDITOR_NOTHING;
    if (self->len - (end - begin) + text.len > TEXT_BYTES_MAX)
        return EDITOR_FULL;
    editor_remember(self);
    return editor_splice(self, begin, end, text);
}

static bool is_control(uint32_t point)
{
    return (point < 0x20 && point != '\n' && point != '\t') || (point >= 0x7F && point < 0xA0);
}

static bool is_fit(struct span text)
{
    while (text.len > 0) {
        uint32_t point;
        const size_t len = utf8_next(text, &point);

        if (point == UTF8_ILL || is_control(point))
            return false;
        text = (struct span){text.ptr + len, text.len - len};
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* A character more of a word, or a blank behind it, is undone with the word. */
static bool is_typed_on(const struct editor *self, struct span text)
{
    return self->last == LAST_TYPED && self->cursor > 0 && self->typed_count < TYPED_MAX &&
           (is_blank(*text.ptr) || !is_blank(self->text[self->cursor - 1]));
}

enum rc editor_insert(struct editor *self, struct span text)
{
    enum editor_done done;
    bool is_more;

    if (!is_fit(text))
        return RC_BAD_TEXT;
    if (text.len == 0)
        return RC_OK;
    editor_search_end(self, true);
    is_more = is_typed_on(self, text);
    if (is_more)
        done = editor_splice(self, self->cursor, self->cursor, text);
    else
        done = change(self, self->cursor, self->cursor, text);
    if (done == EDITOR_FULL)
        return RC_TOO_BIG;
    self->typed_count = is_more ? self->typed_count + 1 : 1;
    self->last = text_next(text, 0) == text.len ? LAST_TYPED : LAST_OTHER;
    return RC_OK;
}

enum rc editor_replace(struct editor *self, size_t begin, size_t end, struct span text)
{
    if (!is_fit(text))
        return RC_BAD_TEXT;
    INVARIANT(begin <= end && end <= self->len);
    editor_search_end(self, true);
    self->last = LAST_OTHER;
    return change(self, begin, end, text) == EDITOR_FULL ? RC_TOO_BIG : RC_OK;
}

enum rc editor_restore(struct editor *self, struct span text, size_t cursor)
{
    if (!is_fit(text))
        return RC_BAD_TEXT;
    if (editor_splice(self, 0, self->len, text) == EDITOR_FULL)
        return RC_TOO_BIG;
    self->cursor = cursor < self->len ? snap(editor_text(self), cursor) : self->len;
    editor_recall_leave(self);
    undo_clear(&self->undo);
    self->last = LAST_OTHER;
    return RC_OK;
}

void editor_clear(struct editor *self)
{
    change(self, 0, self->len, SPAN(""));
    editor_recall_leave(self);
    self->last = LAST_OTHER;
}

void editor_sent(struct editor *self)
{
    editor_recall_leave(self); /* a draft that waited stays to be found */
    recall_add(self->recall, editor_text(self));
    editor_splice(self, 0, self->len, SPAN(""));
    undo_clear(&self->undo);
    self->last = LAST_OTHER;
}

/* --- places ---------------------------------------------------------------------------- */

static size_t line_begin(const struct editor *self)
{
    const char *found = self->cursor == 0 ? NULL : memrchr(self->text, '\n', self->cursor);

    return found == NULL ? 0 : (size_t)(found - self->text) + 1;
}

static size_t line_end(const struct editor *self)
{
    const char *found = memchr(self->text + self->cursor, '\n', self->len - self->cursor);

    return found == NULL ? self->len : (size_t)(found - self->text);
}

/* Where an action of moving, deleting or cutting goes to; the cursor itself: nowhere. */
static size_t place_of(const struct editor *self, enum action action)
{
    const struct span text = editor_text(self);
    const size_t at = self->cursor;

    switch (action) {
    case ACTION_LINE_BEGIN:
        return line_begin(self);
    case ACTION_LINE_END:
        return line_end(self);
    case ACTION_CHAR_BACK:
    case ACTION_DELETE_BACK:
        return at == 0 ? 0 : text_prev(text, at);
    case ACTION_CHAR_FORWARD:
    case ACTION_DELETE_CHAR:
        return at == text.len ? at : text_next(text, at);
    case ACTION_WORD_BACK:
    case ACTION_KILL_WORD_BACK:
        return text_word_prev(text, at);
    case ACTION_WORD_FORWARD:
    case ACTION_KILL_WORD:
        return text_word_next(text, at);
    case ACTION_KILL_BLANK_BACK:
        return text_blank_prev(text, at);
    case ACTION_KILL_END: /* at the line's end, its LF */
        return line_end(self) > at || at == text.len ? line_end(self) : at + 1;
    case ACTION_KILL_BEGIN:
        return line_begin(self) < at || at == 0 ? line_begin(self) : at - 1;
    default:
        return at;
    }
}

/* --- actions --------------------------------------------------------------------------- */

static enum editor_done move_to(struct editor *self, size_t place)
{
    const bool is_moved = place != self->cursor;

    self->cursor = snap(editor_text(self), place);
    self->last = LAST_OTHER;
    return is_moved ? EDITOR_DONE : EDITOR_NOTHING;
}

static enum editor_done delete_to(struct editor *self, size_t place)
{
    const size_t begin = place < self->cursor ? place : self->cursor;
    const size_t end = place < self->cursor ? self->cursor : place;

    if (begin == end)
        return EDITOR_NOTHING;
    if (self->last != LAST_DELETED)
        editor_remember(self);
    self->last = LAST_DELETED;
    return editor_splice(self, begin, end, SPAN(""));
}

static enum editor_done kill_to(struct editor *self, size_t place)
{
    const bool is_back = place < self->cursor;
    const size_t begin = is_back ? place : self->cursor;
    const struct span cut = {self->text + begin,
                             is_back ? self->cursor - place : place - self->cursor};

    if (cut.len == 0)
        return EDITOR_NOTHING;
    if (self->last == LAST_KILLED)
        kills_join(self->kills, cut, is_back);
    else
        kills_push(self->kills, cut);
    self->last = LAST_KILLED;
    return change(self, begin, begin + cut.len, SPAN(""));
}

/* What was cut can be the half of a cluster's text, but never of a character. */
static enum editor_done yank(struct editor *self, size_t begin, size_t end, size_t index)
{
    const struct span cut = kills_get(self->kills, index);
    const enum editor_done done = change(self, begin, end, cut);

    if (done != EDITOR_DONE)
        return done;
    self->yank_begin = begin;
    self->yank_len = cut.len;
    self->yank_index = index;
    self->last = LAST_YANKED;
    return done;
}

static enum editor_done yank_pop(struct editor *self)
{
    if (self->last != LAST_YANKED)
        return EDITOR_NOTHING;
    return yank(self, self->yank_begin, self->yank_begin + self->yank_len, self->yank_index + 1);
}

/* Swap first..first_end with second..end, and stand behind. */
static enum editor_done swap(struct editor *self, size_t first, size_t first_end, size_t second,
                             size_t end)
{
    char *swapped = x_alloc(end - first, 1);
    size_t len = 0;
    enum editor_done done;

    memcpy(swapped, self->text + second, end - second);
    len += end - second;
    memcpy(swapped + len, self->text + first_end, second - first_end);
    len += second - first_end;
    memcpy(swapped + len, self->text + first, first_end - first);
    done = change(self, first, end, (struct span){swapped, end - first});
    free(swapped);
    self->last = LAST_OTHER;
    return done;
}

static enum editor_done transpose_chars(struct editor *self)
{
    const struct span text = editor_text(self);
    size_t middle = self->cursor, first, end;

    if (middle == line_end(self) && middle > line_begin(self)) /* at the end: the two before */
        middle = text_prev(text, middle);
    if (middle == 0 || middle == text.len)
        return EDITOR_NOTHING;
    first = text_prev(text, middle);
    end = text_next(text, middle);
    if (text.ptr[first] == '\n' || text.ptr[middle] == '\n')
        return EDITOR_NOTHING;
    return swap(self, first, middle, middle, end);
}

static enum editor_done transpose_words(struct editor *self)
{
    const struct span text = editor_text(self);
    const size_t second = text_word_prev(text, text_word_next(text, self->cursor));
    const size_t end = text_word_next(text, second);
    const size_t first = text_word_prev(text, second);
    const size_t first_end = text_word_next(text, first);

    if (first == first_end || first_end > second || second == end)
        return EDITOR_NOTHING;
    return swap(self, first, first_end, second, end);
}

static enum editor_done undo(struct editor *self)
{
    struct line_state state;

    self->last = LAST_OTHER;
    if (!undo_pop(&self->undo, &state))
        return EDITOR_NOTHING;
    editor_give(self, &state);
    self->is_edited = true;
    return EDITOR_DONE;
}

static enum editor_done vertical(struct editor *self, bool is_up)
{
    if (editor_move_rows(self, is_up)) {
        self->last = LAST_VERTICAL;
        return EDITOR_DONE;
    }
    return editor_recall_step(self, is_up);
}

enum editor_done editor_do(struct editor *self, enum action action)
{
    if (action > ACTION_NONE && action < ACTIONS && action_row(action)->group <= ACTIONS_EDITING)
        editor_search_end(self, true);
    switch (action) {
    case ACTION_LINE_BEGIN:
    case ACTION_LINE_END:
    case ACTION_CHAR_BACK:
    case ACTION_CHAR_FORWARD:
    case ACTION_WORD_BACK:
    case ACTION_WORD_FORWARD:
        return move_to(self, place_of(self, action));
    case ACTION_DELETE_CHAR:
    case ACTION_DELETE_BACK:
        return delete_to(self, place_of(self, action));
    case ACTION_KILL_WORD:
    case ACTION_KILL_WORD_BACK:
    case ACTION_KILL_BLANK_BACK:
    case ACTION_KILL_END:
    case ACTION_KILL_BEGIN:
        return kill_to(self, place_of(self, action));
    case ACTION_UP:
    case ACTION_DOWN:
        return vertical(self, action == ACTION_UP);
    case ACTION_RECALL_PREV:
    case ACTION_RECALL_NEXT:
        return editor_recall_step(self, action == ACTION_RECALL_PREV);
    case ACTION_YANK:
        return yank(self, self->cursor, self->cursor, 0);
    case ACTION_YANK_POP:
        return yank_pop(self);
    case ACTION_TRANSPOSE_CHARS:
        return transpose_chars(self);
    case ACTION_TRANSPOSE_WORDS:
        return transpose_words(self);
    case ACTION_UNDO:
        return undo(self);
    case ACTION_NEWLINE:
        self->last = LAST_OTHER;
        return change(self, self->cursor, self->cursor, SPAN("\n"));
    default:
        return EDITOR_NOT_MINE;
    }
}
