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
    assert_true(patterns_match(&options.patterns, "#lobby"));
    assert_false(patterns_match(&options.patterns, "@alice"));
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

static void a_day_may_have_several_files(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--out=d", "--rotate=daily,2G"), RC_OK);
    assert_int_equal(options.rotation.kind, ROTATE_DAILY);
    assert_int_equal(options.rotation.size_bytes, UINT64_C(2) << 30);
    assert_int_equal(PARSE("--out=d", "--rotate=2G,daily"), RC_OK);
    assert_int_equal(options.rotation.kind, ROTATE_DAILY);
}

static void what_is_kept_is_files_days_or_bytes(void **state)
{
    static const char *const bad[] = {"", "0", "0d", "-1", "90days", "90w", "d", "3,", ",", "10MX"};

    (void)state;
    assert_int_equal(PARSE("--out=d"), RC_OK);
    assert_int_equal(options.kept.count + options.kept.days + options.kept.size_bytes, 0);
    assert_int_equal(PARSE("--out=d", "--keep=30"), RC_OK);
    assert_int_equal(options.kept.count, 30);
    assert_int_equal(PARSE("--out=d", "--keep=90d,10G"), RC_OK);
    assert_int_equal(options.kept.count, 0);
    assert_int_equal(options.kept.days, 90);
    assert_int_equal(options.kept.size_bytes, UINT64_C(10) << 30);
    assert_int_equal(PARSE("--out=d", "--keep=30", "--keep=all", "--compress", "--utc"), RC_OK);
    assert_int_equal(options.kept.count, 0);
    assert_true(options.compresses == 1 && options.is_utc == 1 && options.confirms == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(PARSE("--out=d", "--keep", bad[i]), RC_CONFIG);
        assert_non_null(strstr(why, "--keep"));
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--streams=#a"), RC_CONFIG);
    assert_string_equal(why, "--out DIR is missing");
    assert_int_equal(PARSE("--out=d", "--format=xml"), RC_CONFIG);
    assert_non_null(strstr(why, "xml"));
    assert_int_equal(PARSE("--out=d", "--streams=lobby"), RC_CONFIG);
    assert_string_equal(why, "--streams lobby: expected 'lobby' to begin with # or @");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_alone_is_enough),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(a_day_may_have_several_files),
        cmocka_unit_test(what_is_kept_is_files_days_or_bytes),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
