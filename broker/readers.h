/* readers.h - a pool of threads that read old events, so that a big FETCH or SEARCH never delays a message.
 *
 * Each thread has a reader of its own on the store; one more has the index, and searches. Answers to both come back as finished frames (protocol
 * 7.2); for republication, events come back, since only the hub may publish. The pool belongs to the hub's
 * thread. */
#ifndef BROKER_READERS_H
#define BROKER_READERS_H

#include "broker/core/core.h"
#include "broker/store/store.h"

struct readers;
struct zmq_msg_t;

/* `search_folder`: where search.db is; NULL, or when it cannot be opened: searches are refused. RC_STORE: the store gives
 * no reader. RC_SYSTEM: no thread or socket. Both: errno. */
enum rc readers_start(struct store *store, void *zmq_context, size_t thread_count,
                      const char *search_folder, struct readers **ret) MUST_CHECK;
void readers_stop(struct readers **self_p); /* what is still asked is dropped */

/* The socket to poll for ZMQ_POLLIN. */
void *readers_socket(struct readers *self);

/* Hand over an FX_READ, FX_SEARCH or FX_REPUBLISH; it is copied. RC_BUSY: too much is asked already. RC_NO_SEARCH: there
 * is no index. */
enum rc readers_ask(struct readers *self, const struct effect *effect) MUST_CHECK;

struct read_answer {
    enum effect_kind kind; /* what was asked */
    bool is_last;          /* nothing more comes for this question */
    bool is_gone;          /* FX_READ: GONE, what was asked is not kept any more */
    peer_id peer;          /* FX_READ, FX_SEARCH */
    /* FX_READ, FX_SEARCH: a frame for the peer, to be sent as it is. FX_REPUBLISH: events, back to back. */
    struct zmq_msg_t *body;
    /* FX_REPUBLISH, as asked */
    struct span name;
    stream_id stream;
};

/* Take the next answer; it borrows until the next call. RC_END: none is ready. */
enum rc readers_take(struct readers *self, struct read_answer *ret) MUST_CHECK;

/* What a server's database takes, as it was last known; 0: not yet, or it is a file. What is known is asked for anew, by the way, when
 * it is older than a minute. `now_ms` is monotonic. */
uint64_t readers_database_bytes(struct readers *self, uint64_t now_ms);

/* Questions that wait for a free thread. */
size_t readers_waiting(const struct readers *self);

#endif
