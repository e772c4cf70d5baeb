#include "client/tui/keymap.h"
#include "tests/support/check.h"

#include <stdlib.h>

static int setup(void **state)
{
    *state = keymap_new();
    return 0;
}

static int teardown(void **state)
{
    struct keymap *keymap = *state;

    keymap_destroy(&keymap);
    assert_null(keymap);
    return 0;
}

static void binds(struct keymap *self, const char *binding)
{
    char why[KEYMAP_WHY_BYTES] = "";

    assert_int_equal(keymap_bind(self, span_of(binding), why), RC_OK);
    assert_string_equal(why, "");
}

static void refuses(struct keymap *self, const char *binding, const char *expected)
{
    char why[KEYMAP_WHY_BYTES] = "";

    assert_int_equal(keymap_bind(self, span_of(binding), why), RC_CONFIG);
    assert_string_equal(why, expected);
}

static void expect_keys(const struct keymap *self, enum action action, const char *keys)
{
    char buf[128];

    keymap_keys(self, action, buf, sizeof buf);
    assert_string_equal(buf, keys);
}

static void every_action_has_a_name_help_and_keys_of_its_own(void **state)
{
    struct keymap *keymap = *state;

    for (enum action a = ACTION_NONE + 1; a < ACTIONS; a++) {
        const struct action_row *row = action_row(a);

        assert_int_equal(action_of_name(span_of(row->name)), a);
        assert_true(strlen(row->help) > 0 && strlen(row->help) <= 60);
        assert_true(row->group < ACTION_GROUPS && strlen(action_group_name(row->group)) > 0);
        expect_keys(keymap, a,
                    row->keys); /* the table names keys in their one form, no key twice */
    }
    assert_int_equal(action_of_name(SPAN("nothing")), ACTION_NONE);
    assert_int_equal(action_of_name(SPAN("")), ACTION_NONE);
}

static void keys_do_what_the_table_says(void **state)
{
    struct keymap *keymap = *state;

    assert_int_equal(keymap_find(keymap, "C-a"), ACTION_LINE_BEGIN);
    assert_int_equal(keymap_find(keymap, "Enter"), ACTION_SEND);
    assert_int_equal(keymap_find(keymap, "M-u"), ACTION_JUMP_UNREAD);
    assert_int_equal(keymap_find(keymap, "M-l"), ACTION_NONE);
    assert_int_equal(keymap_find(keymap, ""), ACTION_NONE);
}

static void a_binding_takes_a_default_key(void **state)
{
    struct keymap *keymap = *state;

    binds(keymap, "C-a=undo");
    binds(keymap, "  ctrl-x\t =  help ");
    binds(keymap, "M-明 = undo");
    binds(keymap, "M-= = redraw");
    binds(keymap, "C-x = help"); /* the same again is no conflict */
    assert_int_equal(keymap_find(keymap, "C-a"), ACTION_UNDO);
    assert_int_equal(keymap_find(keymap, "C-x"), ACTION_HELP);
    assert_int_equal(keymap_find(keymap, "M-明"), ACTION_UNDO);
    assert_int_equal(keymap_find(keymap, "M-="), ACTION_REDRAW);
    expect_keys(keymap, ACTION_LINE_BEGIN, "Home");
    expect_keys(keymap, ACTION_HELP, "F1 C-x");
}

static void none_takes_the_key_away(void **state)
{
    struct keymap *keymap = *state;

    binds(keymap, "F2 = none");
    assert_int_equal(keymap_find(keymap, "F2"), ACTION_NONE);
    expect_keys(keymap, ACTION_PEOPLE, "");
    refuses(keymap, "F2 = help", "F2 is bound twice: to none and to help");
}

static void what_is_wrong_is_named_and_changes_nothing(void **state)
{
    struct keymap *keymap = *state;

    refuses(keymap, "", "no binding: ''; expected KEY = ACTION, like C-x = undo");
    refuses(keymap, "C-x", "no binding: 'C-x'; expected KEY = ACTION, like C-x = undo");
    refuses(keymap, "= undo", "no binding: '= undo'; expected KEY = ACTION, like C-x = undo");
    refuses(keymap, "x = undo", "'x' types text and cannot be bound; put C- or M- before it");
    refuses(keymap, "C-x = undoo",
            "no such action: 'undoo'; expected an action as the card of keys names it, or none");
    refuses(keymap, "C-x =",
            "no such action: ''; expected an action as the card of keys names it, or none");
    refuses(keymap, "Foo = undo",
            "'Foo' is no key; keys are C-x, M-x, C-M-x, S-Tab, PgUp, F1 and the like");
    binds(keymap, "C-x = undo");
    refuses(keymap, "^X = find", "C-x is bound twice: to undo and to find");
    assert_int_equal(keymap_find(keymap, "C-x"), ACTION_UNDO);
}

static void something_always_sends(void **state)
{
    struct keymap *keymap = *state;
    const char *why = "without Enter no key would send; bind another key to send before";

    refuses(keymap, "Enter = newline", why);
    refuses(keymap, "C-m = none", why);
    binds(keymap, "M-s = send");
    binds(keymap, "Enter = newline");
    assert_int_equal(keymap_find(keymap, "Enter"), ACTION_NEWLINE);
    expect_keys(keymap, ACTION_SEND, "M-s");
}

static void the_map_is_bounded(void **state)
{
    struct keymap *keymap = *state;
    char binding[64], why[KEYMAP_WHY_BYTES] = "";
    int bound = 0;

    /* Han characters from U+4E00 on. */
    for (int i = 0; i < 0x40 * 5; i++) {
        snprintf(binding, sizeof binding, "M-\xE4\xB8%c = undo", 0x80 + i % 0x40);
        if (i >= 0x40)
            snprintf(binding, sizeof binding, "C-M-%c%c%c = undo", 0xE4 + i / 0x40, 0x80,
                     0x80 + i % 0x40);
        if (keymap_bind(keymap, span_of(binding), why) != RC_OK)
            break;
        bound++;
    }
    assert_string_equal(why, "more than 256 keys are bound");
    assert_true(bound > 100 && bound < KEYMAP_KEYS_MAX);
    binds(keymap, "C-a = undo"); /* one that has a place */
}

static void keys_are_cut_at_a_key(void **state)
{
    char buf[8];

    keymap_keys(*state, ACTION_BUFFER_NEXT, buf, sizeof buf);
    assert_string_equal(buf, "M-n");
    keymap_keys(*state, ACTION_BUFFER_NEXT, NULL, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_action_has_a_name_help_and_keys_of_its_own),
        TEST(keys_do_what_the_table_says),
        TEST(a_binding_takes_a_default_key),
        TEST(none_takes_the_key_away),
        TEST(what_is_wrong_is_named_and_changes_nothing),
        TEST(something_always_sends),
        TEST(the_map_is_bounded),
        TEST(keys_are_cut_at_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
