#include "shared/base/histogram.h"

#include "tests/support/check.h"

static void bounds_grow_by_one_two_five(void **state)
{
    (void)state;
    assert_int_equal(histogram_bound_us(0), 50);
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++) {
        const uint64_t last = histogram_bound_us(i - 1), bound = histogram_bound_us(i);

        assert_true(bound == 2 * last || 2 * bound == 5 * last);
    }
    assert_int_equal(histogram_bound_us(HISTOGRAM_BOUNDS - 1), 100000000);
    assert_true(histogram_bound_us(HISTOGRAM_BOUNDS) == UINT64_MAX);
}

static void a_bound_counts_to_its_own_bucket(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        histogram_add(&histogram, histogram_bound_us(i));
        histogram_add(&histogram, histogram_bound_us(i) + 1);
    }
    assert_int_equal(histogram.bucket[0], 1);
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_int_equal(histogram.bucket[i], 2);
    assert_int_equal(histogram.bucket[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(histogram.count, 2 * HISTOGRAM_BOUNDS);
}

static void many_are_added_as_one_by_one(void **state)
{
    struct histogram one = {0}, many = {0};

    (void)state;
    for (size_t i = 0; i < 7; i++)
        histogram_add(&one, 777);
    histogram_add_many(&many, 777, 7);
    assert_memory_equal(&one, &many, sizeof(one));
    assert_int_equal(many.sum_us, 7 * 777);
}

static void nothing_has_no_quantile(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_quantile_us(&histogram, 500), 0);
}

/* 1 to 1000 us: the buckets' inside is taken as even, which here it is. */
static void quantiles_lie_between_the_bounds(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    for (uint64_t us = 1; us <= 1000; us++)
        histogram_add(&histogram, us);
    assert_in_range(histogram_quantile_us(&histogram, 0), 0, 2);
    assert_in_range(histogram_quantile_us(&histogram, 500), 498, 502);
    assert_in_range(histogram_quantile_us(&histogram, 990), 988, 992);
    assert_int_equal(histogram_quantile_us(&histogram, 1000), 1000);
}

static void what_took_too_long_is_told_as_the_last_bound(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_add(&histogram, 10);
    histogram_add(&histogram, UINT64_C(3600) * 1000000);
    assert_int_equal(histogram_quantile_us(&histogram, 990), 100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_grow_by_one_two_five),
        cmocka_unit_test(a_bound_counts_to_its_own_bucket),
        cmocka_unit_test(many_are_added_as_one_by_one),
        cmocka_unit_test(nothing_has_no_quantile),
        cmocka_unit_test(quantiles_lie_between_the_bounds),
        cmocka_unit_test(what_took_too_long_is_told_as_the_last_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
