/* keys.h - the user's CURVE key pairs, one for each nick. */
#ifndef CLIENT_LIB_NET_KEYS_H
#define CLIENT_LIB_NET_KEYS_H

#include "client/lib/net/home.h"

struct key_pair {
    unsigned char public_key[PUBLIC_KEY_BYTES];
    unsigned char secret_key[PUBLIC_KEY_BYTES];
};

/* The key pair of a nick; made and stored when there is none.
 * RC_BAD_KEY_FILE: damaged, somebody else's, or open to others; RC_SYSTEM: it cannot be read or
 * written. `why` names file, mode and remedy. */
enum rc home_key(const struct home *self, const struct name *nick, struct key_pair *ret,
                 struct why *why) MUST_CHECK;

/* A key pair that belongs to nobody and is kept nowhere, for looking whether a broker answers. RC_SYSTEM: no random
 * numbers. */
enum rc keys_temporary(struct key_pair *ret) MUST_CHECK;

#endif
