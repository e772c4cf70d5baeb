/* zap_queue.h - handshakes that wait for their key's next turn.
 *
 * A heap by time, bounded; those of one turn come out in any order. Pure: no socket, no clock. One thread. */
#ifndef BROKER_NET_ZAP_QUEUE_H
#define BROKER_NET_ZAP_QUEUE_H

#include "broker/net/zap_request.h"

#include <stdint.h>

#define ZAP_QUEUE_MAX   1024 /* beyond, whoever comes too soon is refused */
#define ZAP_FRAME_BYTES 255  /* more of a frame is not looked at, and makes it malformed */

/* Who gets the answer. */
struct zap_asker {
    unsigned char route_len;
    unsigned char id_len;
    char route[ZAP_FRAME_BYTES]; /* the ROUTER's name for them */
    char id[ZAP_FRAME_BYTES];    /* the request's, to be given back */
};

struct zap_waiting {
    uint64_t due_ms;
    struct zap_asker asker;
    enum door door;
    unsigned char key[PUBLIC_KEY_BYTES];
};

/* All zero at first. */
struct zap_queue {
    struct zap_waiting *waiting;
    size_t count;
    size_t capacity;
};

void zap_queue_clear(struct zap_queue *self);

/* Put a copy; false: full. */
bool zap_queue_put(struct zap_queue *self, const struct zap_waiting *waiting) MUST_CHECK;

/* In how many milliseconds the next one is due; -1: nobody waits. */
long zap_queue_wait_ms(const struct zap_queue *self, uint64_t now_ms);

/* Take the next one that is due by now; false: none. */
bool zap_queue_take(struct zap_queue *self, uint64_t now_ms, struct zap_waiting *ret) MUST_CHECK;

#endif
