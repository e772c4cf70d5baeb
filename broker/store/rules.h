/* rules.h - what the operations mean, once for all backends (record.h is the contract). */
#ifndef BROKER_STORE_RULES_H
#define BROKER_STORE_RULES_H

#include "broker/store/txn.h"

#define MARKS_PER_ACCOUNT_MAX 1024 /* else RC_LIMIT */
#define CONFIRM_EVENTS_MAX    4096 /* one OP_CONFIRM looks at; the core asks again for the rest */

/* Carry out one operation within the transaction. RC_OK: *ret holds its verdict (ret->rc). RC_DISK_FULL,
 * RC_STORE: the transaction is lost, as in backend.h. */
enum rc rules_carry_out(struct txn *txn, const struct op *op, struct op_result *ret) MUST_CHECK;

#endif
