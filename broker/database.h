/* database.h - the store that the configuration names: zchat.db in the data folder, or a PostgreSQL database (store). */
#ifndef BROKER_DATABASE_H
#define BROKER_DATABASE_H

#include "broker/ops/options.h"
#include "broker/ops/sandbox.h"
#include "broker/store/store.h"

#define DATABASE_URL_BYTES 4096

/* Is it a server's? Then what is done with the folder's file alone cannot be done. */
bool database_is_remote(const struct options *options);

/* Open it, with its limits, and log what it is. `ret_peer` is what more connections to it will need of the sandbox; NULL:
 * nobody makes any. RC_STORE, RC_SYSTEM: `why` is one sentence. */
enum rc database_open(const struct options *options, struct store **ret,
                      struct sandbox_peer *ret_peer, char why[static OPTIONS_WHY_BYTES]) MUST_CHECK;

/* The URL behind "@FILE", which only its owner may read, or the URL itself, which holds no password. */
enum rc database_url(const char *given, char *ret, size_t size,
                     char why[static OPTIONS_WHY_BYTES]) MUST_CHECK;

#endif
