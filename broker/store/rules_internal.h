/* rules_internal.h - what the files of the rules share; nobody else includes it.
 *
 * Two answers in one function: what it returns says whether the transaction lives (RC_END is
 * looked at where it can come), result->rc is the operation's verdict. The memory store cannot roll back, so
 * a verdict other than RC_OK is given before anything is written. */
#ifndef BROKER_STORE_RULES_INTERNAL_H
#define BROKER_STORE_RULES_INTERNAL_H

#include "broker/store/rules.h"

static inline enum rc verdict(struct op_result *result, enum rc rc)
{
    result->rc = rc;
    return RC_OK;
}

/* A stream's name: the sigil and the bare name. */
struct full_name {
    char text[STREAM_BYTES_MAX];
    size_t len;
};

struct span full_name(struct full_name *self, char sigil, struct span bare);

static inline struct span without_sigil(struct span name)
{
    return (struct span){name.ptr + 1, name.len - 1};
}

static inline bool is_zero(const unsigned char *bytes, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= bytes[i];
    return all == 0;
}

/* An event of op->nick; it lacks the stream and its place. */
struct message event_of(const struct op *op, struct span type);

static inline enum rc find_stream(struct txn *txn, enum stream_unique by, struct span value,
                                  stream_id *ret)
{
    return txn->backend->calls->find_stream(txn->backend, by, value, ret);
}

/* Make a stream of op->skeleton; `row` comes with name, role and modes, and is filled. RC_CONFUSABLE,
 * RC_DISK_FULL, RC_LIMIT are verdicts. */
enum rc make_stream(struct txn *txn, const struct op *op, struct op_result *result,
                    struct stream_row *row) MUST_CHECK;

/* Count one more appended event of the result; there is room for `max`. */
struct appended *one_more_event(struct txn *txn, struct op_result *result, size_t max);

/* RC_DENIED is the verdict when the broker would have no owner without this account (protocol R-43). The core has looked, but
 * two owners may remove each other at two brokers. */
enum rc keep_an_owner(struct txn *txn, stream_id account, uint64_t now_ms,
                      struct op_result *result) MUST_CHECK;

/* Give a stream a new key and epoch (protocol R-46), write its row, and tell it in *ret if that is not NULL. */
enum rc rekey(struct txn *txn, struct stream_row *row, struct rekeyed *ret) MUST_CHECK;
/* The same for a room that somebody ceased to be in, if it is private; told in the result. */
enum rc rekey_room(struct txn *txn, stream_id room, struct op_result *result) MUST_CHECK;

/* One function for each kind of operation. */
enum rc do_hello(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_admit(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_revoke(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_role(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_join(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_leave(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_room(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_standing(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_key_ban(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_post(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_void(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_confirm(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_purge(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_mark(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;
enum rc do_mark_get(struct txn *txn, const struct op *op, struct op_result *result) MUST_CHECK;

#endif
