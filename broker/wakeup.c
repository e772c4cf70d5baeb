#include "broker/wakeup.h"

#include <limits.h>
#include <poll.h>
#include <time.h>
#include <zmq.h>

/* What is waited for, in this order; when stopping, the first two alone. */
enum { STORED, SIGNAL, COMMANDS, BROADCASTS, READ, BACKUP, WATCH, HINTS, DESCRIPTORS };

/* Of the broadcasts nothing is read: libzmq itself takes what subscribers say. */
static const unsigned looks[DESCRIPTORS] = {
    [STORED] = LOOK_STORED, [SIGNAL] = LOOK_SIGNAL, [COMMANDS] = LOOK_COMMANDS,
    [BROADCASTS] = 0,       [READ] = LOOK_READ,     [BACKUP] = LOOK_BACKUP,
    [WATCH] = LOOK_WATCH,   [HINTS] = LOOK_HINTS,
};

static void *socket_of(const struct hub_parts *parts, int at)
{
    switch (at) {
    case STORED:
        return writer_socket(parts->writer);
    case COMMANDS:
        return front_commands(parts->front);
    case BROADCASTS:
        return front_broadcasts(parts->front); /* another one after front_cut() */
    case READ:
        return readers_socket(parts->readers);
    case BACKUP:
        return backup_socket(parts->backup);
    case WATCH:
        return parts->watch;
    case HINTS:
        return cluster_socket(parts->cluster);
    default:
        return NULL;
    }
}

/* -1, which poll() passes over: there is none. */
static struct pollfd item_of(const struct hub_parts *parts, int at)
{
    struct pollfd item = {.fd = -1, .events = POLLIN};
    size_t size = sizeof(item.fd);
    void *socket = socket_of(parts, at);

    if (at == SIGNAL)
        item.fd = parts->signal_fd;
    else if (socket != NULL && zmq_getsockopt(socket, ZMQ_FD, &item.fd, &size) != 0)
        item.fd = -1;
    return item;
}

/* Ask it, which also makes its descriptor tell of what comes from now on. */
static bool has_message(void *socket)
{
    int events = 0;
    size_t size = sizeof(events);

    return socket != NULL && zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN) != 0;
}

static unsigned ask(const struct hub_parts *parts, unsigned unsure, int count)
{
    unsigned look = 0;

    for (int i = 0; i < count; i++) {
        if ((unsure & looks[i]) != 0 && has_message(socket_of(parts, i)))
            look |= looks[i];
    }
    return look;
}

static unsigned sleep_on(const struct hub_parts *parts, int count, int ms)
{
    struct pollfd items[DESCRIPTORS];
    unsigned look = 0;

    for (int i = 0; i < count; i++)
        items[i] = item_of(parts, i);
    if (poll(items, (nfds_t)count, ms) < 0)
        return LOOK_ALL;
    for (int i = 0; i < count; i++) {
        if (items[i].revents == 0)
            continue;
        look |= looks[i];
        if (i == BROADCASTS)
            (void)has_message(socket_of(parts, i));
    }
    return look;
}

/* With what the parts know themselves: more than one of the hub's parts sends to the writer. */
static unsigned all_unsure(const struct hub_parts *parts, unsigned unsure)
{
    return unsure | (writer_is_unsure(parts->writer) ? LOOK_STORED : 0);
}

unsigned wakeup_wait(const struct hub_parts *parts, unsigned unsure, long ms, bool is_stopping)
{
    const int count = is_stopping ? COMMANDS : DESCRIPTORS;
    const unsigned look = ask(parts, all_unsure(parts, unsure), count);

    return look | sleep_on(parts, count, look != 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms);
}

unsigned wakeup_rest(const struct hub_parts *parts, unsigned unsure, uint64_t us)
{
    const struct timespec time = {.tv_nsec = (long)us * 1000};
    struct pollfd urgent[] = {item_of(parts, STORED), item_of(parts, SIGNAL)};

    unsure = all_unsure(parts, unsure);
    if ((unsure & LOOK_STORED) == 0 || !has_message(socket_of(parts, STORED)))
        (void)ppoll(urgent, sizeof(urgent) / sizeof(urgent[0]), &time, NULL);
    return unsure | sleep_on(parts, DESCRIPTORS, 0);
}
