#include "broker/net/sockopt.h"

#include <zmq.h>

bool sockopt_set_ints(void *socket, const struct int_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)) != 0)
            return false;
    }
    return true;
}
