/* bearer.h - the token that opens the owner's tables, and everything beyond loopback. */
#ifndef BROKER_OPS_BEARER_H
#define BROKER_OPS_BEARER_H

#include "broker/ops/keyfile.h"

#define BEARER_BYTES_MIN 16
#define BEARER_BYTES_MAX 256

struct bearer {
    char token[BEARER_BYTES_MAX + 1]; /* a secret */
};

/* Read it from `path`, one line of 16 to 256 visible characters; no path: from FOLDER/metrics.token, which is made
 * (0600, 64 hex digits) when it is not there. RC_SYSTEM, RC_CONFIG: `why` is one sentence. */
enum rc bearer_load(struct bearer *self, const char *path, const char *folder,
                    char why[static FOLDER_WHY_BYTES]) MUST_CHECK;
void bearer_forget(struct bearer *self);

/* Is this the value of an Authorization header that shows the token ("Bearer TOKEN")? NULL is none. Takes as long
 * whatever is shown. */
bool bearer_is_shown(const struct bearer *self, const char *authorization);

#endif
