/* discover.h - hears which brokers announce themselves on the networks of this machine (protocol 2.3).
 *
 * Anybody can announce anything, so nothing of it is believed, connected to or kept. The list is bounded in all and for
 * each address it comes from, and so is how much is read in a second. */
#ifndef CLIENT_LIB_NET_DISCOVER_H
#define CLIENT_LIB_NET_DISCOVER_H

#include "client/lib/net/why.h"
#include "shared/base/rc.h"
#include "shared/text/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCOVERED_MAX             64
#define DISCOVERED_PER_ADDRESS_MAX 4

struct discoverer;

/* RC_SYSTEM: the port is somebody else's; `why`. */
enum rc discover_open(struct discoverer **ret, struct why *why) MUST_CHECK;
void discover_close(struct discoverer **self_p);

/* Listen until then (monotonic). Returns early, true, when a broker was heard that is new to the list. */
bool discover_listen(struct discoverer *self, uint64_t until_ms);

/* Those heard, in the order in which they came; one that said it stops is gone. */
size_t discover_count(const struct discoverer *self);
const struct broker_url *discover_get(const struct discoverer *self, size_t index);
/* Beacons that found no place in the list, or came too fast to be read. */
uint64_t discover_left_out(const struct discoverer *self);

#endif
