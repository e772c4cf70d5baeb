/* sockopt.h - options of a libzmq socket that are ints, a table at a time. */
#ifndef BROKER_NET_SOCKOPT_H
#define BROKER_NET_SOCKOPT_H

#include <stdbool.h>
#include <stddef.h>

struct int_option {
    int option; /* ZMQ_... */
    int value;
};

/* False: one was refused, errno says why; those behind it are as they were. */
bool sockopt_set_ints(void *socket, const struct int_option *options, size_t count);

#endif
