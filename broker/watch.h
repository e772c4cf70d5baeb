/* watch.h - the thread that watches the broker: alarms for the log, and the metrics page.
 *
 * It asks the hub for copies of its figures every two seconds, and when somebody asks it. What the system says it finds out
 * itself. A hub that does not answer is an alarm, not a wait: the page goes on with what it knew. */
#ifndef BROKER_WATCH_H
#define BROKER_WATCH_H

#include "broker/ops/bearer.h"
#include "broker/ops/host.h"
#include "broker/watch_link.h"

struct watch_options {
    struct host *host; /* the watch's from now on, until it is stopped */
    int listener;      /* of the metrics page, taken over; -1: there is none */
    bool is_loopback;
    const char *name;            /* metrics-host */
    const struct bearer *bearer; /* outlives it */
    struct watch_limits limits;
};

struct watch;

/* RC_SYSTEM: errno. The listener is closed then. */
enum rc watch_start(void *zmq_context, const struct watch_options *options,
                    struct watch **ret) MUST_CHECK;
void watch_stop(struct watch **self_p);

/* The hub's end, for watch_answer(). */
void *watch_socket(struct watch *self);

/* Other limits, by the hub's thread. */
void watch_set_limits(struct watch *self, const struct watch_limits *limits);

#endif
