/* listeners.h - the descriptors on which a socket listens, which libzmq tells to a monitor only. */
#ifndef BROKER_NET_LISTENERS_H
#define BROKER_NET_LISTENERS_H

#include <stdbool.h>

/* A monitor of the socket, to be opened before it is bound; NULL with errno. */
void *listeners_watch(void *zmq_context, void *socket);

/* Call use(descriptor) for everything that was bound since, and close the monitor. NULL: nothing. */
void listeners_tell(void *socket, void **monitor_p, void (*use)(int fd));

#endif
