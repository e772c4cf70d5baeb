#include "broker/net/ending.h"

#include <pthread.h>
#include <time.h>
#include <zmq.h>

static void *end(void *zmq_context)
{
    (void)zmq_ctx_term(zmq_context);
    return NULL;
}

bool context_end(void *zmq_context, uint32_t wait_ms)
{
    struct timespec until;
    pthread_t thread;

    if (clock_gettime(CLOCK_MONOTONIC, &until) != 0 ||
        pthread_create(&thread, NULL, end, zmq_context) != 0) {
        (void)zmq_ctx_term(zmq_context);
        return true;
    }
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}
