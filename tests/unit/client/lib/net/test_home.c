#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/net/keys.h"

#include <string.h>
#include <sys/stat.h>

struct fixture {
    struct folder folder;
    struct home home;
    struct name nick;
    struct why why;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char path[128];

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    snprintf(path, sizeof(path), "%s/a/b", f->folder.path);
    unsetenv("XDG_RUNTIME_DIR");
    setenv("XDG_STATE_HOME", f->folder.path, 1);
    return home_open(path, &f->home, &f->why) == RC_OK &&
                   name_parse(SPAN("Alice"), &f->nick) == RC_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    folder_close(&f->folder);
    free(f);
    return 0;
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

static void key_path(const struct fixture *f, char *buf, size_t capacity)
{
    assert_true((size_t)snprintf(buf, capacity, "%s/keys/alice.key", f->home.config) < capacity);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void missing_folders_are_made_for_the_user_alone(void **state)
{
    struct fixture *f = *state;
    char path[128];

    assert_int_equal(mode_of(f->home.config), 0700);
    snprintf(path, sizeof(path), "%s/a", f->folder.path);
    assert_int_equal(mode_of(path), 0700);
    assert_string_equal(f->home.config, f->home.state);
}

static void without_home_the_xdg_folders_are_taken(void **state)
{
    struct fixture *f = *state;
    char config[128], expected[160];
    struct home home;

    snprintf(config, sizeof(config), "%s/config", f->folder.path);
    setenv("XDG_CONFIG_HOME", config, 1);
    unsetenv("ZCHAT_HOME");
    assert_int_equal(home_open(NULL, &home, &f->why), RC_OK);
    unsetenv("XDG_CONFIG_HOME");
    snprintf(expected, sizeof(expected), "%s/zchat", config);
    assert_string_equal(home.config, expected);
    snprintf(expected, sizeof(expected), "%s/zchat", f->folder.path);
    assert_string_equal(home.state, expected);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct fixture *f = *state;
    struct home home;

    assert_int_equal(home_open("/proc/nowhere", &home, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, "/proc/nowhere"));
}

static void a_first_key_is_made_and_stays_the_same(void **state)
{
    struct fixture *f = *state;
    struct key_pair first, second;
    char path[8192];

    assert_int_equal(home_key(&f->home, &f->nick, &first, &f->why), RC_OK);
    assert_int_equal(home_key(&f->home, &f->nick, &second, &f->why), RC_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    key_path(f, path, sizeof(path));
    assert_int_equal(mode_of(path), 0600);
}

static void each_nick_has_a_key_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct key_pair alice, bob;
    struct name other;

    assert_int_equal(name_parse(SPAN("bob"), &other), RC_OK);
    assert_int_equal(home_key(&f->home, &f->nick, &alice, &f->why), RC_OK);
    assert_int_equal(home_key(&f->home, &other, &bob, &f->why), RC_OK);
    assert_memory_not_equal(alice.secret_key, bob.secret_key, PUBLIC_KEY_BYTES);
}

static void a_key_that_others_can_read_is_refused_with_its_mode(void **state)
{
    struct fixture *f = *state;
    struct key_pair key;
    char path[8192];

    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_OK);
    key_path(f, path, sizeof(path));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_BAD_KEY_FILE);
    assert_non_null(strstr(f->why.text, "alice.key"));
    assert_non_null(strstr(f->why.text, "0640"));
}

static void a_link_in_place_of_a_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct key_pair key;
    char path[8192], aside[8200];

    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_OK);
    key_path(f, path, sizeof(path));
    snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0);
    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_BAD_KEY_FILE);
    assert_non_null(strstr(f->why.text, "is a link"));
}

static void assert_home_refused(struct fixture *f, const char *path, const char *part)
{
    struct home home;

    assert_int_equal(home_open(f->home.config, &home, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, path));
    assert_non_null(strstr(f->why.text, part));
}

static void folders_and_files_that_others_may_use_are_refused(void **state)
{
    static const struct {
        const char *name;
        bool is_folder;
    } PLACES[] = {
        {"", true},
        {"/keys", true},
        {"/outbox", true},
        {"/places", true},
        {"/known_brokers", false},
        {"/last_broker", false},
        {"/last_nick", false},
        {"/outbox/x.log", false},
        {"/places/x", false},
    };
    struct fixture *f = *state;
    struct home home;
    char path[8192];

    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        const bool is_folder = PLACES[i].is_folder;

        snprintf(path, sizeof(path), "%s%s", f->home.config, PLACES[i].name);
        if (is_folder)
            (void)mkdir(path, 0700);
        else
            put(path, "");
        assert_int_equal(chmod(path, is_folder ? 0750 : 0604), 0);
        assert_home_refused(f, path, is_folder ? "mode 0750" : "mode 0604");
        assert_home_refused(f, path, is_folder ? "chmod 700 " : "chmod 600 ");
        if (geteuid() == 0) {
            assert_int_equal(chmod(path, is_folder ? 0700 : 0600), 0);
            assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
            assert_home_refused(f, path, "belongs to user 65534");
            assert_int_equal(chown(path, 0, (gid_t)-1), 0);
        }
        assert_int_equal(chmod(path, is_folder ? 0700 : 0600), 0);
        assert_int_equal(home_open(f->home.config, &home, &f->why), RC_OK);
    }
}

static void a_damaged_key_is_refused_and_not_replaced(void **state)
{
    static const char *const bad[] = {
        "", "zchat key 1\n", "zchat key 2\npublic 00\nsecret 00\n",
        /* well-formed, but the two halves do not belong together */
        ("zchat key 1\npublic 0000000000000000000000000000000000000000000000000000000000000001\n"
         "secret 0000000000000000000000000000000000000000000000000000000000000002\n")};
    struct fixture *f = *state;
    struct key_pair key;
    char path[8192], text[256];

    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_OK);
    key_path(f, path, sizeof(path));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FILE *file;
        size_t len;

        put(path, bad[i]);
        assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_BAD_KEY_FILE);
        file = fopen(path, "r");
        assert_non_null(file);
        len = fread(text, 1, sizeof(text) - 1, file);
        text[len] = '\0';
        fclose(file);
        assert_string_equal(text, bad[i]);
    }
}

static void a_key_with_something_behind_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct key_pair key;
    char path[8192];
    FILE *file;

    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_OK);
    key_path(f, path, sizeof(path));
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_BAD_KEY_FILE);
}

static void a_folder_in_place_of_a_key_is_told(void **state)
{
    struct fixture *f = *state;
    struct key_pair key;
    char path[8192];

    snprintf(path, sizeof(path), "%s/keys", f->home.config);
    assert_int_equal(mkdir(path, 0700), 0);
    key_path(f, path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(home_key(&f->home, &f->nick, &key, &f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why.text, "alice.key"));
}

static void the_last_choices_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct broker_url url, last;
    const char *why;
    struct name nick;

    assert_int_equal(home_last_broker(&f->home, &last), RC_END);
    assert_int_equal(home_last_nick(&f->home, &nick), RC_END);
    assert_int_equal(broker_url_parse(SPAN("zchat://localhost:7000"), &url, &why), RC_OK);
    home_remember_broker(&f->home, &url);
    home_remember_nick(&f->home, &f->nick);
    assert_int_equal(home_last_broker(&f->home, &last), RC_OK);
    assert_string_equal(last.host, "localhost");
    assert_int_equal(last.port, 7000);
    assert_int_equal(home_last_nick(&f->home, &nick), RC_OK);
    assert_string_equal(nick.text, "alice");
}

static void a_damaged_last_choice_counts_as_none(void **state)
{
    struct fixture *f = *state;
    struct broker_url url;
    struct name nick;
    char path[8192];

    snprintf(path, sizeof(path), "%s/last_broker", f->home.state);
    put(path, "gopher://x\n");
    snprintf(path, sizeof(path), "%s/last_nick", f->home.state);
    put(path, "two words\n");
    assert_int_equal(home_last_broker(&f->home, &url), RC_END);
    assert_int_equal(home_last_nick(&f->home, &nick), RC_END);
}

static void the_local_broker_is_found_in_its_file(void **state)
{
    struct fixture *f = *state;
    struct broker_url url;
    char path[256];

    assert_int_equal(home_local_broker(&url), RC_END);
    snprintf(path, sizeof(path), "%s/zchat-broker", f->folder.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/zchat-broker/broker.url", f->folder.path);
    put(path, "zchat://127.0.0.1:5670\n");
    assert_int_equal(home_local_broker(&url), RC_OK);
    assert_int_equal(url.port, 5670);

    setenv("XDG_RUNTIME_DIR", f->folder.path, 1);
    snprintf(path, sizeof(path), "%s/zchat", f->folder.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/zchat/broker.url", f->folder.path);
    put(path, "zchat://127.0.0.1:5680\n");
    assert_int_equal(home_local_broker(&url), RC_OK);
    assert_int_equal(url.port, 5680);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(missing_folders_are_made_for_the_user_alone),
        TEST(without_home_the_xdg_folders_are_taken),
        TEST(a_folder_that_cannot_be_made_is_named),
        TEST(a_first_key_is_made_and_stays_the_same),
        TEST(each_nick_has_a_key_of_its_own),
        TEST(a_key_that_others_can_read_is_refused_with_its_mode),
        TEST(a_link_in_place_of_a_key_is_refused),
        TEST(folders_and_files_that_others_may_use_are_refused),
        TEST(a_damaged_key_is_refused_and_not_replaced),
        TEST(a_key_with_something_behind_it_is_refused),
        TEST(a_folder_in_place_of_a_key_is_told),
        TEST(the_last_choices_are_remembered),
        TEST(a_damaged_last_choice_counts_as_none),
        TEST(the_local_broker_is_found_in_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
