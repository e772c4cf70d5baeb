#include "client/tui/text.h"
#include "shared/text/utf8.h"
#include "tests/support/check.h"

#include <locale.h>
#include <stdlib.h>
#include <unicode/ubrk.h>

#define BAD      "\xEF\xBF\xBD"
#define ACUTE    "\u0301"
#define FAMILY   "👨\u200D👩\u200D👧\u200D👦"
#define THUMB    "👍🏽"
#define HEART    "❤\uFE0F"
#define SCOTLAND "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F"

static void expect_shown(struct span text, const char *shown, size_t width)
{
    struct text_cluster cluster;

    text_cluster_at(text, 0, &cluster);
    assert_string_equal(cluster.shown, shown);
    assert_int_equal(cluster.width, width);
    assert_int_equal(cluster.len, text.len); /* it is one cluster */
}

static void letters_of_any_script_show_as_they_are(void **state)
{
    (void)state;
    expect_shown(SPAN("a"), "a", 1);
    expect_shown(SPAN("ß"), "ß", 1);
    expect_shown(SPAN("明"), "明", 2);
    expect_shown(SPAN("م"), "م", 1);
    expect_shown(SPAN("한"), "한", 2);
    expect_shown(SPAN("\u1112\u1161\u11AB"), "\u1112\u1161\u11AB", 2); /* the same in parts */
    expect_shown(SPAN("e" ACUTE), "e" ACUTE, 1);
    expect_shown(SPAN("ی\u200C"), "ی\u200C", 1); /* Persian: a joiner's absence is seen */
    expect_shown(SPAN("🇩🇪"), "🇩🇪", 2);
}

static void emoji_lose_what_terminals_do_not_agree_about(void **state)
{
    (void)state;
    expect_shown(SPAN("😀"), "😀", 2);
    expect_shown(SPAN(FAMILY), "👨👩👧👦", 8);
    expect_shown(SPAN(THUMB), "👍", 2);
    expect_shown(SPAN(HEART), "❤", 1);
    expect_shown(SPAN(SCOTLAND), "🏴", 2);
    expect_shown(SPAN("1\uFE0F\u20E3"), "1\u20E3", 1);
    expect_shown(SPAN("🏽"), "🏽", 2); /* by itself it is a picture */
}

static void what_no_terminal_shows_is_replaced(void **state)
{
    (void)state;
    expect_shown(SPAN("\x1B"), BAD, 1);
    expect_shown(SPAN("\x80"), BAD, 1);
    expect_shown(SPAN("\xC2\x9B"), BAD, 1);
    expect_shown(SPAN("\u202E"), BAD, 1);
    expect_shown(SPAN("\U000E0041"), BAD, 1);
    expect_shown(SPAN("\u0378"), BAD, 1); /* not assigned */
    expect_shown(SPAN("\r"), BAD, 1);
    expect_shown(SPAN("\t"), " ", 1);
    expect_shown(SPAN("\n"), "⏎", 1);
    expect_shown(SPAN("\r\n"), "⏎", 1);
}

static void a_mark_without_a_letter_stands_on_a_circle(void **state)
{
    (void)state;
    expect_shown(SPAN(ACUTE), "◌" ACUTE, 1);
    expect_shown(SPAN("\u200B"), "", 0);
    expect_shown(SPAN("\u200D"), "", 0);
}

static void too_many_marks_and_too_wide_clusters_are_cut(void **state)
{
    char text[4096] = "a";
    struct text_cluster cluster;

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + 1 + 2 * i, ACUTE, 2);
    text[2001] = '\0';
    expect_shown(span_of(text), "a" ACUTE ACUTE ACUTE ACUTE, 1);
    text[0] = '\0';
    for (size_t i = 0, len = 0; i < 100; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s👩", i == 0 ? "" : "\u200D");
    text_cluster_at(span_of(text), 0, &cluster);
    assert_int_equal(cluster.len, strlen(text));
    assert_int_equal(cluster.width, TEXT_CLUSTER_WIDTH_MAX);
    assert_string_equal(cluster.shown, "👩👩👩👩");
}

/* --- clusters against ICU's own iterator ---------------------------------------------- */

static void expect_icus_clusters(struct span text)
{
    UErrorCode error = U_ZERO_ERROR;
    UText *over = utext_openUTF8(NULL, text.ptr, (int64_t)text.len, &error);
    UBreakIterator *icu = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &error);
    size_t at = 0;

    ubrk_setUText(icu, over, &error);
    assert_true(U_SUCCESS(error));
    while (at < text.len) {
        const size_t next = text_next(text, at);

        assert_int_equal(next, ubrk_following(icu, (int32_t)at));
        assert_int_equal(text_prev(text, next), at);
        at = next;
    }
    ubrk_close(icu);
    utext_close(over);
}

static void clusters_are_those_of_icu(void **state)
{
    static const char *const parts[] = {"a",      "b ",     "é",      ACUTE, "\u200D", "👩",
                                        "🏽",   "\uFE0F", "🇩",      "🇪",   "한",     "하",
                                        "\u1112", "\u1161", "\u11AB", "\r",  "\n",     "क",
                                        "\u094D", "\u093F", "\u0600", "明",  "\u200B", "\u0E33",
                                        "\t",     "م",      "\u200C", "©",   "\u0903", "\u1F3FB"};
    char text[512];

    (void)state;
    srandom(7);
    for (size_t round = 0; round < 5000; round++) {
        size_t len = 0;

        for (long left = random() % 12; left >= 0; left--)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                    parts[(size_t)random() % (sizeof parts / sizeof *parts)]);
        expect_icus_clusters((struct span){text, len});
    }
}

static void steps_agree_on_any_bytes(void **state)
{
    static const char bytes[] = "a\xCC\x81\xE2\x80\x8D\xF0\x9F\x91\xA9\xFF\n\r\xED\xA0\xC3";
    char text[24];

    (void)state;
    srandom(8);
    for (size_t round = 0; round < 20000; round++) {
        const size_t len = 1 + (size_t)random() % sizeof text;
        const struct span span = {text, len};

        for (size_t i = 0; i < len; i++)
            text[i] = bytes[(size_t)random() % (sizeof bytes - 1)];
        for (size_t at = 0; at < len;) {
            const size_t next = text_next(span, at);

            assert_true(next > at && next <= len);
            assert_int_equal(text_prev(span, next), at);
            at = next;
        }
    }
}

/* --- widths, rows, words ---------------------------------------------------------------- */

static void expect_cut(const char *text, size_t width, const char *cut, size_t used)
{
    char buf[128];

    assert_int_equal(text_cut(buf, sizeof buf, span_of(text), width), used);
    assert_string_equal(buf, cut);
}

static void text_is_cut_to_a_width_with_a_sign(void **state)
{
    char small[6];

    (void)state;
    assert_int_equal(text_width(SPAN("a明" FAMILY "م")), 12);
    expect_cut("hello", 5, "hello", 5);
    expect_cut("hello", 4, "hel…", 4);
    expect_cut("小明说话", 8, "小明说话", 8);
    expect_cut("小明说话", 7, "小明说…", 7);
    expect_cut("小明说话", 6, "小明…", 5); /* half of a wide one is left free */
    expect_cut("小明", 1, "…", 1);
    expect_cut("小明", 0, "", 0);
    expect_cut("", 5, "", 0);
    expect_cut("a\x1B[2J", 9, "a" BAD "[2J", 5);
    assert_int_equal(text_cut(small, sizeof small, SPAN("小明"), 10), 2);
    assert_string_equal(small, "小");
    assert_int_equal(text_cut(NULL, 0, SPAN("小明"), 10), 0);
}

static void expect_rows(const char *text, size_t width, const char *rows)
{
    const struct span span = span_of(text);
    char joined[1024] = "";
    size_t len = 0;

    for (size_t at = 0, end, next; at < span.len; at = next) {
        end = text_row(span, at, width, &next);
        assert_true(next > at && end <= next);
        assert_true(text_width((struct span){text + at, end - at}) <= (width < 2 ? 8 : width));
        len += (size_t)snprintf(joined + len, sizeof joined - len, "%.*s|", (int)(end - at),
                                text + at);
    }
    assert_string_equal(joined, rows);
}

static void rows_break_at_words_and_between_ideographs(void **state)
{
    (void)state;
    expect_rows("the quick brown fox", 10, "the quick|brown fox|");
    expect_rows("the quick  brown", 9, "the quick|brown|");
    expect_rows("abcdefghijk", 4, "abcd|efgh|ijk|");
    expect_rows("so abcdefghijk", 6, "so|abcdef|ghijk|");
    expect_rows("well-known thing", 6, "well-|known|thing|");
    expect_rows("one\ntwo\n\nx", 10, "one|two||x|");
    expect_rows("12345\n6", 5, "12345|6|");
    expect_rows("12345 \n6", 5, "12345|6|");
    expect_rows("小明说你好吗", 5, "小明|说你|好吗|");
    expect_rows("小明说。你好", 6, "小明|说。你|好|"); /* no row begins with a full stop */
    expect_rows("我看（书）吧", 6, "我看|（书）|吧|");
    expect_rows("明天 release 发布", 8, "明天|release|发布|");
    expect_rows(FAMILY "x", 1, FAMILY "|x|");
}

static void long_text_of_flags_is_laid_out_row_by_row(void **state)
{
    enum { FLAGS = 2000, FLAG_BYTES = 8 };
    char *text = calloc(FLAGS, FLAG_BYTES);
    const struct span span = {text, FLAGS * FLAG_BYTES};
    size_t rows = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < FLAGS; i++)
        memcpy(text + i * FLAG_BYTES, "🇩🇪", FLAG_BYTES);
    for (size_t at = 0; at < span.len; rows++) {
        assert_int_equal(at % FLAG_BYTES, 0);
        text_row(span, at, 41, &at);
    }
    assert_int_equal(rows, FLAGS / 20);
    free(text);
}

static void words_are_those_of_the_script(void **state)
{
    const struct span text = SPAN("well, don't go: 小明今天 x_y");

    (void)state;
    assert_int_equal(text_word_next(text, 0), 4);
    assert_int_equal(text_word_next(text, 4), 11); /* don't */
    assert_int_equal(text_word_prev(text, 11), 6);
    assert_int_equal(text_word_prev(text, 6), 0);
    assert_int_equal(text_word_next(text, 16), 22); /* a dictionary parts 小明 and 今天 */
    assert_int_equal(text_word_next(text, 22), 28);
    assert_int_equal(text_word_prev(text, 28), 22);
    assert_int_equal(text_word_next(text, 28), text.len);
    assert_int_equal(text_word_next(text, text.len), text.len);
    assert_int_equal(text_word_prev(text, 0), 0);
    assert_int_equal(text_word_next(SPAN("..."), 0), 3);
    assert_int_equal(text_word_prev(SPAN("..."), 3), 0);
    assert_int_equal(text_blank_prev(SPAN("a --b, \n"), 8), 2);
    assert_int_equal(text_blank_prev(SPAN("  "), 2), 0);
}

static void without_utf8_only_ascii_shows(void **state)
{
    char buf[32];

    (void)state;
    assert_non_null(setlocale(LC_ALL, "C"));
    expect_shown(SPAN("a"), "a", 1);
    expect_shown(SPAN("ß"), "?", 1);
    expect_shown(SPAN("明"), "?", 1);
    expect_shown(SPAN(FAMILY), "?", 1);
    expect_shown(SPAN("\x1B"), "?", 1);
    assert_int_equal(text_cut(buf, sizeof buf, SPAN("Grüße"), 4), 4);
    assert_string_equal(buf, "Gr?~");
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_any_script_show_as_they_are),
        cmocka_unit_test(emoji_lose_what_terminals_do_not_agree_about),
        cmocka_unit_test(what_no_terminal_shows_is_replaced),
        cmocka_unit_test(a_mark_without_a_letter_stands_on_a_circle),
        cmocka_unit_test(too_many_marks_and_too_wide_clusters_are_cut),
        cmocka_unit_test(clusters_are_those_of_icu),
        cmocka_unit_test(steps_agree_on_any_bytes),
        cmocka_unit_test(text_is_cut_to_a_width_with_a_sign),
        cmocka_unit_test(rows_break_at_words_and_between_ideographs),
        cmocka_unit_test(long_text_of_flags_is_laid_out_row_by_row),
        cmocka_unit_test(words_are_those_of_the_script),
        cmocka_unit_test(without_utf8_only_ascii_shows),
    };

    if (setlocale(LC_ALL, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
