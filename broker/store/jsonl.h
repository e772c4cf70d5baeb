/* jsonl.h - lines of an export (shared/text/event_line.h) as events again. */
#ifndef BROKER_STORE_JSONL_H
#define BROKER_STORE_JSONL_H

#include "shared/base/rc.h"
#include "shared/proto/message.h"

#define JSONL_WHY_BYTES 256

struct jsonl;

/* RC_STORE: there is no memory for it. */
enum rc jsonl_open(struct jsonl **ret) MUST_CHECK;
void jsonl_close(struct jsonl **self_p);

/* Read one line: an EVENT with stream, ts, type, from, and what there is of to, text, kind, until; it borrows from the
 * line's reader until the next call. Names are as they stand there. RC_END: a gap, which is no event; RC_BAD_FIELD: `why` says what is
 * wrong and what was expected. */
enum rc jsonl_read(struct jsonl *self, struct span line, struct message *ret,
                   char why[static JSONL_WHY_BYTES]) MUST_CHECK;

#endif
