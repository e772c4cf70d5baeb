#include "tests/support/check.h"

#include "broker/store/map.h"

static int values[5000];

static void what_was_put_is_found_and_nothing_else(void **state)
{
    struct map map;

    (void)state;
    map_init(&map);
    assert_null(map_get(&map, 0));
    for (size_t i = 0; i < 5000; i++)
        map_put(&map, i * i, &values[i]);
    for (size_t i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&map, i * i), &values[i]);
    assert_null(map_get(&map, 2));
    assert_null(map_get(&map, UINT64_MAX));
    map_fini(&map);
}

static void keys_of_our_own_are_found_too(void **state)
{
    struct map map;

    (void)state;
    map_init_ours(&map);
    for (size_t i = 0; i < 5000; i++)
        map_put(&map, (uint64_t)i << 32 | (i % 7), &values[i]);
    for (size_t i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&map, (uint64_t)i << 32 | (i % 7)), &values[i]);
    assert_null(map_get(&map, UINT64_C(5000) << 32));
    assert_null(map_get(&map, UINT64_MAX));
    map_fini(&map);
}

static void clearing_forgets_everything(void **state)
{
    struct map map;

    (void)state;
    map_init(&map);
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < 50; i++) {
            assert_null(map_get(&map, i));
            map_put(&map, i, &values[i + round]);
        }
        assert_ptr_equal(map_get(&map, 7), &values[7 + round]);
        map_clear(&map);
    }
    map_fini(&map);
}

static void entries_of_an_earlier_age_stay_dead_when_ages_go_round(void **state)
{
    struct map map;

    (void)state;
    map_init(&map);
    map_put(&map, 7, &values[7]); /* in age 1 */
    map.age = UINT32_MAX;
    map_clear(&map); /* age 1 again */
    assert_null(map_get(&map, 7));
    map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_nothing_else),
        cmocka_unit_test(keys_of_our_own_are_found_too),
        cmocka_unit_test(clearing_forgets_everything),
        cmocka_unit_test(entries_of_an_earlier_age_stay_dead_when_ages_go_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
