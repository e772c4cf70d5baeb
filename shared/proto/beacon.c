#include "shared/proto/beacon.h"

#include <string.h>

static const unsigned char HEAD[] = {'Z', 'C', 'H', 'A', 'T', 1};
#define PORT_AT sizeof(HEAD)
#define KEY_AT  (PORT_AT + 2)

_Static_assert(KEY_AT + PUBLIC_KEY_BYTES == BEACON_BYTES, "a beacon is head, port and key");

void beacon_write(const struct beacon *beacon, unsigned char ret[static BEACON_BYTES])
{
    memcpy(ret, HEAD, sizeof(HEAD));
    ret[PORT_AT] = (unsigned char)(beacon->port >> 8);
    ret[PORT_AT + 1] = (unsigned char)beacon->port;
    memcpy(ret + KEY_AT, beacon->key, PUBLIC_KEY_BYTES);
}

enum rc beacon_read(struct span datagram, struct beacon *ret)
{
    const unsigned char *bytes = (const unsigned char *)datagram.ptr;

    if (datagram.len != BEACON_BYTES || memcmp(bytes, HEAD, sizeof(HEAD)) != 0)
        return RC_MALFORMED;
    ret->port = (uint16_t)(bytes[PORT_AT] << 8 | bytes[PORT_AT + 1]);
    memcpy(ret->key, bytes + KEY_AT, PUBLIC_KEY_BYTES);
    return RC_OK;
}
