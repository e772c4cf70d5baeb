#include "shared/base/files.h"

#include "tests/support/check.h"
#include "tests/support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct fixture {
    struct folder folder;
    char file[128];
    char why[FILES_WHY_BYTES];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    snprintf(f->file, sizeof(f->file), "%s/file", f->folder.path);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    folder_close(&f->folder);
    free(f);
    return 0;
}

static void put(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void what_is_not_there_is_fine(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(files_check(f->file, f->why), RC_OK);
    assert_int_equal(files_check_folder(f->file, f->why), RC_OK);
}

static void tighter_modes_are_fine_and_every_looser_one_is_refused(void **state)
{
    struct fixture *f = *state;

    put(f->file, 0600);
    for (unsigned mode = 0; mode <= 0777; mode++) {
        const bool is_tight = (mode & 077) == 0;

        assert_int_equal(chmod(f->file, mode), 0);
        assert_int_equal(files_check(f->file, f->why), is_tight ? RC_OK : RC_DENIED);
        assert_int_equal(files_check_folder(f->folder.path, f->why), is_tight ? RC_OK : RC_DENIED);
    }
}

static void the_sentence_names_path_mode_and_remedy(void **state)
{
    struct fixture *f = *state;
    char expected[FILES_WHY_BYTES];

    put(f->file, 0644);
    assert_int_equal(files_check(f->file, f->why), RC_DENIED);
    snprintf(expected, sizeof(expected),
             "%s has mode 0644, so others can use it, and must have 0600: chmod 600 %s", f->file,
             f->file);
    assert_string_equal(f->why, expected);
}

static void links_to_files_are_refused_and_links_to_folders_followed(void **state)
{
    struct fixture *f = *state;
    char folder[160], link[160];

    put(f->file, 0600);
    snprintf(folder, sizeof(folder), "%s/folder", f->folder.path);
    snprintf(link, sizeof(link), "%s/link", f->folder.path);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink(f->file, link), 0);
    assert_int_equal(files_check(link, f->why), RC_DENIED);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(folder, link), 0);
    assert_int_equal(files_check(link, f->why), RC_OK);
    assert_int_equal(chmod(folder, 0750), 0);
    assert_int_equal(files_check(link, f->why), RC_DENIED);
}

static void what_keeps_nothing_is_fine(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(files_check("/dev/null", f->why), RC_OK);
    assert_int_equal(mkfifo(f->file, 0666), 0);
    assert_int_equal(files_check(f->file, f->why), RC_OK);
}

static void a_file_is_written_whole_and_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    char text[32];
    mode_t mode;
    size_t len;

    put(f->file, 0600);
    assert_int_equal(files_write(f->file, span_of("new"), false), RC_OK);
    assert_int_equal(files_read(f->file, text, sizeof(text), &len, &mode), RC_OK);
    assert_string_equal(text, "new");
    assert_int_equal(mode & 07777, 0600);
    assert_int_equal(files_write(f->file, span_of("newer"), true), RC_END);
    assert_int_equal(files_read(f->file, text, sizeof(text), &len, &mode), RC_OK);
    assert_string_equal(text, "new");
    assert_int_equal(files_read(f->file, text, 3, &len, &mode), RC_TOO_BIG);
}

static void a_file_that_cannot_be_written_leaves_what_was_there(void **state)
{
    struct fixture *f = *state;
    char path[160];

    snprintf(path, sizeof(path), "%s/nowhere/file", f->folder.path);
    assert_int_equal(files_write(path, span_of("x"), false), RC_SYSTEM);
    assert_int_equal(errno, ENOENT);
    snprintf(path, sizeof(path), "%s/folder", f->folder.path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(files_write(path, span_of("x"), false), RC_SYSTEM);
    assert_int_equal(files_check_folder(f->folder.path, f->why), RC_OK);
    assert_int_equal(rmdir(path), 0); /* nothing stands in it or beside it */
    assert_int_equal(rmdir(f->folder.path), 0);
    assert_int_equal(mkdir(f->folder.path, 0700), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_there_is_fine),
        TEST(tighter_modes_are_fine_and_every_looser_one_is_refused),
        TEST(the_sentence_names_path_mode_and_remedy),
        TEST(links_to_files_are_refused_and_links_to_folders_followed),
        TEST(what_keeps_nothing_is_fine),
        TEST(a_file_is_written_whole_and_for_its_owner_alone),
        TEST(a_file_that_cannot_be_written_leaves_what_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
