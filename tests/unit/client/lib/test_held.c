#include "client/lib/held.h"

#include "tests/support/check.h"

static struct tell *event(uint64_t seq)
{
    const struct zchat_event e = {.kind = ZCHAT_EVENT, .seq = seq};

    return tell_new(&e, &(struct tell_texts){0});
}

static bool put(struct held *held, size_t max, uint64_t seq)
{
    struct tell *tell = event(seq);
    const bool is_kept = held_put(held, max, &tell);

    assert_null(tell);
    return is_kept;
}

static void assert_next(struct held *held, uint64_t seq)
{
    struct tell *tell = held_take_first(held);

    assert_non_null(tell);
    assert_int_equal(tell->event.seq, seq);
    tell_destroy(&tell);
}

static void events_come_out_in_order_and_once(void **state)
{
    struct held held = {0};
    static const uint64_t seqs[] = {5, 9, 7, 5, 6, 20, 9, 1, 20};

    (void)state;
    assert_int_equal(held_first_seq(&held), 0);
    assert_null(held_take_first(&held));
    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
        put(&held, 100, seqs[i]);
    assert_int_equal(held_first_seq(&held), 1);
    assert_next(&held, 1);
    assert_next(&held, 5);
    assert_next(&held, 6);
    assert_true(put(&held, 100, 8));
    assert_next(&held, 7);
    assert_next(&held, 8);
    assert_next(&held, 9);
    assert_next(&held, 20);
    assert_null(held_take_first(&held));
    held_fini(&held);
}

static void a_full_buffer_drops_the_farthest(void **state)
{
    struct held held = {0};

    (void)state;
    for (uint64_t seq = 10; seq < 14; seq++)
        assert_true(put(&held, 4, seq));
    assert_false(held_wants(&held, 4, 14));
    assert_false(put(&held, 4, 14));
    assert_true(held_wants(&held, 4, 9));
    assert_false(held_wants(&held, 4, 12)); /* it is there */
    assert_true(put(&held, 4, 9));
    for (uint64_t seq = 9; seq < 13; seq++)
        assert_next(&held, seq);
    assert_int_equal(held_first_seq(&held), 0);
    assert_false(put(&held, 0, 1));
    held_fini(&held);
}

static void what_is_told_otherwise_is_dropped(void **state)
{
    struct held held = {0};

    (void)state;
    for (uint64_t seq = 1; seq <= 1000; seq++)
        put(&held, 1000, seq);
    held_drop_below(&held, 990);
    for (uint64_t seq = 1001; seq <= 2000; seq++) /* the room of those gone is used again */
        put(&held, 1000, seq);
    assert_int_equal(held_first_seq(&held), 990);
    assert_int_equal(held.count, 1000);
    held_drop_below(&held, 5000);
    assert_int_equal(held_first_seq(&held), 0);
    held_fini(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_in_order_and_once),
        cmocka_unit_test(a_full_buffer_drops_the_farthest),
        cmocka_unit_test(what_is_told_otherwise_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
