/* core_look.h - rooms and sessions as the owner's page shows them; nothing changes by looking. */
#ifndef BROKER_CORE_CORE_LOOK_H
#define BROKER_CORE_CORE_LOOK_H

#include "broker/core/core.h"

/* Spans borrow until the next step. */
struct room_look {
    struct span name; /* with its sigil */
    struct span topic;
    uint64_t head;
    uint32_t people;
    bool is_private;
    bool is_persistent;
};

struct session_look {
    struct span nick;
    session_id session;
    const unsigned char *key; /* PUBLIC_KEY_BYTES; NULL with --insecure */
    uint64_t since_ms;        /* wall clock */
    uint64_t silent_ms;       /* since it was heard */
    uint64_t unconfirmed;     /* events of its person */
    uint32_t in_flight;       /* its posts in the store's hands */
    bool is_inbox;
    bool is_away;
};

/* The one after `row` (0: the first); 0 at the end. `now_ms` is monotonic. */
uint32_t core_next_room(const struct core *self, uint32_t row, struct room_look *ret);
uint32_t core_next_session(const struct core *self, uint32_t row, uint64_t now_ms,
                           struct session_look *ret);

#endif
