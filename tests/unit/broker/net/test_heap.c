#include "broker/net/heap.h"

#include "shared/base/clock.h"
#include "tests/support/check.h"

static void a_few_connections_are_not_worth_the_work(void **state)
{
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, 0, 1000), -1);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD - 1, 1000000), -1);
    assert_int_equal(heap.due_ms, 0);
}

static void a_crowd_is_followed_by_one_round_a_pause_later(void **state)
{
    struct heap heap = {0};
    const uint64_t now_ms = clock_mono_ms();

    (void)state;
    assert_int_equal(heap_tend(&heap, HEAP_CROWD, now_ms), HEAP_PAUSE_MS);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD + 5, now_ms + 5000), HEAP_PAUSE_MS - 5000);
    assert_int_equal(heap.departed, 0);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD + 9, now_ms + HEAP_PAUSE_MS), -1);
    assert_int_equal(heap.departed, HEAP_CROWD + 9);
}

static void the_next_crowd_is_counted_from_there(void **state)
{
    struct heap heap = {.departed = 5000};

    (void)state;
    assert_int_equal(heap_tend(&heap, 5000 + HEAP_CROWD - 1, 1000), -1);
    assert_int_equal(heap_tend(&heap, 5000 + HEAP_CROWD, 1000), HEAP_PAUSE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_connections_are_not_worth_the_work),
        cmocka_unit_test(a_crowd_is_followed_by_one_round_a_pause_later),
        cmocka_unit_test(the_next_crowd_is_counted_from_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
