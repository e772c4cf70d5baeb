#include "broker/net/throttle.h"

#include "tests/support/check.h"

#include <sodium.h>

static bool take(struct throttle *throttle, uint32_t who, uint64_t now_ms)
{
    return throttle_take(throttle, &who, sizeof(who), now_ms) == 0;
}

static void everybody_has_a_bucket_of_their_own(void **state)
{
    struct throttle *throttle = throttle_new(64, 10, 3, 0);

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
    struct throttle *throttle = throttle_new(4, 0, 1, 0);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(take(throttle, 1, 0));
    throttle_destroy(&throttle);
}

static void a_crowd_does_not_let_the_busiest_be_forgotten(void **state)
{
    struct throttle *throttle = throttle_new(1024, 1, 100, 0);

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
    struct throttle *throttle = throttle_new(4, 1, 100, 0); /* one set */

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

/* Turns a tenth of a second apart, for a second; then it is too often. */
static void who_comes_too_soon_may_wait_for_a_turn(void **state)
{
    const uint32_t who = 7, other = 8;
    struct throttle *throttle = throttle_new(64, 10, 2, 1000);

    (void)state;
    for (uint64_t turn = 0; turn < 12; turn++)
        assert_int_equal(throttle_take(throttle, &who, sizeof(who), 5000),
                         turn < 2 ? 0 : 100 * (turn - 1));
    assert_true(throttle_take(throttle, &who, sizeof(who), 5000) == THROTTLE_TOO_OFTEN);
    assert_true(throttle_take(throttle, &who, sizeof(who), 5099) == THROTTLE_TOO_OFTEN);
    assert_int_equal(throttle_take(throttle, &other, sizeof(other), 5099), 0);
    assert_int_equal(throttle_take(throttle, &who, sizeof(who), 5150),
                     950); /* behind those before */
    throttle_give_back(throttle, &who, sizeof(who), 5150);
    assert_int_equal(throttle_take(throttle, &who, sizeof(who), 5150), 950);
    assert_int_equal(throttle_take(throttle, &who, sizeof(who), 6200), 0);
    throttle_destroy(&throttle);
}

/* What was promised is not forgotten when others come to the same places. */
static void whoever_waits_is_not_forgotten_for_others(void **state)
{
    const uint32_t who = 1;
    struct throttle *throttle = throttle_new(4, 1, 1, 10000); /* one set */

    (void)state;
    for (uint64_t turn = 0; turn < 5; turn++)
        assert_int_equal(throttle_take(throttle, &who, sizeof(who), 1000), 1000 * turn);
    for (uint32_t other = 2; other < 100; other++)
        assert_true(take(throttle, other, 1000));
    assert_int_equal(throttle_take(throttle, &who, sizeof(who), 1000), 5000);
    throttle_destroy(&throttle);
}

/* A burst and a rate at their upper ends overflow nowhere. */
static void large_figures_are_no_limit_in_practice(void **state)
{
    const uint32_t who = 1;
    struct throttle *throttle = throttle_new(4, UINT32_MAX, UINT32_MAX, UINT32_MAX);

    (void)state;
    for (uint64_t turn = 0; turn < 1000; turn++)
        assert_int_equal(throttle_take(throttle, &who, sizeof(who), 1000), 0);
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
        cmocka_unit_test(who_comes_too_soon_may_wait_for_a_turn),
        cmocka_unit_test(whoever_waits_is_not_forgotten_for_others),
        cmocka_unit_test(large_figures_are_no_limit_in_practice),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
