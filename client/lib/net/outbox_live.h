/* outbox_live.h - which posts of an outbox file have no answer, and where they stand in it. */
#ifndef CLIENT_LIB_NET_OUTBOX_LIVE_H
#define CLIENT_LIB_NET_OUTBOX_LIVE_H

#include <stddef.h>
#include <stdint.h>

struct live_post {
    uint32_t number;
    size_t offset, size; /* of its record */
};

/* All zero is empty. */
struct outbox_live {
    struct live_post *item; /* by number */
    size_t count, capacity;
    size_t bytes; /* of all their records */
};

void outbox_live_fini(struct outbox_live *self);

/* Numbers are added in order. */
void outbox_live_add(struct outbox_live *self, uint32_t number, size_t offset, size_t size);
/* NULL: not here. */
const struct live_post *outbox_live_find(const struct outbox_live *self, uint32_t number);
void outbox_live_remove(struct outbox_live *self, const struct live_post *post);

#endif
