#include "shared/base/clock.h"

#include "tests/support/check.h"

static void the_monotonic_clock_never_runs_back(void **state)
{
    (void)state;
    uint64_t last = clock_mono_ms();

    for (int i = 0; i < 100000; i++) {
        uint64_t now = clock_mono_ms();

        assert_true(now >= last);
        last = now;
    }
}

static void the_wall_clock_counts_milliseconds_since_1970(void **state)
{
    (void)state;
    uint64_t before = (uint64_t)time(NULL) * 1000;
    uint64_t now = clock_wall_ms();

    /* time(2) reads a coarser clock, which may be a tick behind. */
    assert_true(now + 1000 >= before && now <= before + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_runs_back),
        cmocka_unit_test(the_wall_clock_counts_milliseconds_since_1970),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
