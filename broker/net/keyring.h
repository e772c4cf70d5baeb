/* keyring.h - the keys that may open a connection, and at which door.
 *
 * Told by the hub: a key is a device of an account (admitted), was one (expelled), or unknown (a
 * stranger). Asked by the ZAP thread about every handshake. A mutex stands inside, the one place outside
 * shared/base: a refusal must hold when the call returns, which a message to another thread cannot
 * promise. Whoever is judged later meets the new answer; a handshake that was let in a moment earlier
 * may still complete - front_cut() and front_expel() behind keyring_expel() end that one.
 *
 * Peers choose their keys, so they are found by SipHash. Every function may be called by any thread. */
#ifndef BROKER_NET_KEYRING_H
#define BROKER_NET_KEYRING_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"

#include <stdbool.h>
#include <stddef.h>

struct keyring;

/* At the last one stand other brokers of the cluster; the keyring knows nothing of it (zap.h). */
enum door { DOOR_COMMANDS, DOOR_BROADCASTS, DOOR_BROKERS };

/* What an unknown key may do. registration open: both; invite: ask; closed: neither. */
struct keyring_policy {
    bool strangers_may_ask;    /* open the command socket, to say HELLO */
    bool strangers_may_listen; /* open the broadcast socket */
};

/* Room for keys_max keys, admitted and expelled; NULL: no memory for it. */
struct keyring *keyring_new(const struct keyring_policy *policy, size_t keys_max);
void keyring_destroy(struct keyring **self_p);

/* Let it in at both doors. RC_LIMIT: the table is full, it stays a stranger. */
enum rc keyring_admit(struct keyring *self,
                      const unsigned char key[static PUBLIC_KEY_BYTES]) MUST_CHECK;

/* Refuse it at both doors until it is admitted or forgotten. A key that was admitted always has its place.
 * RC_LIMIT: the table is full, so it cannot be told from a stranger: from now on every stranger is
 * refused at both doors, whatever the policy says, until the keyring is made anew. */
enum rc keyring_expel(struct keyring *self,
                      const unsigned char key[static PUBLIC_KEY_BYTES]) MUST_CHECK;

/* A stranger again; harmless when it is one. */
void keyring_forget(struct keyring *self, const unsigned char key[static PUBLIC_KEY_BYTES]);

void keyring_set_policy(struct keyring *self, const struct keyring_policy *policy);

enum key_verdict {
    KEY_MAY_ENTER,
    KEY_EXPELLED,
    KEY_STRANGER, /* whom nothing lets in but somebody else's decision */
    KEY_NOT_YET,  /* at the broadcasts: may enter as soon as its HELLO was accepted */
};
enum key_verdict keyring_judge(struct keyring *self,
                               const unsigned char key[static PUBLIC_KEY_BYTES], enum door door);

#endif
