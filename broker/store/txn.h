/* txn.h - one transaction in the making: what it has touched, and how an event is appended.
 *
 * Streams' places and sessions change with every operation, but are written once a transaction. Those of busy streams
 * and sessions, and how accounts stand with rooms, are remembered over commits as long as nobody else writes them (the backend
 * says so when a transaction begins): then nothing is read before it is written. A transaction that was not committed
 * takes all of it along: txn_begin() forgets, so a rollback needs nothing else. */
#ifndef BROKER_STORE_TXN_H
#define BROKER_STORE_TXN_H

#include "broker/store/arena.h"
#include "broker/store/backend.h"
#include "broker/store/map.h"
#include "shared/proto/message.h"

/* An event's map without its strings: keys, numbers and lengths. */
#define EVENT_BYTES_BESIDE_STRINGS 256

struct answers;

struct place {
    struct place_row row;
    bool is_changed;
    struct place *next_changed;
};

struct session {
    struct session_row row; /* row.last 0: not known yet */
    bool is_changed;
    struct session *next_changed;
    struct answers *answers; /* read from the log when somebody asks again */
    uint64_t answers_of;     /* the transaction that they live with, as txn.number; 0: none */
};

/* What may still be written; what may not is RC_DISK_FULL. A little may be so that a room can be defended, and a
 * stolen device removed, while the disk is full. */
enum txn_space { SPACE_FOR_ALL, SPACE_FOR_URGENT, SPACE_FOR_NOTHING };

struct txn {
    struct backend *backend;
    struct arena *arena; /* for what results borrow, and what lives with the transaction */
    struct arena *own;   /* that, unless others are lent */
    store_entropy *entropy;
    void *entropy_context;
    enum txn_space space;
    uint64_t number;       /* of this transaction, since the start */
    bool is_open;          /* or was when it failed */
    bool is_fresh;         /* nothing is remembered, last_stream neither */
    stream_id last_stream; /* the newest */
    struct arena kept;     /* what the maps hold */
    size_t kept_count;
    struct map places;
    struct map sessions;
    struct map stands; /* struct standing, of stream and account */
    struct place *changed_places;
    struct session *changed_sessions;
};

/* Nothing is remembered. */
void txn_forget(struct txn *self);

void txn_init(struct txn *self, struct backend *backend, struct arena *arena);
void txn_fini(struct txn *self);

/* Forget what another transaction left behind, and begin. Codes here and below as in backend.h. */
enum rc txn_begin(struct txn *self, enum txn_space space) MUST_CHECK;
/* Write what has changed, and commit. */
enum rc txn_commit(struct txn *self) MUST_CHECK;

/* What results borrow from now on lies in `arena`, which outlives the transaction; NULL: in its own, which the next one clears. */
void txn_lend(struct txn *self, struct arena *arena);

/* Turn RC_END into RC_STORE: a row is missing that others say is there. */
enum rc txn_needed(struct txn *self, enum rc rc, const char *what) MUST_CHECK;

/* RC_END: there is no such stream. */
enum rc txn_place(struct txn *self, stream_id stream, struct place **ret) MUST_CHECK;
enum rc txn_session(struct txn *self, session_id id, struct session **ret) MUST_CHECK;
void txn_place_changed(struct txn *self, struct place *place);

/* The stream's row; its spans live with the transaction. RC_END: there is no such stream. */
enum rc txn_stream(struct txn *self, stream_id stream, struct stream_row *ret) MUST_CHECK;

/* How the account stands with the stream; zeros if nothing is known. Borrowed until the next write here. */
enum rc txn_standing(struct txn *self, stream_id stream, stream_id account,
                     const struct standing **ret) MUST_CHECK;
enum rc txn_set_standing(struct txn *self, stream_id stream, stream_id account,
                         const struct standing *standing) MUST_CHECK;
/* Nobody stands any way with this room any more, and no key is banned from it. */
enum rc txn_drop_standings(struct txn *self, stream_id room) MUST_CHECK;

/* Append an event. `event` has all fields but stream and seq; its ts is raised to that of the event
 * before. `row` has the columns that are not in the map. */
enum rc txn_append(struct txn *self, struct place *place, struct span stream_name,
                   struct message *event, struct event_row *row, struct appended *ret) MUST_CHECK;

/* The session's next number is used up; its answer lies at `row`. */
void txn_use_number(struct txn *self, struct session *session, stream_id account,
                    const struct event_row *row);

/* The answer to a number that was used up, for the last POST_WINDOW of them.
 * RC_END: it is no longer kept. */
enum rc txn_answer(struct txn *self, struct session *session, uint32_t number,
                   struct event_row *ret) MUST_CHECK;

#endif
