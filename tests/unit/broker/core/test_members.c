#include "broker/core/members.h"

#include "tests/support/check.h"

static const unsigned char KEY[16] = "sixteen byte key";

static int set_up(void **state)
{
    static struct members members;

    *state = &members;
    return members_init(&members, 4, 10, KEY) ? 0 : -1;
}

static int tear_down(void **state)
{
    members_fini(*state);
    return 0;
}

static void a_member_is_one_until_removed(void **state)
{
    struct members *members = *state;

    assert_false(members_has(members, 1, 2));
    assert_true(members_add(members, 1, 2));
    assert_true(members_has(members, 1, 2));
    assert_false(members_has(members, 2, 1)); /* the other way round is another pair */
    assert_true(members_remove(members, 1, 2));
    assert_false(members_has(members, 1, 2));
    assert_false(members_remove(members, 1, 2));
    assert_int_equal(members->count, 0);
}

static void adding_twice_is_harmless(void **state)
{
    struct members *members = *state;

    assert_true(members_add(members, 1, 2));
    assert_true(members_add(members, 1, 2));
    assert_int_equal(members->count, 1);
    assert_int_equal(members_next_of_room(members, 1, members_next_of_room(members, 1, 0)), 0);
}

static void a_full_table_takes_no_more_until_one_leaves(void **state)
{
    struct members *members = *state;

    for (uint32_t person = 1; person <= 4; person++)
        assert_true(members_add(members, 9, person));
    assert_false(members_add(members, 9, 5));
    assert_true(members_add(members, 9, 4)); /* is there already */
    assert_true(members_remove(members, 9, 2));
    assert_true(members_add(members, 9, 5));
}

static void both_sides_are_listed_in_the_order_of_joining(void **state)
{
    struct members *members = *state;
    uint64_t serial = 0;
    uint32_t row = 0;

    assert_true(members_add(members, 5, 1));
    assert_true(members_add(members, 5, 2));
    assert_true(members_add(members, 6, 2));
    assert_true(members_remove(members, 5, 1));
    assert_true(members_add(members, 5, 1)); /* takes a row that was used, and stands last */

    row = members_next_of_room(members, 5, row);
    assert_int_equal(members->row[row].person, 2);
    serial = members->row[row].serial;
    row = members_next_of_room(members, 5, row);
    assert_int_equal(members->row[row].person, 1);
    assert_true(members->row[row].serial > serial);
    assert_int_equal(members_next_of_room(members, 5, row), 0);

    row = members_next_of_person(members, 2, 0);
    assert_int_equal(members->row[row].room, 5);
    row = members_next_of_person(members, 2, row);
    assert_int_equal(members->row[row].room, 6);
    assert_int_equal(members_next_of_person(members, 2, row), 0);
    assert_int_equal(members_next_of_person(members, 3, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_member_is_one_until_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(adding_twice_is_harmless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more_until_one_leaves, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(both_sides_are_listed_in_the_order_of_joining, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
