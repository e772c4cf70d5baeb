/* indexer.h - the thread that keeps the index of messages (broker/store/search_index.h) behind the log.
 *
 * It follows what is committed by itself, in small pieces with pauses, below everybody else's priority: nothing waits for
 * it. When the index fails, it says so once in the log and ends; the chat goes on without searching. */
#ifndef BROKER_INDEXER_H
#define BROKER_INDEXER_H

#include "broker/ops/options.h"
#include "broker/store/search_index.h"

struct indexer;

/* Takes the index in any case. RC_SYSTEM: no thread or socket. */
enum rc indexer_start(struct search_index **index_p, void *zmq_context,
                      struct indexer **ret) MUST_CHECK;
void indexer_stop(struct indexer **self_p);

/* Something was purged: nothing of it shall be left; what is there is indexed anew. Returns at once. */
void search_renew(struct indexer *self);

/* The log has given up the events of that stream up to `upto`: forget them too. Returns at once. */
void search_forget(struct indexer *self, stream_id stream, uint64_t upto);

/* The index of the data folder, opened and followed, as the configuration says. NULL: nobody can search, by choice or since it
 * failed, which is told: a chat without searching is still a chat. */
struct indexer *search_start(const struct options *options, struct store *store, void *zmq_context);

#endif
