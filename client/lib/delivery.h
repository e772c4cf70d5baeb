/* delivery.h - which private posts have reached their recipient (protocol 6.4).
 *
 * A receipt covers everything of the recipient's stream up to a place. It comes over PUB, the ACK over
 * DEALER, so it may be here before the post is known to be stored: the newest receipt of every
 * peer is remembered too. Both memories are bounded; the oldest is forgotten. */
#ifndef CLIENT_LIB_DELIVERY_H
#define CLIENT_LIB_DELIVERY_H

#include "client/lib/context.h"

#define DELIVERY_POSTS_MAX 1024
#define DELIVERY_PEERS_MAX 256

struct delivery;

struct delivery *delivery_new(void);
void delivery_destroy(struct delivery **self_p);

/* Post `number` stands at `seq` of `stream`: waits for a receipt, or is told ZCHAT_DELIVERED at once when
 * one came before. Streams of rooms are ignored. Call it behind telling ZCHAT_STORED. */
void delivery_stored(struct delivery *self, struct model_context *ctx, uint32_t number,
                     struct span stream, uint64_t seq);

/* `from` has everything of its stream up to `upto`. */
void delivery_receipt(struct delivery *self, struct model_context *ctx, struct span from,
                      uint64_t upto);

#endif
