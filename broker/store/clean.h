/* clean.h - retention: which events are due, found stream by stream, a chunk at a time.
 *
 * A pass looks at every stream that may have something due. Size is kept by age too: as long as the log is too large, each pass
 * takes what is older than a moment that moves on. */
#ifndef BROKER_STORE_CLEAN_H
#define BROKER_STORE_CLEAN_H

#include "broker/store/txn.h"

struct cleaner {
    struct store_keep keep;
    stream_id at;          /* where the pass is */
    uint64_t size_cut_ms;  /* older events go because the log is too large; 0: it is not */
    uint64_t oldest_ms;    /* of this pass: the oldest event that size may take; UINT64_MAX: none */
    uint64_t next_pass_ms; /* monotonic */
    uint64_t pass_began_ms;
};

void cleaner_init(struct cleaner *self, const struct store_keep *keep);

/* What is to go next. RC_OK: the entries *ret_first to *ret_last of one stream; RC_END: nothing before next_pass_ms, or
 * this turn's share of looking is done. Other codes as in backend.h. Writes nothing. */
enum rc cleaner_find(struct cleaner *self, struct backend *backend, uint64_t now_ms,
                     uint64_t wall_ms, uint64_t *ret_first, uint64_t *ret_last) MUST_CHECK;

#endif
