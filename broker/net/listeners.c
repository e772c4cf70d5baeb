#include "broker/net/listeners.h"

#include <errno.h>
#include <stdint.h>
#include <zmq.h>

#define EVENT_BYTES 6 /* 16 bits of event, 32 of value; the address follows in a frame of its own */

void *listeners_watch(void *zmq_context, void *socket)
{
    char address[64];
    void *monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    const int no_wait = 0;
    int failure;

    snprintf(address, sizeof(address), "inproc://listeners-%p", socket);
    if (monitor != NULL && zmq_setsockopt(monitor, ZMQ_LINGER, &no_wait, sizeof(no_wait)) == 0 &&
        zmq_socket_monitor(socket, address, ZMQ_EVENT_LISTENING) == 0 &&
        zmq_connect(monitor, address) == 0)
        return monitor;
    failure = errno;
    listeners_tell(socket, &monitor, NULL);
    errno = failure;
    return NULL;
}

static void tell_all(void *monitor, void (*use)(int fd))
{
    unsigned char event[EVENT_BYTES], address[1];
    uint32_t value;

    while (zmq_recv(monitor, event, sizeof(event), ZMQ_DONTWAIT) == EVENT_BYTES &&
           zmq_recv(monitor, address, sizeof(address), ZMQ_DONTWAIT) >= 0) {
        memcpy(&value, event + sizeof(uint16_t), sizeof(value));
        use((int)value);
    }
}

void listeners_tell(void *socket, void **monitor_p, void (*use)(int fd))
{
    if (*monitor_p == NULL)
        return;
    if (use != NULL)
        tell_all(*monitor_p, use);
    (void)zmq_socket_monitor(socket, NULL, 0);
    (void)zmq_close(*monitor_p);
    *monitor_p = NULL;
}
