/* throttle.h - how often each of many strangers may do something, in bounded memory.
 *
 * A table of fixed size of token buckets, found by SipHash under a secret key, so nobody can aim at
 * another's place. Where more come than it has places, the one who used least is forgotten: who comes
 * from that many addresses has that many buckets anyway. Belongs to one thread. */
#ifndef BROKER_NET_THROTTLE_H
#define BROKER_NET_THROTTLE_H

#include "shared/base/bucket.h"

#include <stddef.h>

#define THROTTLE_TOO_OFTEN UINT64_MAX

struct throttle;

/* Of at least `places` strangers, each `rate_per_s` a second and `burst` at once; rate 0: no limit. Who comes
 * sooner may be told to wait, for up to `patience_ms`. */
struct throttle *throttle_new(size_t places, uint32_t rate_per_s, uint32_t burst,
                              uint32_t patience_ms);
void throttle_destroy(struct throttle **self_p);

/* What anybody may do from now on; nobody is forgotten. */
void throttle_set(struct throttle *self, uint32_t rate_per_s, uint32_t burst);

/* After how many milliseconds they may do it; 0: now. It counts as done, and whoever comes next has a later
 * turn. THROTTLE_TOO_OFTEN: the wait would be above the patience, and nothing was taken. */
uint64_t throttle_take(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms);

/* It was not done after all: who was told to wait will not. */
void throttle_give_back(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms);

#endif
