/* fuzz_turn.c - any bytes as a turn of another broker: what reads well must be written and read as the same. */
#include "broker/store/turn.h"
#include "shared/base/invariant.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_op(const struct op *op, const struct op_result *result)
{
    INVARIANT(op->kind == result->kind && op->kind >= OP_HELLO && op->kind <= OP_PURGE);
    INVARIANT(op->nick.len <= NAME_BYTES_MAX && op->name.len <= STREAM_BYTES_MAX);
    INVARIANT(op->text.len <= SUBJECT_BYTES_MAX && op->role <= ROLE_OWNER);
    INVARIANT(result->label.len <= MARK_NAME_BYTES_MAX && result->role <= ROLE_OWNER);
    INVARIANT(result->appended_count <= OP_APPENDED_MAX);
    for (size_t i = 0; i < result->appended_count; i++)
        INVARIANT(result->appended[i].stream.v != 0 &&
                  result->appended[i].wire.len <= FRAME_BYTES_MAX);
    for (size_t i = 0; i < result->rekeyed_count; i++)
        INVARIANT(result->rekeyed[i].stream.v != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct turn_bytes first, second;
    struct batch *batch = NULL, *again = NULL;

    if (turn_decode((struct span){(const char *)data, size}, &batch) != RC_OK) {
        INVARIANT(batch == NULL);
        return 0;
    }
    INVARIANT(batch_count(batch) > 0 && batch_is_foreign(batch));
    for (size_t i = 0; i < batch_count(batch); i++)
        check_op(&batch_ops(batch)[i], &batch_results(batch)[i]);
    /* Fields of other kinds, and those of a newer broker, are not written again. */
    INVARIANT(turn_encode(&first, batch_ops(batch), batch_results(batch), batch_count(batch)));
    const enum rc rc = turn_decode((struct span){first.data, first.len}, &again);

    INVARIANT(rc == RC_OK && batch_count(again) == batch_count(batch));
    INVARIANT(turn_encode(&second, batch_ops(again), batch_results(again), batch_count(again)));
    INVARIANT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    batch_destroy(&batch);
    batch_destroy(&again);
    return 0;
}
