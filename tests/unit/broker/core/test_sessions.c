#include "broker/core/sessions.h"

#include "tests/support/check.h"

static const unsigned char KEY[16] = "sixteen byte key";

static int set_up(void **state)
{
    static struct sessions sessions;

    *state = &sessions;
    return sessions_init(&sessions, 3, KEY) ? 0 : -1;
}

static int tear_down(void **state)
{
    sessions_fini(*state);
    return 0;
}

static uint32_t add(struct sessions *sessions, uint64_t id, uint32_t peer)
{
    return sessions_add(sessions, (session_id){id}, (peer_id){peer}, 1, 100);
}

static void a_session_is_found_by_connection_and_number(void **state)
{
    struct sessions *sessions = *state;
    const uint32_t row = add(sessions, 11, 1);

    assert_int_not_equal(row, 0);
    assert_int_equal(sessions_by_id(sessions, (session_id){11}), row);
    assert_int_equal(sessions_by_peer(sessions, (peer_id){1}), row);
    assert_int_equal(sessions_by_id(sessions, (session_id){12}), 0);
    assert_int_equal(sessions_by_peer(sessions, (peer_id){2}), 0);
}

static void a_full_table_takes_no_more_until_one_leaves(void **state)
{
    struct sessions *sessions = *state;

    add(sessions, 1, 1);
    const uint32_t two = add(sessions, 2, 2);
    add(sessions, 3, 3);
    assert_int_equal(add(sessions, 4, 4), 0);
    assert_int_equal(sessions->count, 3);
    sessions_remove(sessions, two);
    assert_int_equal(sessions_by_id(sessions, (session_id){2}), 0);
    assert_int_equal(sessions_by_peer(sessions, (peer_id){2}), 0);
    assert_int_not_equal(add(sessions, 4, 4), 0);
}

static void a_session_that_moves_leaves_its_old_connection(void **state)
{
    struct sessions *sessions = *state;
    const uint32_t row = add(sessions, 11, 1);

    sessions_move(sessions, row, (peer_id){2});
    assert_int_equal(sessions_by_peer(sessions, (peer_id){1}), 0);
    assert_int_equal(sessions_by_peer(sessions, (peer_id){2}), row);
    assert_int_equal(sessions_by_id(sessions, (session_id){11}), row);
}

static void the_oldest_is_the_one_longest_unheard(void **state)
{
    struct sessions *sessions = *state;

    assert_int_equal(sessions_oldest(sessions), 0);
    const uint32_t one = add(sessions, 1, 1);
    const uint32_t two = add(sessions, 2, 2);
    assert_int_equal(sessions_oldest(sessions), one);
    sessions_touch(sessions, one, 200);
    assert_int_equal(sessions_oldest(sessions), two);
    assert_int_equal(sessions->row[one].seen_ms, 200);
    sessions_remove(sessions, two);
    assert_int_equal(sessions_oldest(sessions), one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_found_by_connection_and_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more_until_one_leaves, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_session_that_moves_leaves_its_old_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_is_the_one_longest_unheard, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
