#include "shared/base/bucket.h"

#include "tests/support/check.h"

#include <string.h>

static void a_bucket_of_zeros_is_full(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(bucket_take(&bucket, 1, 5, 1, 1000), 0);
    assert_int_equal(bucket_take(&bucket, 1, 5, 1, 1000), 1000);
}

static void a_refusal_tells_the_wait_and_takes_nothing(void **state)
{
    struct bucket bucket = {0};
    struct bucket before;

    (void)state;
    assert_int_equal(bucket_take(&bucket, 3, 10, 10, 5000), 0);
    before = bucket;
    assert_int_equal(bucket_take(&bucket, 3, 10, 1, 5000), 334); /* rounded up */
    assert_int_equal(bucket_take(&bucket, 3, 10, 10, 5000), 3334);
    assert_memory_equal(&before, &bucket, sizeof(bucket));
    assert_int_equal(bucket_take(&bucket, 3, 10, 1, 5333), 1);
    assert_int_equal(bucket_take(&bucket, 3, 10, 1, 5334), 0);
}

static void it_gains_no_more_than_the_burst(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_int_equal(bucket_take(&bucket, 100, 20, 20, 0), 0);
    assert_int_equal(bucket_take(&bucket, 100, 20, 20, UINT64_MAX / 2), 0);
    assert_int_equal(bucket_take(&bucket, 100, 20, 1, UINT64_MAX / 2), 10);
}

static void over_a_long_time_exactly_the_rate_goes_through(void **state)
{
    struct bucket bucket = {0};
    unsigned taken = 0;

    (void)state;
    assert_int_equal(bucket_take(&bucket, 7, 3, 3, 0), 0);
    for (uint64_t now_ms = 0; now_ms <= 100000; now_ms++)
        taken += bucket_take(&bucket, 7, 3, 1, now_ms) == 0;
    assert_int_equal(taken, 700);
}

static void what_can_never_be_is_told_so(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_true(bucket_take(&bucket, 10, 5, 6, 0) == UINT64_MAX);
    assert_int_equal(bucket_take(&bucket, 0, 1, 1, 0), 0);
    assert_true(bucket_take(&bucket, 0, 1, 1, UINT64_MAX) == UINT64_MAX);
    assert_true(bucket_take(&bucket, 10, 0, 1, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(bucket_take(&bucket, 10, 0, 0, UINT64_MAX), 0);
}

static void a_clock_that_runs_backwards_gives_nothing(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_int_equal(bucket_take(&bucket, 1, 2, 2, 10000), 0);
    assert_int_equal(bucket_take(&bucket, 1, 2, 1, 0), 1000);
    assert_int_equal(bucket_take(&bucket, 1, 2, 1, 10999), 1);
    assert_int_equal(bucket_take(&bucket, 1, 2, 1, 11000), 0);
}

static void the_largest_numbers_do_not_overflow(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_int_equal(bucket_take(&bucket, UINT32_MAX, UINT32_MAX, BUCKET_TOKENS_MAX, 1), 0);
    assert_int_equal(bucket_take(&bucket, UINT32_MAX, UINT32_MAX, BUCKET_TOKENS_MAX, 1), 1000);
    assert_int_equal(bucket_take(&bucket, UINT32_MAX, UINT32_MAX, BUCKET_TOKENS_MAX, UINT64_MAX),
                     0);
    assert_true(bucket_take(&bucket, 1, UINT32_MAX, UINT32_MAX, UINT64_MAX) == UINT64_MAX);
}

static void a_smaller_burst_counts_at_once(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_int_equal(bucket_take(&bucket, 10, 1000, 1000, 0), 0);
    assert_int_equal(bucket_take(&bucket, 10, 1, 1, 0), 100);
    assert_int_equal(bucket_take(&bucket, 10, 1, 1, 100), 0);
}

static void it_knows_when_it_is_full(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    assert_true(bucket_is_full(&bucket, 1, 0));
    assert_int_equal(bucket_take(&bucket, 2, 4, 1, 1000), 0);
    assert_false(bucket_is_full(&bucket, 2, 1499));
    assert_true(bucket_is_full(&bucket, 2, 1501));
    assert_false(bucket_is_full(&bucket, 0, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_of_zeros_is_full),
        cmocka_unit_test(a_refusal_tells_the_wait_and_takes_nothing),
        cmocka_unit_test(it_gains_no_more_than_the_burst),
        cmocka_unit_test(over_a_long_time_exactly_the_rate_goes_through),
        cmocka_unit_test(what_can_never_be_is_told_so),
        cmocka_unit_test(a_clock_that_runs_backwards_gives_nothing),
        cmocka_unit_test(the_largest_numbers_do_not_overflow),
        cmocka_unit_test(a_smaller_burst_counts_at_once),
        cmocka_unit_test(it_knows_when_it_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
