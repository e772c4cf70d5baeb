#include "broker/store/pair.h"

#include <stddef.h>
#include <zmq.h>

void *pair_open(void *zmq_context, const char *endpoint, bool is_bound)
{
    const int none = 0;
    void *socket = zmq_socket(zmq_context, ZMQ_PAIR);

    if (socket == NULL)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0 ||
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) != 0 ||
        (is_bound ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) != 0) {
        zmq_close(socket);
        return NULL;
    }
    return socket;
}
