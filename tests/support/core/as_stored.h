/* as_stored.h - does a core know things as they are stored? One that has followed every transaction stands where a new one
 * would that is told all records. */
#ifndef TESTS_SUPPORT_CORE_AS_STORED_H
#define TESTS_SUPPORT_CORE_AS_STORED_H

#include "broker/core/core.h"
#include "broker/store/store.h"

#include <stdbool.h>

/* False: *ret_why says in words what differs, borrowed until the next call. */
bool core_is_as_stored(const struct core *core, struct store *store, uint64_t wall_ms,
                       const char **ret_why);

#endif
