/* turn.h - a turn as bytes: what one broker's transaction has done, for the cores of the others (ADR 0032, 0033).
 *
 * Of each operation and its result only what core_on_foreign() looks at, and only of those that are followed
 * (op_result_is_followed()); and what was removed from the log, for what others remember of it: OP_PURGE, of a stream from the
 * operation's `seq` to the result's when there is more, else of anything. Keys of streams are in it: it is for the database and for links that are encrypted, nothing
 * else. A field is a tag, then its number, or its length and bytes; what a newer broker tells beyond what is known here
 * is passed over, so that brokers can be brought up to date one by one. */
#ifndef BROKER_STORE_TURN_H
#define BROKER_STORE_TURN_H

#include "broker/store/batch.h"

/* Grows, and is used again and again. */
struct turn_bytes {
    char *data;
    size_t len;
    size_t capacity;
};

void turn_bytes_fini(struct turn_bytes *self);

/* Put in the place of what is there what `count` operations have done. False: nothing that others follow. */
bool turn_encode(struct turn_bytes *self, const struct op *ops, const struct op_result *results,
                 size_t count);
/* Put it behind what is there. */
void turn_add(struct turn_bytes *self, const struct op *ops, const struct op_result *results,
              size_t count);

/* A batch of operations with results, another broker's (batch_is_foreign()); it borrows nothing from `body`.
 * RC_MALFORMED: no turn, or of an operation that is not known here. */
enum rc turn_decode(struct span body, struct batch **ret) MUST_CHECK;

#endif
