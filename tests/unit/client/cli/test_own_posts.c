#include "tests/support/check.h"

#include "client/cli/own_posts.h"

#include <string.h>

static int set_up(void **state)
{
    struct own_posts *posts = calloc(1, sizeof(*posts));

    *state = posts;
    if (posts == NULL)
        return -1;
    own_posts_init(posts);
    return 0;
}

static int tear_down(void **state)
{
    own_posts_fini(*state);
    free(*state);
    return 0;
}

static void a_post_is_found_by_its_number_until_it_is_removed(void **state)
{
    struct own_posts *posts = *state;

    own_posts_add(posts, 1, "#lobby", SPAN("one"), 5);
    own_posts_add(posts, 2, "@bob", SPAN("two"), 6);
    assert_string_equal(own_posts_find(posts, 2)->text, "two");
    assert_string_equal(own_posts_find(posts, 1)->target, "#lobby");
    own_posts_remove(posts, own_posts_find(posts, 1));
    assert_null(own_posts_find(posts, 1));
    assert_string_equal(own_posts_find(posts, 2)->target, "@bob");
}

static void the_newest_failure_is_the_one_to_retry(void **state)
{
    struct own_posts *posts = *state;

    assert_null(own_posts_last_failed(posts));
    for (uint32_t n = 1; n <= 4; n++)
        own_posts_add(posts, n, "#lobby", SPAN("x"), 0);
    own_posts_find(posts, 2)->state = ZCHAT_FAILED;
    own_posts_find(posts, 3)->state = ZCHAT_UNKNOWN;
    assert_int_equal(own_posts_last_failed(posts)->number, 3);
    assert_int_equal(own_posts_failed(posts), 2);
}

static void posts_are_unshown_until_their_answer_and_room_posts_until_their_event(void **state)
{
    struct own_posts *posts = *state;

    own_posts_add(posts, 1, "#lobby", SPAN("x"), 0);
    own_posts_add(posts, 2, "@bob", SPAN("x"), 0);
    assert_int_equal(own_posts_unshown(posts), 2);
    own_posts_find(posts, 1)->state = ZCHAT_STORED;
    own_posts_find(posts, 2)->state = ZCHAT_STORED;
    assert_int_equal(own_posts_unshown(posts), 1);
    own_posts_find(posts, 1)->is_shown = true;
    assert_int_equal(own_posts_unshown(posts), 0);
}

static void a_full_table_forgets_what_is_settled_before_what_waits(void **state)
{
    struct own_posts *posts = *state;

    for (uint32_t n = 1; n <= OWN_POSTS_MAX; n++)
        own_posts_add(posts, n, "@bob", SPAN("x"), 0);
    own_posts_find(posts, 7)->state = ZCHAT_STORED;
    own_posts_add(posts, OWN_POSTS_MAX + 1, "@bob", SPAN("x"), 0);
    assert_null(own_posts_find(posts, 7));
    assert_non_null(own_posts_find(posts, 1));
    own_posts_add(posts, OWN_POSTS_MAX + 2, "@bob", SPAN("x"), 0);
    assert_null(own_posts_find(posts, 1));
    assert_int_equal(posts->count, OWN_POSTS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_post_is_found_by_its_number_until_it_is_removed),
        TEST(the_newest_failure_is_the_one_to_retry),
        TEST(posts_are_unshown_until_their_answer_and_room_posts_until_their_event),
        TEST(a_full_table_forgets_what_is_settled_before_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
