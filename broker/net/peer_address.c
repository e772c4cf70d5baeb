#include "broker/net/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct peer_address local(void)
{
    struct peer_address address;

    memset(address.bytes, 0xff, sizeof(address.bytes));
    return address;
}

static struct peer_address of_v4(const void *bytes)
{
    struct peer_address address = {.bytes = {[10] = 0xff, [11] = 0xff}};

    memcpy(address.bytes + 12, bytes, 4);
    return address;
}

/* A socket for both families tells IPv4 peers as IPv6. */
static struct peer_address of_v6(const struct in6_addr *v6)
{
    struct peer_address address = {.bytes = {0}};

    if (IN6_IS_ADDR_V4MAPPED(v6))
        return of_v4(v6->s6_addr + 12);
    memcpy(address.bytes, v6->s6_addr, 8);
    return address;
}

struct peer_address peer_address_of(const struct sockaddr *remote)
{
    if (remote->sa_family == AF_INET)
        return of_v4(&((const struct sockaddr_in *)(const void *)remote)->sin_addr);
    if (remote->sa_family == AF_INET6)
        return of_v6(&((const struct sockaddr_in6 *)(const void *)remote)->sin6_addr);
    return local();
}

struct peer_address peer_address_parse(struct span text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '%') /* an interface may follow */
        len++;
    if (len >= sizeof(copy))
        return local();
    memcpy(copy, text.ptr, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        return of_v4(&v4);
    if (inet_pton(AF_INET6, copy, &v6) == 1)
        return of_v6(&v6);
    return local();
}

bool peer_address_equal(const struct peer_address *a, const struct peer_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
