#include "tests/support/check.h"

#include "shared/text/completion.h"

#include <stdlib.h>
#include <string.h>

static void options_are_found_in_help(void **state)
{
    char help[] = "usage: some --thing\n\n"
                  "  --out DIR        the folder\n"
                  "                   in two lines\n"
                  "  --compress       no value\n"
                  "  --none\n"
                  "  --help, --version\n"
                  "text --not-one\n"
                  "  --last N  it";
    struct completion_option options[8];

    (void)state;
    assert_int_equal(completion_scan(help, options, 8), 6);
    assert_string_equal(options[0].name, "out");
    assert_string_equal(options[0].value, "DIR");
    assert_string_equal(options[0].help, "the folder");
    assert_string_equal(options[1].name, "compress");
    assert_null(options[1].value);
    assert_string_equal(options[2].name, "none");
    assert_null(options[2].value);
    assert_string_equal(options[3].name, "help");
    assert_string_equal(options[4].name, "version");
    assert_string_equal(options[5].name, "last");
    assert_string_equal(options[5].value, "N");
    assert_string_equal(options[5].help, "it");
}

static void no_more_options_are_found_than_there_is_room_for(void **state)
{
    char help[] = "  --a\n  --help, --version\n  --c\n";
    struct completion_option options[2];

    (void)state;
    assert_int_equal(completion_scan(help, options, 2), 2);
}

static char *written(const char *shell, const struct completion *completion, enum rc expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    assert_int_equal(completion_print(out, shell, completion), expected);
    fclose(out);
    return text;
}

static void quotes_in_a_help_break_no_script(void **state)
{
    const struct completion_option option = {
        .name = "say", .value = "X", .help = "it's '\\", .uses = 1};
    const struct completion completion = {
        .program = "some-program", .options = &option, .option_count = 1, .use = 1};
    char *text;

    (void)state;
    text = written("zsh", &completion, RC_OK);
    assert_non_null(strstr(text, "'--say:it'\\''s '\\''\\'"));
    free(text);
    text = written("fish", &completion, RC_OK);
    assert_non_null(strstr(text, "-d 'it\\'s \\'\\\\'"));
    free(text);
    text = written("bash", &completion, RC_OK);
    assert_non_null(strstr(text, "complete -F _some_program some-program"));
    free(text);
    free(written("tcsh", &completion, RC_CONFIG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_found_in_help),
        cmocka_unit_test(no_more_options_are_found_than_there_is_room_for),
        cmocka_unit_test(quotes_in_a_help_break_no_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
