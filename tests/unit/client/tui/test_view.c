/* The view against golden grids: the text of the cells, and below each row that has other roles than text, theirs as letters.
 * ZCHAT_GOLDEN=write writes them anew. */
#include "tests/support/check.h"

#include "client/tui/layout.h"
#include "client/tui/view.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY UINT64_C(86400000)

static struct client_settings settings;
static struct desk desk;

static int fresh(void **state)
{
    (void)state;
    conf_defaults(settings_schema(), &settings);
    desk_init(&desk, &settings, "alice");
    desk.link = DESK_UP;
    desk.has_round_trip = true;
    desk.round_trip_ms = 12;
    desk.now_ms = 10 * DAY;
    return 0;
}

static int gone(void **state)
{
    (void)state;
    desk_fini(&desk);
    return 0;
}

static char letter(unsigned char role)
{
    return role == ROLE_TEXT ? ' ' : (char)('A' + role);
}

static void put_row(FILE *out, const struct grid *grid, int row)
{
    bool has_roles = false;

    for (int column = 0; column < grid->columns; column++) {
        fputs(grid_at(grid, row, column)->text, out);
        has_roles = has_roles || grid_at(grid, row, column)->role != ROLE_TEXT;
    }
    fputs("|\n", out);
    for (int column = 0; has_roles && column < grid->columns; column++)
        fputc(letter(grid_at(grid, row, column)->role), out);
    if (has_roles)
        fputs("|\n", out);
}

/* Every cell is covered once. */
static void assert_whole(const struct grid *grid)
{
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns;) {
            const int width = grid_at(grid, row, column)->width;

            assert_in_range(width, 1, grid->columns - column);
            for (int i = 1; i < width; i++)
                assert_int_equal(grid_at(grid, row, column + i)->width, 0);
            column += width;
        }
    }
}

static char *text_of(const struct grid *grid)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    for (int row = 0; row < grid->rows; row++)
        put_row(out, grid, row);
    fprintf(out, "cursor %d,%d\n", grid->cursor_row, grid->cursor_column);
    fclose(out);
    return text;
}

static void assert_golden(const char *name, int rows, int columns)
{
    struct grid *grid = grid_new(rows, columns);
    const char *how = getenv("ZCHAT_GOLDEN");
    char path[512], want[65536] = "", *have;
    FILE *file;

    view_draw(&desk, grid);
    assert_whole(grid);
    have = text_of(grid);
    snprintf(path, sizeof(path), "%s/golden/%s-%dx%d.txt", TEST_FOLDER, name, columns, rows);
    file = fopen(path, how != NULL && strcmp(how, "write") == 0 ? "we" : "re");
    assert_non_null(file);
    if (how != NULL && strcmp(how, "write") == 0)
        fputs(have, file);
    else
        want[fread(want, 1, sizeof(want) - 1, file)] = '\0';
    fclose(file);
    if (how == NULL)
        assert_string_equal(have, want);
    free(have);
    grid_destroy(&grid);
}

static struct item *say(struct buffer *buffer, uint64_t seq, const char *from, const char *text)
{
    return buffer_add(buffer, &(struct item_given){.kind = ITEM_MESSAGE,
                                                   .seq = seq,
                                                   .ts_ms = 9 * DAY + seq * 60000,
                                                   .is_own = strcmp(from, "alice") == 0,
                                                   .from = from,
                                                   .text = span_of(text)});
}

/* One of everything. */
static void fill(void)
{
    struct buffer *room = desk_open(&desk, "#lobby");
    struct buffer *ops = desk_open(&desk, "#ops");
    struct buffer *bob = desk_open(&desk, "@bob");
    struct item *item;

    snprintf(room->topic, sizeof(room->topic), "Plans 计划");
    room->people = 3;
    nicks_put(&room->members, "bob");
    nicks_put(&room->members, "alice");
    nicks_put(&room->members, "小明");
    buffer_add(room, &(struct item_given){.kind = ITEM_GAP,
                                          .seq = 1,
                                          .ts_ms = 8 * DAY,
                                          .text = SPAN("events 1 to 1 are no longer kept")});
    buffer_add_fold(room, 2, 9 * DAY, "bob", true);
    buffer_add_fold(room, 3, 9 * DAY, "小明", true);
    say(room, 4, "bob", "good morning, everybody who is here already");
    say(room, 5, "小明", "早上好！今天我们把船的帆都换成新的，然后再出发。");
    item = say(room, 6, "alice", "hi");
    item->state = ITEM_STORED;
    item = say(room, 7, "alice", "e\u0301te\u0301");
    item->state = ITEM_DELIVERED;
    item = say(room, 8, "bob", "alice: come");
    item->is_mention = true;
    room->line_id = item->id;
    buffer_add(room, &(struct item_given){.kind = ITEM_MESSAGE,
                                          .state = ITEM_WAITING,
                                          .ts_ms = 10 * DAY,
                                          .number = 1,
                                          .is_own = true,
                                          .from = "alice",
                                          .text = SPAN("waiting\nin two lines")});
    buffer_add(room, &(struct item_given){.kind = ITEM_MESSAGE,
                                          .state = ITEM_FAILED,
                                          .ts_ms = 10 * DAY,
                                          .number = 2,
                                          .is_own = true,
                                          .from = "alice",
                                          .text = SPAN("failed")});
    ops->unread = 12;
    ops->mentions = 1;
    bob->unread = 2;
    desk_show_buffer(&desk, room);
}

static void everything_stands_where_it_belongs(void **state)
{
    (void)state;
    fill();
    assert_golden("all", 24, 80);
    assert_golden("all", 40, 120);
    assert_golden("all", 10, 40);
}

static void people_stand_beside_the_room(void **state)
{
    (void)state;
    fill();
    desk.shows_people = true;
    assert_golden("people", 24, 80);
}

static void without_utf8_there_is_ascii_alone(void **state)
{
    (void)state;
    setlocale(LC_ALL, "C");
    desk.is_utf8 = false;
    fill();
    assert_golden("ascii", 24, 80);
    setlocale(LC_ALL, "C.UTF-8");
}

static void a_small_terminal_is_told_what_is_needed(void **state)
{
    (void)state;
    fill();
    assert_golden("small", 9, 40);
    assert_golden("small", 10, 39);
    assert_golden("small", 1, 5);
}

static void no_size_makes_a_broken_grid(void **state)
{
    (void)state;
    fill();
    for (int rows = 1; rows < 30; rows++) {
        for (int columns = 1; columns < 100; columns++) {
            struct grid *grid = grid_new(rows, columns);

            desk.shows_people = columns % 2 == 0;
            desk.card = columns % 3 == 0 ? CARD_KEYS : CARD_NONE;
            view_draw(&desk, grid);
            assert_whole(grid);
            grid_destroy(&grid);
        }
    }
}

static void scrolling_goes_to_the_oldest_row_and_back(void **state)
{
    struct buffer *room;
    struct layout layout;
    int steps = 0;

    (void)state;
    fill();
    room = desk_find(&desk, "#lobby");
    layout_init(&layout, &desk, 40);
    while (!layout_scroll(&layout, room, 5, 3)) {
        assert_true(++steps < 100);
        assert_int_not_equal(room->anchor_id, 0);
    }
    assert_true(layout_scroll(&layout, room, 5, 1000));
    assert_golden("top", 12, 80);
    for (int i = 0; i < 100; i++)
        layout_scroll(&layout, room, 5, -3);
    assert_int_equal(room->anchor_id, 0);
    layout_show(&layout, room, 5, 0);
    assert_int_not_equal(room->anchor_id, 0);
}

static void a_question_takes_the_status_line(void **state)
{
    (void)state;
    fill();
    desk.card = CARD_QUESTION;
    snprintf(desk.question, sizeof(desk.question), "3 lines pasted: (m) one message");
    assert_golden("question", 10, 40);
}

static void a_link_that_is_down_says_why(void **state)
{
    (void)state;
    fill();
    desk.link = DESK_DOWN;
    desk.unsent = 1;
    snprintf(desk.trouble, sizeof(desk.trouble), "nothing answers at 127.0.0.1");
    assert_golden("down", 24, 80);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_stands_where_it_belongs), TEST(people_stand_beside_the_room),
        TEST(without_utf8_there_is_ascii_alone),  TEST(a_small_terminal_is_told_what_is_needed),
        TEST(no_size_makes_a_broken_grid),        TEST(scrolling_goes_to_the_oldest_row_and_back),
        TEST(a_question_takes_the_status_line),   TEST(a_link_that_is_down_says_why),
    };

    setlocale(LC_ALL, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
