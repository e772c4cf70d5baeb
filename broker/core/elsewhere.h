/* elsewhere.h - which brokers serve this chat, and who is at the others: as their leases, and what they wrote beside them, say.
 *
 * Tables of a fixed size; where there is no other broker they have no rows. A session may be told by two brokers while it moves
 * from one to the other; it is counted once: where it was told last, and not at all while it is alive here. */
#ifndef BROKER_CORE_ELSEWHERE_H
#define BROKER_CORE_ELSEWHERE_H

#include "broker/core/core_brokers.h"
#include "broker/core/table.h"

struct far_session {
    uint64_t id;      /* 0: none */
    uint64_t telling; /* what is told later has a greater number */
    uint64_t since_ms;
    uint32_t person; /* row of struct streams */
    uint32_t device; /* row of struct devices; 0 with --insecure */
    bool is_away;
    bool is_silent;
    bool is_counted;
};

/* Of one person. */
struct far_person {
    uint32_t devices; /* sessions */
    uint32_t away;
    uint32_t silent;
};

struct elsewhere {
    struct core_broker broker[CORE_BROKERS_MAX]; /* this one too */
    uint32_t broker_count;
    uint64_t slot[CORE_OTHERS_MAX]; /* whose sessions stand there: an id, 0: nobody's */
    uint32_t slot_rows;             /* of each slot */
    uint32_t rows_max;              /* of all; 0: there is no other broker */
    uint32_t count;                 /* sessions that are counted: of each id one row at most */
    uint64_t tellings;
    struct far_session *row;   /* 1..rows_max */
    struct far_person *person; /* indexed by stream row */
    struct table by_id;        /* several brokers may tell of one id, while it moves */
};

/* `sessions_max` of one broker; 0: alone. */
bool elsewhere_init(struct elsewhere *self, uint32_t sessions_max, uint32_t streams_max,
                    const unsigned char key[16]);
void elsewhere_fini(struct elsewhere *self);

/* Whose sessions are kept: those who are no more, as `broker` now says, lose theirs. */
void elsewhere_forget(struct elsewhere *self);
/* Where that broker's sessions stand, less one: its first row is 1 more. False: it is nobody who lives elsewhere. */
bool elsewhere_rows_of(struct elsewhere *self, uint64_t broker, uint32_t *ret_before);
/* What stands in that row from now on; `is_here`: it is alive at this broker. */
void elsewhere_set(struct elsewhere *self, uint32_t row, const struct far_session *session,
                   bool is_here);

/* A session is alive here from now on, or no more. */
void elsewhere_hide(struct elsewhere *self, session_id id);
void elsewhere_show(struct elsewhere *self, session_id id);
/* Is that session counted among that person's elsewhere? */
bool elsewhere_has(const struct elsewhere *self, uint32_t person, session_id id);

/* Zeros where there is no other broker. */
struct far_person elsewhere_person(const struct elsewhere *self, uint32_t person);
/* The broker where that row's session is. */
const struct core_broker *elsewhere_broker_of(const struct elsewhere *self, uint32_t row);

#endif
