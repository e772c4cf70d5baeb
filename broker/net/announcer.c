#include "broker/net/announcer.h"

#include "shared/base/alloc.h"
#include "shared/base/log.h"
#include "shared/proto/beacon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TARGETS_MAX   16
#define LOOK_AGAIN_MS 30000 /* interfaces come and go */
#define LOOPBACK_TARGETS \
    0x7fffffffU /* 127.255.255.255: loopback does not count as a network that broadcasts */

/* Where one beacon goes, and from which of our addresses: clients take the address from the datagram. */
struct target {
    struct in_addr to;
    struct in_addr from;
};

struct announcer {
    const struct broker_url *addresses;
    size_t address_count;
    struct beacon beacon;
    int fd;
    struct target target[TARGETS_MAX];
    size_t target_count;
    uint64_t due_ms;
    uint64_t look_ms; /* when to look at the interfaces again */
    bool was_refused; /* told once, until one is taken */
};

enum rc announcer_open(const struct announcer_options *options, struct announcer **ret)
{
    const int yes = 1, near = 1; /* broadcasts stay in their network */
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct announcer *self;

    if (fd < 0)
        return RC_SYSTEM;
    if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_TTL, &near, sizeof(near)) != 0) {
        const int problem = errno;

        (void)close(fd);
        errno = problem;
        return RC_SYSTEM;
    }
    self = x_alloc(1, sizeof(*self));
    self->addresses = options->addresses;
    self->address_count = options->address_count;
    self->beacon.port = options->port;
    memcpy(self->beacon.key, options->key, sizeof(self->beacon.key));
    self->fd = fd;
    *ret = self;
    return RC_OK;
}

/* Does the broker listen on this address of an interface? 0.0.0.0 is not loopback's: who is here finds the file. */
static bool is_ours(const struct announcer *self, struct in_addr own, bool is_loopback)
{
    for (size_t i = 0; i < self->address_count; i++) {
        struct in_addr bound;

        if (self->addresses[i].is_ipc || inet_pton(AF_INET, self->addresses[i].host, &bound) != 1)
            continue;
        if (bound.s_addr == own.s_addr || (bound.s_addr == INADDR_ANY && !is_loopback))
            return true;
    }
    return false;
}

static void look_at_interfaces(struct announcer *self)
{
    struct ifaddrs *all = NULL;

    self->target_count = 0;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *at = all; at != NULL && self->target_count < TARGETS_MAX;
         at = at->ifa_next) {
        const bool is_loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
        const struct sockaddr_in *own = (const struct sockaddr_in *)(const void *)at->ifa_addr;
        const struct sockaddr_in *to = (const struct sockaddr_in *)(const void *)at->ifa_broadaddr;
        struct target *target = &self->target[self->target_count];

        if (own == NULL || own->sin_family != AF_INET || (at->ifa_flags & IFF_UP) == 0 ||
            !is_ours(self, own->sin_addr, is_loopback))
            continue;
        if (!is_loopback && ((at->ifa_flags & IFF_BROADCAST) == 0 || to == NULL))
            continue;
        target->to.s_addr = is_loopback ? htonl(LOOPBACK_TARGETS) : to->sin_addr.s_addr;
        target->from = own->sin_addr;
        self->target_count++;
    }
    freeifaddrs(all);
}

static bool send_to(const struct announcer *self, const struct target *target)
{
    unsigned char bytes[BEACON_BYTES];
    union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control = {0};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(BEACON_PORT), .sin_addr = target->to};
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr message = {.msg_name = &to,
                             .msg_namelen = sizeof(to),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    const struct in_pktinfo info = {.ipi_spec_dst = target->from};

    head->cmsg_level = IPPROTO_IP;
    head->cmsg_type = IP_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(head), &info, sizeof(info));
    beacon_write(&self->beacon, bytes);
    return sendmsg(self->fd, &message, MSG_NOSIGNAL) == BEACON_BYTES;
}

static void tell(struct announcer *self)
{
    for (size_t i = 0; i < self->target_count; i++) {
        if (send_to(self, &self->target[i])) {
            self->was_refused = false;
        } else if (!self->was_refused) {
            self->was_refused = true;
            log_warn("broker.not_announced", "reason=\"%s\": it is tried again", strerror(errno));
        }
    }
}

void announcer_turn(struct announcer *self, uint64_t now_ms)
{
    if (self == NULL || now_ms < self->due_ms)
        return;
    if (now_ms >= self->look_ms) {
        look_at_interfaces(self);
        self->look_ms = now_ms + LOOK_AGAIN_MS;
    }
    self->due_ms = now_ms + BEACON_EVERY_MS;
    tell(self);
}

uint64_t announcer_deadline_ms(const struct announcer *self)
{
    return self == NULL ? UINT64_MAX : self->due_ms;
}

void announcer_close(struct announcer **self_p)
{
    struct announcer *self = *self_p;

    if (self == NULL)
        return;
    self->beacon.port = 0;
    tell(self);
    (void)close(self->fd);
    free(self);
    *self_p = NULL;
}
