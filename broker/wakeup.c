#include "broker/wakeup.h"

#include <poll.h>
#include <time.h>
#include <zmq.h>

#define RESTS_MAX 16

/* In `descriptor`, and of what is looked at. */
enum { STORED, READ, BACKUP, WATCH, SIGNAL, DESCRIPTORS };

static const unsigned looks[DESCRIPTORS] = {
    [STORED] = LOOK_STORED, [READ] = LOOK_READ,     [BACKUP] = LOOK_BACKUP,
    [WATCH] = LOOK_WATCH,   [SIGNAL] = LOOK_SIGNAL,
};

/* -1, which poll() passes over: there is none. What is not polled is found when everything is looked at. */
static int descriptor_of(void *socket)
{
    int fd = -1;
    size_t size = sizeof(fd);

    if (socket == NULL || zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        return -1;
    return fd;
}

struct wakeup wakeup_over(const struct hub_parts *parts)
{
    return (struct wakeup){.parts = parts,
                           .descriptor = {
                               [STORED] = descriptor_of(writer_socket(parts->writer)),
                               [READ] = descriptor_of(readers_socket(parts->readers)),
                               [BACKUP] = descriptor_of(backup_socket(parts->backup)),
                               [WATCH] = descriptor_of(parts->watch),
                               [SIGNAL] = parts->signal_fd,
                           }};
}

unsigned wakeup_wait(struct wakeup *self, long ms, bool is_stopping)
{
    const struct hub_parts *parts = self->parts;
    zmq_pollitem_t items[] = {
        {.socket = writer_socket(parts->writer), .events = ZMQ_POLLIN},
        {.fd = parts->signal_fd, .events = ZMQ_POLLIN},
        /* from here on not when stopping */
        {.socket = front_commands(parts->front), .events = ZMQ_POLLIN},
        {.socket = front_broadcasts(parts->front), .events = ZMQ_POLLIN},
        {.socket = readers_socket(parts->readers), .events = ZMQ_POLLIN},
        {.socket = backup_socket(parts->backup), .events = ZMQ_POLLIN},
        {.socket = parts->watch, .events = ZMQ_POLLIN},
    };
    const int count = (int)(sizeof(items) / sizeof(items[0]));

    (void)zmq_poll(items, is_stopping ? 2 : parts->watch == NULL ? count - 1 : count, ms);
    self->rests = 0;
    return LOOK_ALL;
}

unsigned wakeup_rest(struct wakeup *self, uint64_t us)
{
    const struct timespec time = {.tv_nsec = (long)us * 1000};
    struct pollfd urgent[] = {{.fd = self->descriptor[STORED], .events = POLLIN},
                              {.fd = self->descriptor[SIGNAL], .events = POLLIN}};
    struct pollfd items[DESCRIPTORS];
    unsigned look = LOOK_COMMANDS;

    (void)ppoll(urgent, sizeof(urgent) / sizeof(urgent[0]), &time, NULL);
    if (++self->rests >= RESTS_MAX) {
        self->rests = 0;
        return LOOK_ALL;
    }
    for (size_t i = 0; i < DESCRIPTORS; i++)
        items[i] = (struct pollfd){.fd = self->descriptor[i], .events = POLLIN};
    if (poll(items, DESCRIPTORS, 0) < 0)
        return LOOK_ALL;
    for (size_t i = 0; i < DESCRIPTORS; i++)
        look |= items[i].revents != 0 ? looks[i] : 0;
    return look;
}
