/* wakeup.h - how the hub sleeps, and what it has to look at when it wakes.
 *
 * To find a socket of libzmq empty costs two questions to the system, and zmq_poll() asks all sockets before it sleeps
 * and again afterwards: thirty questions for one message. So the hub sleeps on the sockets' descriptors (ZMQ_FD) and
 * looks only where one is readable. A descriptor says that something came since its socket was asked last; what was
 * left unread then, and what came while we sent (sending takes the sign), it does not say. Whoever did either names that
 * socket `unsure`, and it is asked once more before the sleep; the writer says so of its own (writer_is_unsure()). */
#ifndef BROKER_WAKEUP_H
#define BROKER_WAKEUP_H

#include "broker/hub.h"

/* A set: what to look at. */
enum look {
    LOOK_COMMANDS = 1,
    LOOK_STORED = 2,
    LOOK_READ = 4,
    LOOK_BACKUP = 8,
    LOOK_WATCH = 16,
    LOOK_SIGNAL = 32,
    LOOK_HINTS = 64,
    LOOK_ALL = 127,
};

/* Sleep until something comes, `ms` at most (-1: for ever), or a signal interrupts. When `is_stopping`, only what is
 * stored and signals count. Returns what to look at. */
unsigned wakeup_wait(const struct hub_parts *parts, unsigned unsure, long ms, bool is_stopping);

/* Sleep until a commit is there, or a signal, `us` (under a second) at most; then likewise. */
unsigned wakeup_rest(const struct hub_parts *parts, unsigned unsure, uint64_t us);

#endif
