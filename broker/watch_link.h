/* watch_link.h - what hub and watch say to each other: questions one way, copies of figures and rows the other.
 *
 * Whole messages over an inproc pair. The hub answers between two turns and never waits. */
#ifndef BROKER_WATCH_LINK_H
#define BROKER_WATCH_LINK_H

#include "broker/core/core_look.h"
#include "broker/hub.h"
#include "broker/ops/figures.h"
#include "broker/ops/host.h"
#include "broker/tally.h"

#define WATCH_ROWS_MAX 4096 /* of a table; what more there is, is only counted */

enum watch_kind { WATCH_STOP, WATCH_LIMITS, WATCH_FIGURES, WATCH_ROOMS, WATCH_SESSIONS };

/* To the hub: what is wanted, and what the system said, for STATS. */
struct watch_ask {
    enum watch_kind kind;
    struct host_figures host;
};

struct watch_limits {
    uint64_t free_bytes_min, size_bytes_max;
};

struct room_row {
    uint64_t head;
    uint32_t people;
    bool is_private, is_persistent;
    uint16_t name_len, topic_len;
    char name[STREAM_BYTES_MAX];
    char topic[SUBJECT_BYTES_MAX];
};

struct session_row {
    uint64_t session, since_ms, silent_ms, unconfirmed;
    uint32_t in_flight;
    bool is_inbox, is_away, has_key;
    unsigned char key[PUBLIC_KEY_BYTES];
    uint16_t nick_len;
    char nick[NAME_BYTES_MAX];
};

/* In front of what the hub says: one struct watch_limits or struct figures, or `count` rows. */
struct watch_head {
    enum watch_kind kind;
    uint32_t count;
    uint64_t total; /* rows there are */
};

/* The hub's side: answer what was asked. */
void watch_answer(void *socket, struct tally *tally, const struct hub_parts *parts,
                  uint64_t now_ms);

/* A head and what follows it, of any kind. Does not wait. */
void watch_tell(void *socket, const struct watch_head *head, const void *body, size_t len);

#endif
