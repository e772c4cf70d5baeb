/* store_contract.h - run the same tests on all stores. Include after check.h.
 *
 * The file lists its tests as `#define CONTRACT(X) X(first) X(second)` and ends with
 * STORE_CONTRACT_MAIN(CONTRACT). */
#ifndef TESTS_SUPPORT_STORE_CONTRACT_H
#define TESTS_SUPPORT_STORE_CONTRACT_H

#include "tests/support/store_box.h"
#include "tests/support/store_ops.h"

/* What a replay has told. */
struct told {
    struct record record[256];
    char text[256][2][32]; /* name, skeleton */
    size_t count;
};

static BOX_UNUSED void tell(void *context, const struct record *record)
{
    struct told *told = context;
    const size_t at = told->count++;

    assert_true(at < 256);
    told->record[at] = *record;
    snprintf(told->text[at][0], 32, "%.*s", (int)record->name.len, record->name.ptr);
    snprintf(told->text[at][1], 32, "%.*s", (int)record->skeleton.len, record->skeleton.ptr);
}

static BOX_UNUSED int set_up_memory(void **state)
{
    *state = box_new(BOX_MEMORY);
    return 0;
}

static BOX_UNUSED int set_up_sqlite(void **state)
{
    *state = box_new(BOX_SQLITE);
    return 0;
}

static BOX_UNUSED int set_up_pg(void **state)
{
    *state = box_new(BOX_PG);
    return 0;
}

static BOX_UNUSED int tear_down(void **state)
{
    box_destroy(*state);
    return 0;
}

#define ON_MEMORY_(test) cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down),
#define ON_SQLITE_(test) cmocka_unit_test_setup_teardown(test, set_up_sqlite, tear_down),
#define ON_PG_(test)     cmocka_unit_test_setup_teardown(test, set_up_pg, tear_down),

#define STORE_CONTRACT_MAIN(LIST)                                          \
    int main(void)                                                         \
    {                                                                      \
        const struct CMUnitTest memory[] = {LIST(ON_MEMORY_)};             \
        const struct CMUnitTest sqlite[] = {LIST(ON_SQLITE_)};             \
        const struct CMUnitTest pg[] = {LIST(ON_PG_)};                     \
                                                                           \
        return cmocka_run_group_tests_name("memory", memory, NULL, NULL) + \
               cmocka_run_group_tests_name("sqlite", sqlite, NULL, NULL) + \
               cmocka_run_group_tests_name("postgresql", pg, NULL, NULL);  \
    }

#endif
