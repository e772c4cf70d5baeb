#include "broker/core/streams.h"

#include "tests/support/check.h"

#include <stdio.h>

static const unsigned char KEY[16] = "sixteen byte key";

static int set_up(void **state)
{
    static struct streams streams;

    *state = &streams;
    return streams_init(&streams, 8, KEY) ? 0 : -1;
}

static int tear_down(void **state)
{
    streams_fini(*state);
    return 0;
}

static uint32_t add(struct streams *streams, uint32_t id, const char *name)
{
    return streams_add(streams, (stream_id){id}, span_of(name));
}

static void a_stream_is_found_by_name_and_number(void **state)
{
    struct streams *streams = *state;
    const uint32_t room = add(streams, 70, "#lobby");
    const uint32_t alice = add(streams, 71, "@alice");

    assert_int_equal(streams_by_name(streams, SPAN("#lobby")), room);
    assert_int_equal(streams_by_name(streams, SPAN("@alice")), alice);
    assert_int_equal(streams_by_id(streams, (stream_id){71}), alice);
    assert_true(stream_is_room(&streams->row[room]));
    assert_false(stream_is_room(&streams->row[alice]));
    assert_int_equal(streams->rooms, 1);
    assert_int_equal(streams->people, 1);
}

static void what_is_not_there_is_row_0(void **state)
{
    struct streams *streams = *state;
    char long_name[STREAM_BYTES_MAX + 2] = "#";

    memset(long_name + 1, 'x', STREAM_BYTES_MAX);
    add(streams, 1, "#lobby");
    assert_int_equal(streams_by_name(streams, SPAN("#lobb")), 0);
    assert_int_equal(streams_by_name(streams, SPAN("@lobby")), 0);
    assert_int_equal(streams_by_name(streams, SPAN("")), 0);
    assert_int_equal(streams_by_name(streams, span_of(long_name)), 0);
    assert_int_equal(streams_by_id(streams, (stream_id){2}), 0);
}

static void a_full_table_takes_no_more(void **state)
{
    struct streams *streams = *state;
    char name[8];

    for (uint32_t i = 1; i <= 8; i++) {
        snprintf(name, sizeof name, "#r%u", (unsigned)i);
        assert_int_equal(add(streams, i, name), i);
    }
    assert_int_equal(add(streams, 9, "#r9"), 0);
    assert_int_equal(streams->count, 8);
    assert_int_equal(streams_by_name(streams, SPAN("#r8")), 8);
}

static void head_is_due_a_second_after_the_last_event(void **state)
{
    struct streams *streams = *state;
    const uint32_t one = add(streams, 1, "#one");
    const uint32_t two = add(streams, 2, "#two");

    assert_int_equal(streams_next_deadline_ms(streams), UINT64_MAX);
    streams_appended(streams, one, 1, 100);
    streams_appended(streams, two, 1, 200);
    streams_appended(streams, one, 2, 300); /* puts it off */
    assert_int_equal(streams->row[one].head, 2);
    assert_int_equal(streams_next_deadline_ms(streams), 200 + HEAD_DELAY_MS);
    assert_int_equal(streams_take_head_due(streams, 199 + HEAD_DELAY_MS), 0);
    assert_int_equal(streams_take_head_due(streams, 300 + HEAD_DELAY_MS), two);
    assert_int_equal(streams_take_head_due(streams, 300 + HEAD_DELAY_MS), one);
    assert_int_equal(streams_take_head_due(streams, UINT64_MAX), 0);
}

static void a_head_never_runs_back(void **state)
{
    struct streams *streams = *state;
    const uint32_t row = add(streams, 1, "#one");

    streams_appended(streams, row, 5, 0);
    streams_appended(streams, row, 4, 0);
    assert_int_equal(streams->row[row].head, 5);
}

static void republication_waits_longer_at_each_level_r28(void **state)
{
    static const uint32_t delays[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct streams *streams = *state;
    const uint32_t row = add(streams, 1, "@alice");

    for (uint32_t level = 0; level < 7; level++) {
        streams_republish_at(streams, row, level, 50);
        assert_int_equal(streams_next_deadline_ms(streams), 50 + delays[level]);
        assert_int_equal(streams_take_republish_due(streams, 49 + delays[level]), 0);
        assert_int_equal(streams_take_republish_due(streams, 50 + delays[level]), row);
        assert_int_equal(streams_take_republish_due(streams, UINT64_MAX), 0);
    }
}

static void republication_of_one_stops_without_touching_others(void **state)
{
    struct streams *streams = *state;
    const uint32_t a = add(streams, 1, "@a");
    const uint32_t b = add(streams, 2, "@b");
    const uint32_t c = add(streams, 3, "@c");

    streams_republish_at(streams, a, 0, 0);
    streams_republish_at(streams, b, 0, 0);
    streams_republish_at(streams, c, 3, 0);
    streams_republish_stop(streams, a);
    streams_republish_stop(streams, a);       /* harmless */
    streams_republish_at(streams, c, 0, 500); /* from one level to another */
    assert_int_equal(streams_take_republish_due(streams, 60000), b);
    assert_int_equal(streams_take_republish_due(streams, 60000), c);
    assert_int_equal(streams_take_republish_due(streams, 60000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_is_found_by_name_and_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_row_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_is_due_a_second_after_the_last_event, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_head_never_runs_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(republication_waits_longer_at_each_level_r28, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(republication_of_one_stops_without_touching_others, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
