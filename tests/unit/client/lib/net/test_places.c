#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/net/places.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    struct folder folder;
    struct home home;
    struct places *places;
    char path[200];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct why why;

    *state = f;
    if (f == NULL || !folder_open(&f->folder) || home_open(f->folder.path, &f->home, &why) != RC_OK)
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/places/alice@1", f->folder.path);
    f->places = places_open(&f->home, "alice@1");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    places_close(&f->places);
    folder_close(&f->folder);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    places_close(&f->places);
    f->places = places_open(&f->home, "alice@1");
}

static void places_are_kept_over_runs_and_for_their_user_alone(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    assert_int_equal(places_get(f->places, SPAN("#lobby")), 0);
    places_set(f->places, SPAN("#lobby"), 7);
    places_set(f->places, SPAN("#小明"), UINT64_MAX);
    reopen(f);
    assert_int_equal(places_get(f->places, SPAN("#lobby")), 7);
    assert_true(places_get(f->places, SPAN("#小明")) == UINT64_MAX);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);

    struct places *other = places_open(&f->home, "alice@2");

    assert_int_equal(places_get(other, SPAN("#lobby")), 0);
    places_close(&other);
}

static void they_are_written_at_most_once_a_second(void **state)
{
    struct fixture *f = *state;

    assert_true(places_deadline_ms(f->places) == UINT64_MAX);
    places_set(f->places, SPAN("#a"), 1);
    assert_true(places_deadline_ms(f->places) <= 5000);
    places_tick(f->places, 5000);
    assert_int_equal(access(f->path, F_OK), 0);
    assert_int_equal(unlink(f->path), 0);
    places_set(f->places, SPAN("#a"), 1);
    assert_true(places_deadline_ms(f->places) == UINT64_MAX); /* nothing new */
    places_set(f->places, SPAN("#a"), 2);
    assert_int_equal(places_deadline_ms(f->places), 5000 + PLACES_EVERY_MS);
    places_tick(f->places, 5000 + PLACES_EVERY_MS - 1);
    assert_int_not_equal(access(f->path, F_OK), 0);
    places_tick(f->places, 5000 + PLACES_EVERY_MS);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void of_two_clients_the_farther_place_counts(void **state)
{
    struct fixture *f = *state;
    struct places *other = places_open(&f->home, "alice@1");

    places_set(f->places, SPAN("#a"), 5);
    places_set(other, SPAN("#a"), 3);
    places_set(other, SPAN("#b"), 4);
    places_tick(f->places, 1);
    places_close(&other);
    reopen(f);
    assert_int_equal(places_get(f->places, SPAN("#a")), 5);
    assert_int_equal(places_get(f->places, SPAN("#b")), 4);
}

static void a_place_can_be_set_back_and_forgotten(void **state)
{
    struct fixture *f = *state;

    places_set(f->places, SPAN("#a"), 50);
    places_set(f->places, SPAN("#b"), 50);
    reopen(f);
    places_set(f->places, SPAN("#a"), 4);
    places_set(f->places, SPAN("#b"), 0);
    reopen(f);
    assert_int_equal(places_get(f->places, SPAN("#a")), 4);
    assert_int_equal(places_get(f->places, SPAN("#b")), 0);
}

static void nonsense_in_the_file_is_left_out(void **state)
{
    struct fixture *f = *state;
    static const char TEXT[] = "#a 5\nrubbish\n#b -1\n#c 12x\n 7\n#d\n#e 6\n#f 0\n#long";
    FILE *file = fopen(f->path, "we");

    assert_non_null(file);
    fwrite(TEXT, 1, sizeof(TEXT) - 1, file);
    for (int i = 0; i < 1000; i++)
        fputc('x', file);
    fputs(" 5\n", file);
    fclose(file);
    reopen(f);
    assert_int_equal(places_get(f->places, SPAN("#a")), 5);
    assert_int_equal(places_get(f->places, SPAN("#e")), 6);
    assert_int_equal(places_get(f->places, SPAN("#b")), 0);
    assert_int_equal(places_get(f->places, SPAN("#c")), 0);
    assert_int_equal(places_get(f->places, SPAN("")), 0);
}

static void a_file_that_cannot_be_written_costs_only_the_places(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->path, 0700), 0);
    places_set(f->places, SPAN("#a"), 5);
    places_tick(f->places, 1);
    assert_int_equal(places_get(f->places, SPAN("#a")), 5);
    reopen(f);
    assert_int_equal(places_get(f->places, SPAN("#a")), 0);
}

static void unfinished_files_of_killed_runs_are_removed_after_a_while(void **state)
{
    static const struct timespec LONG_AGO[2] = {{1000, 0}, {1000, 0}};
    struct fixture *f = *state;
    static const char *const names[] = {"alice@1.abcdef", "alice@1.fresh1", "alice@12",
                                        "bob@1.abcdef"};
    char path[300];

    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/places/%s", f->folder.path, names[i]);
        fclose(fopen(path, "we"));
        if (i != 1)
            assert_int_equal(utimensat(AT_FDCWD, path, LONG_AGO, 0), 0);
    }
    reopen(f);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/places/%s", f->folder.path, names[i]);
        assert_int_equal(access(path, F_OK), i == 0 ? -1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(places_are_kept_over_runs_and_for_their_user_alone),
        TEST(they_are_written_at_most_once_a_second),
        TEST(of_two_clients_the_farther_place_counts),
        TEST(a_place_can_be_set_back_and_forgotten),
        TEST(nonsense_in_the_file_is_left_out),
        TEST(a_file_that_cannot_be_written_costs_only_the_places),
        TEST(unfinished_files_of_killed_runs_are_removed_after_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
