/* pair.h - one end of a pair between two threads: messages change hands, and nobody ever waits. */
#ifndef BROKER_STORE_PAIR_H
#define BROKER_STORE_PAIR_H

#include <stdbool.h>

/* A raw ZeroMQ socket of no limit; who asks bounds what is in it. `endpoint` is inproc://..., bound first. NULL: errno
 * says why. */
void *pair_open(void *zmq_context, const char *endpoint, bool is_bound);

#endif
