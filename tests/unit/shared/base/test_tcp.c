#include "shared/base/tcp.h"

#include "tests/support/check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif

static int is_steady(int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &value, &len), 0);
    return value;
}

static void an_accepted_connection_inherits_it_from_the_listener(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int accepted;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_false(is_steady(listener));
    tcp_retransmit_steadily(listener);
    assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
    accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_true(is_steady(accepted));
    assert_false(is_steady(client));
    close(accepted);
    close(client);
    close(listener);
}

static void a_connection_of_no_distance_tries_again_within_a_second(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int bound_ms = 0;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
    tcp_bound_timer(client);
    len = sizeof(bound_ms);
    if (getsockopt(client, IPPROTO_TCP, TCP_RTO_MAX_MS, &bound_ms, &len) != 0)
        skip(); /* before Linux 6.15 */
    assert_int_equal(bound_ms, 1000);
    close(client);
    close(listener);
}

static void what_is_no_tcp_socket_is_left_alone(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    tcp_retransmit_steadily(pair[0]);
    tcp_retransmit_steadily(-1);
    tcp_bound_timer(pair[0]);
    tcp_bound_timer(-1);
    assert_int_equal(write(pair[0], "x", 1), 1);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_connection_inherits_it_from_the_listener),
        cmocka_unit_test(a_connection_of_no_distance_tries_again_within_a_second),
        cmocka_unit_test(what_is_no_tcp_socket_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
