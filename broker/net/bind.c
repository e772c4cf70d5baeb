#include "broker/net/bind.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define IPC_SCHEME "ipc://"
#define PAIR_TRIES 64 /* for a free pair of ports */

/* Where an address is bound, and on which socket. */
struct endpoint {
    void *socket;
    char text[URL_BYTES_MAX];
    bool is_ipc;
    bool is_ipv6;
};

/* libzmq removes whatever lies at an ipc path, be it a living broker's socket: so we look first. */
static enum rc clear_stale(const char *path, char *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    int fd;
    int failure;

    if (strlen(path) >= sizeof(address.sun_path)) {
        snprintf(why, WHY_BYTES_MAX, "the socket path %s is longer than %zu bytes", path,
                 sizeof(address.sun_path) - 1);
        return RC_SYSTEM;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &status) != 0)
        return RC_OK; /* nothing there; other trouble shows when it is bound */
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(why, WHY_BYTES_MAX, "%s exists and is not a socket: remove it or bind elsewhere",
                 path);
        return RC_SYSTEM;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    failure = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    if (failure == ECONNREFUSED && unlink(path) == 0)
        return RC_OK;
    snprintf(why, WHY_BYTES_MAX, "the socket %s is in use by another process", path);
    return RC_SYSTEM;
}

static enum rc bind_one(const struct endpoint *endpoint, char *why)
{
    const int is_ipv6 = endpoint->is_ipv6;
    int failure;

    if (endpoint->is_ipc && clear_stale(endpoint->text + strlen(IPC_SCHEME), why) != RC_OK)
        return RC_SYSTEM;
    /* Captured by each bind: an IPv4 address beside an IPv6 one keeps its family. */
    if (zmq_setsockopt(endpoint->socket, ZMQ_IPV6, &is_ipv6, sizeof(is_ipv6)) == 0 &&
        zmq_bind(endpoint->socket, endpoint->text) == 0)
        return RC_OK;
    failure = errno;
    snprintf(why, WHY_BYTES_MAX, "cannot bind %s: %s", endpoint->text, zmq_strerror(failure));
    errno = failure;
    return RC_SYSTEM;
}

/* The two endpoints of one address: commands, then broadcasts. */
static void endpoints_of(const struct broker_url *address, uint16_t port, void *commands,
                         void *broadcasts, struct endpoint ret[static 2])
{
    struct broker_url url = *address;

    url.port = port;
    for (size_t i = 0; i < 2; i++) {
        ret[i].socket = i == 0 ? commands : broadcasts;
        ret[i].is_ipc = url.is_ipc;
        ret[i].is_ipv6 = !url.is_ipc && url.host[0] == '[';
    }
    broker_url_endpoints(&url, ret[0].text, ret[1].text);
}

/* All addresses on this port, or none; *ret_is_taken: since the port was in use. */
static enum rc bind_all(void *commands, void *broadcasts, const struct broker_url *addresses,
                        size_t address_count, uint16_t port, bool *ret_is_taken, char *why)
{
    struct endpoint pair[2];

    for (size_t i = 0; i < 2 * address_count; i++) {
        endpoints_of(&addresses[i / 2], port, commands, broadcasts, pair);
        if (bind_one(&pair[i % 2], why) == RC_OK)
            continue;
        *ret_is_taken = !pair[0].is_ipc && errno == EADDRINUSE;
        while (i-- > 0) {
            endpoints_of(&addresses[i / 2], port, commands, broadcasts, pair);
            (void)zmq_unbind(pair[i % 2].socket, pair[i % 2].text);
        }
        return RC_SYSTEM;
    }
    return RC_OK;
}

/* A port that the system says is free for commands; 0: it gives none. */
static uint16_t suggest_port(const struct broker_url *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } place = {.any.sa_family = address->host[0] == '[' ? AF_INET6 : AF_INET};
    socklen_t len = sizeof(place);
    uint16_t port = 0;
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (bind(fd, &place.any, sizeof(place)) == 0 && getsockname(fd, &place.any, &len) == 0)
        port = ntohs(place.any.sa_family == AF_INET6 ? place.v6.sin6_port : place.v4.sin_port);
    (void)close(fd);
    return port < UINT16_MAX ? port : 0;
}

enum rc bind_pair(void *commands, void *broadcasts, const struct broker_url *addresses,
                  size_t address_count, uint16_t port, uint16_t *ret_port,
                  char why[static WHY_BYTES_MAX])
{
    const struct broker_url *tcp = NULL;
    bool is_taken = true;

    for (size_t i = 0; i < address_count && tcp == NULL; i++)
        tcp = addresses[i].is_ipc ? NULL : &addresses[i];
    if (port != 0 || tcp == NULL) {
        *ret_port = tcp == NULL ? 0 : port;
        return bind_all(commands, broadcasts, addresses, address_count, port, &is_taken, why);
    }
    snprintf(why, WHY_BYTES_MAX, "no two free ports in a row after %d tries", PAIR_TRIES);
    for (int tries = 0; tries < PAIR_TRIES && is_taken; tries++) {
        port = suggest_port(tcp);
        if (port != 0 && bind_all(commands, broadcasts, addresses, address_count, port, &is_taken,
                                  why) == RC_OK) {
            *ret_port = port;
            return RC_OK;
        }
    }
    return RC_SYSTEM;
}

void bind_remove_files(const struct broker_url *addresses, size_t address_count)
{
    struct endpoint pair[2];

    for (size_t i = 0; i < address_count; i++) {
        if (!addresses[i].is_ipc)
            continue;
        endpoints_of(&addresses[i], 0, NULL, NULL, pair);
        (void)unlink(pair[0].text + strlen(IPC_SCHEME));
        (void)unlink(pair[1].text + strlen(IPC_SCHEME));
    }
}
