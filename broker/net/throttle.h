/* throttle.h - how often each of many strangers may do something, in bounded memory.
 *
 * A table of fixed size of token buckets, found by SipHash under a secret key, so nobody can aim at
 * another's place. Where more come than it has places, the one who used least is forgotten: who comes
 * from that many addresses has that many buckets anyway. Belongs to one thread. */
#ifndef BROKER_NET_THROTTLE_H
#define BROKER_NET_THROTTLE_H

#include "shared/base/bucket.h"

#include <stddef.h>

struct throttle;

/* Of at least `places` strangers, each `rate_per_s` a second and `burst` at once; rate 0: no limit. */
struct throttle *throttle_new(size_t places, uint32_t rate_per_s, uint32_t burst);
void throttle_destroy(struct throttle **self_p);

/* What anybody may do from now on; nobody is forgotten. */
void throttle_set(struct throttle *self, uint32_t rate_per_s, uint32_t burst);

/* False: too often; nothing was taken. */
bool throttle_take(struct throttle *self, const void *who, size_t who_len, uint64_t now_ms);

#endif
