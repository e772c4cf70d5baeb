/* gather.h - frames being filled: one for each peer, or one for each stream (protocol 3.1).
 *
 * What one turn of the hub brings for one key leaves in one frame; a frame that is full leaves at
 * once, so the order for one key is kept. Buffers are reused: a steady load allocates
 * nothing. Belongs to one thread. */
#ifndef BROKER_NET_GATHER_H
#define BROKER_NET_GATHER_H

#include "shared/wire/wire.h"

struct gather;

/* A frame is ready; `key` and `frame` borrow for the call. */
typedef void gather_send(void *context, struct span key, struct span frame);

/* With `is_topic` a frame begins with its key as topic. Keys are shorter than TOPIC_BYTES_MAX. */
struct gather *gather_new(bool is_topic, gather_send *send, void *context);
void gather_destroy(struct gather **self_p); /* what was not flushed is lost */

/* Put one message, or one event in its wire form, into the key's frame.
 * RC_TOO_BIG: fits no frame, or the key is too long; nothing changed. */
enum rc gather_message(struct gather *self, struct span key,
                       const struct message *message) MUST_CHECK;
enum rc gather_wire(struct gather *self, struct span key, struct span wire) MUST_CHECK;

/* Send the key's frame, if it has one; all frames, in the order in which they were begun. */
void gather_flush_key(struct gather *self, struct span key);
void gather_flush(struct gather *self);
/* Send the frames that hold fewer than `many` messages; returns how many stay. */
size_t gather_flush_below(struct gather *self, size_t many);

#endif
