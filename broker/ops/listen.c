#include "broker/ops/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG   64
#define EXPECTED  "ADDRESS:PORT was expected, as 127.0.0.1:9670 or [::1]:9670"
#define HOST_SIZE (INET6_ADDRSTRLEN + 2) /* with brackets */

static bool parse_port(const char *text, uint16_t *ret)
{
    char *end;
    const unsigned long port = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static bool parse_host(const char *host, uint16_t port, struct listen_address *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->socket;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->socket;
    const size_t len = strlen(host);

    memset(ret, 0, sizeof(*ret));
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        char inner[HOST_SIZE];

        memcpy(inner, host + 1, len - 2);
        inner[len - 2] = '\0';
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        ret->len = sizeof(*v6);
        if (inet_pton(AF_INET6, inner, &v6->sin6_addr) != 1)
            return false;
        ret->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        return true;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    ret->len = sizeof(*v4);
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) != 1)
        return false;
    ret->is_loopback = ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return true;
}

const char *listen_parse(const char *text, struct listen_address *ret)
{
    const char *colon = strrchr(text, ':');
    char host[HOST_SIZE];
    uint16_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || !parse_port(colon + 1, &port))
        return EXPECTED;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    return parse_host(host, port, ret) ? NULL : EXPECTED;
}

enum rc listen_open(const struct listen_address *address, int *ret_fd, uint16_t *ret_port)
{
    const int family = address->socket.ss_family;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage taken;
    socklen_t len = sizeof(taken);
    const int yes = 1;

    if (fd < 0)
        return RC_SYSTEM;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&address->socket, address->len) != 0 ||
        listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&taken, &len) != 0) {
        const int why = errno;

        (void)close(fd);
        errno = why;
        return RC_SYSTEM;
    }
    *ret_port = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&taken)->sin6_port
                                         : ((struct sockaddr_in *)&taken)->sin_port);
    *ret_fd = fd;
    return RC_OK;
}
