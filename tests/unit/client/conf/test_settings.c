#include "client/conf/settings.h"

#include "tests/support/check.h"

#include <sys/stat.h>

#define KEY64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
    char folder[64], file[128];
    struct client_settings settings;
    char why[CONF_WHY_BYTES];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-settings-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->file, sizeof(f->file), "%s/zchat.conf", f->folder);
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

static enum rc load(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(f->file, 0644), 0);
    return settings_load(f->file, true, &f->settings, f->why);
}

static void the_table_is_good(void **state)
{
    (void)state;
    assert_null(conf_check_table(settings_schema()));
}

static void without_a_file_there_are_the_defaults(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(settings_load(f->file, false, &f->settings, f->why), RC_OK);
    assert_int_equal(f->settings.timeout_ms, 10000);
    assert_string_equal(f->settings.broker, "");
    assert_int_equal(settings_load(f->file, true, &f->settings, f->why), RC_CONFIG);
}

static void all_sections_are_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, "broker = zchat://h:1?key=" KEY64
                             "\nnick = Alice\ntimeout = 1m\njson = yes\n"
                             "key.C-g = cancel\nkey.C-x k = close\nroom.#ops.notify = all\n"),
                     RC_OK);
    assert_int_equal(f->settings.timeout_ms, 60000);
    assert_true(f->settings.is_json);
    assert_int_equal(f->settings.key_count, 2);
    assert_string_equal(f->settings.key[1].name, "C-x k");
    assert_string_equal(f->settings.key[1].action, "close");
    assert_string_equal(f->settings.room[0].name, "#ops");
    assert_int_equal(f->settings.room[0].notify, NOTIFY_ALL);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const BAD[][2] = {
        {"broker = chat.example.org\n", ":1: broker = chat.example.org: expected "},
        {"broker = zchat://h:1?key=" KEY64 "&invite=0123456789abcdef0123456789abcdef\n",
         ":1: broker = "},
        {"nick = a b\n", ":1: nick = a b: expected a name of"},
        {"timeout = 0s\n", ":1: timeout = 0s: expected a time from 1ms"},
        {"room.#a.notify = sometimes\n",
         ":1: room.#a.notify = sometimes: expected all|mentions|none"},
        {"colour = red\n", ":1: colour: there is no such key, see zchat --help"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(load(f, BAD[i][0]), RC_CONFIG);
        assert_memory_equal(f->why, f->file, strlen(f->file));
        assert_memory_equal(f->why + strlen(f->file), BAD[i][1], strlen(BAD[i][1]));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_table_is_good),
        TEST(without_a_file_there_are_the_defaults),
        TEST(all_sections_are_read),
        TEST(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
