/* beacon.h - how a broker announces itself on a network: one datagram (protocol 2.3).
 *
 * Anybody can send one: it says where a broker may be, never who it is. */
#ifndef SHARED_PROTO_BEACON_H
#define SHARED_PROTO_BEACON_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

#define BEACON_PORT     5670 /* UDP */
#define BEACON_BYTES    40   /* "ZCHAT", version, port, key */
#define BEACON_EVERY_MS 1000

struct beacon {
    uint16_t port; /* of the commands; 0: this broker stops */
    unsigned char key[PUBLIC_KEY_BYTES];
};

void beacon_write(const struct beacon *beacon, unsigned char ret[static BEACON_BYTES]);

/* RC_MALFORMED: not one, or of another version; `ret` is untouched. */
enum rc beacon_read(struct span datagram, struct beacon *ret) MUST_CHECK;

#endif
