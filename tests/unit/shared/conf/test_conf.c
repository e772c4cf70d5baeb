#include "shared/conf/conf.h"

#include "tests/support/check.h"
#include "tests/support/settings.h"

#include <sys/stat.h>

struct fixture {
    char folder[64];
    struct settings settings;
    struct conf_files files;
    char why[CONF_WHY_BYTES];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-conf-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];

    snprintf(command, sizeof(command), "exec rm -r -- %s", f->folder);
    FILE *done = popen(command, "r"); /* whatever a test has left there */
    assert_int_equal(pclose(done), 0);
    free(f);
    return 0;
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static enum rc read_main(struct fixture *f)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/main", f->folder);
    conf_defaults(&settings_schema, &f->settings);
    f->why[0] = '\0';
    return conf_read_file(&settings_schema, &f->settings, path, &f->files, f->why);
}

static enum rc read_text(struct fixture *f, const char *text)
{
    write_file(f, "main", text);
    return read_main(f);
}

/* What is said behind the folder's name. */
static void assert_told(const struct fixture *f, const char *expected)
{
    const char *at = strstr(f->why, f->folder);

    assert_non_null(at);
    assert_memory_equal(at + strlen(f->folder), expected, strlen(expected));
}

static void the_table_of_the_tests_is_good(void **state)
{
    (void)state;
    assert_null(conf_check_table(&settings_schema));
}

static void a_bad_table_is_named(void **state)
{
    struct conf_row row[] = {
        {.key = "n",
         .type = CONF_UINT,
         CONF_AT(struct settings, count),
         .initial = "5",
         .most = 4,
         .argument = "N",
         .help = "h"},
        {.key = "n", .type = CONF_FLAG, CONF_AT(struct settings, is_loud), .help = "h"},
    };
    struct conf_schema schema = {"p", "a", sizeof(struct settings), row, 1};

    (void)state;
    assert_string_equal(conf_check_table(&schema), "n"); /* the default is above the most */
    row[0].most = 5;
    assert_null(conf_check_table(&schema));
    row[0].help = "";
    assert_string_equal(conf_check_table(&schema), "n");
    row[0].help = "h";
    schema.count = 2;
    assert_string_equal(conf_check_table(&schema), "n"); /* twice */
}

static void every_type_is_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_text(f, "loud = yes\ncount = 9\nmany=18446744073709551615\ncolor = blue\n"
                                  "wait = 500ms\nspace = 2G\ntitle = two words # no more\n"
                                  "note = \"\"\nbind = *\nbind = ipc:///run/x\ntag = a\ntag = b"),
                     RC_OK);
    assert_true(f->settings.is_loud);
    assert_int_equal(f->settings.count, 9);
    assert_true(f->settings.many == UINT64_MAX);
    assert_int_equal(f->settings.color, 2);
    assert_int_equal(f->settings.wait_ms, 500);
    assert_true(f->settings.room_bytes == UINT64_C(2) << 30);
    assert_string_equal(f->settings.title, "two words");
    assert_string_equal(f->settings.note, "");
    assert_int_equal(f->settings.bind_count, 2);
    assert_string_equal(f->settings.bind[0].host, "0.0.0.0");
    assert_true(f->settings.bind[1].is_ipc);
    assert_int_equal(f->settings.tag_count, 2);
    assert_string_equal(f->settings.tag[1], "b");
}

static void a_bare_size_counts_its_unit(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_text(f, "space = 3\n"), RC_OK);
    assert_true(f->settings.room_bytes == UINT64_C(3) << 20);
    assert_int_equal(read_text(f, "space = 3B\n"), RC_OK);
    assert_true(f->settings.room_bytes == 3);
    assert_int_equal(read_text(f, "space = 17592186044416\n"), RC_CONFIG); /* 2^64 bytes */
}

static void quotation_marks_keep_what_would_be_lost(void **state)
{
    static const char *const READ[][2] = {
        {"title = \" a # b \" # c\n", " a # b "},
        {"title = \"a \\\"b\\\" \\\\ \\c\"\n", "a \"b\" \\ \\c"},
        {"title =#lobby\n", "#lobby"},
        {"title = a#b\n", "a#b"},
        {"title = it's \"so\"\n", "it's \"so\""},
        {"title =\t a\tb \r\n", "a\tb"},
        {"title =#a # b\n", "#a"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(READ) / sizeof(READ[0]); i++) {
        assert_int_equal(read_text(f, READ[i][0]), RC_OK);
        assert_string_equal(f->settings.title, READ[i][1]);
    }
    assert_int_equal(read_text(f, "title = \"a\n"), RC_CONFIG);
    assert_told(f, "/main:1: title: expected one value, in a pair of quotation marks");
    assert_int_equal(read_text(f, "title = \"a\" b\n"), RC_CONFIG);
}

static void what_is_wrong_is_told_with_file_line_and_key(void **state)
{
    static const char *const BAD[][2] = {
        {"\ncount = 10\n", "/main:2: count = 10: expected a number from 1 to 9"},
        {"color = pink\n", "/main:1: color = pink: expected red|green|blue"},
        {"wait = 2h\n", "/main:1: wait = 2h: expected a time from 1ms to 1h, such as"},
        {"space = much\n", "/main:1: space = much: expected a size from 0 to 1T, such as"},
        {"title = xylophone\n", "/main:1: title = xylophone: expected a title without x"},
        {"title = 0123456789012345678901234567890123\n", "/main:1: title = 01234567890123456789"},
        {"title = \x1b[2J\n", "/main:1: title = \xef\xbf\xbd[2J: expected a text without control"},
        {"loud\n", "/main:1: expected `key = value`"},
        {"lout = yes\n", "/main:1: lout: there is no such key, see tested --help"},
        {"help = yes\n", "/main:1: help: this belongs on the command line"},
        {"count = 1\n\ncount = 2\n", "/main:3: count = 2: expected it once (it stands in line 1"},
        {"tag=a\ntag=b\ntag=c\ntag=d\ntag=e\n", "/main:5: tag = e: expected at most 4 of them"},
        {"key.a = 1\nkey.b = 2\nkey.a = 3\n", "/main:3: key.a = 3: expected it once (it stands in"},
        {"key. = 1\n", "/main:1: key.: there is no such key"},
        {"room.#a.notify = never\n", "/main:1: room.#a.notify = never: expected none|some|all"},
        {"title = #a\n",
         "/main:1: title = : expected 1 to 31 bytes; a value that begins with # stands"},
        {"include\n", "/main:1: expected `key = value`"},
        {"include \"a\n", "/main:1: include: expected `include FILE`"},
        {"include nothing\n", "/main:1: include: cannot read "},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(read_text(f, BAD[i][0]), RC_CONFIG);
        assert_told(f, BAD[i][1]);
    }
}

static void rows_with_a_star_keep_the_name(void **state)
{
    struct fixture *f = *state;
    const struct settings *s = &f->settings;

    assert_int_equal(
        read_text(f, "key.C-g = cancel\nroom.#ops.notify = all\nroom.@a.b.notify=some\n"), RC_OK);
    assert_int_equal(s->key_count, 1);
    assert_string_equal(s->key[0].name, "C-g");
    assert_string_equal(s->key[0].command, "cancel");
    assert_int_equal(s->room_count, 2);
    assert_string_equal(s->room[1].name, "@a.b");
    assert_ptr_equal(conf_named(s->room, s->room_count, sizeof(s->room[0]), "#ops"), &s->room[0]);
    assert_null(conf_named(s->room, s->room_count, sizeof(s->room[0]), "#op"));
}

static void a_file_includes_others_beside_it(void **state)
{
    struct fixture *f = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/d", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(f, "d/1.conf", "count = 5\ntag = one\nkey.a = first\ninclude ../other\n");
    write_file(f, "d/2.conf", "count = 6\ntag = two\ntag = three\nkey.a = second\n");
    write_file(f, "d/ignored", "nonsense\n");
    write_file(f, "other", "color = red\n");
    assert_int_equal(read_text(f, "count = 4\ntag = main\ninclude d/*.conf\ninclude none/*\n"),
                     RC_OK);
    assert_int_equal(f->settings.count, 6); /* the last file counts */
    assert_int_equal(f->settings.tag_count, 2);
    assert_string_equal(f->settings.tag[0], "two");
    assert_int_equal(f->settings.key_count, 1);
    assert_string_equal(f->settings.key[0].command, "second");
    assert_int_equal(f->settings.color, 0);
    assert_int_equal(f->files.count, 6); /* four files and two patterns */
}

static void a_fault_in_an_included_file_is_told_with_its_own_place(void **state)
{
    struct fixture *f = *state;

    write_file(f, "other", "\n\ncount = 0\n");
    assert_int_equal(read_text(f, "include other\n"), RC_CONFIG);
    assert_told(f, "/other:3: count = 0: expected a number");
}

static void includes_are_bounded(void **state)
{
    struct fixture *f = *state;
    char name[32], text[32];

    assert_int_equal(read_text(f, "include main\n"), RC_CONFIG);
    assert_non_null(strstr(f->why, "this file includes itself"));
    write_file(f, "other", "include main\n");
    assert_int_equal(read_text(f, "include other\n"), RC_CONFIG);
    assert_non_null(strstr(f->why, "this file includes itself"));
    for (int i = 1; i <= CONF_DEPTH_MAX; i++) {
        snprintf(name, sizeof(name), "deep%d", i);
        snprintf(text, sizeof(text), i < CONF_DEPTH_MAX ? "include deep%d\n" : "#%d", i + 1);
        write_file(f, name, text);
    }
    assert_int_equal(read_text(f, "include deep1\n"), RC_CONFIG);
    assert_non_null(strstr(f->why, "more than 8 deep"));
    assert_int_equal(read_text(f, "include deep2\n"), RC_OK);
    for (int i = 0; i < CONF_FILES_MAX; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        write_file(f, name, "");
    }
    assert_int_equal(read_text(f, "include many*\n"), RC_CONFIG);
    assert_non_null(strstr(f->why, "more than 64 files"));
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[128];

    write_file(f, "main", "loud = yes\n");
    snprintf(path, sizeof(path), "%s/main", f->folder);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(read_main(f), RC_CONFIG);
    assert_non_null(strstr(f->why, "others may write it (mode 0664)"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(read_main(f), RC_OK);
}

static void the_last_argument_counts_and_lists_grow(void **state)
{
    const char *argv[] = {"tested", "--count", "4", "--loud", "--count=5", "--tag", "a", "--tag=b"};
    struct fixture *f = *state;

    assert_int_equal(
        conf_load(&settings_schema, &f->settings, NULL, 8, (char *const *)argv, NULL, f->why),
        RC_OK);
    assert_int_equal(f->settings.count, 5);
    assert_true(f->settings.is_loud);
    assert_int_equal(f->settings.tag_count, 2);
}

static void bad_arguments_change_nothing(void **state)
{
    static const char *const BAD[][4] = {
        {"--cout", "1", NULL}, {"--count", NULL},         {"--count", "0", NULL},
        {"stray", NULL},       {"--key.a", "b", NULL},    {"--loud=loud", NULL},
        {"-c", NULL},          {"--config", "/no", NULL},
    };
    struct fixture *f = *state;

    f->settings.count = 77;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        const char *argv[5] = {"tested"};
        int argc = 1;

        while (BAD[i][argc - 1] != NULL) {
            argv[argc] = BAD[i][argc - 1];
            argc++;
        }
        f->why[0] = '\0';
        assert_int_equal(conf_load(&settings_schema, &f->settings, NULL, argc, (char *const *)argv,
                                   NULL, f->why),
                         RC_CONFIG);
        assert_true(f->why[0] != '\0');
        assert_int_equal(f->settings.count, 77);
    }
}

static void a_file_of_its_own_is_read_when_it_is_there(void **state)
{
    struct fixture *f = *state;
    const char *argv[] = {"tested", "--color", "red"};
    char path[128];

    snprintf(path, sizeof(path), "%s/main", f->folder);
    assert_int_equal(
        conf_load(&settings_schema, &f->settings, path, 3, (char *const *)argv, NULL, f->why),
        RC_OK);
    assert_string_equal(f->settings.common.config, "");
    write_file(f, "main", "count = 8\ncolor = blue\n");
    assert_int_equal(
        conf_load(&settings_schema, &f->settings, path, 3, (char *const *)argv, NULL, f->why),
        RC_OK);
    assert_int_equal(f->settings.count, 8);
    assert_int_equal(f->settings.color, 0);
    assert_string_equal(f->settings.common.config, path);
}

static void what_is_printed_means_the_same(void **state)
{
    struct fixture *f = *state;
    struct settings first;
    struct conf_changes changes;
    char path[128];

    assert_int_equal(read_text(f,
                               "loud = yes\ntitle = \" #\\\\\\\"\"\nnote = \"\"\nspace = 1000000B\n"
                               "wait = 61s\nbind = ::1\nbind = ipc:///a\ntag =#a\ntag = \"\\\"\"\n"
                               "key.C-# = a\nroom.#ops.notify = some\n"),
                     RC_OK);
    first = f->settings;
    snprintf(path, sizeof(path), "%s/main", f->folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    conf_print(&settings_schema, &first, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(read_main(f), RC_OK);
    conf_reload(&settings_schema, &first, &f->settings, &changes);
    assert_int_equal(changes.taken + changes.kept, 0);
}

static void what_is_as_it_was_is_printed_as_a_comment(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    conf_defaults(&settings_schema, &f->settings);
    f->settings.count = 4;
    conf_print(&settings_schema, &f->settings, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(
        strstr(text, "\n# how many\n# (1 to 9; default 3; taken over by a reload)\ncount = 4\n"));
    assert_non_null(strstr(text, "\n#color = green\n"));
    assert_non_null(strstr(text, "\n#key.C-g = cancel\n"));
    assert_null(strstr(text, "help"));
    free(text);
}

static void a_reload_takes_what_it_may_and_names_both(void **state)
{
    struct fixture *f = *state;
    struct settings running;
    struct conf_changes changes;

    conf_defaults(&settings_schema, &running);
    assert_int_equal(read_text(f, "count = 4\ntag = a\ntag = b\nkey.a = b\nwait = 1s\nbind = ::1\n"
                                  "color = green\n"),
                     RC_OK);
    conf_reload(&settings_schema, &running, &f->settings, &changes);
    assert_int_equal(changes.taken, 3);
    assert_string_equal(changes.taken_keys, "count tag key.*");
    assert_int_equal(changes.kept, 2);
    assert_string_equal(changes.kept_keys, "wait bind");
    assert_int_equal(running.count, 4);
    assert_int_equal(running.tag_count, 2);
    assert_string_equal(running.tag[1], "b");
    assert_string_equal(running.key[0].command, "b");
    assert_int_equal(running.wait_ms, 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_table_of_the_tests_is_good),
        TEST(a_bad_table_is_named),
        TEST(every_type_is_read),
        TEST(a_bare_size_counts_its_unit),
        TEST(quotation_marks_keep_what_would_be_lost),
        TEST(what_is_wrong_is_told_with_file_line_and_key),
        TEST(rows_with_a_star_keep_the_name),
        TEST(a_file_includes_others_beside_it),
        TEST(a_fault_in_an_included_file_is_told_with_its_own_place),
        TEST(includes_are_bounded),
        TEST(a_file_that_others_may_write_is_refused),
        TEST(the_last_argument_counts_and_lists_grow),
        TEST(bad_arguments_change_nothing),
        TEST(a_file_of_its_own_is_read_when_it_is_there),
        TEST(what_is_printed_means_the_same),
        TEST(what_is_as_it_was_is_printed_as_a_comment),
        TEST(a_reload_takes_what_it_may_and_names_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
