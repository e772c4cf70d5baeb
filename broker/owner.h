/* owner.h - the first invitation: a broker that has no owner writes one into its folder. */
#ifndef BROKER_OWNER_H
#define BROKER_OWNER_H

#include "broker/store/store.h"
#include "shared/text/url.h"

#define OWNER_WHY_BYTES 1024

/* Make an invitation to the role owner, good once and without an end, and write it to FOLDER/owner.url (mode
 * 0600) behind the broker's address. One made before is good no longer. Before the store's thread starts.
 * RC_DISK_FULL: no room for it now; RC_SYSTEM, RC_STORE. `why` is one sentence. */
enum rc owner_invite(struct store *store, const char *folder, const struct broker_url *address,
                     char why[static OWNER_WHY_BYTES]) MUST_CHECK;

/* There is an owner: remove the file, which is worth nothing now. */
void owner_forget(const char *folder);

#endif
