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

static bool members_add(struct members *members, uint32_t room, uint32_t person)
{
    return members_set(members, room, person, &(struct standing){.flags = STAND_MEMBER});
}

/* As LEAVE does: true when it was a member. */
static bool members_remove(struct members *members, uint32_t room, uint32_t person)
{
    const bool was_member = members_has(members, room, person);

    return members_set(members, room, person, &(struct standing){.flags = 0}) && was_member;
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

static void a_ban_is_no_membership_but_keeps_its_row(void **state)
{
    struct members *members = *state;
    const struct standing ban = {.banned_until_ms = 5000};

    assert_true(members_add(members, 5, 1));
    assert_true(members_set(members, 5, 1, &ban));
    assert_false(members_has(members, 5, 1));
    assert_int_equal(members_standing(members, 5, 1)->banned_until_ms, 5000);
    assert_int_equal(members_next_of_room(members, 5, 0), 0);
    assert_int_not_equal(members_next_standing(members, 5, 0), 0);
    assert_int_equal(members->count, 0);
    assert_int_equal(members->rows, 1);
    assert_int_equal(members->tally[5].members, 0);
    assert_int_equal(members->tally[5].others, 1);
    members_purge(members, 5, 4999);
    assert_int_equal(members->rows, 1);
    members_purge(members, 5, 5000); /* it is over */
    assert_int_equal(members->rows, 0);
    assert_int_equal(members_standing(members, 5, 1)->banned_until_ms, 0);
}

static void rooms_and_people_count_members_and_operators(void **state)
{
    struct members *members = *state;
    const struct standing op = {.flags = STAND_MEMBER | STAND_OP};

    assert_true(members_set(members, 5, 1, &op));
    assert_true(members_add(members, 6, 1));
    assert_true(members_add(members, 5, 2));
    assert_int_equal(members->tally[1].members, 2);
    assert_int_equal(members->tally[1].ops, 1);
    assert_int_equal(members->tally[5].members, 2);
    assert_true(members_add(members, 5, 1)); /* no operator any more */
    assert_int_equal(members->tally[1].ops, 0);
    members_forget(members, 5);
    assert_int_equal(members->tally[1].members, 1);
    assert_int_equal(members->tally[2].members, 0);
    assert_int_equal(members->rows, 1);
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
        cmocka_unit_test_setup_teardown(a_ban_is_no_membership_but_keeps_its_row, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rooms_and_people_count_members_and_operators, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
