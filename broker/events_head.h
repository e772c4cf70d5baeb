/* events_head.h - what stands in front of a page of old events: EVENTS (protocol 7.2). */
#ifndef BROKER_EVENTS_HEAD_H
#define BROKER_EVENTS_HEAD_H

#include "shared/proto/message.h"

struct events_head {
    struct span name; /* of the stream */
    bool has_ref;
    uint64_t ref;
    uint64_t first, last; /* the page's; 0: it is empty */
    uint64_t head;        /* the stream's */
    bool is_last;         /* nothing more comes for this question */
};

/* Borrows the name. */
struct message events_head_message(const struct events_head *self);

#endif
