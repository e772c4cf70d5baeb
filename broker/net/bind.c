#include "broker/net/bind.h"

#include "shared/base/alloc.h"
#include "shared/base/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define IPC_SCHEME "ipc://"
#define PAIR_TRIES 64 /* for a free pair of ports */
#define BACKLOG    512

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* Where one address is bound for one door. */
struct endpoint {
    char text[URL_BYTES_MAX]; /* as libzmq writes it */
    union place place;
    socklen_t place_len;
    int fd; /* -1: not yet */
};

struct bound {
    struct endpoint *endpoints; /* for each address: commands, then broadcasts */
    size_t count;
    uint16_t port;
};

static const char *path_of(const struct endpoint *endpoint)
{
    return endpoint->place.local.sun_path;
}

/* A dead process left its file behind; a living one's is not ours to take. */
static enum rc clear_stale(const struct endpoint *endpoint, char *why)
{
    const char *path = path_of(endpoint);
    struct stat status;
    int fd;
    int failure;

    if (lstat(path, &status) != 0)
        return RC_OK; /* nothing there; other trouble shows when it is bound */
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(why, WHY_BYTES_MAX, "%s exists and is not a socket: remove it or bind elsewhere",
                 path);
        return RC_SYSTEM;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    failure = fd < 0 || connect(fd, &endpoint->place.any, endpoint->place_len) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    if (failure == ECONNREFUSED && unlink(path) == 0)
        return RC_OK;
    snprintf(why, WHY_BYTES_MAX, "the socket %s is in use by another process", path);
    return RC_SYSTEM;
}

/* Nonblocking: when two libzmq sockets share it for a moment, both are woken by one who comes, and
 * accept() must not hold the one that finds nobody. */
static int open_listener(const struct endpoint *endpoint)
{
    const int family = endpoint->place.any.sa_family;
    const int on = 1, off = 0;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failure;

    if (fd < 0)
        return -1;
    /* Both families on [::], whatever the system's default is. */
    if ((family == AF_UNIX || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
        (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
        bind(fd, &endpoint->place.any, endpoint->place_len) == 0) {
        tcp_retransmit_steadily(fd); /* accepted connections inherit it */
        if (listen(fd, BACKLOG) == 0)
            return fd;
    }
    failure = errno;
    (void)close(fd);
    errno = failure;
    return -1;
}

static enum rc bind_one(struct endpoint *endpoint, char *why)
{
    const bool is_ipc = endpoint->place.any.sa_family == AF_UNIX;
    int failure;

    if (is_ipc && clear_stale(endpoint, why) != RC_OK)
        return RC_SYSTEM;
    endpoint->fd = open_listener(endpoint);
    if (endpoint->fd >= 0)
        return RC_OK;
    failure = errno;
    snprintf(why, WHY_BYTES_MAX, "cannot bind %.300s: %s", endpoint->text, strerror(failure));
    errno = failure;
    return RC_SYSTEM;
}

static enum rc set_place(struct endpoint *endpoint, const struct broker_url *url, uint16_t port,
                         char *why)
{
    union place *place = &endpoint->place;
    char inner[sizeof(url->host)];
    const char *path = endpoint->text + strlen(IPC_SCHEME);

    memset(place, 0, sizeof(*place));
    if (url->is_ipc) {
        if (strlen(path) >= sizeof(place->local.sun_path)) {
            snprintf(why, WHY_BYTES_MAX, "the socket path %s is longer than %zu bytes", path,
                     sizeof(place->local.sun_path) - 1);
            return RC_SYSTEM;
        }
        place->local.sun_family = AF_UNIX;
        memcpy(place->local.sun_path, path, strlen(path) + 1);
        endpoint->place_len = sizeof(place->local);
        return RC_OK;
    }
    snprintf(inner, sizeof(inner), "%s", url->host[0] == '[' ? url->host + 1 : url->host);
    inner[strcspn(inner, "]")] = '\0';
    if (inet_pton(AF_INET, inner, &place->v4.sin_addr) == 1) {
        place->v4.sin_family = AF_INET;
        place->v4.sin_port = htons(port);
        endpoint->place_len = sizeof(place->v4);
        return RC_OK;
    }
    if (inet_pton(AF_INET6, inner, &place->v6.sin6_addr) == 1) {
        place->v6.sin6_family = AF_INET6;
        place->v6.sin6_port = htons(port);
        endpoint->place_len = sizeof(place->v6);
        return RC_OK;
    }
    snprintf(why, WHY_BYTES_MAX, "%s is neither an IPv4 nor an IPv6 address", url->host);
    return RC_SYSTEM;
}

/* The two endpoints of one address. */
static enum rc set_endpoints(struct endpoint pair[static 2], const struct broker_url *address,
                             uint16_t port, char *why)
{
    struct broker_url url = *address;

    url.port = port;
    broker_url_endpoints(&url, pair[0].text, pair[1].text);
    pair[0].fd = pair[1].fd = -1;
    if (set_place(&pair[0], address, port, why) != RC_OK)
        return RC_SYSTEM;
    return set_place(&pair[1], address, (uint16_t)(port + 1), why);
}

static void close_all(struct bound *self)
{
    for (size_t i = 0; i < self->count; i++) {
        struct endpoint *endpoint = &self->endpoints[i];

        if (endpoint->fd < 0)
            continue;
        if (endpoint->place.any.sa_family == AF_UNIX)
            (void)unlink(path_of(endpoint));
        (void)close(endpoint->fd);
        endpoint->fd = -1;
    }
}

/* All addresses on this port, or none; *ret_is_taken: since the port was in use. */
static enum rc bind_all(struct bound *self, const struct broker_url *addresses, uint16_t port,
                        bool *ret_is_taken, char *why)
{
    *ret_is_taken = false;
    for (size_t i = 0; i < self->count; i += 2) {
        if (set_endpoints(&self->endpoints[i], &addresses[i / 2], port, why) != RC_OK)
            return RC_SYSTEM;
    }
    for (size_t i = 0; i < self->count; i++) {
        if (bind_one(&self->endpoints[i], why) == RC_OK)
            continue;
        *ret_is_taken = !addresses[i / 2].is_ipc && errno == EADDRINUSE;
        close_all(self);
        return RC_SYSTEM;
    }
    self->port = port;
    return RC_OK;
}

/* A port that the system says is free for commands; 0: it gives none. */
static uint16_t suggest_port(const struct broker_url *address)
{
    union place place = {.any.sa_family = address->host[0] == '[' ? AF_INET6 : AF_INET};
    socklen_t len = place.any.sa_family == AF_INET6 ? sizeof(place.v6) : sizeof(place.v4);
    uint16_t port = 0;
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (bind(fd, &place.any, len) == 0 && getsockname(fd, &place.any, &len) == 0)
        port = ntohs(place.any.sa_family == AF_INET6 ? place.v6.sin6_port : place.v4.sin_port);
    (void)close(fd);
    return port < UINT16_MAX ? port : 0;
}

enum rc bind_open(const struct broker_url *addresses, size_t address_count, uint16_t port,
                  struct bound **ret, char why[static WHY_BYTES_MAX])
{
    struct bound *self = x_alloc(1, sizeof(*self));
    const struct broker_url *tcp = NULL;
    bool is_taken = true;
    enum rc rc = RC_SYSTEM;

    self->count = 2 * address_count;
    self->endpoints = x_alloc(self->count, sizeof(*self->endpoints));
    for (size_t i = 0; i < self->count; i++)
        self->endpoints[i].fd = -1;
    for (size_t i = 0; i < address_count && tcp == NULL; i++)
        tcp = addresses[i].is_ipc ? NULL : &addresses[i];
    if (port != 0 || tcp == NULL) {
        rc = bind_all(self, addresses, tcp == NULL ? 0 : port, &is_taken, why);
    } else {
        snprintf(why, WHY_BYTES_MAX, "no two free ports in a row after %d tries", PAIR_TRIES);
        for (int tries = 0; tries < PAIR_TRIES && is_taken && rc != RC_OK; tries++) {
            port = suggest_port(tcp);
            if (port != 0)
                rc = bind_all(self, addresses, port, &is_taken, why);
        }
    }
    if (rc == RC_OK)
        *ret = self;
    else
        bind_close(&self);
    return rc;
}

void bind_close(struct bound **self_p)
{
    struct bound *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    close_all(self);
    free(self->endpoints);
    free(self);
}

uint16_t bind_port(const struct bound *self)
{
    return self->port;
}

enum rc bind_attach(const struct bound *self, enum door door, void *socket,
                    char why[static WHY_BYTES_MAX])
{
    for (size_t i = door == DOOR_COMMANDS ? 0 : 1; i < self->count; i += 2) {
        const struct endpoint *endpoint = &self->endpoints[i];
        const int is_ipv6 = endpoint->place.any.sa_family == AF_INET6;
        const int fd = fcntl(endpoint->fd, F_DUPFD_CLOEXEC, 0);

        /* libzmq captures the options with each bind, and closes its copy itself. */
        if (fd >= 0 && zmq_setsockopt(socket, ZMQ_IPV6, &is_ipv6, sizeof(is_ipv6)) == 0 &&
            zmq_setsockopt(socket, ZMQ_USE_FD, &fd, sizeof(fd)) == 0 &&
            zmq_bind(socket, endpoint->text) == 0)
            continue;
        snprintf(why, WHY_BYTES_MAX, "cannot serve %.300s: %s", endpoint->text,
                 zmq_strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return RC_SYSTEM;
    }
    return RC_OK;
}
