/* core_orders.h - what orders about rooms and people, and lists, have in common: ask, refuse, answer. */
#ifndef BROKER_CORE_CORE_ORDERS_H
#define BROKER_CORE_CORE_ORDERS_H

#include "broker/core/core_internal.h"

/* Ask the store, about the person in row `target` (0: nobody). */
enum rc core_ask(struct core *self, enum op_kind kind, const struct asked *asked, uint32_t target,
                 struct op **ret_op, struct ticket **ret_ticket) MUST_CHECK;
/* ERROR with the stream that was named, if one was. */
void core_refuse_about(struct core *self, const struct asked *asked, enum rc rc);
void core_done(struct core *self, const struct ticket *ticket, const struct op_result *result);
/* True when the operation failed: that was answered. */
bool core_failed(struct core *self, const struct ticket *ticket, const struct op_result *result);
/* Until when, for `seconds` of the message: FOR_EVER_MS without. RC_BAD_FIELD: too long. */
enum rc core_until(const struct core *self, const struct message *message,
                   uint64_t *ret) MUST_CHECK;

/* core_read.c: before this place that room was private, and this person not in it. 0: nothing is closed. */
uint64_t core_open_from(const struct core *self, uint32_t room, uint32_t person);

/* END, with the place where the list goes on when it is not over. */
void core_end_list(struct core *self, const struct asked *asked, uint64_t cursor);

#endif
