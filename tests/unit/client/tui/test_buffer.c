#include "tests/support/check.h"

#include "client/tui/buffer.h"

#include <string.h>

static struct buffer *room;

static int fresh(void **state)
{
    (void)state;
    room = buffer_new("#lobby", 0);
    return 0;
}

static int gone(void **state)
{
    (void)state;
    buffer_destroy(&room);
    assert_null(room);
    return 0;
}

static struct item *say(uint64_t seq, uint64_t ts_ms, const char *text)
{
    return buffer_add(room, &(struct item_given){.kind = ITEM_MESSAGE,
                                                 .seq = seq,
                                                 .ts_ms = ts_ms,
                                                 .from = "bob",
                                                 .text = span_of(text)});
}

static struct item *post(uint32_t number, const char *text)
{
    return buffer_add(room, &(struct item_given){.kind = ITEM_MESSAGE,
                                                 .state = ITEM_WAITING,
                                                 .ts_ms = 5000,
                                                 .number = number,
                                                 .is_own = true,
                                                 .from = "alice",
                                                 .text = span_of(text)});
}

/* The texts in order, with a bar between them. */
static void assert_order(const char *want)
{
    char have[4096] = "";

    for (size_t i = 0; i < room->count; i++) {
        if (i > 0)
            strncat(have, "|", sizeof(have) - strlen(have) - 1);
        strncat(have, buffer_at(room, i)->text, sizeof(have) - strlen(have) - 1);
    }
    assert_string_equal(have, want);
}

static void events_stand_in_the_order_of_their_numbers_and_once(void **state)
{
    (void)state;
    say(3, 3000, "c");
    say(1, 1000, "a");
    say(2, 2000, "b");
    assert_null(say(2, 2000, "b again"));
    assert_null(say(3, 3000, "c again"));
    say(4, 4000, "d");
    assert_order("a|b|c|d");
    assert_int_equal(buffer_first_seq(room), 1);
}

static void a_remark_stands_by_its_time(void **state)
{
    (void)state;
    buffer_add(room,
               &(struct item_given){.kind = ITEM_REMARK, .ts_ms = 2500, .text = SPAN("remark")});
    say(1, 1000, "old");
    say(2, 2000, "older than the remark");
    say(3, 3000, "new");
    assert_order("old|older than the remark|remark|new");
}

static void what_waits_stays_last_and_turns_into_its_place(void **state)
{
    struct item *item;

    (void)state;
    say(1, 1000, "a");
    post(7, "mine");
    say(2, 2000, "b");
    assert_order("a|b|mine");
    item = buffer_find_number(room, 7);
    item->state = ITEM_STORED;
    buffer_stored(room, item, 3, 3000);
    say(4, 4000, "d");
    assert_order("a|b|mine|d");
    assert_null(say(3, 3000, "mine"));
    assert_int_equal(buffer_find_seq(room, 3)->number, 7);
}

static void an_own_post_whose_event_came_first_becomes_one_with_it(void **state)
{
    (void)state;
    post(1, "mine");
    say(1, 1000, "mine");
    assert_int_equal(room->count, 2);
    buffer_find_number(room, 1)->state = ITEM_STORED;
    buffer_stored(room, buffer_find_number(room, 1), 1, 1000);
    assert_int_equal(room->count, 1);
    assert_int_equal(buffer_at(room, 0)->state, ITEM_STORED);
    assert_true(buffer_at(room, 0)->is_own);
}

static void the_oldest_go_when_there_are_too_many(void **state)
{
    (void)state;
    buffer_destroy(&room);
    room = buffer_new("#lobby", 100);
    for (uint64_t seq = 1; seq <= 1000; seq++)
        say(seq, seq, "x");
    assert_int_equal(room->count, 100);
    assert_int_equal(buffer_first_seq(room), 901);
    room->anchor_id = buffer_at(room, 10)->id; /* somebody looks back */
    for (uint64_t seq = 1001; seq <= 1100; seq++)
        say(seq, seq, "x");
    assert_int_equal(room->count, 200);
    room->anchor_id = 0;
    buffer_trim(room);
    assert_int_equal(room->count, 100);
}

static void history_comes_in_front_page_by_page(void **state)
{
    (void)state;
    for (uint64_t seq = 201; seq <= 300; seq++)
        say(seq, seq, "x");
    room->anchor_id = buffer_at(room, 0)->id;
    for (uint64_t seq = 101; seq <= 200; seq++)
        say(seq, seq, "x");
    for (uint64_t seq = 1; seq <= 100; seq++)
        say(seq, seq, "x");
    assert_int_equal(room->count, 300);
    for (size_t i = 0; i < room->count; i++)
        assert_int_equal(buffer_at(room, i)->seq, i + 1);
}

static void joins_and_leaves_in_a_row_are_one_item(void **state)
{
    (void)state;
    buffer_add_fold(room, 1, 1000, "bob", true);
    buffer_add_fold(room, 2, 1000, "carol", true);
    buffer_add_fold(room, 3, 1000, "bob", false);
    assert_order("carol joined; bob left");
    assert_null(buffer_add_fold(room, 2, 1000, "carol", true));
    say(4, 2000, "hello");
    buffer_add_fold(room, 5, 3000, "dave", true);
    assert_order("carol joined; bob left|hello|dave joined");
    assert_null(say(2, 1000, "in the fold"));
}

static void a_receipt_makes_two_ticks_of_what_it_covers(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 3; i++) {
        struct item *item = post(i, "x");

        item->state = ITEM_STORED;
        item->peer_seq = i;
        buffer_stored(room, item, i, i);
    }
    buffer_delivered(room, 2);
    assert_int_equal(buffer_at(room, 0)->state, ITEM_DELIVERED);
    assert_int_equal(buffer_at(room, 1)->state, ITEM_DELIVERED);
    assert_int_equal(buffer_at(room, 2)->state, ITEM_STORED);
}

static void texts_are_cleaned_on_the_way_in(void **state)
{
    (void)state;
    say(1, 1, "a\x1b[2Jb\nc\x7f");
    assert_string_equal(buffer_at(room, 0)->text, "a\xef\xbf\xbd[2Jb\nc\xef\xbf\xbd");
}

static void unread_is_counted_and_the_line_stands_at_the_first(void **state)
{
    struct item *first, *second;

    (void)state;
    say(1, 1, "seen");
    first = say(2, 2, "one");
    buffer_note_unread(room, first);
    second = say(3, 3, "two");
    second->is_mention = true;
    buffer_note_unread(room, second);
    assert_int_equal(room->unread, 2);
    assert_int_equal(room->mentions, 1);
    assert_int_equal(room->line_id, first->id);
    buffer_note_shown(room);
    assert_int_equal(room->unread, 0);
    assert_int_equal(room->line_id, first->id);
    buffer_clear_line(room);
    assert_int_equal(room->line_id, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_stand_in_the_order_of_their_numbers_and_once),
        TEST(a_remark_stands_by_its_time),
        TEST(what_waits_stays_last_and_turns_into_its_place),
        TEST(an_own_post_whose_event_came_first_becomes_one_with_it),
        TEST(the_oldest_go_when_there_are_too_many),
        TEST(history_comes_in_front_page_by_page),
        TEST(joins_and_leaves_in_a_row_are_one_item),
        TEST(a_receipt_makes_two_ticks_of_what_it_covers),
        TEST(texts_are_cleaned_on_the_way_in),
        TEST(unread_is_counted_and_the_line_stands_at_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
