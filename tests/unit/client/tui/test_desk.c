#include "tests/support/check.h"

#include "client/tui/desk.h"
#include "client/tui/fold.h"
#include "client/tui/theme.h"

#include <stdlib.h>
#include <string.h>

static struct client_settings settings;
static struct desk desk;

static int fresh(void **state)
{
    (void)state;
    conf_defaults(settings_schema(), &settings);
    snprintf(settings.room[0].name, sizeof(settings.room[0].name), "#ops");
    settings.room[0].notify = NOTIFY_ALL;
    settings.room_count = 1;
    desk_init(&desk, &settings, "alice");
    return 0;
}

static int gone(void **state)
{
    (void)state;
    desk_fini(&desk);
    return 0;
}

static struct item *add(struct buffer *buffer, bool is_mention)
{
    return buffer_add(buffer, &(struct item_given){.kind = ITEM_MESSAGE,
                                                   .from = "bob",
                                                   .is_mention = is_mention,
                                                   .text = SPAN("x")});
}

static void rooms_stand_before_people_by_name(void **state)
{
    static const char *const want[] = {DESK_PROGRAM, "#a", "#b", "@bob", "@小明"};

    (void)state;
    desk_open(&desk, "@小明");
    desk_open(&desk, "#b");
    desk_open(&desk, "@bob");
    desk_open(&desk, "#a");
    desk_open(&desk, "#b");
    assert_int_equal(desk.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(desk.buffer[i]->name, want[i]);
}

static void what_is_looked_at_stays_when_others_come_and_go(void **state)
{
    struct buffer *room;

    (void)state;
    room = desk_open(&desk, "#m");
    desk_show_buffer(&desk, room);
    desk_open(&desk, "#a");
    assert_ptr_equal(desk_current(&desk), room);
    desk_close(&desk, desk_find(&desk, "#a"));
    assert_ptr_equal(desk_current(&desk), room);
    desk_close(&desk, room);
    assert_string_equal(desk_current(&desk)->name, DESK_PROGRAM);
    desk_close(&desk, desk_current(&desk)); /* this one stays */
    assert_int_equal(desk.count, 1);
}

static void the_next_active_one_is_the_most_urgent(void **state)
{
    struct buffer *a = desk_open(&desk, "#a"), *b = desk_open(&desk, "#b");

    (void)state;
    assert_int_equal(desk_next_active(&desk), desk.current);
    desk_note_new(&desk, a, add(a, false), false);
    assert_ptr_equal(desk.buffer[desk_next_active(&desk)], a);
    desk_note_new(&desk, b, add(b, true), false);
    assert_ptr_equal(desk.buffer[desk_next_active(&desk)], b);
    desk_show_buffer(&desk, b);
    assert_ptr_equal(desk.buffer[desk_next_active(&desk)], a);
}

static void what_is_looked_at_is_not_unread(void **state)
{
    struct buffer *a = desk_open(&desk, "#a");

    (void)state;
    desk_show_buffer(&desk, a);
    desk_note_new(&desk, a, add(a, false), false);
    assert_int_equal(a->unread, 0);
    assert_int_equal(a->line_id, 0);
    desk_note_new(&desk, a, add(a, false), true); /* of before this run: read now, but marked */
    assert_int_equal(a->unread, 0);
    assert_int_not_equal(a->line_id, 0);
}

static void a_room_has_the_level_of_its_setting(void **state)
{
    (void)state;
    assert_int_equal(desk_open(&desk, "#ops")->level, NOTIFY_ALL);
    assert_int_equal(desk_open(&desk, "#a")->level, NOTIFY_MENTIONS);
    assert_int_equal(desk_open(&desk, "@bob")->level, NOTIFY_ALL);
}

static void members_are_sorted_and_once(void **state)
{
    struct nicks members = {0};

    (void)state;
    nicks_put(&members, "carol");
    nicks_put(&members, "alice");
    nicks_put(&members, "bob");
    nicks_put(&members, "bob");
    nicks_drop(&members, "alice");
    nicks_drop(&members, "dave");
    assert_int_equal(members.count, 2);
    assert_string_equal(members.nick[0], "bob");
    assert_string_equal(members.nick[1], "carol");
    nicks_fini(&members);
}

static void a_fold_of_a_crowd_is_counted(void **state)
{
    struct fold *fold = fold_new();
    char *text;

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        char nick[8];

        snprintf(nick, sizeof(nick), "n%u", i);
        fold_add(fold, i + 1, nick, true);
    }
    text = fold_text(fold);
    assert_non_null(strstr(text, "n11 and 18 more joined"));
    free(text);
    fold_destroy(&fold);
}

static void without_colours_attributes_remain(void **state)
{
    (void)state;
    for (int theme = THEME_DARK; theme <= THEME_NONE; theme++) {
        const struct look bar = theme_look((enum settings_theme)theme, ROLE_BAR, 0);
        const struct look bad = theme_look((enum settings_theme)theme, ROLE_SIGN_BAD, 0);

        assert_int_equal(bar.foreground, -1);
        assert_true((bar.attributes & LOOK_REVERSE) != 0);
        assert_true(bad.attributes != 0);
    }
    assert_true(theme_look(THEME_DARK, ROLE_BAR, 8).foreground < 8);
    assert_int_equal(theme_look(THEME_NONE, ROLE_BAR, 256).foreground, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_stand_before_people_by_name),
        TEST(what_is_looked_at_stays_when_others_come_and_go),
        TEST(the_next_active_one_is_the_most_urgent),
        TEST(what_is_looked_at_is_not_unread),
        TEST(a_room_has_the_level_of_its_setting),
        TEST(members_are_sorted_and_once),
        TEST(a_fold_of_a_crowd_is_counted),
        TEST(without_colours_attributes_remain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
