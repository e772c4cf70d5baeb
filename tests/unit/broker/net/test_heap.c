#include "broker/net/heap.h"

#include "shared/base/clock.h"
#include "tests/support/check.h"

static void nobody_there_is_nothing_to_do(void **state)
{
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, 0, 0, 1000), -1);
    assert_int_equal(heap_tend(&heap, 0, 0, 1000000), -1);
}

static void while_anybody_is_there_it_is_gone_through_each_minute(void **state)
{
    const uint64_t now_ms = clock_mono_ms();
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, 1, 0, now_ms), HEAP_ROUND_MS);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD, HEAP_CROWD - 1, now_ms + 1000),
                     HEAP_ROUND_MS - 1000);
    assert_int_equal(heap.departed, 0);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD, HEAP_CROWD - 1, now_ms + HEAP_ROUND_MS),
                     HEAP_ROUND_MS);
    assert_int_equal(heap.departed, HEAP_CROWD - 1);
}

static void when_the_last_has_gone_once_more_and_then_never(void **state)
{
    const uint64_t now_ms = clock_mono_ms();
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, 1, 0, now_ms), HEAP_ROUND_MS);
    assert_int_equal(heap_tend(&heap, 1, 1, now_ms + HEAP_ROUND_MS), -1);
    assert_int_equal(heap_tend(&heap, 1, 1, now_ms + 2 * HEAP_ROUND_MS), -1);
}

static void a_crowd_is_followed_by_one_round_a_pause_later(void **state)
{
    const uint64_t now_ms = clock_mono_ms();
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, HEAP_CROWD, HEAP_CROWD, now_ms), HEAP_PAUSE_MS);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD + 5, HEAP_CROWD + 5, now_ms + 5000),
                     HEAP_PAUSE_MS - 5000);
    assert_int_equal(heap.departed, 0);
    assert_int_equal(heap_tend(&heap, HEAP_CROWD + 9, HEAP_CROWD + 9, now_ms + HEAP_PAUSE_MS), -1);
    assert_int_equal(heap.departed, HEAP_CROWD + 9);
}

static void the_next_crowd_is_counted_from_there(void **state)
{
    struct heap heap = {.departed = 5000};

    (void)state;
    assert_int_equal(heap_tend(&heap, 7000, 5000 + HEAP_CROWD - 1, 1000), HEAP_ROUND_MS);
    assert_int_equal(heap_tend(&heap, 7000, 5000 + HEAP_CROWD, 1000), HEAP_PAUSE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there_is_nothing_to_do),
        cmocka_unit_test(while_anybody_is_there_it_is_gone_through_each_minute),
        cmocka_unit_test(when_the_last_has_gone_once_more_and_then_never),
        cmocka_unit_test(a_crowd_is_followed_by_one_round_a_pause_later),
        cmocka_unit_test(the_next_crowd_is_counted_from_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
