/* store_internal.h - the store's transaction, for what does not come as operations. */
#ifndef BROKER_STORE_STORE_INTERNAL_H
#define BROKER_STORE_STORE_INTERNAL_H

#include "broker/store/txn.h"

/* The writer's; nothing may be applied before it is committed or rolled back. */
struct txn *store_txn(struct store *self);

#endif
