#include "broker/ops/http.h"

#include "tests/support/check.h"

static void numbers_and_localhost_are_ours(void **state)
{
    static const char *const OURS[] = {"127.0.0.1", "127.0.0.1:9670", "localhost", "LocalHost:80",
                                       "[::1]",     "[::1]:9670",     "10.1.2.3:1"};

    (void)state;
    for (size_t i = 0; i < sizeof(OURS) / sizeof(OURS[0]); i++)
        assert_true(http_host_is_ours(OURS[i], ""));
}

static void names_of_others_are_not(void **state)
{
    static const char *const OTHERS[] = {
        "evil.example",
        "evil.example:9670",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil",
        "",
        ":80",
        "[::1].evil",
        "[evil]",
        "[",
        "[]",
        "[::1",
        "0x7f000001",
        "2130706433",
        "localhos",
        "localhost1",
        "1.2.3.4.5",
        "[127.0.0.1]x",
        "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"};

    (void)state;
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++)
        assert_false(http_host_is_ours(OTHERS[i], ""));
    assert_false(http_host_is_ours(NULL, ""));
}

static void a_name_may_be_given(void **state)
{
    (void)state;
    assert_true(http_host_is_ours("chat.example:443", "chat.example"));
    assert_true(http_host_is_ours("Chat.Example", "chat.example"));
    assert_false(http_host_is_ours("xchat.example", "chat.example"));
    assert_false(http_host_is_ours("chat.example.evil", "chat.example"));
}

static void only_the_whole_token_opens(void **state)
{
    const struct bearer bearer = {.token = "0123456789abcdef"};

    (void)state;
    assert_true(bearer_is_shown(&bearer, "Bearer 0123456789abcdef"));
    assert_true(bearer_is_shown(&bearer, "bearer  0123456789abcdef"));
    assert_false(bearer_is_shown(&bearer, NULL));
    assert_false(bearer_is_shown(&bearer, ""));
    assert_false(bearer_is_shown(&bearer, "Bearer "));
    assert_false(bearer_is_shown(&bearer, "Bearer 0123456789abcde"));
    assert_false(bearer_is_shown(&bearer, "Bearer 0123456789abcdef0"));
    assert_false(bearer_is_shown(&bearer, "Basic 0123456789abcdef"));
    assert_false(bearer_is_shown(&bearer, "0123456789abcdef"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_localhost_are_ours),
        cmocka_unit_test(names_of_others_are_not),
        cmocka_unit_test(a_name_may_be_given),
        cmocka_unit_test(only_the_whole_token_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
