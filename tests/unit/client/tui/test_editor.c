#include "client/tui/editor.h"
#include "client/tui/text.h"
#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "tests/support/check.h"

#include <locale.h>
#include <stdlib.h>

#define ACUTE "\u0301"

struct fixture {
    struct kills *kills;
    struct recall *recall;
    struct editor *editor;
};

static int setup(void **state)
{
    struct fixture *f = x_alloc(1, sizeof *f);

    f->kills = kills_new();
    f->recall = recall_new();
    f->editor = editor_new(f->kills, f->recall);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    editor_destroy(&f->editor);
    recall_destroy(&f->recall);
    kills_destroy(&f->kills);
    assert_null(f->editor);
    free(f);
    return 0;
}

static void type(struct fixture *f, const char *text)
{
    const struct span span = span_of(text);

    for (size_t at = 0; at < span.len;) {
        const size_t next = text_next(span, at);

        assert_int_equal(editor_insert(f->editor, (struct span){text + at, next - at}), RC_OK);
        at = next;
    }
}

/* `|` in `line` stands for the cursor. */
static void expect(struct fixture *f, const char *line)
{
    const struct span text = editor_text(f->editor);
    const size_t cursor = editor_cursor(f->editor);
    char shown[1024];

    assert_true(text.len < sizeof shown - 1);
    snprintf(shown, sizeof shown, "%.*s|%s", (int)cursor, text.ptr, text.ptr + cursor);
    assert_string_equal(shown, line);
}

static void start(struct fixture *f, const char *line)
{
    const char *bar = strchr(line, '|');
    char text[1024];

    snprintf(text, sizeof text, "%.*s%s", (int)(bar - line), line, bar + 1);
    assert_int_equal(editor_restore(f->editor, span_of(text), (size_t)(bar - line)), RC_OK);
}

static void does(struct fixture *f, enum action action, const char *line)
{
    assert_int_equal(editor_do(f->editor, action), EDITOR_DONE);
    expect(f, line);
}

static void does_nothing(struct fixture *f, enum action action)
{
    assert_int_equal(editor_do(f->editor, action), EDITOR_NOTHING);
}

/* --- moving and deleting -------------------------------------------------------------- */

static void the_cursor_moves_by_characters_words_and_lines(void **state)
{
    struct fixture *f = *state;

    start(f, "e" ACUTE "🇩🇪小明 two\nx|");
    does(f, ACTION_LINE_BEGIN, "e" ACUTE "🇩🇪小明 two\n|x");
    does_nothing(f, ACTION_LINE_BEGIN);
    does(f, ACTION_CHAR_BACK, "e" ACUTE "🇩🇪小明 two|\nx");
    does(f, ACTION_WORD_BACK, "e" ACUTE "🇩🇪小明 |two\nx");
    does(f, ACTION_LINE_BEGIN, "|e" ACUTE "🇩🇪小明 two\nx");
    does_nothing(f, ACTION_CHAR_BACK);
    does(f, ACTION_CHAR_FORWARD, "e" ACUTE "|🇩🇪小明 two\nx");
    does(f, ACTION_CHAR_FORWARD, "e" ACUTE "🇩🇪|小明 two\nx");
    does(f, ACTION_WORD_FORWARD, "e" ACUTE "🇩🇪小明| two\nx");
    does(f, ACTION_LINE_END, "e" ACUTE "🇩🇪小明 two|\nx");
    does(f, ACTION_WORD_FORWARD, "e" ACUTE "🇩🇪小明 two\nx|");
    does_nothing(f, ACTION_CHAR_FORWARD);
}

static void arabic_is_edited_in_the_order_it_is_written(void **state)
{
    struct fixture *f = *state;

    type(f, "مرحبا بك");
    expect(f, "مرحبا بك|");
    does(f, ACTION_WORD_BACK, "مرحبا |بك");
    does(f, ACTION_DELETE_BACK, "مرحبا|بك");
    does(f, ACTION_CHAR_BACK, "مرحب|ابك");
}

static void deleting_takes_whole_clusters(void **state)
{
    struct fixture *f = *state;

    start(f, "a👨\u200D👩\u200D👧|e" ACUTE "b");
    does(f, ACTION_DELETE_BACK, "a|e" ACUTE "b");
    does(f, ACTION_DELETE_CHAR, "a|b");
    does(f, ACTION_DELETE_CHAR, "a|");
    does_nothing(f, ACTION_DELETE_CHAR);
    does(f, ACTION_DELETE_BACK, "|");
    does_nothing(f, ACTION_DELETE_BACK);
}

static void what_is_put_in_may_join_its_neighbours(void **state)
{
    struct fixture *f = *state;

    start(f, "e|x");
    assert_int_equal(editor_insert(f->editor, SPAN(ACUTE)), RC_OK);
    expect(f, "e" ACUTE "|x");
    start(f, "|" ACUTE "x");
    assert_int_equal(editor_insert(f->editor, SPAN("e")), RC_OK);
    expect(f, "e" ACUTE "|x"); /* the cursor does not stand within */
    start(f, "👨x|👩");
    assert_int_equal(editor_replace(f->editor, 4, 5, SPAN("\u200D")), RC_OK);
    expect(f, "👨\u200D👩|");
}

static void characters_and_words_are_swapped(void **state)
{
    struct fixture *f = *state;

    start(f, "ab|");
    does(f, ACTION_TRANSPOSE_CHARS, "ba|");
    start(f, "小|明x");
    does(f, ACTION_TRANSPOSE_CHARS, "明小|x");
    start(f, "|ab");
    does_nothing(f, ACTION_TRANSPOSE_CHARS);
    start(f, "a\n|b");
    does_nothing(f, ACTION_TRANSPOSE_CHARS);
    start(f, "one, |two!");
    does(f, ACTION_TRANSPOSE_WORDS, "two, one|!");
    start(f, "one two|");
    does(f, ACTION_TRANSPOSE_WORDS, "two one|");
    start(f, "one|");
    does_nothing(f, ACTION_TRANSPOSE_WORDS);
    start(f, "...|");
    does_nothing(f, ACTION_TRANSPOSE_WORDS);
}

/* --- the kill ring ---------------------------------------------------------------------- */

static void cuts_in_a_row_are_one_and_come_back(void **state)
{
    struct fixture *f = *state;

    start(f, "one two-x three| four\nfive");
    does(f, ACTION_KILL_WORD_BACK, "one two-x | four\nfive");
    does(f, ACTION_KILL_BLANK_BACK, "one | four\nfive");
    does(f, ACTION_KILL_WORD, "one |\nfive");
    does(f, ACTION_YANK, "one two-x three four|\nfive");
    does(f, ACTION_KILL_BEGIN, "|\nfive");
    does(f, ACTION_KILL_END, "|five"); /* at the end of a line: its LF */
    does(f, ACTION_KILL_END, "|");
    does_nothing(f, ACTION_KILL_END);
    does(f, ACTION_YANK, "one two-x three four\nfive|");
    does(f, ACTION_LINE_BEGIN, "one two-x three four\n|five");
    does(f, ACTION_KILL_BEGIN, "one two-x three four|five");
}

static void meta_y_takes_older_cuts_round_the_ring(void **state)
{
    struct fixture *f = *state;

    does_nothing(f, ACTION_YANK);
    kills_push(f->kills, SPAN("小明"));
    kills_push(f->kills, SPAN("b"));
    kills_push(f->kills, SPAN("ccc"));
    start(f, "<|>");
    does_nothing(f, ACTION_YANK_POP);
    does(f, ACTION_YANK, "<ccc|>");
    does(f, ACTION_YANK_POP, "<b|>");
    kills_push(f->kills, SPAN("of another editor, and long"));
    does(f, ACTION_YANK_POP, "<b|>"); /* the ring has moved on by one */
    does(f, ACTION_YANK_POP, "<小明|>");
    does(f, ACTION_YANK_POP, "<of another editor, and long|>");
    does(f, ACTION_CHAR_BACK, "<of another editor, and lon|g>");
    does_nothing(f, ACTION_YANK_POP);
}

static void the_ring_is_bounded(void **state)
{
    struct fixture *f = *state;
    char text[16], *large = x_alloc(TEXT_BYTES_MAX + 1, 1);

    for (int i = 0; i < KILLS_MAX + 3; i++) {
        snprintf(text, sizeof text, "%d", i);
        kills_push(f->kills, span_of(text));
    }
    assert_true(span_equal(kills_get(f->kills, 0), SPAN("34")));
    assert_true(span_equal(kills_get(f->kills, KILLS_MAX - 1), SPAN("3")));
    assert_true(span_equal(kills_get(f->kills, KILLS_MAX), SPAN("34")));
    memset(large, 'x', TEXT_BYTES_MAX);
    assert_false(kills_join(f->kills, (struct span){large, TEXT_BYTES_MAX}, true));
    assert_int_equal(kills_get(f->kills, 0).len, TEXT_BYTES_MAX);
    kills_push(f->kills, SPAN(""));
    assert_int_equal(kills_get(f->kills, 0).len, TEXT_BYTES_MAX);
    free(large);
}

/* --- undo --------------------------------------------------------------------------------- */

static void undo_takes_back_words_cuts_and_clears(void **state)
{
    struct fixture *f = *state;

    does_nothing(f, ACTION_UNDO);
    type(f, "one two");
    does(f, ACTION_DELETE_BACK, "one tw|");
    does(f, ACTION_DELETE_BACK, "one t|");
    does(f, ACTION_KILL_BEGIN, "|");
    does(f, ACTION_UNDO, "one t|");
    does(f, ACTION_UNDO, "one two|");
    does(f, ACTION_UNDO, "one |");
    does(f, ACTION_UNDO, "|");
    does_nothing(f, ACTION_UNDO);
    type(f, "abc");
    editor_clear(f->editor);
    expect(f, "|");
    does(f, ACTION_UNDO, "abc|");
}

static void undo_is_bounded(void **state)
{
    struct fixture *f = *state;
    size_t undone = 0;

    for (int i = 0; i < 2 * EDITOR_UNDO_MAX; i++)
        type(f, i % 2 == 0 ? "a " : "b ");
    while (editor_do(f->editor, ACTION_UNDO) == EDITOR_DONE)
        undone++;
    assert_int_equal(undone, EDITOR_UNDO_MAX);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void text_beyond_the_limit_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    char *large = x_alloc(TEXT_BYTES_MAX + 1, 1);

    memset(large, 'x', TEXT_BYTES_MAX + 1);
    assert_int_equal(editor_insert(f->editor, (struct span){large, TEXT_BYTES_MAX + 1}),
                     RC_TOO_BIG);
    expect(f, "|");
    assert_int_equal(editor_insert(f->editor, (struct span){large, TEXT_BYTES_MAX - 2}), RC_OK);
    assert_int_equal(editor_insert(f->editor, SPAN("明")), RC_TOO_BIG);
    assert_int_equal(editor_insert(f->editor, SPAN("é")), RC_OK);
    assert_int_equal(editor_text(f->editor).len, TEXT_BYTES_MAX);
    assert_int_equal(editor_do(f->editor, ACTION_NEWLINE), EDITOR_FULL);
    kills_push(f->kills, SPAN("y"));
    assert_int_equal(editor_do(f->editor, ACTION_YANK), EDITOR_FULL);
    assert_int_equal(editor_replace(f->editor, 0, 1, SPAN("xy")), RC_TOO_BIG);
    assert_int_equal(editor_text(f->editor).len, TEXT_BYTES_MAX);
    does_nothing(f, ACTION_CHAR_FORWARD);
    free(large);
}

static void what_is_no_text_is_refused(void **state)
{
    struct fixture *f = *state;

    type(f, "a");
    assert_int_equal(editor_insert(f->editor, SPAN("\xFF")), RC_BAD_TEXT);
    assert_int_equal(editor_insert(f->editor, SPAN("b\x1B[2J")), RC_BAD_TEXT);
    assert_int_equal(editor_insert(f->editor, SPAN("\r")), RC_BAD_TEXT);
    assert_int_equal(editor_insert(f->editor, SPAN("\xC2\x85")), RC_BAD_TEXT);
    assert_int_equal(editor_replace(f->editor, 0, 1, SPAN("\x7F")), RC_BAD_TEXT);
    assert_int_equal(editor_restore(f->editor, SPAN("\xE6\x98"), 0), RC_BAD_TEXT);
    assert_int_equal(editor_insert(f->editor, SPAN("")), RC_OK);
    expect(f, "a|");
    assert_int_equal(editor_do(f->editor, ACTION_SEND), EDITOR_NOT_MINE);
    assert_int_equal(editor_do(f->editor, ACTION_NONE), EDITOR_NOT_MINE);
}

static void a_draft_comes_back_between_clusters(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(editor_restore(f->editor, SPAN("小明"), 1), RC_OK);
    expect(f, "小|明");
    assert_int_equal(editor_restore(f->editor, SPAN("小明"), 99), RC_OK);
    expect(f, "小明|");
    does_nothing(f, ACTION_UNDO);
}

/* --- the recall -------------------------------------------------------------------------------- */

static void send(struct fixture *f, const char *text)
{
    type(f, text);
    editor_sent(f->editor);
    expect(f, "|");
}

static void up_goes_back_and_keeps_the_draft(void **state)
{
    struct fixture *f = *state;

    send(f, "one");
    send(f, "two");
    type(f, "draft");
    does(f, ACTION_UP, "two|");
    does(f, ACTION_RECALL_PREV, "one|");
    does_nothing(f, ACTION_UP);
    expect(f, "one|");
    does(f, ACTION_DOWN, "two|");
    does(f, ACTION_RECALL_NEXT, "draft|");
    does_nothing(f, ACTION_RECALL_NEXT);
    expect(f, "draft|");
}

static void doubles_are_folded_and_changed_entries_are_kept(void **state)
{
    struct fixture *f = *state;

    send(f, "one");
    send(f, "two");
    send(f, "one");
    does(f, ACTION_UP, "one|");
    does(f, ACTION_UP, "two|");
    type(f, "!");
    does(f, ACTION_DOWN, "one|");
    does(f, ACTION_DOWN, "two!|");
    does(f, ACTION_DOWN, "|");
    does(f, ACTION_UP, "two!|");
    does(f, ACTION_UP, "one|");
    does(f, ACTION_UP, "two|");
    does_nothing(f, ACTION_UP);
}

static void a_draft_that_was_not_sent_is_found_again(void **state)
{
    struct fixture *f = *state;

    send(f, "one");
    type(f, "draft");
    does(f, ACTION_UP, "one|");
    editor_sent(f->editor);
    does(f, ACTION_UP, "one|");
    does(f, ACTION_UP, "draft|");
}

static void the_recall_is_bounded(void **state)
{
    struct fixture *f = *state;
    char text[16], *large = x_alloc(RECALL_BYTES_MAX + 1, 1);
    struct span found;
    uint64_t id = RECALL_NEWEST;
    size_t count = 0;

    for (int i = 0; i < RECALL_ENTRIES_MAX + 5; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_true(recall_add(f->recall, span_of(text)) > 0);
    }
    while (recall_older(f->recall, id, &id, &found))
        count++;
    assert_int_equal(count, RECALL_ENTRIES_MAX);
    assert_true(span_equal(found, SPAN("5")));
    assert_int_equal(recall_add(f->recall, SPAN("")), 0);
    memset(large, 'x', RECALL_BYTES_MAX + 1);
    assert_int_equal(recall_add(f->recall, (struct span){large, RECALL_BYTES_MAX + 1}), 0);
    id = recall_add(f->recall, (struct span){large, RECALL_BYTES_MAX});
    assert_true(id > 0);
    assert_false(recall_older(f->recall, id, &id, &found)); /* all others had to go */
    assert_false(recall_newer(f->recall, RECALL_NEWEST, &id, &found));
    free(large);
}

static void searching_finds_older_entries_and_can_be_given_up(void **state)
{
    struct fixture *f = *state;

    send(f, "make 小明 happy");
    send(f, "make all");
    send(f, "other");
    type(f, "draft");
    assert_true(editor_search(f->editor, SPAN("mak"), false));
    expect(f, "make all|");
    assert_true(editor_search(f->editor, SPAN("mak"), true));
    expect(f, "make 小明 happy|");
    assert_false(editor_search(f->editor, SPAN("mak"), true));
    assert_true(editor_search(f->editor, SPAN("小"), false));
    assert_false(editor_search(f->editor, SPAN("nothing"), false));
    expect(f, "make 小明 happy|");
    editor_search_end(f->editor, false);
    expect(f, "draft|");
    assert_true(editor_search(f->editor, SPAN("all"), false));
    editor_search_end(f->editor, true);
    expect(f, "make all|");
    does(f, ACTION_DOWN, "other|");
    does(f, ACTION_DOWN, "draft|");
}

static void a_key_of_editing_ends_a_search(void **state)
{
    struct fixture *f = *state;

    send(f, "one");
    send(f, "two");
    type(f, "draft");
    does(f, ACTION_UP, "two|");
    assert_true(editor_search(f->editor, SPAN("one"), false));
    does(f, ACTION_DOWN, "two|");
    does(f, ACTION_DOWN, "draft|");
    editor_search_end(f->editor, false); /* is over already */
    expect(f, "draft|");
    does(f, ACTION_UP, "two|");
    does(f, ACTION_DOWN, "draft|");
}

/* --- rows ------------------------------------------------------------------------------------------ */

static void expect_view(struct fixture *f, size_t width, size_t height, const char *rows,
                        size_t cursor_row, size_t cursor_column)
{
    struct editor_view view;
    const struct span text = editor_text(f->editor);
    char shown[512] = "";
    size_t len = 0;

    editor_view(f->editor, width, height, &view);
    for (size_t i = 0; i < view.row_count; i++)
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s|",
                                (int)(view.row[i].end - view.row[i].begin),
                                text.ptr + view.row[i].begin);
    assert_string_equal(shown, rows);
    assert_int_equal(view.cursor_row, cursor_row);
    assert_int_equal(view.cursor_column, cursor_column);
}

static void rows_break_where_they_are_full(void **state)
{
    struct fixture *f = *state;

    expect_view(f, 10, 3, "|", 0, 0);
    type(f, "abc");
    expect_view(f, 4, 3, "abc|", 0, 3);
    type(f, "d");
    expect_view(f, 4, 3, "abcd||", 1, 0); /* the cursor has a cell */
    type(f, "小明x");
    expect_view(f, 4, 3, "abcd|小明|x|", 2, 1);
    expect_view(f, 5, 3, "abcd|小明x||", 2, 0); /* half of a wide one is left free */
    expect_view(f, 1, 9, "a|b|c|d|小|明|x||", 7, 0);
}

static void rows_fill_forty_columns_to_the_edge(void **state)
{
    struct fixture *f = *state;
    struct editor_view view;

    for (int i = 0; i < 19; i++)
        type(f, "明");
    type(f, "a");
    editor_view(f->editor, 40, 5, &view);
    assert_int_equal(view.total, 1);
    assert_int_equal(view.cursor_column, 39);
    type(f, "b");
    editor_view(f->editor, 40, 5, &view);
    assert_int_equal(view.total, 2);
    assert_int_equal(view.cursor_row, 1);
    assert_int_equal(view.cursor_column, 0);
    assert_int_equal(editor_do(f->editor, ACTION_DELETE_BACK), EDITOR_DONE);
    type(f, "明明"); /* does not fit in the last cell */
    editor_view(f->editor, 40, 5, &view);
    assert_int_equal(view.row[1].begin, 19 * 3 + 1);
    assert_int_equal(view.cursor_column, 4);
}

static void the_window_follows_the_cursor(void **state)
{
    struct fixture *f = *state;

    start(f, "1\n2\n3\n4\n5|");
    expect_view(f, 40, 2, "4|5|", 1, 1);
    does(f, ACTION_UP, "1\n2\n3\n4|\n5");
    expect_view(f, 40, 2, "4|5|", 0, 1); /* no more than needed */
    does(f, ACTION_UP, "1\n2\n3|\n4\n5");
    expect_view(f, 40, 2, "3|4|", 0, 1);
    editor_clear(f->editor);
    expect_view(f, 40, 2, "|", 0, 0);
    type(f, "x");
    assert_int_equal(editor_do(f->editor, ACTION_NEWLINE), EDITOR_DONE);
    expect_view(f, 40, 2, "x||", 1, 0);
}

static void up_and_down_keep_their_column(void **state)
{
    struct fixture *f = *state;

    send(f, "before");
    type(f, "abcdef\nx\n小明小明");
    expect_view(f, 40, 5, "abcdef|x|小明小明|", 2, 8);
    does(f, ACTION_UP, "abcdef\nx|\n小明小明");
    does(f, ACTION_UP, "abcdef|\nx\n小明小明");
    does(f, ACTION_DOWN, "abcdef\nx|\n小明小明");
    does(f, ACTION_DOWN, "abcdef\nx\n小明小明|");
    does(f, ACTION_CHAR_BACK, "abcdef\nx\n小明小|明");
    expect_view(f, 4, 9, "abcd|ef|x|小明|小明||", 4, 2);
    does(f, ACTION_UP, "abcdef\nx\n小|明小明"); /* rows as they are seen */
    does(f, ACTION_UP, "abcdef\nx|\n小明小明");
    does(f, ACTION_UP, "abcdef|\nx\n小明小明");
    does(f, ACTION_UP, "ab|cdef\nx\n小明小明");
    does(f, ACTION_UP, "before|");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_cursor_moves_by_characters_words_and_lines),
        TEST(arabic_is_edited_in_the_order_it_is_written),
        TEST(deleting_takes_whole_clusters),
        TEST(what_is_put_in_may_join_its_neighbours),
        TEST(characters_and_words_are_swapped),
        TEST(cuts_in_a_row_are_one_and_come_back),
        TEST(meta_y_takes_older_cuts_round_the_ring),
        TEST(the_ring_is_bounded),
        TEST(undo_takes_back_words_cuts_and_clears),
        TEST(undo_is_bounded),
        TEST(text_beyond_the_limit_is_refused_whole),
        TEST(what_is_no_text_is_refused),
        TEST(a_draft_comes_back_between_clusters),
        TEST(up_goes_back_and_keeps_the_draft),
        TEST(doubles_are_folded_and_changed_entries_are_kept),
        TEST(a_draft_that_was_not_sent_is_found_again),
        TEST(the_recall_is_bounded),
        TEST(searching_finds_older_entries_and_can_be_given_up),
        TEST(a_key_of_editing_ends_a_search),
        TEST(rows_break_where_they_are_full),
        TEST(rows_fill_forty_columns_to_the_edge),
        TEST(the_window_follows_the_cursor),
        TEST(up_and_down_keep_their_column),
    };

    if (setlocale(LC_ALL, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
