/* ids.h - one type for each kind of number, so that the compiler keeps a room
 * from being taken for a person. Zero is never a valid id. */
#ifndef SHARED_BASE_IDS_H
#define SHARED_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

/* A connection, as the socket knows it; never reused while the broker runs. */
typedef struct peer_id {
    uint32_t v;
} peer_id;

/* A stream: a room (`#lobby`) or a person (`@alice`). Given by the store, kept
 * for ever. A person's account and a person's stream are the same number. */
typedef struct stream_id {
    uint32_t v;
} stream_id;

/* One run of one client: random, chosen by the client (protocol 5.1). */
typedef struct session_id {
    uint64_t v;
} session_id;

/* A row of the core's table of work that waits for the store. */
typedef struct ticket_id {
    uint32_t v;
} ticket_id;

static inline bool stream_is_none(stream_id id)
{
    return id.v == 0;
}

static inline bool stream_equal(stream_id a, stream_id b)
{
    return a.v == b.v;
}

#endif
