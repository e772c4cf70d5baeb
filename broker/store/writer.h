/* writer.h - the store's thread: group commit.
 *
 * The hub hands over batches; the thread takes everything that has piled up, carries it
 * out in one transaction, and hands the results back. Batches change hands whole over an
 * inproc pair; nothing is shared. */
#ifndef BROKER_STORE_WRITER_H
#define BROKER_STORE_WRITER_H

#include "broker/store/lease.h"
#include "broker/store/store.h"
#include "shared/base/histogram.h"

/* Operations and the bytes they borrow, in one owner's hands. */
struct batch;

struct batch *batch_new(void);
void batch_destroy(struct batch **self_p);
/* Copy the operation and what it borrows. */
void batch_add(struct batch *self, const struct op *op);
size_t batch_count(const struct batch *self);
/* When its first operation was added, monotonic; 0: it has none. */
uint64_t batch_begun_us(const struct batch *self);
/* What retention has removed; NULL: it is a batch of operations. (Else it has none, and nobody submitted it.) */
const struct removed *batch_removed(const struct batch *self);
/* Results are in the order of the operations; they and what they borrow live with the batch. */
const struct op_result *batch_results(const struct batch *self);
/* What another broker has committed: operations whose tickets say nothing, with their results (CORE_EV_FOREIGN). */
bool batch_is_foreign(const struct batch *self);
const struct op *batch_ops(const struct batch *self);

struct writer;

/* Takes the store's writer side for its thread. `zmq_context` is the process's one context. */
enum rc writer_start(struct store *store, void *zmq_context, struct writer **ret) MUST_CHECK;
/* Commits what it was given, then stops; a server that is away is not waited for. */
void writer_stop(struct writer **self_p);

/* Other limits, from the next commit on: the store is the thread's. */
void writer_set_limits(struct writer *self, const struct store_limits *limits);

/* Say of this broker, from now on, that it lives and where it is (brokers.h). */
void writer_set_own(struct writer *self, const struct store_broker *own);
/* Which of its sessions have changed, and how it is; others hear of it within a second. */
void writer_tell(struct writer *self, struct lease_told **told_p);
/* Who lives, as the thread has seen it last; count 0: nobody works here but this one. Until the next writer_take(). */
const struct store_brokers *writer_brokers(const struct writer *self);
/* Pages that others have written, in order, of what was taken: whoever takes them out of it owns them. */
struct pages *writer_pages(struct writer *self);

/* The thread has lost the store's server, and looks for it (brokers.h). */
bool writer_is_away(const struct writer *self);

/* Other brokers have committed, as they say: look at once. In a store that nobody else works in this does nothing. */
void writer_follow(struct writer *self);

/* The raw ZeroMQ socket to poll for ZMQ_POLLIN. */
void *writer_socket(struct writer *self);
/* Something was given to the thread since writer_take() found nothing: sending takes the sign off the socket's descriptor
 * (ZMQ_FD), so there may be an answer that it does not tell of. */
bool writer_is_unsure(const struct writer *self);

/* Hand a batch over. Never blocks: the core bounds what is pending. */
void writer_submit(struct writer *self, struct batch **batch_p);

/* What the thread did, as far as its answers were taken; by the owner's thread. */
struct writer_stats {
    uint64_t commits;
    uint64_t operations;
    uint64_t turns; /* of other brokers */
    uint64_t heard; /* the last turn that was taken, or is in this transaction's answers */
    uint64_t own_turn;
    uint64_t leases;         /* renewed: what writer_brokers() says is of then */
    uint64_t lease_ms;       /* monotonic: when that was */
    struct histogram commit; /* how long transactions took */
    uint64_t last_us;        /* the last one's */
    size_t last_operations;  /* and of these as many as were taken */
};
const struct writer_stats *writer_get_stats(const struct writer *self);

/* Take the next committed batch, what another broker has committed before it, or what was removed: RC_OK and it is the
 * caller's; RC_END: none is ready; RC_STORE: the store failed, its outcome is unknown, end the process; writer_why() says why. */
enum rc writer_take(struct writer *self, struct batch **ret) MUST_CHECK;
const char *writer_why(const struct writer *self);

#endif
