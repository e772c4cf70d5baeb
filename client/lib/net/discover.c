#include "client/lib/net/discover.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/proto/beacon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_PER_SECOND 1000
#define PAUSE_MS        50

struct discoverer {
    int fd;
    struct broker_url url[DISCOVERED_MAX];
    size_t count;
    uint64_t left_out;
    uint64_t second; /* of the clock; how much was read in it is limited */
    unsigned read;
};

enum rc discover_open(struct discoverer **ret, struct why *why)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(BEACON_PORT)};
    const int yes = 1;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct discoverer *self;

    /* Several may listen here at a time: broadcasts reach each of them. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0) {
        why_set(why, "cannot listen on UDP port %u: %s", BEACON_PORT, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return RC_SYSTEM;
    }
    self = x_alloc(1, sizeof(*self));
    self->fd = fd;
    *ret = self;
    return RC_OK;
}

void discover_close(struct discoverer **self_p)
{
    struct discoverer *self = *self_p;

    if (self == NULL)
        return;
    (void)close(self->fd);
    free(self);
    *self_p = NULL;
}

static void forget(struct discoverer *self, const char *host, const unsigned char *key)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->url[i].host, host) == 0 &&
            memcmp(self->url[i].key, key, PUBLIC_KEY_BYTES) == 0)
            continue;
        self->url[kept++] = self->url[i];
    }
    self->count = kept;
}

/* True: it is new to the list. */
static bool take(struct discoverer *self, const struct sockaddr_in *from, struct span datagram)
{
    struct broker_url url = {.has_key = true};
    struct beacon beacon;
    size_t same_host = 0;

    if (beacon_read(datagram, &beacon) != RC_OK ||
        inet_ntop(AF_INET, &from->sin_addr, url.host, sizeof(url.host)) == NULL)
        return false;
    if (beacon.port == 0) {
        forget(self, url.host, beacon.key);
        return false;
    }
    url.port = beacon.port;
    memcpy(url.key, beacon.key, sizeof(url.key));
    for (size_t i = 0; i < self->count; i++) {
        const struct broker_url *known = &self->url[i];

        if (strcmp(known->host, url.host) != 0)
            continue;
        if (known->port == url.port && memcmp(known->key, url.key, sizeof(url.key)) == 0)
            return false;
        same_host++;
    }
    if (self->count == DISCOVERED_MAX || same_host == DISCOVERED_PER_ADDRESS_MAX) {
        self->left_out++;
        return false;
    }
    self->url[self->count++] = url;
    return true;
}

/* One datagram. False: there is none now. */
static bool read_one(struct discoverer *self, bool *ret_is_new)
{
    unsigned char bytes[BEACON_BYTES + 1]; /* one more shows that it is longer */
    struct sockaddr_in from = {0};
    socklen_t size = sizeof(from);
    const ssize_t got =
        recvfrom(self->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
    const uint64_t second = clock_mono_ms() / 1000;

    if (got < 0)
        return errno == EINTR;
    if (second != self->second) {
        self->second = second;
        self->read = 0;
    }
    if (++self->read > READ_PER_SECOND)
        self->left_out++;
    else
        *ret_is_new = take(self, &from, (struct span){(const char *)bytes, (size_t)got});
    return true;
}

bool discover_listen(struct discoverer *self, uint64_t until_ms)
{
    for (uint64_t now_ms; (now_ms = clock_mono_ms()) < until_ms;) {
        struct pollfd item = {.fd = self->fd, .events = POLLIN};
        bool is_new = false;

        if (self->read > READ_PER_SECOND) { /* a flood: let it run into the system's own limit */
            const uint64_t left_ms = until_ms - now_ms;

            (void)poll(NULL, 0, left_ms < PAUSE_MS ? (int)left_ms : PAUSE_MS);
        }
        (void)poll(&item, 1, until_ms - now_ms > PAUSE_MS ? PAUSE_MS : (int)(until_ms - now_ms));
        while (!is_new && clock_mono_ms() < until_ms && read_one(self, &is_new))
            ;
        if (is_new)
            return true;
    }
    return false;
}

size_t discover_count(const struct discoverer *self)
{
    return self->count;
}

const struct broker_url *discover_get(const struct discoverer *self, size_t index)
{
    return &self->url[index];
}

uint64_t discover_left_out(const struct discoverer *self)
{
    return self->left_out;
}
