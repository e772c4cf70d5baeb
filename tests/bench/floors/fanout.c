/* fanout - the floor without any library: what one turn brought goes to every listener in one write.
 *
 * Records of two bytes of length and a text; who sent one gets a record of eight bytes. Prints `ready PORT PORT -`
 * (commands, broadcasts); ends with its standard input. */
#include "shared/base/alloc.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX  16384
#define BYTES_MAX  (1 << 16)
#define ACK_BYTES  10
#define EVENTS_MAX 256

struct buffer {
    char *data;
    size_t len, capacity;
};

struct peer {
    int fd; /* -1: none */
    bool is_listener;
    struct buffer in, out;
};

static struct fanout {
    int epoll, commands, broadcasts;
    struct peer *peers;
    size_t count;
    struct buffer turn; /* what this turn brought */
} fanout;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void append(struct buffer *self, const char *bytes, size_t len)
{
    if (self->capacity - self->len < len) {
        self->capacity = 2 * self->capacity + len;
        self->data = x_realloc(self->data, self->capacity, 1);
    }
    memcpy(self->data + self->len, bytes, len);
    self->len += len;
}

static void watch(struct peer *peer, int how)
{
    struct epoll_event event = {.events = EPOLLIN | (peer->out.len > 0 ? EPOLLOUT : 0),
                                .data.u64 = (uint64_t)(peer - fanout.peers)};

    if (epoll_ctl(fanout.epoll, how, peer->fd, &event) != 0)
        die("fanout: epoll_ctl");
}

static void leave(struct peer *peer)
{
    (void)close(peer->fd);
    free(peer->in.data);
    free(peer->out.data);
    *peer = (struct peer){.fd = -1};
}

/* What is left behind is written when there is room for it. */
static void flush(struct peer *peer)
{
    const ssize_t done = send(peer->fd, peer->out.data, peer->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (done < 0 && errno != EAGAIN)
        return; /* found when it is read */
    if (done > 0) {
        peer->out.len -= (size_t)done;
        memmove(peer->out.data, peer->out.data + done, peer->out.len);
    }
    watch(peer, EPOLL_CTL_MOD);
}

static void give(struct peer *peer, const char *bytes, size_t len)
{
    ssize_t done = 0;

    if (peer->out.len == 0)
        done = send(peer->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0)
        done = 0;
    if ((size_t)done == len)
        return;
    append(&peer->out, bytes + done, len - (size_t)done);
    if (peer->out.len == len - (size_t)done)
        watch(peer, EPOLL_CTL_MOD);
}

static void enter(int listener, bool is_listener)
{
    const int yes = 1;
    struct peer *peer = &fanout.peers[fanout.count];
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (fanout.count == PEERS_MAX) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    fanout.count++;
    *peer = (struct peer){.fd = fd, .is_listener = is_listener};
    watch(peer, EPOLL_CTL_ADD);
}

static void take_records(struct peer *peer)
{
    char acks[BYTES_MAX / 8];
    size_t at = 0, acks_len = 0;

    while (peer->in.len - at >= 2) {
        const unsigned char *head = (unsigned char *)peer->in.data + at;
        const size_t len = 2 + ((size_t)head[0] << 8 | head[1]);

        if (peer->in.len - at < len || acks_len + ACK_BYTES > sizeof(acks))
            break;
        append(&fanout.turn, peer->in.data + at, len);
        memcpy(acks + acks_len,
               "\0\x08"
               "accepted",
               ACK_BYTES);
        acks_len += ACK_BYTES;
        at += len;
    }
    peer->in.len -= at;
    if (at > 0)
        memmove(peer->in.data, peer->in.data + at, peer->in.len);
    if (acks_len > 0)
        give(peer, acks, acks_len);
}

static void on_peer(struct peer *peer, uint32_t events)
{
    char bytes[BYTES_MAX];
    ssize_t len;

    if (peer->fd < 0)
        return;
    if (events & EPOLLOUT)
        flush(peer);
    if ((events & ~(uint32_t)EPOLLOUT) == 0)
        return;
    len = read(peer->fd, bytes, sizeof(bytes));
    if (len == 0 || (len < 0 && errno != EAGAIN)) {
        leave(peer);
        return;
    }
    if (len > 0 && !peer->is_listener) {
        append(&peer->in, bytes, (size_t)len);
        take_records(peer);
    }
}

static void publish(void)
{
    if (fanout.turn.len == 0)
        return;
    for (size_t i = 0; i < fanout.count; i++) {
        if (fanout.peers[i].fd >= 0 && fanout.peers[i].is_listener)
            give(&fanout.peers[i], fanout.turn.data, fanout.turn.len);
    }
    fanout.turn.len = 0;
}

static int serve(uint64_t mark, unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = mark};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        epoll_ctl(fanout.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("fanout: bind");
    *ret_port = ntohs(address.sin_port);
    return fd;
}

int main(void)
{
    struct epoll_event events[EVENTS_MAX], input = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
    unsigned commands, broadcasts;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    fanout.epoll = epoll_create1(EPOLL_CLOEXEC);
    fanout.peers = x_alloc(PEERS_MAX, sizeof(*fanout.peers));
    fanout.commands = serve(UINT64_MAX - 1, &commands);
    fanout.broadcasts = serve(UINT64_MAX - 2, &broadcasts);
    if (epoll_ctl(fanout.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0)
        die("fanout: standard input is no pipe");
    printf("ready %u %u -\n", commands, broadcasts);
    (void)fflush(stdout);
    for (;;) {
        const int count = epoll_wait(fanout.epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == UINT64_MAX)
                return 0;
            if (events[i].data.u64 == UINT64_MAX - 1)
                enter(fanout.commands, false);
            else if (events[i].data.u64 == UINT64_MAX - 2)
                enter(fanout.broadcasts, true);
            else
                on_peer(&fanout.peers[events[i].data.u64], events[i].events);
        }
        publish();
    }
}
