#include "broker/core/pending.h"

#include "tests/support/check.h"

static int set_up(void **state)
{
    static struct pending pending;

    *state = &pending;
    return pending_init(&pending, 2) ? 0 : -1;
}

static int tear_down(void **state)
{
    pending_fini(*state);
    return 0;
}

static void a_ticket_is_known_until_it_is_given_back(void **state)
{
    struct pending *pending = *state;
    const uint32_t row = pending_take(pending, OP_POST, (peer_id){0});

    assert_non_null(pending_get(pending, (ticket_id){row}));
    assert_int_equal(pending_get(pending, (ticket_id){row})->kind, OP_POST);
    pending_free(pending, row);
    assert_null(pending_get(pending, (ticket_id){row}));
    assert_int_equal(pending->count, 0);
}

static void numbers_that_are_no_tickets_are_nobodys(void **state)
{
    struct pending *pending = *state;

    assert_null(pending_get(pending, (ticket_id){0}));
    assert_null(pending_get(pending, (ticket_id){1}));
    assert_null(pending_get(pending, (ticket_id){3}));
    assert_null(pending_get(pending, (ticket_id){UINT32_MAX}));
}

static void it_is_full_when_all_tickets_are_out(void **state)
{
    struct pending *pending = *state;

    const uint32_t one = pending_take(pending, OP_JOIN, (peer_id){0});
    assert_false(pending_is_full(pending));
    const uint32_t two = pending_take(pending, OP_LEAVE, (peer_id){0});
    assert_true(pending_is_full(pending));
    assert_int_not_equal(one, two);
    pending_free(pending, one);
    assert_false(pending_is_full(pending));
}

static void a_ticket_comes_clean(void **state)
{
    struct pending *pending = *state;

    for (int i = 0; i < 3; i++) { /* more often than there are rows */
        const uint32_t row = pending_take(pending, OP_HELLO, (peer_id){0});
        struct ticket *ticket = pending_get(pending, (ticket_id){row});

        assert_int_equal(ticket->number, 0);
        assert_int_equal(ticket_name(ticket).len, 0);
        assert_false(ticket->is_reserved);
        ticket->number = 5;
        ticket->is_reserved = true;
        ticket_keep(ticket, &(struct op){.kind = OP_HELLO, .nick = SPAN("bob")});
        assert_true(span_equal(ticket_name(ticket), SPAN("bob")));
        pending_free(pending, row);
    }
}

static void nobody_fills_the_table_alone(void **state)
{
    const peer_id greedy = {7}, other = {8};
    struct pending pending;
    uint32_t row = 0;

    (void)state;
    assert_true(pending_init(&pending, ASKS_OUTSTANDING_MAX + 1));
    for (int i = 0; i < ASKS_OUTSTANDING_MAX; i++) {
        assert_true(pending_may_ask(&pending, greedy));
        row = pending_take(&pending, OP_MARK, greedy);
    }
    assert_false(pending_may_ask(&pending, greedy));
    assert_true(pending_may_ask(&pending, other));
    assert_true(pending_may_ask(&pending, (peer_id){0})); /* posts have their window */
    pending_free(&pending, row);
    assert_true(pending_may_ask(&pending, greedy));
    pending_fini(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ticket_is_known_until_it_is_given_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_are_no_tickets_are_nobodys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_full_when_all_tickets_are_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_ticket_comes_clean, set_up, tear_down),
        cmocka_unit_test(nobody_fills_the_table_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
