#include "tests/support/check.h"

#include "client/tui/notify.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct client_settings settings;
static struct desk desk;

static int fresh(void **state)
{
    (void)state;
    conf_defaults(settings_schema(), &settings);
    desk_init(&desk, &settings, "alice");
    return 0;
}

static int gone(void **state)
{
    (void)state;
    desk_fini(&desk);
    return 0;
}

static const struct item *add(struct buffer *buffer, const char *text, bool is_mention)
{
    return buffer_add(buffer, &(struct item_given){.kind = ITEM_MESSAGE,
                                                   .from = "bob",
                                                   .is_mention = is_mention,
                                                   .text = span_of(text)});
}

static void quiet_hours_may_go_over_midnight(void **state)
{
    (void)state;
    snprintf(settings.quiet, sizeof(settings.quiet), "22:00-07:00");
    assert_true(notify_is_quiet(&settings, 23 * 60));
    assert_true(notify_is_quiet(&settings, 6 * 60 + 59));
    assert_false(notify_is_quiet(&settings, 7 * 60));
    assert_false(notify_is_quiet(&settings, 21 * 60 + 59));
    snprintf(settings.quiet, sizeof(settings.quiet), "12:00-13:00");
    assert_true(notify_is_quiet(&settings, 12 * 60));
    assert_false(notify_is_quiet(&settings, 13 * 60));
    settings.quiet[0] = '\0';
    assert_false(notify_is_quiet(&settings, 0));
}

static void the_level_of_a_room_decides(void **state)
{
    struct buffer *room = desk_open(&desk, "#ops");

    (void)state;
    assert_false(notify_is_due(&desk, room, add(room, "x", false), false));
    assert_true(notify_is_due(&desk, room, add(room, "x", true), false));
    room->level = NOTIFY_ALL;
    assert_true(notify_is_due(&desk, room, add(room, "x", false), false));
    room->level = NOTIFY_NONE;
    assert_false(notify_is_due(&desk, room, add(room, "x", true), false));
}

static void a_person_calls_but_not_while_being_looked_at(void **state)
{
    struct buffer *person = desk_open(&desk, "@bob");

    (void)state;
    assert_true(notify_is_due(&desk, person, add(person, "x", false), false));
    desk_show_buffer(&desk, person);
    assert_false(notify_is_due(&desk, person, add(person, "x", false), false));
    assert_true(notify_is_due(&desk, person, add(person, "x", false), true));
}

static void a_program_gets_words_and_no_shell(void **state)
{
    struct notices notices = {0};
    struct buffer *room = desk_open(&desk, "#ops");
    static const char command[] = " tell  %t x%bx %z";
    char **argv;

    (void)state;
    memcpy(settings.notify_command, command, sizeof(command));
    assert_null(notify_argv(&notices, &settings));
    notify_add(&notices, room, add(room, "it's $(rm) `x`", false));
    argv = notify_argv(&notices, &settings);
    assert_string_equal(argv[0], "tell");
    assert_string_equal(argv[1], "#ops");
    assert_string_equal(argv[2], "xbob: it's $(rm) `x`x");
    assert_string_equal(argv[3], "%z");
    assert_null(argv[4]);
    free(argv);
}

static void the_terminal_gets_one_line_without_controls(void **state)
{
    struct notices notices = {0};
    struct buffer *room = desk_open(&desk, "#ops");
    char bytes[1024];

    (void)state;
    settings.has_terminal = true;
    notify_terminal(&notices, &settings, bytes, sizeof(bytes));
    assert_string_equal(bytes, "");
    notify_add(&notices, room, add(room, "a;b\x1b\nc", false));
    notify_terminal(&notices, &settings, bytes, sizeof(bytes));
    assert_string_equal(bytes, "\x1b]9;#ops bob: a;b\xef\xbf\xbd\xe2\x8f\x8e"
                               "c\x1b\\"
                               "\x1b]777;notify;#ops;bob: a,b\xef\xbf\xbd\xe2\x8f\x8e"
                               "c\x1b\\\a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quiet_hours_may_go_over_midnight),
        TEST(the_level_of_a_room_decides),
        TEST(a_person_calls_but_not_while_being_looked_at),
        TEST(a_program_gets_words_and_no_shell),
        TEST(the_terminal_gets_one_line_without_controls),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
