#include "broker/core/table.h"

#include "tests/support/check.h"

static const unsigned char KEY[16] = "sixteen byte key";

static bool table_has(const struct table *table, uint64_t hash, uint32_t row)
{
    uint32_t cursor = 0;
    uint32_t found;

    while ((found = table_next(table, hash, &cursor)) != 0) {
        if (found == row)
            return true;
    }
    return false;
}

static void an_empty_table_has_no_rows(void **state)
{
    (void)state;
    struct table table;
    uint32_t cursor = 0;

    assert_true(table_init(&table, 10, KEY));
    assert_int_equal(table_next(&table, 12345, &cursor), 0);
    table_remove(&table, 12345, 1); /* harmless */
    table_fini(&table);
}

static void rows_of_one_hash_come_one_by_one(void **state)
{
    (void)state;
    struct table table;
    uint32_t cursor = 0;

    assert_true(table_init(&table, 10, KEY));
    table_put(&table, 7, 1);
    table_put(&table, 7, 2);
    table_put(&table, 8, 3); /* stands among them */
    assert_int_equal(table_next(&table, 7, &cursor), 1);
    assert_int_equal(table_next(&table, 7, &cursor), 2);
    assert_int_equal(table_next(&table, 7, &cursor), 0);
    table_fini(&table);
}

static void a_removal_keeps_the_rows_that_were_pushed_over_it(void **state)
{
    (void)state;
    struct table table;
    /* The table has at least 16 places: these all want the last one, so they wrap around. */
    const uint64_t last = 15;

    assert_true(table_init(&table, 8, KEY));
    for (uint32_t row = 1; row <= 4; row++)
        table_put(&table, last, row);
    table_put(&table, 0, 5); /* its home is taken by row 2 */
    table_remove(&table, last, 1);
    for (uint32_t row = 2; row <= 4; row++)
        assert_true(table_has(&table, last, row));
    assert_true(table_has(&table, 0, 5));
    assert_false(table_has(&table, last, 1));
    table_fini(&table);
}

static void the_key_changes_every_hash(void **state)
{
    (void)state;
    struct table one;
    struct table other;

    assert_true(table_init(&one, 4, KEY));
    assert_true(table_init(&other, 4, (const unsigned char *)"another key of 16"));
    assert_int_equal(table_hash(&one, "bob", 3), table_hash(&one, "bob", 3));
    assert_int_not_equal(table_hash(&one, "bob", 3), table_hash(&other, "bob", 3));
    assert_int_not_equal(table_hash(&one, "bob", 3), table_hash(&one, "bo", 2));
    table_fini(&one);
    table_fini(&other);
}

/* Few hashes, so that most rows stand away from their homes, against a plain array. */
static void a_full_table_agrees_with_a_plain_array_over_many_changes(void **state)
{
    (void)state;
    enum { ROWS = 64, STEPS = 200000 };
    uint64_t hash_of[ROWS + 1] = {0}; /* 0: not in it */
    struct table table;
    uint32_t seed = 1;

    assert_true(table_init(&table, ROWS, KEY));
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        const uint32_t row = 1 + (seed >> 8) % ROWS;

        if (hash_of[row] != 0) {
            table_remove(&table, hash_of[row], row);
            hash_of[row] = 0;
        } else {
            hash_of[row] = 1 + (seed >> 20) % 150;
            table_put(&table, hash_of[row], row);
        }
        const uint32_t look = 1 + (seed >> 14) % ROWS;
        if (hash_of[look] != 0)
            assert_true(table_has(&table, hash_of[look], look));
        assert_int_equal(table_has(&table, hash_of[row] + 1000, row), false);
    }
    for (uint32_t row = 1; row <= ROWS; row++) {
        if (hash_of[row] != 0)
            assert_true(table_has(&table, hash_of[row], row));
    }
    table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_no_rows),
        cmocka_unit_test(rows_of_one_hash_come_one_by_one),
        cmocka_unit_test(a_removal_keeps_the_rows_that_were_pushed_over_it),
        cmocka_unit_test(the_key_changes_every_hash),
        cmocka_unit_test(a_full_table_agrees_with_a_plain_array_over_many_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
