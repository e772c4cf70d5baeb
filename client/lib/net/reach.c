#include "client/lib/net/reach.h"

#include "shared/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PUB_SUFFIX      ".pub" /* url.h */
#define SIGNATURE_BYTES 10
#define MECHANISM_AT    12
#define MECHANISM_BYTES 20

static enum rc resolve_path(const struct broker_url *url, bool is_broadcasts,
                            struct reach_addresses *ret, struct why *why)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    const int len = snprintf(path.sun_path, sizeof(path.sun_path), "%s%s", url->host,
                             is_broadcasts ? PUB_SUFFIX : "");

    if (len < 0 || (size_t)len >= sizeof(path.sun_path)) {
        why_set(why, "the path %s is too long for a socket", url->host);
        return RC_UNREACHABLE;
    }
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->address[0], &path, sizeof(path));
    ret->len[0] = sizeof(path);
    ret->count = 1;
    return RC_OK;
}

enum rc reach_resolve(const struct broker_url *url, bool is_broadcasts, struct reach_addresses *ret,
                      struct why *why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[sizeof(url->host)], port[8];
    size_t len = strlen(url->host);
    int problem;

    if (url->is_ipc)
        return resolve_path(url, is_broadcasts, ret, why);
    memcpy(host, url->host, len + 1);
    if (len > 2 && host[0] == '[') { /* IPv6 stands in brackets */
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    snprintf(port, sizeof(port), "%u", url->port + (is_broadcasts ? 1U : 0U));
    problem = getaddrinfo(host, port, &hints, &found);
    if (problem != 0) {
        why_set(why, "%s: %s", host, gai_strerror(problem));
        return RC_UNREACHABLE;
    }
    memset(ret, 0, sizeof(*ret));
    for (const struct addrinfo *at = found; at != NULL && ret->count < REACH_ADDRESSES_MAX;
         at = at->ai_next) {
        if (at->ai_addrlen > sizeof(ret->address[0]))
            continue;
        memcpy(&ret->address[ret->count], at->ai_addr, at->ai_addrlen);
        ret->len[ret->count++] = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return RC_OK;
}

void reach_text(const struct reach_addresses *from, size_t index, char buf[static REACH_TEXT_BYTES])
{
    const struct sockaddr *address = (const struct sockaddr *)&from->address[index];
    char host[INET6_ADDRSTRLEN] = "", port[8] = "";

    if (address->sa_family == AF_UNIX) {
        snprintf(buf, REACH_TEXT_BYTES, "%s", ((const struct sockaddr_un *)address)->sun_path);
        return;
    }
    (void)getnameinfo(address, from->len[index], host, sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(buf, REACH_TEXT_BYTES, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
             port);
}

/* Wait for `events`; false: the time is over. */
static bool wait_for(int fd, short events, uint64_t until_ms)
{
    for (;;) {
        struct pollfd item = {.fd = fd, .events = events};
        const uint64_t now_ms = clock_mono_ms();
        const int got = now_ms >= until_ms ? 0 : poll(&item, 1, (int)(until_ms - now_ms));

        if (got >= 0 || errno != EINTR)
            return got > 0;
    }
}

static enum reach_port port_of(int error)
{
    switch (error) {
    case 0:
        return REACH_OPEN;
    case ECONNREFUSED:
        return REACH_REFUSED;
    case ENOENT:
        return REACH_MISSING;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
        return REACH_NO_WAY;
    case ETIMEDOUT:
        return REACH_SILENT;
    default:
        return REACH_FAILED;
    }
}

/* 0, or an errno. */
static int try_one(const struct reach_addresses *to, size_t index, int timeout_ms, int *ret_fd)
{
    const struct sockaddr *address = (const struct sockaddr *)&to->address[index];
    const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t size = sizeof(error);

    if (fd < 0)
        return errno;
    if (connect(fd, address, to->len[index]) != 0) {
        error = errno;
        if (error == EINPROGRESS)
            error = !wait_for(fd, POLLOUT, clock_mono_ms() + (uint64_t)timeout_ms) ? ETIMEDOUT
                    : getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0     ? errno
                                                                                   : error;
    }
    if (error == 0)
        *ret_fd = fd;
    else
        (void)close(fd);
    return error;
}

enum reach_port reach_connect(const struct reach_addresses *to, int timeout_ms, size_t *ret_index,
                              int *ret_error, int *ret_fd)
{
    int first = 0;

    *ret_fd = -1;
    *ret_index = 0;
    for (size_t i = 0; i < to->count; i++) {
        const int error = try_one(to, i, timeout_ms, ret_fd);

        if (i == 0)
            first = error;
        if (error != 0)
            continue;
        *ret_index = i;
        *ret_error = 0;
        return REACH_OPEN;
    }
    *ret_error = first;
    return port_of(first);
}

/* Read until `len` bytes are there; returns how many came. `*ret_is_closed`: the other end closed. */
static size_t read_for(int fd, unsigned char *buf, size_t len, uint64_t until_ms,
                       bool *ret_is_closed)
{
    size_t have = 0;

    *ret_is_closed = false;
    while (have < len && wait_for(fd, POLLIN, until_ms)) {
        const ssize_t got = recv(fd, buf + have, len - have, 0);

        if (got > 0)
            have += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            *ret_is_closed = true;
            break;
        }
    }
    return have;
}

enum reach_greeting reach_greet(int fd, int timeout_ms)
{
    /* Signature and major version: enough for the other end to say its mechanism, and no handshake yet. */
    static const unsigned char HALF[SIGNATURE_BYTES + 1] = {0xff, [8] = 1, [9] = 0x7f, [10] = 3};
    const uint64_t until_ms = clock_mono_ms() + (uint64_t)timeout_ms;
    unsigned char got[MECHANISM_AT + MECHANISM_BYTES];
    bool is_closed;
    size_t len;

    if (send(fd, HALF, sizeof(HALF), MSG_NOSIGNAL) != (ssize_t)sizeof(HALF))
        return REACH_CLOSED;
    len = read_for(fd, got, sizeof(got), until_ms, &is_closed);
    if (len == 0)
        return is_closed ? REACH_CLOSED : REACH_QUIET;
    if (got[0] != 0xff || (len >= SIGNATURE_BYTES && got[SIGNATURE_BYTES - 1] != 0x7f))
        return REACH_FOREIGN;
    if (len < SIGNATURE_BYTES)
        return is_closed ? REACH_FOREIGN : REACH_QUIET;
    if (len < sizeof(got) || got[SIGNATURE_BYTES] < 3)
        return REACH_OTHER;
    if (memcmp(got + MECHANISM_AT, "CURVE", 6) == 0)
        return REACH_CURVE;
    return memcmp(got + MECHANISM_AT, "NULL", 5) == 0 ? REACH_CLEAR : REACH_OTHER;
}
