#include "client/tui/paste.h"
#include "shared/base/alloc.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void expect_pasted(struct span bytes, size_t piece, const char *text, size_t lines)
{
    struct paste *paste = paste_new();

    paste_begin(paste);
    for (size_t at = 0; at < bytes.len; at += piece)
        paste_add(paste,
                  (struct span){bytes.ptr + at, bytes.len - at < piece ? bytes.len - at : piece});
    assert_int_equal(paste_bytes_seen(paste), bytes.len);
    assert_int_equal(paste_end(paste), text[0] == '\0' ? RC_BAD_TEXT : RC_OK);
    assert_int_equal(paste_text(paste).len, strlen(text));
    assert_true(span_equal(paste_text(paste), span_of(text)));
    assert_int_equal(paste_lines(paste), lines);
    paste_destroy(&paste);
    assert_null(paste);
}

#define EXPECT(literal, text, lines)                         \
    do {                                                     \
        expect_pasted(SPAN(literal), 1, (text), (lines));    \
        expect_pasted(SPAN(literal), 1000, (text), (lines)); \
    } while (0)

static void line_ends_become_one_kind(void **state)
{
    (void)state;
    EXPECT("a\rb\r\nc\nd", "a\nb\nc\nd", 4);
    EXPECT("a\r\rb", "a\n\nb", 3);
    EXPECT("one line\r\n", "one line", 1); /* an end at the end is no line more */
    EXPECT("a\n\n\n", "a", 1);
}

static void what_readers_would_see_replaced_goes(void **state)
{
    (void)state;
    EXPECT("a\x1B[2Jb\x07\x7F", "a[2Jb", 1);
    EXPECT("if\tx\xC2\x85y", "if\txy", 1);
    EXPECT("\u202E小明\u200F مرحبا", "小明 مرحبا", 1);
    EXPECT("👩\u200D💻e\u0301", "👩\u200D💻e\u0301", 1);
    EXPECT("a\xFF\xE6\x98z", "a\uFFFD\uFFFD\uFFFDz", 1);
    expect_pasted((struct span){"a\0b", 3}, 1, "ab", 1);
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    EXPECT("", "", 1);
    EXPECT("\r\n\x1B\n", "", 1);
}

static void a_paste_beyond_the_limit_is_refused_whole(void **state)
{
    struct paste *paste = paste_new();
    char *large = x_alloc(PASTE_BYTES_MAX, 1);

    (void)state;
    memset(large, 'x', PASTE_BYTES_MAX);
    paste_begin(paste);
    paste_add(paste, (struct span){large, PASTE_BYTES_MAX});
    assert_int_equal(paste_end(paste), RC_OK);
    assert_int_equal(paste_text(paste).len, PASTE_BYTES_MAX);
    paste_begin(paste);
    paste_add(paste, (struct span){large, PASTE_BYTES_MAX});
    paste_add(paste, SPAN("y"));
    paste_add(paste, SPAN("z"));
    assert_int_equal(paste_end(paste), RC_TOO_BIG);
    assert_int_equal(paste_text(paste).len, 0);
    assert_int_equal(paste_bytes_seen(paste), PASTE_BYTES_MAX + 2);
    paste_begin(paste); /* and the next is a new one */
    paste_add(paste, SPAN("ok"));
    assert_int_equal(paste_end(paste), RC_OK);
    assert_true(span_equal(paste_text(paste), SPAN("ok")));
    paste_destroy(&paste);
    free(large);
}

static void more_lines_than_set_are_asked_about(void **state)
{
    struct paste *paste = paste_new();

    (void)state;
    paste_begin(paste);
    paste_add(paste, SPAN("one\n"));
    assert_int_equal(paste_end(paste), RC_OK);
    assert_false(paste_asks(paste, PASTE_ASK_LINES_DEFAULT));
    paste_begin(paste);
    paste_add(paste, SPAN("one\ntwo"));
    assert_int_equal(paste_end(paste), RC_OK);
    assert_true(paste_asks(paste, PASTE_ASK_LINES_DEFAULT));
    assert_false(paste_asks(paste, 2));
    assert_true(paste_asks(paste, 0));
    paste_destroy(&paste);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_become_one_kind),
        cmocka_unit_test(what_readers_would_see_replaced_goes),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(a_paste_beyond_the_limit_is_refused_whole),
        cmocka_unit_test(more_lines_than_set_are_asked_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
