/* fuzz_editor.c - any operations on two editors that share kill ring and recall: the text stays valid UTF-8 within its bound, the
 * cursor stands between clusters, rows cover the text, and undo leads back to the begin. Completion is tried too. */
#include "client/tui/complete.h"
#include "client/tui/editor.h"
#include "client/tui/text.h"
#include "shared/base/invariant.h"
#include "shared/base/limits.h"
#include "tests/fuzz/script.h"

#include <locale.h>
#include <stdlib.h>

#define EDITORS   2
#define STEPS_MAX 400
#define FULL_MAX  12 /* of them with a long text: they take a thousand times as long */
#define FULL_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
    STEP_ACTION,
    STEP_INSERT,
    STEP_PIECE,
    STEP_FILL,
    STEP_REPLACE,
    STEP_RESTORE,
    STEP_SENT,
    STEP_CLEAR,
    STEP_SEARCH,
    STEP_SEARCH_END,
    STEP_VIEW,
    STEP_SWITCH,
    STEP_COMPLETE,
    STEPS
};

/* What makes clusters and rows interesting. */
static const char *const pieces[] = {"a",      " ", "\n",     "\t",     "明",      "\u0301",
                                     "\u200D", "👩", "🏽",   "🇩",      "🇪",       "한",
                                     "\u1161", "م", "\u202E", "\u200B", "क\u094D", "क",
                                     "b,c ",   "#", "@",      "\uFE0F", "\u0600"};

struct life {
    struct kills *kills;
    struct recall *recall;
    struct editor *editor[EDITORS];
    size_t now;
    struct complete *complete;
    size_t full_count;
};

static void check_between(struct span text, size_t cursor)
{
    INVARIANT(cursor <= text.len);
    if (cursor > 0)
        INVARIANT(text_next(text, text_prev(text, cursor)) == cursor);
}

static void check(const struct editor *editor)
{
    const struct span text = editor_text(editor);

    INVARIANT(text.len <= TEXT_BYTES_MAX && text.ptr[text.len] == '\0');
    INVARIANT(wire_is_utf8(text));
    INVARIANT(memchr(text.ptr, '\x1B', text.len) == NULL && strlen(text.ptr) == text.len);
    check_between(text, editor_cursor(editor));
}

static void view(struct editor *editor, size_t width, size_t height)
{
    const struct span text = editor_text(editor);
    struct editor_view shown;
    size_t end = 0;

    editor_view(editor, width, height, &shown);
    INVARIANT(shown.row_count >= 1 && shown.row_count <= EDITOR_ROWS_MAX);
    INVARIANT(shown.first + shown.row_count <= shown.total);
    INVARIANT(shown.cursor_row < shown.row_count && shown.cursor_column < (width < 1 ? 1 : width));
    for (size_t i = 0; i < shown.row_count; i++) {
        INVARIANT(shown.row[i].begin <= shown.row[i].end && shown.row[i].end <= text.len);
        INVARIANT(i == 0 || shown.row[i].begin == end ||
                  (shown.row[i].begin == end + 1 && text.ptr[end] == '\n'));
        end = shown.row[i].end;
        check_between(text, end);
        INVARIANT(
            text_width((struct span){text.ptr + shown.row[i].begin, end - shown.row[i].begin}) <=
            (width < TEXT_CLUSTER_WIDTH_MAX ? TEXT_CLUSTER_WIDTH_MAX : width));
    }
    INVARIANT(shown.first > 0 || shown.row[0].begin == 0);
    INVARIANT(shown.first + shown.row_count < shown.total || end == text.len);
}

static bool names(void *context, size_t index, struct span *ret)
{
    static const char *const list[] = {"anna", "b", "明明", "क्क", "lobby"};

    (void)context;
    if (index >= sizeof list / sizeof *list)
        return false;
    *ret = span_of(list[index]);
    return true;
}

static void complete(struct life *self, bool backwards)
{
    static const struct complete_source source = {NULL, names, names, names, names};
    struct editor *editor = self->editor[self->now];
    const struct span text = editor_text(editor);
    struct completion put;

    if (!complete_step(self->complete, &source, text, editor_cursor(editor), backwards, &put))
        return;
    INVARIANT(put.begin <= put.end && put.end <= text.len && put.index < put.count);
    INVARIANT(put.text_len == strlen(put.text));
    const enum rc rc =
        editor_replace(editor, put.begin, put.end, (struct span){put.text, put.text_len});
    INVARIANT(rc == RC_OK || rc == RC_TOO_BIG);
}

/* A refusal changes nothing. */
static void insert(struct editor *editor, struct span text)
{
    const size_t len = editor_text(editor).len;
    const enum rc rc = editor_insert(editor, text);

    INVARIANT(rc == RC_OK || rc == RC_TOO_BIG || rc == RC_BAD_TEXT);
    INVARIANT(editor_text(editor).len == (rc == RC_OK ? len + text.len : len));
}

static void fill(struct editor *editor, const char *piece)
{
    static char text[TEXT_BYTES_MAX];
    const size_t len = strlen(piece);
    size_t at = 0;

    for (; at + len <= sizeof text; at += len)
        memcpy(text + at, piece, len);
    insert(editor, (struct span){text, at});
}

static void replace(struct editor *editor, size_t from, size_t to, struct span text)
{
    const struct span now = editor_text(editor);
    size_t begin = 0, end;

    while (from-- > 0 && begin < now.len)
        begin = text_next(now, begin);
    for (end = begin; to-- > 0 && end < now.len;)
        end = text_next(now, end);
    const enum rc rc = editor_replace(editor, begin, end, text);
    INVARIANT(rc == RC_OK || rc == RC_TOO_BIG || rc == RC_BAD_TEXT);
}

static void do_step(struct life *self, struct script *script)
{
    struct editor *editor = self->editor[self->now];
    const enum step step = script_byte(script) % STEPS;
    const uint8_t byte = script_byte(script);
    const char *piece = pieces[byte % (sizeof pieces / sizeof *pieces)];
    enum rc rc = RC_OK;

    switch (step) {
    case STEP_ACTION:
        editor_do(editor, (enum action)(byte % ACTIONS));
        break;
    case STEP_INSERT:
        insert(editor, script_bytes(script, byte % 32));
        break;
    case STEP_PIECE:
        insert(editor, span_of(piece));
        break;
    case STEP_FILL: /* seldom: long texts take long */
        if (byte >= 192)
            fill(editor, piece);
        break;
    case STEP_REPLACE:
        replace(editor, byte % 8, byte / 32, span_of(piece));
        break;
    case STEP_RESTORE:
        rc = editor_restore(editor, script_bytes(script, byte % 32), byte);
        INVARIANT(rc == RC_OK || rc == RC_BAD_TEXT);
        break;
    case STEP_SENT:
        editor_sent(editor);
        INVARIANT(editor_text(editor).len == 0);
        break;
    case STEP_CLEAR:
        editor_clear(editor);
        break;
    case STEP_SEARCH:
        editor_search(editor, span_of(piece), byte >= 128);
        break;
    case STEP_SEARCH_END:
        editor_search_end(editor, byte >= 128);
        break;
    case STEP_VIEW:
        view(editor, byte % 64, byte / 32);
        break;
    case STEP_COMPLETE:
        complete(self, byte >= 128);
        break;
    default:
        self->now = byte % EDITORS;
        break;
    }
    check(self->editor[self->now]);
    check(editor);
    self->full_count += editor_text(self->editor[self->now]).len > FULL_SIZE;
}

static void undo_all(struct editor *editor)
{
    size_t count = 0;

    while (editor_do(editor, ACTION_UNDO) == EDITOR_DONE) {
        check(editor);
        INVARIANT(++count <= EDITOR_UNDO_MAX);
    }
    view(editor, 40, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_over(data, size);
    struct life life = {.kills = kills_new(), .recall = recall_new(), .complete = complete_new()};

    INVARIANT(setlocale(LC_ALL, "C.UTF-8") != NULL);
    for (size_t i = 0; i < EDITORS; i++)
        life.editor[i] = editor_new(life.kills, life.recall);
    for (size_t steps = 0;
         !script_is_over(&script) && steps < STEPS_MAX && life.full_count < FULL_MAX; steps++)
        do_step(&life, &script);
    for (size_t i = 0; i < EDITORS; i++) {
        undo_all(life.editor[i]);
        editor_destroy(&life.editor[i]);
    }
    complete_destroy(&life.complete);
    recall_destroy(&life.recall);
    kills_destroy(&life.kills);
    return 0;
}
