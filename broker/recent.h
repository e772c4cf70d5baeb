/* recent.h - the recent tail of all streams, in memory, so that who missed a moment need not wait for the disk.
 *
 * Events as they stand on the wire, a ring of bytes: the newest push out the oldest, whosever they are. An event is found
 * by its place in one look. What was removed from the log must be removed here too. Belongs to the hub's
 * thread; pure. A NULL `self` remembers nothing. */
#ifndef BROKER_RECENT_H
#define BROKER_RECENT_H

#include "shared/base/ids.h"
#include "shared/wire/wire.h"

struct recent;

/* Room for so many bytes of events, and an eighth more to find them. 0: NULL. */
struct recent *recent_new(size_t bytes_max);
void recent_destroy(struct recent **self_p);

/* An event that was stored; copied. */
void recent_note(struct recent *self, stream_id stream, uint64_t seq, struct span wire);

/* The places first..last are removed from the log. */
void recent_remove(struct recent *self, stream_id stream, uint64_t first, uint64_t last);

/* Anything may be removed. */
void recent_clear(struct recent *self);

/* Append the events first..last. False, and the buffer as it was: one of them is not here, or they do not fit. */
bool recent_read(struct recent *self, stream_id stream, uint64_t first, uint64_t last,
                 struct wire_buf *buf) MUST_CHECK;

#endif
