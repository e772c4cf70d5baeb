#include "broker/net/throttle.h"

#include "tests/support/check.h"

#include <sodium.h>

static bool take(struct throttle *throttle, uint32_t who, uint64_t now_ms)
{
    return throttle_take(throttle, &who, sizeof(who), now_ms);
}

static void everybody_has_a_bucket_of_their_own(void **state)
{
    struct throttle *throttle = throttle_new(64, 10, 3);

    (void)state;
    for (uint32_t who = 0; who < 4; who++) {
        for (int i = 0; i < 3; i++)
            assert_true(take(throttle, who, 1000));
        assert_false(take(throttle, who, 1000));
    }
    assert_true(take(throttle, 2, 1100));
    assert_false(take(throttle, 2, 1100));
    throttle_destroy(&throttle);
    assert_null(throttle);
    throttle_destroy(&throttle);
}

static void a_rate_of_0_is_no_limit(void **state)
{
    struct throttle *throttle = throttle_new(4, 0, 1);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(take(throttle, 1, 0));
    throttle_destroy(&throttle);
}

static void a_crowd_does_not_let_the_busiest_be_forgotten(void **state)
{
    struct throttle *throttle = throttle_new(1024, 1, 100);

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(take(throttle, 7, 1000));
    assert_false(take(throttle, 7, 1000));
    for (uint32_t who = 1000; who < 200000; who++)
        assert_true(take(throttle, who, 1000));
    assert_false(take(throttle, 7, 1000));
    throttle_destroy(&throttle);
}

static void who_has_rested_makes_room_first(void **state)
{
    struct throttle *throttle = throttle_new(4, 1, 100); /* one set */

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_true(take(throttle, 1, 1000));
    for (uint32_t who = 2; who <= 4; who++) {
        for (int i = 0; i < 40; i++)
            assert_true(take(throttle, who, 60000)); /* 1 has regained its 50 by now */
    }
    assert_true(take(throttle, 5, 60000));
    for (int i = 0; i < 60; i++)
        assert_true(take(throttle, 2, 60000)); /* still the same bucket: 60 are left */
    assert_false(take(throttle, 2, 60000));
    throttle_destroy(&throttle);
}

static int set_up(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_has_a_bucket_of_their_own),
        cmocka_unit_test(a_rate_of_0_is_no_limit),
        cmocka_unit_test(a_crowd_does_not_let_the_busiest_be_forgotten),
        cmocka_unit_test(who_has_rested_makes_room_first),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
