#include "client/tui/complete.h"
#include "client/tui/editor.h"
#include "shared/base/limits.h"
#include "tests/support/check.h"

#include <locale.h>
#include <stdlib.h>

static bool give(const char *const *list, size_t index, struct span *ret)
{
    if (list[index] == NULL)
        return false;
    *ret = span_of(list[index]);
    return true;
}

#define LIST(name, ...)                                             \
    static bool name(void *context, size_t index, struct span *ret) \
    {                                                               \
        static const char *const list[] = {__VA_ARGS__, NULL};      \
                                                                    \
        (void)context;                                              \
        return give(list, index, ret);                              \
    }

LIST(speakers, "bob", "anna", "bob", "小明")
LIST(nicks, "zoe", "bert", "anna", "alice", "ålfred", "小明", "小红", "бори́с", "محمد", "anna")
LIST(rooms, "lobby", "logs", "c", "大厅")
LIST(commands, "join", "leave", "list")

static bool endless(void *context, size_t index, struct span *ret)
{
    char *buf = context;

    ret->len = (size_t)snprintf(buf, 32, "user%zu", index);
    ret->ptr = buf;
    return true;
}

static bool too_long(void *context, size_t index, struct span *ret)
{
    static char name[1000];

    (void)context;
    memset(name, 'a', sizeof name);
    *ret = (struct span){name, index == 0 ? NAME_BYTES_MAX : sizeof name};
    return index < 2;
}

static const struct complete_source source = {NULL, speakers, nicks, rooms, commands};

struct fixture {
    struct complete *complete;
    struct kills *kills;
    struct recall *recall;
    struct editor *editor;
};

static struct fixture fixture;

static int setup(void **state)
{
    fixture.complete = complete_new();
    fixture.kills = kills_new();
    fixture.recall = recall_new();
    fixture.editor = editor_new(fixture.kills, fixture.recall);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    complete_destroy(&f->complete);
    editor_destroy(&f->editor);
    recall_destroy(&f->recall);
    kills_destroy(&f->kills);
    return 0;
}

/* `|` stands for the cursor. */
static void start(struct fixture *f, const char *line)
{
    const char *bar = strchr(line, '|');
    char text[256];

    snprintf(text, sizeof text, "%.*s%s", (int)(bar - line), line, bar + 1);
    assert_int_equal(editor_restore(f->editor, span_of(text), (size_t)(bar - line)), RC_OK);
    complete_cancel(f->complete);
}

static bool step(struct fixture *f, bool backwards)
{
    struct completion put;

    if (!complete_step(f->complete, &source, editor_text(f->editor), editor_cursor(f->editor),
                       backwards, &put))
        return false;
    assert_int_equal(
        editor_replace(f->editor, put.begin, put.end, (struct span){put.text, put.text_len}),
        RC_OK);
    return true;
}

static void expect(struct fixture *f, const char *line)
{
    const size_t cursor = editor_cursor(f->editor);
    char shown[256];

    snprintf(shown, sizeof shown, "%.*s|%s", (int)cursor, editor_text(f->editor).ptr,
             editor_text(f->editor).ptr + cursor);
    assert_string_equal(shown, line);
}

static void tab(struct fixture *f, const char *line)
{
    assert_true(step(f, false));
    expect(f, line);
}

static void back_tab(struct fixture *f, const char *line)
{
    assert_true(step(f, true));
    expect(f, line);
}

static void completes(struct fixture *f, const char *from, const char *to)
{
    start(f, from);
    tab(f, to);
}

static void nothing_fits(struct fixture *f, const char *line)
{
    start(f, line);
    assert_false(step(f, false));
    expect(f, line);
}

static void recent_speakers_come_first_then_the_alphabet(void **state)
{
    struct fixture *f = *state;

    start(f, "b|");
    tab(f, "bob: |");
    tab(f, "bert: |");
    tab(f, "bob: |");
    back_tab(f, "bert: |");
    back_tab(f, "bob: |");
    start(f, "a|");
    back_tab(f, "alice: |"); /* begins with the last */
    back_tab(f, "anna: |");
}

static void a_nick_is_followed_by_what_fits_its_place(void **state)
{
    struct fixture *f = *state;

    completes(f, "hi al|", "hi alice |");
    completes(f, "hi al| there", "hi alice| there");
    completes(f, "al| there", "alice:| there");
    completes(f, "(al|", "(alice |");
    completes(f, "hi @al|", "hi @alice |");
    completes(f, "@al|", "@alice |");
    completes(f, "one\nal|", "one\nalice |");
    completes(f, "|", "bob: |");
    completes(f, "hi |", "hi bob |");
    completes(f, "hi @|", "hi @bob |");
}

static void commands_and_rooms_have_their_signs(void **state)
{
    struct fixture *f = *state;

    completes(f, "/l|", "/leave |");
    tab(f, "/list |");
    completes(f, "/|", "/join |");
    completes(f, "/join #lo|", "/join #lobby |");
    tab(f, "/join #logs |");
    completes(f, "see #大|", "see #大厅 |");
    completes(f, "#|", "#c |");
    nothing_fits(f, "x /l|");
    nothing_fits(f, "a/jo|");
    nothing_fits(f, "C#|");
    nothing_fits(f, "me@al|");
    nothing_fits(f, "#nowhere|");
    nothing_fits(f, "xyz|");
    nothing_fits(f, "hi,|");
}

static void names_fit_in_any_case_and_form(void **state)
{
    struct fixture *f = *state;

    completes(f, "AL|", "alice: |");
    completes(f, "ÅL|", "ålfred: |");
    completes(f, "A\u030Alf|", "ålfred: |");
    completes(f, "ａｌ|", "alice: |"); /* full width */
    completes(f, "БОР|", "бори́с: |");
    completes(f, "مح|", "محمد: |");
    completes(f, "/JO|", "/join |");
}

static void among_ideographs_the_end_of_a_run_is_tried(void **state)
{
    struct fixture *f = *state;

    completes(f, "小|", "小明: |");
    tab(f, "小红: |");
    completes(f, "你好小|", "你好小明 |");
    tab(f, "你好小红 |");
    completes(f, "你好@小|", "你好@小明 |");
    nothing_fits(f, "你好|");
    nothing_fits(f, "xxal|"); /* not within words of letters */
}

static void any_change_begins_anew(void **state)
{
    struct fixture *f = *state;

    start(f, "b|");
    tab(f, "bob: |");
    complete_cancel(f->complete);
    tab(f, "bob: bob |"); /* an empty word: who spoke last */
    start(f, "b|");
    tab(f, "bob: |");
    assert_int_equal(editor_insert(f->editor, SPAN("al")), RC_OK);
    tab(f, "bob: alice |");
    start(f, "hi b|");
    tab(f, "hi bob |");
    assert_int_equal(editor_do(f->editor, ACTION_LINE_BEGIN), EDITOR_DONE);
    tab(f, "bob: |hi bob ");
}

static void candidates_can_be_shown(void **state)
{
    struct fixture *f = *state;
    struct span name;

    assert_false(complete_candidate(f->complete, 0, &name));
    completes(f, "a|", "anna: |");
    assert_true(complete_candidate(f->complete, 0, &name));
    assert_true(span_equal(name, SPAN("anna")));
    assert_true(complete_candidate(f->complete, 1, &name));
    assert_true(span_equal(name, SPAN("alice")));
    assert_false(complete_candidate(f->complete, 2, &name)); /* ålfred does not begin with a */
}

static void lists_without_end_and_names_too_long_are_bounded(void **state)
{
    struct fixture *f = *state;
    char buf[32];
    const struct complete_source many = {buf, NULL, endless, NULL, NULL};
    const struct complete_source long_names = {NULL, NULL, too_long, NULL, NULL};
    const struct complete_source none = {NULL, NULL, NULL, NULL, NULL};
    struct completion put;

    assert_true(complete_step(f->complete, &many, SPAN("u"), 1, false, &put));
    assert_int_equal(put.count, COMPLETE_CANDIDATES_MAX);
    assert_true(complete_step(f->complete, &long_names, SPAN("aa"), 2, false, &put));
    assert_int_equal(put.count, 1);
    assert_int_equal(put.text_len, NAME_BYTES_MAX + 2);
    assert_false(complete_step(f->complete, &none, SPAN("a"), 1, false, &put));
    assert_false(complete_step(f->complete, &none, SPAN("/a"), 2, false, &put));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(recent_speakers_come_first_then_the_alphabet),
        TEST(a_nick_is_followed_by_what_fits_its_place),
        TEST(commands_and_rooms_have_their_signs),
        TEST(names_fit_in_any_case_and_form),
        TEST(among_ideographs_the_end_of_a_run_is_tried),
        TEST(any_change_begins_anew),
        TEST(candidates_can_be_shown),
        TEST(lists_without_end_and_names_too_long_are_bounded),
    };

    if (setlocale(LC_ALL, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
