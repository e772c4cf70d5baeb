#include "shared/base/secret_args.h"

#include "tests/support/check.h"

#include <stdlib.h>

#define TOKEN  "00112233445566778899aabbccddeeff"
#define DOTS   "................................"
#define BROKER "zchat://example.org:5670?key=ab"

/* As the system gives it: memory that the words lie in. */
static char *word(char *memory, const char *text)
{
    memcpy(memory, text, strlen(text) + 1);
    return memory;
}

static void a_token_in_a_word_is_blotted_out_and_still_there_for_us(void **state)
{
    static const struct {
        const char *given, *left;
    } WORDS[] = {
        {BROKER "&invite=" TOKEN, BROKER "&invite=" DOTS},
        {"--broker=" BROKER "&invite=" TOKEN "&nick=bob",
         "--broker=" BROKER "&invite=" DOTS "&nick=bob"},
        {"zchat+ipc:///run/b?INVITE=" TOKEN, "zchat+ipc:///run/b?INVITE=" DOTS},
        {"read: " BROKER "&invite=" TOKEN " and", "read: " BROKER "&invite=" DOTS " and"},
        {"zchat://a?invite=ab zchat://b?invite=cde", "zchat://a?invite=.. zchat://b?invite=..."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        char memory[256];
        char *argv[] = {(char *)(uintptr_t) "zchat", word(memory, WORDS[i].given), NULL};

        assert_true(secret_take(2, argv, "ZCHAT_NOTHING"));
        assert_string_equal(memory, WORDS[i].left);
        assert_string_equal(argv[1], WORDS[i].given);
        free(argv[1]);
    }
}

static void what_is_no_invitation_stays(void **state)
{
    static const char *const WORDS[] = {"invite=" TOKEN, BROKER, "", "@/path/owner.url", "-"};

    (void)state;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        char memory[256];
        char *argv[] = {(char *)(uintptr_t) "zchat", word(memory, WORDS[i]), NULL};

        assert_false(secret_take(2, argv, "ZCHAT_NOTHING"));
        assert_ptr_equal(argv[1], memory);
        assert_string_equal(memory, WORDS[i]);
    }
}

static void the_variable_is_ours_alone_and_children_get_the_address(void **state)
{
    static char memory[] = "TEST_BROKER=" BROKER "&invite=" TOKEN "&nick=bob";
    char *argv[] = {(char *)(uintptr_t) "zchat", NULL};

    (void)state;
    assert_null(secret_env("TEST_BROKER"));
    assert_int_equal(putenv(memory), 0);
    assert_string_equal(secret_env("TEST_BROKER"), BROKER "&invite=" TOKEN "&nick=bob");
    assert_true(secret_take(1, argv, "TEST_BROKER"));
    assert_string_equal(memory, "TEST_BROKER=" BROKER "&invite=" DOTS "&nick=bob");
    assert_string_equal(getenv("TEST_BROKER"), BROKER "&nick=bob");
    assert_string_equal(secret_env("TEST_BROKER"), BROKER "&invite=" TOKEN "&nick=bob");
    assert_false(secret_take(1, argv, "TEST_BROKER"));
    assert_string_equal(secret_env("TEST_BROKER"), BROKER "&invite=" TOKEN "&nick=bob");
    assert_null(secret_env("TEST_OTHER"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_in_a_word_is_blotted_out_and_still_there_for_us),
        cmocka_unit_test(what_is_no_invitation_stays),
        cmocka_unit_test(the_variable_is_ours_alone_and_children_get_the_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
