#include "broker/ops/bearer.h"

#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char folder[64];
    char file[128];
    struct bearer bearer;
    char why[FOLDER_WHY_BYTES];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-bearer-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->file, sizeof(f->file), "%s/metrics.token", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->file);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void write_file(const struct fixture *f, const char *text, mode_t mode)
{
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(f->file, mode), 0);
}

static void a_token_is_made_once_and_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct bearer again;
    struct stat info;

    assert_int_equal(bearer_load(&f->bearer, "", f->folder, f->why), RC_OK);
    assert_int_equal(strlen(f->bearer.token), 64);
    assert_int_equal(stat(f->file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(bearer_load(&again, "", f->folder, f->why), RC_OK);
    assert_string_equal(again.token, f->bearer.token);
}

static void a_file_of_ones_own_is_read(void **state)
{
    struct fixture *f = *state;

    write_file(f, "correct-horse-battery-staple\n", 0600);
    assert_int_equal(bearer_load(&f->bearer, f->file, "/nowhere", f->why), RC_OK);
    assert_string_equal(f->bearer.token, "correct-horse-battery-staple");
}

static void what_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;

    write_file(f, "correct-horse-battery-staple\n", 0644);
    assert_int_equal(bearer_load(&f->bearer, f->file, f->folder, f->why), RC_CONFIG);
    assert_non_null(strstr(f->why, f->file));
}

static void what_is_no_token_is_refused_by_name(void **state)
{
    static const char *const NONE[] = {"", "\n", "too-short\n", "two words are no token\n",
                                       "one-line-1234567\nanother-line\n"};
    struct fixture *f = *state;
    char much[400];

    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++) {
        write_file(f, NONE[i], 0600);
        assert_int_equal(bearer_load(&f->bearer, f->file, f->folder, f->why), RC_CONFIG);
        assert_non_null(strstr(f->why, "holds no token"));
    }
    write_file(f, much, 0600);
    assert_int_equal(bearer_load(&f->bearer, f->file, f->folder, f->why), RC_CONFIG);
}

static void a_file_that_is_not_there_is_not_made(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(bearer_load(&f->bearer, f->file, f->folder, f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why, f->file));
    assert_int_equal(access(f->file, F_OK), -1);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_token_is_made_once_and_for_its_owner_alone),
        WITH_FOLDER(a_file_of_ones_own_is_read),
        WITH_FOLDER(what_others_may_read_is_refused),
        WITH_FOLDER(what_is_no_token_is_refused_by_name),
        WITH_FOLDER(a_file_that_is_not_there_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
