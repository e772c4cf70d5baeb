/* ending.h - the end of a ZeroMQ context, without waiting for what nobody needs any more. */
#ifndef BROKER_NET_ENDING_H
#define BROKER_NET_ENDING_H

#include <stdbool.h>
#include <stdint.h>

/* End the context, whose sockets are closed, and wait at most `wait_ms`: bytes that linger leave meanwhile. libzmq goes through
 * all subscriptions for each subscriber of a PUB that is closed, which takes a minute for thousands of them. False: it is not
 * done; leave the process by _exit(), since threads of libzmq still run. */
bool context_end(void *zmq_context, uint32_t wait_ms);

#endif
