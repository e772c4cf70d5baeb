/* batch.h - the inside of a batch, for the thread that carries it out. */
#ifndef BROKER_STORE_BATCH_H
#define BROKER_STORE_BATCH_H

#include "broker/store/arena.h"
#include "broker/store/writer.h"

struct batch {
    struct arena arena; /* what operations and results borrow; the store puts events into it */
    struct op *ops;
    size_t count;
    size_t capacity;
    uint64_t begun_us;         /* when the first came */
    struct op_result *results; /* NULL until it is carried out */
    bool is_removal;
    struct removed removed; /* then */
    bool is_foreign;        /* what another broker's transaction has done */
    struct batch *next;     /* behind it in the order of turns */
};

/* For store_apply_parts(), once: results and what they borrow are made where they stay, in the batch. They are worth nothing
 * unless that returns RC_OK. */
struct store_part batch_part(struct batch *self);

/* A batch that tells what was removed. */
struct batch *batch_of_removed(const struct removed *removed);

/* One more operation of another broker's with its result; what they borrow is in the arena already. */
void batch_add_foreign(struct batch *self, const struct op *op, const struct op_result *result);

#endif
