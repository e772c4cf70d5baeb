#include "broker/net/doorman.h"

#include "broker/net/callers.h"
#include "broker/net/cut.h"
#include "broker/net/heap.h"
#include "broker/net/spare.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/handover.h"
#include "shared/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define FDS_MAX (UINT32_C(1) << 20)

/* What a CURVE server has sent before READY: greeting 64, WELCOME 170, or ERROR 12 instead. READY is at
 * least 60. */
#define BYTES_BEFORE_READY 250

#define SILENT_MIN_MS \
    2000 /* a slow way, or thousands of clients, take a second or two; more than PATIENCE_MS (zap.c) */

/* One socket that is watched. */
struct door {
    void *socket;  /* the hub's: a name, never touched */
    void *monitor; /* our end; NULL: a free place */
    uint32_t number;
};

/* What the hub says to the thread. */
enum order_kind { ORDER_WATCH, ORDER_LIMITS }; /* an empty message: stop */
struct order {
    enum order_kind kind;
    struct door door;
    struct doorman_limits limits;
};

struct doorman {
    void *zmq_context;
    void *control;    /* the owner's end of the pair */
    void *commands;   /* the thread's end */
    uint32_t watched; /* the owner's: numbers the doors */
    pthread_t thread;
    /* the thread's */
    struct door *doors;    /* two, and those that are just being closed */
    size_t door_count;     /* free places too */
    zmq_pollitem_t *items; /* the commands, then each door */
    struct callers *callers;
    struct doorman_limits limits;
    uint64_t told_ms;      /* when something was cut or failed, in the log */
    pthread_mutex_t mutex; /* of the stats */
    struct doorman_stats stats;
};

uint32_t doorman_default_max(void)
{
    struct rlimit limit;
    uint64_t reserve;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > FDS_MAX)
        limit.rlim_cur = FDS_MAX;
    reserve = limit.rlim_cur / 8 < 112 ? 112 : limit.rlim_cur / 8;
    if (reserve > 4096)
        reserve = 4096;
    return limit.rlim_cur > reserve + 1 ? (uint32_t)(limit.rlim_cur - reserve) : 1;
}

/* Judging */

enum progress { SHAKING, SILENT, ENTERED };

/* SILENT: it is their turn, and they have not said anything for a while. Whoever waits for us is not: when
 * thousands come back at once, their handshakes take us seconds, and cutting them would only make them
 * begin anew, for ever. */
static enum progress progress_of(int fd)
{
    struct tcp_info info = {.tcpi_bytes_acked = 0};
    socklen_t len = sizeof(info);
    int unread = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return SILENT;
    if (info.tcpi_bytes_acked > BYTES_BEFORE_READY)
        return ENTERED;
    if (ioctl(fd, FIONREAD, &unread) == 0 && unread == 0 &&
        info.tcpi_last_data_recv >= SILENT_MIN_MS)
        return SILENT;
    return SHAKING;
}

/* One line a second at most: strangers decide how often this happens. */
static void tell(struct doorman *self, const char *what)
{
    const uint64_t now_ms = clock_mono_ms();
    const struct doorman_stats *stats = &self->stats;

    if (self->told_ms != 0 && now_ms < self->told_ms + 1000)
        return;
    self->told_ms = now_ms;
    log_warn("doorman.cut",
             "reason=%s connections=%" PRIu32 " cut_full=%" PRIu64 " cut_address=%" PRIu64
             " cut_pending=%" PRIu64 " hung_up=%" PRIu64,
             what, callers_count(self->callers), stats->cut_full, stats->cut_address,
             stats->cut_pending, spare_count());
}

static void cut(struct doorman *self, int fd, uint64_t *counter, const char *why)
{
    (void)pthread_mutex_lock(&self->mutex);
    ++*counter; /* first: whoever sees the end finds it counted */
    (void)pthread_mutex_unlock(&self->mutex);
    (void)cut_off(fd, callers_id(self->callers, fd));
    callers_tell_to_go(self->callers, fd);
    tell(self, why);
}

/* Whose turn it is to go, of the half-open: the oldest, when it is silent. Those who turn out to be inside
 * leave the list, so each is looked at once. -1: nobody's. */
static int oldest_silent(struct doorman *self, int of_fd)
{
    for (;;) {
        const int fd = of_fd < 0 ? callers_oldest_pending(self->callers)
                                 : callers_oldest_pending_of(self->callers, of_fd);
        const enum progress progress = fd < 0 ? SHAKING : progress_of(fd);

        if (progress == ENTERED)
            callers_enter(self->callers, fd);
        else
            return progress == SILENT ? fd : -1;
    }
}

static void keep_limits(struct doorman *self, int fd)
{
    struct doorman_stats *stats = &self->stats;
    const struct doorman_limits *limits = &self->limits;
    const uint32_t pending_max = limits->pending_per_address;
    int oldest;

    if (callers_count_of(self->callers, fd) > limits->per_address) {
        cut(self, fd, &stats->cut_address, "connections-per-address");
        return;
    }
    while (pending_max > 0 && callers_pending_of(self->callers, fd) > pending_max &&
           (oldest = oldest_silent(self, fd)) >= 0 &&
           callers_pending_of(self->callers, fd) > pending_max)
        cut(self, oldest, &stats->cut_pending, "handshakes-pending-max");
    if (callers_staying(self->callers) > limits->connections_max) {
        oldest = oldest_silent(self, -1);
        cut(self, oldest >= 0 ? oldest : fd, &stats->cut_full, "connections-max");
    }
}

static void on_accepted(struct doorman *self, const struct door *door, int fd)
{
    struct sockaddr_storage remote = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(remote);
    struct caller caller = {.fd = fd, .door = door->number, .id = cut_id(fd)};
    bool is_known;

    if (caller.id == 0)
        return; /* gone */
    if (getpeername(fd, (struct sockaddr *)&remote, &len) != 0)
        return; /* on its way out: its end is all that follows */
    caller.address = peer_address_of((const struct sockaddr *)&remote);
    is_known = callers_come(self->callers, &caller);
    (void)pthread_mutex_lock(&self->mutex);
    self->stats.accepted++;
    if (callers_count(self->callers) > self->stats.peak)
        self->stats.peak = callers_count(self->callers);
    (void)pthread_mutex_unlock(&self->mutex);
    if (!is_known)
        (void)cut_off(fd, caller.id); /* beyond the limit of descriptors at our start */
    else if (remote.ss_family != AF_INET && remote.ss_family != AF_INET6)
        callers_enter(self->callers, fd);
    if (is_known)
        keep_limits(self, fd);
}

/* Descriptors are short, whatever the limits say: somebody who is not inside has to make room. */
static void on_accept_failed(struct doorman *self)
{
    const int oldest = oldest_silent(self, -1);

    if (oldest >= 0)
        cut(self, oldest, &self->stats.cut_full, "no-descriptor");
    else
        tell(self, "no-descriptor");
}

/* Events */

static void close_door(struct doorman *self, struct door *door)
{
    callers_leave_all(self->callers, door->number);
    (void)zmq_close(door->monitor);
    *door = (struct door){.number = 0};
}

static void update_stats(struct doorman *self)
{
    struct doorman_stats *stats = &self->stats;

    (void)pthread_mutex_lock(&self->mutex);
    stats->connections = callers_count(self->callers);
    stats->addresses = callers_address_count(self->callers);
    (void)pthread_mutex_unlock(&self->mutex);
}

/* 16 bits of event, 32 of value; our own address follows in a frame of its own. */
static bool next_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value)
{
    unsigned char event[sizeof(*ret_event) + sizeof(*ret_value)];
    char address[1];

    if (zmq_recv(monitor, event, sizeof(event), ZMQ_DONTWAIT) != sizeof(event) ||
        zmq_recv(monitor, address, sizeof(address), ZMQ_DONTWAIT) < 0)
        return false;
    memcpy(ret_event, event, sizeof(*ret_event));
    memcpy(ret_value, event + sizeof(*ret_event), sizeof(*ret_value));
    return true;
}

static void read_door(struct doorman *self, struct door *door)
{
    uint16_t event;
    uint32_t value;

    while (door->monitor != NULL && next_event(door->monitor, &event, &value)) {
        if (event == ZMQ_EVENT_ACCEPTED)
            on_accepted(self, door, (int)value);
        else if (event == ZMQ_EVENT_DISCONNECTED)
            callers_leave(self->callers, (int)value, door->number);
        else if (event == ZMQ_EVENT_ACCEPT_FAILED && (value == ECONNABORTED || value == EMFILE))
            on_accept_failed(self);
        else if (event == ZMQ_EVENT_MONITOR_STOPPED)
            close_door(self, door);
    }
    update_stats(self);
}

/* There is always a place: a monitor that nobody reads would fill up, and stop the socket's I/O thread. */
static struct door *free_place(struct doorman *self)
{
    for (size_t i = 0; i < self->door_count; i++) {
        if (self->doors[i].monitor == NULL)
            return &self->doors[i];
    }
    self->door_count++;
    self->doors = x_realloc(self->doors, self->door_count, sizeof(*self->doors));
    self->items = x_realloc(self->items, 1 + self->door_count, sizeof(*self->items));
    return &self->doors[self->door_count - 1];
}

static void watch_door(struct doorman *self, const struct door *door)
{
    *free_place(self) = *door;
    handover_take(door->monitor);
}

/* All that were given. False: stop. */
static bool take_orders(struct doorman *self)
{
    struct order order;

    for (;;) {
        const int len = zmq_recv(self->commands, &order, sizeof(order), ZMQ_DONTWAIT);

        if (len < 0)
            return true;
        if (len != (int)sizeof(order))
            return false;
        if (order.kind == ORDER_LIMITS)
            self->limits = order.limits;
        else
            watch_door(self, &order.door);
    }
}

/* Which doors have something to tell: self->items[1 + i] is of self->doors[i]. False: the context is gone. */
static bool wait_for_events(struct doorman *self, long wait_ms)
{
    self->items[0] = (zmq_pollitem_t){.socket = self->commands, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < self->door_count; i++) {
        void *monitor = self->doors[i].monitor; /* none: the descriptor -1 is nothing to wait for */

        self->items[1 + i] = (zmq_pollitem_t){.socket = monitor, .fd = -1, .events = ZMQ_POLLIN};
    }
    /* Signals are blocked here; should one come through, it stops nothing. */
    return zmq_poll(self->items, (int)(1 + self->door_count), wait_ms) >= 0 || errno == EINTR;
}

static void *serve(void *context)
{
    struct doorman *self = context;
    struct heap heap = {0};
    long wait_ms = -1;
    bool is_stopping = false;

    while (!is_stopping && wait_for_events(self, wait_ms)) {
        const size_t count = self->door_count;

        /* First, whether or not the poll has seen it: who comes after an order is judged by it. */
        is_stopping = !take_orders(self);
        for (size_t i = 0; i < count; i++) {
            if (self->items[1 + i].revents & ZMQ_POLLIN)
                read_door(self, &self->doors[i]);
        }
        wait_ms = heap_tend(&heap, self->stats.accepted,
                            self->stats.accepted - self->stats.connections, clock_mono_ms());
    }
    for (size_t i = 0; i < self->door_count; i++) {
        if (self->doors[i].monitor != NULL)
            close_door(self, &self->doors[i]);
    }
    return NULL;
}

/* Life */

static void destroy(struct doorman *self)
{
    if (self->commands != NULL)
        (void)zmq_close(self->commands);
    if (self->control != NULL)
        (void)zmq_close(self->control);
    callers_destroy(&self->callers);
    free(self->doors);
    free(self->items);
    spare_close();
    (void)pthread_mutex_destroy(&self->mutex);
    free(self);
}

static uint32_t fds_max(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FDS_MAX
               ? (uint32_t)limit.rlim_cur
               : FDS_MAX;
}

enum rc doorman_start(void *zmq_context, const struct doorman_limits *limits, struct doorman **ret)
{
    struct doorman *self = x_alloc(1, sizeof(*self));
    char pair[64];
    int failure;

    self->items = x_alloc(1, sizeof(*self->items));
    (void)pthread_mutex_init(&self->mutex, NULL);
    snprintf(pair, sizeof(pair), "inproc://doorman-%p", (void *)self);
    self->zmq_context = zmq_context;
    self->limits = *limits;
    errno = ENOMEM;
    self->callers = callers_new(fds_max());
    if (self->callers == NULL || spare_open() != 0)
        goto failed;
    self->control = zmq_socket(zmq_context, ZMQ_PAIR);
    self->commands = zmq_socket(zmq_context, ZMQ_PAIR);
    if (self->control == NULL || self->commands == NULL || zmq_bind(self->control, pair) != 0 ||
        zmq_connect(self->commands, pair) != 0)
        goto failed;
    failure = pthread_create(&self->thread, NULL, serve, self);
    if (failure != 0) {
        errno = failure;
        goto failed;
    }
    *ret = self;
    return RC_OK;
failed:
    failure = errno;
    destroy(self);
    errno = failure;
    return RC_SYSTEM;
}

/* False: errno says why, and the order is not given. */
static bool give_order(struct doorman *self, const void *order, size_t size)
{
    int len;

    do
        len = zmq_send(self->control, order, size, 0);
    while (len < 0 && errno == EINTR);
    return len == (int)size;
}

void doorman_set_limits(struct doorman *self, const struct doorman_limits *limits)
{
    const struct order order = {.kind = ORDER_LIMITS, .limits = *limits};

    if (!give_order(self, &order, sizeof(order)))
        log_error("doorman.limits", "they stay as they were: %s", strerror(errno));
}

enum rc doorman_watch(struct doorman *self, void *socket)
{
    const int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_MONITOR_STOPPED;
    /* A full queue would hold an I/O thread, and with it everybody. */
    const int no_limit = 0, linger_ms = 0;
    struct order order = {.kind = ORDER_WATCH};
    char address[64];
    int failure;

    memset(&order.door, 0, sizeof(order.door));
    order.door.number = ++self->watched;
    order.door.socket = socket;
    snprintf(address, sizeof(address), "inproc://doorman-%p-%" PRIu32, (void *)self,
             order.door.number);
    order.door.monitor = zmq_socket(self->zmq_context, ZMQ_PAIR);
    if (order.door.monitor != NULL &&
        zmq_setsockopt(order.door.monitor, ZMQ_RCVHWM, &no_limit, sizeof(no_limit)) == 0 &&
        zmq_setsockopt(order.door.monitor, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) == 0 &&
        zmq_socket_monitor(socket, address, events) == 0 &&
        zmq_connect(order.door.monitor, address) == 0) {
        handover_give(order.door.monitor);
        if (give_order(self, &order, sizeof(order)))
            return RC_OK;
    }
    failure = errno;
    if (order.door.monitor != NULL)
        (void)zmq_close(order.door.monitor);
    (void)zmq_socket_monitor(socket, NULL, 0);
    errno = failure;
    return RC_SYSTEM;
}

void doorman_leave(struct doorman *self, void *socket)
{
    (void)self;
    (void)zmq_socket_monitor(socket, NULL, 0); /* says MONITOR_STOPPED behind all others */
}

void doorman_stop(struct doorman **self_p)
{
    struct doorman *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    (void)give_order(self, "", 0); /* nothing in it, so libzmq needs no memory for it */
    (void)pthread_join(self->thread, NULL);
    log_info("doorman.served",
             "accepted=%" PRIu64 " peak=%" PRIu32 " cut_full=%" PRIu64 " cut_address=%" PRIu64
             " cut_pending=%" PRIu64 " hung_up=%" PRIu64,
             self->stats.accepted, self->stats.peak, self->stats.cut_full, self->stats.cut_address,
             self->stats.cut_pending, spare_count());
    destroy(self);
}

void doorman_get_stats(struct doorman *self, struct doorman_stats *ret)
{
    (void)pthread_mutex_lock(&self->mutex);
    *ret = self->stats;
    (void)pthread_mutex_unlock(&self->mutex);
    ret->hung_up = spare_count();
}
