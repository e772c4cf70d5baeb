/* import.h - a room's events of another broker, or another time, come in: all of them or none.
 *
 * For a store that serves nobody. Times and names stay as they were, places are given anew. */
#ifndef BROKER_STORE_IMPORT_H
#define BROKER_STORE_IMPORT_H

#include "broker/store/store.h"
#include "shared/proto/message.h"

struct import;

/* Begin. The room of that canonical name (with "#"; `skeleton` without) is made, public, when there is none. RC_CONFUSABLE, RC_LIMIT,
 * RC_DISK_FULL: nothing was done. RC_STORE: the store failed, see store_why(). */
enum rc import_begin(struct store *store, struct span room, struct span skeleton,
                     struct import **ret) MUST_CHECK;

/* Append it: type, from, ts, and to, text, kind, until if it has them. RC_BAD_FIELD: it is older than the room's last event, which was
 * at *ret_last_ms: times never run back. Other codes as above. */
enum rc import_event(struct import *self, const struct message *event,
                     uint64_t *ret_last_ms) MUST_CHECK;

/* End it, and keep what was imported or not. */
enum rc import_end(struct import **self_p, bool is_kept) MUST_CHECK;

#endif
