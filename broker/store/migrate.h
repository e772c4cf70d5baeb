/* migrate.h - a whole log from one place to another: a folder's zchat.db, a PostgreSQL database, either way.
 *
 * Row by row as they are: numbers, times, keys, places and sessions stay, so clients notice nothing. The log that is copied is left as it
 * is; nobody may work with either. */
#ifndef BROKER_STORE_MIGRATE_H
#define BROKER_STORE_MIGRATE_H

#include "shared/base/rc.h"

#include <stdint.h>

#define MIGRATE_WHY_BYTES 512

struct migrate_place {
    const char *folder; /* with a zchat.db, or one for it; NULL: */
    const char *url;    /* of the database */
};

struct migrate_done {
    uint64_t streams;
    uint64_t sessions;
    uint64_t events;
};

/* All of it or nothing. RC_EXISTS: there is a log at `to` already; RC_DISK_FULL; RC_FAILED. `why` is a sentence then, and
 * nothing has changed. */
enum rc store_migrate(const struct migrate_place *from, const struct migrate_place *to,
                      struct migrate_done *ret, char why[static MIGRATE_WHY_BYTES]) MUST_CHECK;

#endif
