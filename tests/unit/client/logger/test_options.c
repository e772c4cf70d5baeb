#include "tests/support/check.h"

#include "client/logger/options.h"

static struct logger_options options;
static char why[CONF_WHY_BYTES];

/* Parse as the shell would hand it over: words end at NULL. */
#define PARSE(...) parse((const char *const[]){"zchat-logger", __VA_ARGS__, NULL})

static enum rc parse(const char *const *words)
{
    static char text[16][256];
    char *argv[17] = {NULL};
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        snprintf(text[argc], sizeof text[argc], "%s", words[argc]);
        argv[argc] = text[argc];
    }
    return logger_options_parse(argc, argv, &options, why);
}

static void the_folder_alone_is_enough(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--out", "/tmp/x"), RC_OK);
    assert_string_equal(options.out, "/tmp/x");
    assert_string_equal(options.nick, "logger");
    assert_true(options.has_jsonl);
    assert_false(options.has_text);
    assert_int_equal(options.rotation.kind, ROTATE_NONE);
    assert_true(logger_options_match(&options, "#lobby"));
    assert_false(logger_options_match(&options, "@alice"));
}

static void patterns_choose_streams(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--out=d", "--streams=#team-*,@log", "--streams", "#one"), RC_OK);
    assert_true(logger_options_match(&options, "#team-a"));
    assert_true(logger_options_match(&options, "@log"));
    assert_true(logger_options_match(&options, "#one"));
    assert_false(logger_options_match(&options, "#once"));
    assert_false(logger_options_match(&options, "#other"));
}

static void sizes_have_units(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--out=d", "--rotate=10M"), RC_OK);
    assert_int_equal(options.rotation.kind, ROTATE_SIZE);
    assert_int_equal(options.rotation.size_bytes, 10u << 20);
    assert_int_equal(PARSE("--out=d", "--rotate=500k"), RC_OK);
    assert_int_equal(options.rotation.size_bytes, 500u << 10);
    assert_int_equal(PARSE("--out=d", "--rotate=77"), RC_OK);
    assert_int_equal(options.rotation.size_bytes, 77);
    assert_int_equal(PARSE("--out=d", "--rotate=daily", "--format=both"), RC_OK);
    assert_int_equal(options.rotation.kind, ROTATE_DAILY);
    assert_true(options.has_jsonl && options.has_text);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--streams=#a"), RC_CONFIG);
    assert_string_equal(why, "--out DIR is missing");
    assert_int_equal(PARSE("--out=d", "--format=xml"), RC_CONFIG);
    assert_non_null(strstr(why, "xml"));
    assert_int_equal(PARSE("--out=d", "--streams=lobby"), RC_CONFIG);
    assert_string_equal(
        why, "--streams lobby: expected patterns that begin with # or @, with commas between them");
    assert_int_equal(PARSE("--out=d", "--nonsense"), RC_CONFIG);
    assert_non_null(strstr(why, "--nonsense"));
    assert_int_equal(PARSE("--out"), RC_CONFIG);
    assert_non_null(strstr(why, "--out: expected DIR behind it"));
    assert_int_equal(PARSE("--out=d", "rest"), RC_CONFIG);
    assert_non_null(strstr(why, "rest: there is no such option"));

    const char *const sizes[] = {
        "", "0", "-1", "5X", "5MX", "weekly", "99999999999999999999", "20000000T"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(PARSE("--out=d", "--rotate", sizes[i]), RC_CONFIG);
}

static void too_many_patterns_are_refused(void **state)
{
    char list[3 * (PATTERNS_MAX + 1) + 1] = "";

    (void)state;
    for (size_t i = 0; i < PATTERNS_MAX; i++)
        memcpy(list + 3 * i, "#a,", 4);
    assert_int_equal(PARSE("--out=d", "--streams", list), RC_OK);
    memcpy(list + 3 * PATTERNS_MAX, "#a", 3);
    assert_int_equal(PARSE("--out=d", "--streams", list), RC_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_alone_is_enough),
        cmocka_unit_test(patterns_choose_streams),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(too_many_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
