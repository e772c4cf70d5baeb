#include "broker/ops/keyfile.h"

#include "shared/text/url.h"
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

struct fixture {
    char top[64];
    char folder[128]; /* top/a/b, not made yet */
    char key_path[192];
    char why[FOLDER_WHY_BYTES];
};

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->top, sizeof(f->top), "/tmp/zchat-keyfile-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    snprintf(f->folder, sizeof(f->folder), "%s/a/b", f->top);
    snprintf(f->key_path, sizeof(f->key_path), "%s/broker.key", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)nftw(f->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void open_folder(struct fixture *f)
{
    int lock = -1;

    assert_int_equal(folder_open(f->folder, &lock, f->why), RC_OK);
    close(lock);
}

static void overwrite(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_new_folder_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;

    open_folder(f);
    assert_int_equal(mode_of(f->folder), 0700);
}

static void a_second_broker_is_locked_out(void **state)
{
    struct fixture *f = *state;
    char expected[FOLDER_WHY_BYTES];
    int first = -1, second = -1;

    assert_int_equal(folder_open(f->folder, &first, f->why), RC_OK);
    assert_int_equal(folder_open(f->folder, &second, f->why), RC_SYSTEM);
    assert_int_equal(second, -1);
    snprintf(expected, sizeof(expected), "another zchat-broker uses %s", f->folder);
    assert_string_equal(f->why, expected);
    close(first);
    open_folder(f);
}

static void assert_refused(struct fixture *f, const char *path, const char *part)
{
    int lock = -1;

    assert_int_equal(folder_open(f->folder, &lock, f->why), RC_SYSTEM);
    assert_int_equal(lock, -1);
    assert_non_null(strstr(f->why, path));
    assert_non_null(strstr(f->why, part));
}

static void a_folder_that_others_may_look_into_is_refused(void **state)
{
    static const mode_t LOOSE[] = {0770, 0755, 0711, 0701};
    struct fixture *f = *state;

    open_folder(f);
    for (size_t i = 0; i < sizeof(LOOSE) / sizeof(LOOSE[0]); i++) {
        char mode[16];

        snprintf(mode, sizeof(mode), "mode %04o", (unsigned)LOOSE[i]);
        assert_int_equal(chmod(f->folder, LOOSE[i]), 0);
        assert_refused(f, f->folder, mode);
        assert_refused(f, f->folder, "chmod 700 /tmp/");
    }
    assert_int_equal(chmod(f->folder, 0700), 0);
    open_folder(f);
}

static void any_file_in_it_that_others_may_read_is_refused(void **state)
{
    static const char *const FILES[] = {"zchat.db",   "zchat.db-wal", "zchat.db-shm", "lock",
                                        "broker.key", "broker.url",   "owner.url"};
    struct fixture *f = *state;
    char path[256];

    open_folder(f);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, FILES[i]);
        overwrite(path, "");
        assert_int_equal(chmod(path, 0640), 0);
        assert_refused(f, path, "mode 0640");
        assert_refused(f, path, "chmod 600 /tmp/");
        assert_int_equal(chmod(path, 0600), 0);
        open_folder(f);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("broker.key", path), 0);
    assert_refused(f, path, "is a link");
}

static void what_belongs_to_somebody_else_is_refused(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    open_folder(f);
    assert_int_equal(chown(f->folder, 65534, (gid_t)-1), 0);
    assert_refused(f, f->folder, "belongs to user 65534");
    assert_int_equal(chown(f->folder, 0, (gid_t)-1), 0);
    overwrite(f->key_path, "");
    assert_int_equal(chown(f->key_path, 65534, (gid_t)-1), 0);
    assert_refused(f, f->key_path, "chown 0 ");
}

static void a_file_is_no_folder(void **state)
{
    struct fixture *f = *state;
    int lock = -1;
    char path[128];

    snprintf(path, sizeof(path), "%s/file", f->top);
    overwrite(path, "x");
    assert_int_equal(folder_open(path, &lock, f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why, "is not a folder"));
}

static void the_key_is_made_once_and_kept(void **state)
{
    struct fixture *f = *state;
    struct key_pair first, second;
    const struct key_pair zero = {{0}, {0}};

    open_folder(f);
    assert_int_equal(key_pair_load(f->folder, &first, f->why), RC_OK);
    assert_int_equal(mode_of(f->key_path), 0600);
    assert_int_equal(key_pair_load(f->folder, &second, f->why), RC_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_memory_not_equal(first.public_key, zero.public_key, PUBLIC_KEY_BYTES);
    assert_memory_not_equal(first.public_key, first.secret_key, PUBLIC_KEY_BYTES);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;
    struct key_pair pair;

    open_folder(f);
    assert_int_equal(key_pair_load(f->folder, &pair, f->why), RC_OK);
    assert_int_equal(chmod(f->key_path, 0640), 0);
    assert_int_equal(key_pair_load(f->folder, &pair, f->why), RC_BAD_KEY_FILE);
    assert_non_null(strstr(f->why, "mode 0640"));
}

static void a_damaged_key_is_refused_and_left_alone(void **state)
{
    static const char *const DAMAGED[] = {
        "",
        "\n",
        "deadbeef\n",
        "zz00000000000000000000000000000000000000000000000000000000000000\n",
        "0000000000000000000000000000000000000000000000000000000000000001 \n",
        "00000000000000000000000000000000000000000000000000000000000000011\n"};
    struct fixture *f = *state;
    struct key_pair pair;

    open_folder(f);
    for (size_t i = 0; i < sizeof(DAMAGED) / sizeof(DAMAGED[0]); i++) {
        struct stat status;

        overwrite(f->key_path, DAMAGED[i]);
        assert_int_equal(key_pair_load(f->folder, &pair, f->why), RC_BAD_KEY_FILE);
        assert_non_null(strstr(f->why, "is damaged"));
        assert_int_equal(stat(f->key_path, &status), 0);
        assert_int_equal(status.st_size, strlen(DAMAGED[i]));
    }
}

static void a_key_for_several_brokers_is_made_where_it_is_wanted_and_read_there(void **state)
{
    struct fixture *f = *state;
    struct key_pair pair, again;

    open_folder(f);
    assert_int_equal(key_pair_read(f->key_path, &pair, f->why), RC_SYSTEM); /* none is made */
    assert_int_equal(errno, ENOENT);
    assert_int_equal(access(f->key_path, F_OK), -1);
    assert_int_equal(key_pair_make(f->key_path, f->why), RC_OK);
    assert_int_equal(mode_of(f->key_path), 0600);
    assert_int_equal(key_pair_read(f->key_path, &pair, f->why), RC_OK);
    assert_int_equal(key_pair_make(f->key_path, f->why), RC_EXISTS);
    assert_non_null(strstr(f->why, "is there already"));
    assert_int_equal(key_pair_read(f->key_path, &again, f->why), RC_OK);
    assert_memory_equal(&again, &pair, sizeof(pair));
}

static void a_link_in_place_of_the_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct key_pair pair;

    open_folder(f);
    assert_int_equal(symlink("/etc/passwd", f->key_path), 0);
    assert_int_equal(key_pair_load(f->folder, &pair, f->why), RC_BAD_KEY_FILE);
    assert_non_null(strstr(f->why, "is a link"));
}

static void the_address_is_removed_only_while_it_is_ours(void **state)
{
    struct fixture *f = *state;
    char path[192];

    snprintf(path, sizeof(path), "%s/broker.url", f->folder);
    assert_int_equal(url_file_write(f->folder, "zchat://127.0.0.1:1", f->why), RC_OK);
    url_file_remove(f->folder, "zchat://127.0.0.1:2");
    assert_int_equal(access(path, F_OK), 0);
    url_file_remove(f->folder, "zchat://127.0.0.1:1");
    assert_int_equal(access(path, F_OK), -1);
}

static void the_users_folder_is_below_the_runtime_folder(void **state)
{
    char folder[64];
    char tiny[4];

    (void)state;
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    assert_true(url_folder_of_user(folder, sizeof(folder)));
    assert_string_equal(folder, "/run/user/7/zchat");
    assert_false(url_folder_of_user(tiny, sizeof(tiny)));
    unsetenv("XDG_RUNTIME_DIR");
    assert_false(url_folder_of_user(folder, sizeof(folder)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_folder_is_for_its_owner_alone),
        TEST(a_second_broker_is_locked_out),
        TEST(a_folder_that_others_may_look_into_is_refused),
        TEST(any_file_in_it_that_others_may_read_is_refused),
        TEST(what_belongs_to_somebody_else_is_refused),
        TEST(a_file_is_no_folder),
        TEST(the_key_is_made_once_and_kept),
        TEST(a_key_that_others_may_read_is_refused),
        TEST(a_damaged_key_is_refused_and_left_alone),
        TEST(a_key_for_several_brokers_is_made_where_it_is_wanted_and_read_there),
        TEST(a_link_in_place_of_the_key_is_refused),
        TEST(the_address_is_removed_only_while_it_is_ours),
        TEST(the_users_folder_is_below_the_runtime_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
