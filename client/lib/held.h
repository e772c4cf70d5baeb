/* held.h - events of one stream that came before their turn, in order of seq. */
#ifndef CLIENT_LIB_HELD_H
#define CLIENT_LIB_HELD_H

#include "client/lib/tells.h"

struct held {
    struct tell **item; /* item[start .. start + count) */
    size_t start, count, capacity;
};

void held_fini(struct held *self);

/* Takes the tell of an event. One that is there already is dropped; with `max` held, the farthest is. False:
 * this one was dropped. */
bool held_put(struct held *self, size_t max, struct tell **tell_p);

/* True when putting `seq` would keep it. */
bool held_wants(const struct held *self, size_t max, uint64_t seq);

uint64_t held_first_seq(const struct held *self); /* 0: none */
struct tell *held_take_first(struct held *self);  /* NULL: none; the caller's */
void held_drop_below(struct held *self, uint64_t seq);

#endif
