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

static void while_anybody_is_there_it_is_gone_through_round_by_round(void **state)
{
    const uint64_t now_ms = clock_mono_ms();
    struct heap heap = {0};

    (void)state;
    assert_int_equal(heap_tend(&heap, 1, 0, now_ms), HEAP_ROUND_MS);
    assert_int_equal(heap_tend(&heap, 1000, 999, now_ms + 1000), HEAP_ROUND_MS - 1000);
    assert_int_equal(heap.departed, 0);
    assert_int_equal(heap_tend(&heap, 1000, 999, now_ms + HEAP_ROUND_MS), HEAP_ROUND_MS);
    assert_int_equal(heap.departed, 999);
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

static void a_crowd_that_came_and_went_between_two_looks_is_followed_by_a_round(void **state)
{
    const uint64_t now_ms = clock_mono_ms();
    struct heap heap = {.departed = 5000};

    (void)state;
    assert_int_equal(heap_tend(&heap, 7000, 7000, now_ms), HEAP_ROUND_MS);
    assert_int_equal(heap_tend(&heap, 7000, 7000, now_ms + HEAP_ROUND_MS), -1);
    assert_int_equal(heap.departed, 7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there_is_nothing_to_do),
        cmocka_unit_test(while_anybody_is_there_it_is_gone_through_round_by_round),
        cmocka_unit_test(when_the_last_has_gone_once_more_and_then_never),
        cmocka_unit_test(a_crowd_that_came_and_went_between_two_looks_is_followed_by_a_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
