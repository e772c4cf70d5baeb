#include "broker/net/peer_address.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static bool same(const char *a, const char *b)
{
    const struct peer_address one = peer_address_parse(span_of(a));
    const struct peer_address other = peer_address_parse(span_of(b));

    return peer_address_equal(&one, &other);
}

static void an_ipv4_address_counts_whole(void **state)
{
    (void)state;
    assert_true(same("192.0.2.1", "192.0.2.1"));
    assert_false(same("192.0.2.1", "192.0.2.2"));
    assert_true(same("::ffff:192.0.2.1", "192.0.2.1"));
}

static void an_ipv6_address_counts_by_its_network(void **state)
{
    (void)state;
    assert_true(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
    assert_false(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_true(same("fe80::1%eth0", "fe80::2"));
    assert_false(same("::1", "127.0.0.1"));
}

static void everything_else_is_local(void **state)
{
    char longer[200];

    (void)state;
    memset(longer, '1', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_true(same("localhost:0:0:4711", "localhost:1000:1000:1"));
    assert_true(same("localhost:0:0:1", ""));
    assert_true(same("localhost:0:0:1", "%eth0"));
    assert_true(same("localhost:0:0:1", longer));
    assert_true(same("localhost:0:0:1", "1.2.3"));
    assert_false(same("localhost:0:0:1", "127.0.0.1"));
}

static void a_socket_and_a_text_mean_the_same(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(5)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct peer_address text, socket;

    (void)state;
    inet_pton(AF_INET, "192.0.2.9", &v4.sin_addr);
    text = peer_address_parse(SPAN("192.0.2.9"));
    socket = peer_address_of((const struct sockaddr *)&v4);
    assert_true(peer_address_equal(&text, &socket));
    inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    text = peer_address_parse(SPAN("2001:db8::8"));
    socket = peer_address_of((const struct sockaddr *)&v6);
    assert_true(peer_address_equal(&text, &socket));
    text = peer_address_parse(SPAN("localhost:0:0:1"));
    socket = peer_address_of((const struct sockaddr *)&un);
    assert_true(peer_address_equal(&text, &socket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_counts_whole),
        cmocka_unit_test(an_ipv6_address_counts_by_its_network),
        cmocka_unit_test(everything_else_is_local),
        cmocka_unit_test(a_socket_and_a_text_mean_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
