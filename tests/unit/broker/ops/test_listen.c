#include "broker/ops/listen.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <unistd.h>

static void addresses_are_numbers_with_a_port(void **state)
{
    struct listen_address address;

    (void)state;
    assert_null(listen_parse("127.0.0.1:9670", &address));
    assert_true(address.is_loopback);
    assert_null(listen_parse("localhost:0", &address));
    assert_true(address.is_loopback);
    assert_null(listen_parse("[::1]:65535", &address));
    assert_true(address.is_loopback);
    assert_null(listen_parse("0.0.0.0:80", &address));
    assert_false(address.is_loopback);
    assert_null(listen_parse("[::]:80", &address));
    assert_false(address.is_loopback);
    assert_null(listen_parse("192.0.2.1:80", &address));
    assert_false(address.is_loopback);
}

static void what_is_none_is_told_what_was_expected(void **state)
{
    static const char *const BAD[] = {
        "",
        ":",
        "9670",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "example.org:80",
        "::1:80",
        "[::1]80",
        "[]:80",
        "[127.0.0.1]:80",
        "1.2.3.4 :80",
        "[1111111111111111111111111111111111111111111111111111111]:1"};
    struct listen_address address;

    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_non_null(listen_parse(BAD[i], &address));
}

static void port_0_takes_a_free_one_and_a_taken_one_is_refused(void **state)
{
    struct listen_address address;
    char text[32];
    int fd, other;
    uint16_t port;

    (void)state;
    assert_null(listen_parse("127.0.0.1:0", &address));
    assert_int_equal(listen_open(&address, &fd, &port), RC_OK);
    assert_true(port > 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    assert_null(listen_parse(text, &address));
    assert_int_equal(listen_open(&address, &other, &port), RC_SYSTEM);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_numbers_with_a_port),
        cmocka_unit_test(what_is_none_is_told_what_was_expected),
        cmocka_unit_test(port_0_takes_a_free_one_and_a_taken_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
