#include "client/lib/confirm.h"

#include "tests/support/check.h"

static void a_drained_queue_confirms_what_was_shown_once(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    assert_int_equal(confirm_due(&confirm, true), 0);
    confirm_shown(&confirm, 1, 1);
    confirm_shown(&confirm, 2, 2);
    assert_int_equal(confirm_due(&confirm, false), 0);
    assert_int_equal(confirm_due(&confirm, true), 2);
    assert_int_equal(confirm_due(&confirm, true), 0);
    confirm_known(&confirm, 2);
    assert_int_equal(confirm_due(&confirm, true), 0);
}

static void fifty_shown_events_are_confirmed_before_the_queue_is_empty(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    for (uint64_t seq = 1; seq < 50; seq++)
        confirm_shown(&confirm, seq, seq);
    assert_int_equal(confirm_due(&confirm, false), 0);
    confirm_shown(&confirm, 50, 50);
    assert_int_equal(confirm_due(&confirm, false), 50);
    confirm_shown(&confirm, 51, 51);
    assert_int_equal(confirm_due(&confirm, false), 0);
}

static void what_was_skipped_is_not_confirmed(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    confirm_known(&confirm, 3);
    confirm_shown(&confirm, 6, 6);
    confirm_shown(&confirm, 7, 7);
    assert_int_equal(confirm_due(&confirm, true), 0); /* 4 and 5 were not shown */
    confirm_known(&confirm, 5);                       /* by another device */
    assert_int_equal(confirm_due(&confirm, true), 7);
}

static void reading_back_closes_the_hole(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    confirm_shown(&confirm, 6, 8);
    confirm_shown(&confirm, 2, 5);
    assert_int_equal(confirm_due(&confirm, true), 0);
    confirm_shown(&confirm, 1, 1);
    assert_int_equal(confirm_due(&confirm, true), 8);
    confirm_shown(&confirm, 0, 0);
    confirm_shown(&confirm, 9, 8);
    confirm_shown(&confirm, 3, 3); /* shown again */
    assert_int_equal(confirm_due(&confirm, true), 0);
    confirm_shown(&confirm, 20, 20); /* another run */
    assert_int_equal(confirm_due(&confirm, true), 0);
}

static void a_part_that_is_read_back_does_not_replace_what_is_due(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    confirm_known(&confirm, 5);
    confirm_shown(&confirm, 6, 7);
    assert_int_equal(confirm_due(&confirm, true), 7); /* and lost */
    confirm_shown(&confirm, 2, 2);
    confirm_shown(&confirm, 3, 3);
    confirm_shown(&confirm, 20, 20);
    confirm_known(&confirm, 5);
    assert_int_equal(confirm_due(&confirm, true), 7);
}

static void a_lost_confirm_is_due_again(void **state)
{
    struct confirm confirm = {0};

    (void)state;
    confirm_shown(&confirm, 1, 4);
    assert_int_equal(confirm_due(&confirm, true), 4);
    confirm_known(&confirm, 0);
    assert_int_equal(confirm_due(&confirm, true), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drained_queue_confirms_what_was_shown_once),
        cmocka_unit_test(fifty_shown_events_are_confirmed_before_the_queue_is_empty),
        cmocka_unit_test(what_was_skipped_is_not_confirmed),
        cmocka_unit_test(reading_back_closes_the_hole),
        cmocka_unit_test(a_part_that_is_read_back_does_not_replace_what_is_due),
        cmocka_unit_test(a_lost_confirm_is_due_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
