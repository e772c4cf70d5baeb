/* test_turn.c - what brokers tell each other of an operation arrives as it was; other bytes are refused. */
#include "tests/support/check.h"

#include "broker/store/turn.h"

#include <string.h>

#define KINDS 16

static const unsigned char KEY[PUBLIC_KEY_BYTES] = "the key of a device or a stream";

static struct op full_op(enum op_kind kind)
{
    struct op op = {.kind = kind,
                    .ticket = {9},
                    .ts_ms = 1,
                    .account = {2},
                    .nick = SPAN("alice"),
                    .session = {UINT64_MAX},
                    .number = 4,
                    .stream = {5},
                    .name = SPAN("#lobby"),
                    .skeleton = SPAN("lobby"),
                    .text = SPAN("a topic, or a reason"),
                    .kind_name = SPAN("message"),
                    .mark = SPAN("mark"),
                    .seq = 6,
                    .target = {UINT32_MAX},
                    .target_nick = SPAN("bob"),
                    .until_ms = FOR_EVER_MS,
                    .role = ROLE_OWNER,
                    .has_topic = kind == OP_ROOM};

    memcpy(op.key, KEY, sizeof(op.key));
    memset(op.token, 7, sizeof(op.token));
    return op;
}

static const struct rekeyed REKEYED[] = {{{5}, 2, {1, 2, 3}}, {{8}, 1, {4}}};
static const struct appended APPENDED[] = {{{5}, 18, 1000, {"\x81\x01\x02", 3}},
                                           {{2}, 1, 1000, {"", 0}}};

static struct op_result full_result(enum op_kind kind)
{
    struct op_result result = {.kind = kind,
                               .ticket = {9},
                               .stream = {5},
                               .seq = UINT64_MAX,
                               .own_seq = 3,
                               .ts_ms = 1000,
                               .confirmed = 7,
                               .next = 300,
                               .is_new = true,
                               .is_new_room = true,
                               .epoch = 2,
                               .role = ROLE_OPERATOR,
                               .label = SPAN("laptop"),
                               .modes = ROOM_PRIVATE,
                               .open_from = 12,
                               .is_adopted = true,
                               .keep_s = KEEP_FOR_EVER,
                               .standing = {STAND_OP, 8, FOR_EVER_MS, 10},
                               .rekeyed_count = 2,
                               .rekeyed = REKEYED,
                               .appended_count = 2,
                               .appended = APPENDED};

    memcpy(result.key, KEY, sizeof(result.key));
    memset(result.token, 7, sizeof(result.token));
    return result;
}

static struct span bytes_of(const struct turn_bytes *self)
{
    return (struct span){self->data, self->len};
}

/* NULL: it is not told. */
static struct batch *told(struct turn_bytes *bytes, const struct op *op,
                          const struct op_result *result)
{
    struct batch *batch = NULL;

    if (!turn_encode(bytes, op, result, 1))
        return NULL;
    assert_int_equal(turn_decode(bytes_of(bytes), &batch), RC_OK);
    assert_true(batch_is_foreign(batch));
    assert_int_equal(batch_count(batch), 1);
    return batch;
}

#define assert_same_span(one, other)                            \
    do {                                                        \
        assert_int_equal((one).len, (other).len);               \
        assert_memory_equal((one).ptr, (other).ptr, (one).len); \
    } while (0)

static void assert_lists(const struct op_result *got)
{
    assert_int_equal(got->rekeyed_count, 2);
    assert_int_equal(got->appended_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(got->rekeyed[i].stream.v, REKEYED[i].stream.v);
        assert_int_equal(got->rekeyed[i].epoch, REKEYED[i].epoch);
        assert_memory_equal(got->rekeyed[i].key, REKEYED[i].key, STREAM_KEY_BYTES);
        assert_int_equal(got->appended[i].stream.v, APPENDED[i].stream.v);
        assert_int_equal(got->appended[i].seq, APPENDED[i].seq);
        assert_same_span(got->appended[i].wire, APPENDED[i].wire);
    }
}

static void assert_standing(const struct standing *got, const struct standing *want)
{
    assert_int_equal(got->flags, want->flags);
    assert_int_equal(got->since, want->since);
    assert_int_equal(got->banned_until_ms, want->banned_until_ms);
    assert_int_equal(got->muted_until_ms, want->muted_until_ms);
}

/* What the core's handler of that kind reads. */
static void assert_told(const struct op *op, const struct op *got, const struct op_result *result,
                        const struct op_result *got_result)
{
    const enum op_kind kind = op->kind;

    assert_int_equal(got->kind, kind);
    assert_int_equal(got_result->kind, kind);
    assert_int_equal(got->account.v, op->account.v);
    assert_int_equal(got->stream.v, op->stream.v);
    assert_int_equal(got->target.v, op->target.v);
    assert_int_equal(got_result->rc, result->rc);
    assert_lists(got_result);
    if (kind == OP_HELLO || kind == OP_POST || kind == OP_VOID)
        assert_int_equal(got->session.v, op->session.v);
    if (kind == OP_POST || kind == OP_VOID)
        assert_int_equal(got_result->next, result->next);
    if (kind == OP_HELLO) {
        assert_same_span(got->nick, op->nick);
        assert_same_span(got_result->label, result->label);
        assert_int_equal(got_result->role, result->role);
        assert_int_equal(got_result->confirmed, result->confirmed);
    }
    if (kind == OP_HELLO || kind == OP_CONFIRM)
        assert_int_equal(got_result->seq, result->seq);
    if (kind == OP_HELLO || kind == OP_JOIN) {
        assert_int_equal(got_result->stream.v, result->stream.v);
        assert_int_equal(got_result->epoch, result->epoch);
        assert_memory_equal(got_result->key, result->key, STREAM_KEY_BYTES);
    }
    if (kind == OP_HELLO || kind == OP_KEY_BAN || kind == OP_REVOKE)
        assert_memory_equal(got->key, op->key, PUBLIC_KEY_BYTES);
    if (kind == OP_JOIN) {
        assert_same_span(got->name, op->name);
        assert_int_equal(got_result->is_new_room, result->is_new_room);
        assert_int_equal(got_result->is_adopted, result->is_adopted);
    }
    if (kind == OP_JOIN || kind == OP_ROOM) {
        assert_int_equal(got_result->modes, result->modes);
        assert_int_equal(got_result->open_from, result->open_from);
        assert_int_equal(got_result->keep_s, result->keep_s);
    }
    if (kind == OP_ROOM) {
        assert_true(got->has_topic);
        assert_same_span(got->text, op->text);
    }
    if (kind == OP_JOIN || kind == OP_LEAVE || kind == OP_STANDING)
        assert_standing(&got_result->standing, &result->standing);
    if (kind == OP_KEY_BAN)
        assert_int_equal(got->until_ms, op->until_ms);
    if (kind == OP_ROLE)
        assert_int_equal(got->role, op->role);
    assert_int_equal(got->token[0] | got_result->token[0], 0);
}

/* Whatever the verdict: what changed nothing is not told, all else arrives with all that the core looks at. */
static void each_operation_with_each_verdict_arrives_or_is_not_told(void **state)
{
    struct turn_bytes bytes = {.data = NULL};
    size_t count[KINDS] = {0};

    (void)state;
    for (enum op_kind kind = OP_HELLO; kind <= OP_PURGE; kind++) {
        for (unsigned long number = 0; number < 100; number++) {
            const struct op op = full_op(kind);
            struct op_result result = full_result(kind);

            if (number > 1 && rc_from_number(number) == RC_MALFORMED)
                continue; /* there is no such code */
            result.rc = (enum rc)number;
            struct batch *batch = told(&bytes, &op, &result);
            assert_true((batch != NULL) ==
                        (op_result_is_followed(&result) || (kind == OP_PURGE && number == RC_OK)));
            if (batch == NULL)
                continue;
            count[kind]++;
            if (kind != OP_PURGE)
                assert_told(&op, &batch_ops(batch)[0], &result, &batch_results(batch)[0]);
            batch_destroy(&batch);
        }
    }
    assert_int_equal(count[OP_MARK] + count[OP_MARK_GET] + count[OP_ADMIT], 0);
    assert_int_equal(count[OP_HELLO], 1);
    assert_true(count[OP_POST] > 20 && count[OP_VOID] == count[OP_POST]);
    turn_bytes_fini(&bytes);
}

static void a_repeated_post_and_a_full_disk_are_not_told(void **state)
{
    struct turn_bytes bytes = {.data = NULL};
    const struct op op = full_op(OP_POST);
    struct op_result result = full_result(OP_POST);

    (void)state;
    result.is_duplicate = true;
    assert_false(turn_encode(&bytes, &op, &result, 1));
    result.is_duplicate = false;
    result.rc = RC_DISK_FULL;
    assert_false(turn_encode(&bytes, &op, &result, 1));
    turn_bytes_fini(&bytes);
}

static void the_text_of_a_post_and_a_reason_are_in_the_event_alone(void **state)
{
    struct turn_bytes bytes = {.data = NULL};
    const struct op post = full_op(OP_POST), kick = full_op(OP_STANDING);
    const struct op_result posted = full_result(OP_POST), kicked = full_result(OP_STANDING);
    struct batch *batch = told(&bytes, &post, &posted);

    (void)state;
    assert_int_equal(batch_ops(batch)[0].text.len, 0);
    batch_destroy(&batch);
    batch = told(&bytes, &kick, &kicked);
    assert_int_equal(batch_ops(batch)[0].text.len, 0);
    batch_destroy(&batch);
    turn_bytes_fini(&bytes);
}

static void what_was_removed_is_told_when_it_is_done_or_nobody_asked(void **state)
{
    struct turn_bytes bytes = {.data = NULL};
    const struct op op = full_op(OP_PURGE);
    struct op_result result = full_result(OP_PURGE);
    struct batch *batch;

    (void)state;
    result.is_more = true;
    assert_false(turn_encode(&bytes, &op, &result, 1));
    result.ticket.v = 0;
    batch = told(&bytes, &op, &result);
    assert_true(batch_results(batch)[0].is_more);
    assert_int_equal(batch_ops(batch)[0].seq, 6);
    assert_int_equal(batch_results(batch)[0].seq, result.seq);
    assert_int_equal(batch_ops(batch)[0].stream.v, 5);
    batch_destroy(&batch);
    result.is_more = false;
    result.ticket.v = 9;
    batch = told(&bytes, &op, &result);
    assert_false(batch_results(batch)[0].is_more);
    batch_destroy(&batch);
    turn_bytes_fini(&bytes);
}

static void many_operations_keep_their_order(void **state)
{
    enum { COUNT = 5000 };
    struct turn_bytes bytes = {.data = NULL};
    struct op *ops = calloc(COUNT, sizeof(*ops));
    struct op_result *results = calloc(COUNT, sizeof(*results));
    struct batch *batch;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        ops[i] = full_op(i % 2 == 0 ? OP_POST : OP_MARK);
        results[i] = full_result(ops[i].kind);
        results[i].next = i + 1;
    }
    for (int again = 0; again < 2; again++) {
        assert_true(turn_encode(&bytes, ops, results, COUNT));
        assert_int_equal(turn_decode(bytes_of(&bytes), &batch), RC_OK);
        assert_int_equal(batch_count(batch), COUNT / 2);
        for (uint32_t i = 0; i < COUNT / 2; i++)
            assert_int_equal(batch_results(batch)[i].next, 2 * i + 1);
        batch_destroy(&batch);
    }
    free(ops);
    free(results);
    turn_bytes_fini(&bytes);
}

static void each_of_its_beginnings_is_refused(void **state)
{
    struct turn_bytes bytes = {.data = NULL};

    (void)state;
    for (enum op_kind kind = OP_HELLO; kind <= OP_PURGE; kind++) {
        const struct op op = full_op(kind);
        const struct op_result result = full_result(kind);
        struct batch *batch = NULL;

        if (!turn_encode(&bytes, &op, &result, 1))
            continue;
        for (size_t len = 0; len < bytes.len; len++) {
            char *copy = malloc(len + 1); /* of this very length, so that reading on is seen */

            memcpy(copy, bytes.data, len);
            assert_int_equal(turn_decode((struct span){copy, len}, &batch), RC_MALFORMED);
            assert_null(batch);
            free(copy);
        }
    }
    turn_bytes_fini(&bytes);
}

static void assert_bytes(const char *bytes, size_t len, enum rc want)
{
    struct batch *batch = NULL;

    assert_int_equal(turn_decode((struct span){bytes, len}, &batch), want);
    assert_int_equal(batch != NULL, want == RC_OK);
    batch_destroy(&batch);
}
#define assert_read(bytes, want) assert_bytes((bytes), sizeof(bytes) - 1, (want))

static void what_a_newer_broker_tells_besides_is_passed_over(void **state)
{
    (void)state;
    assert_read("\x02\x05\x04\x07\0", RC_OK);             /* LEAVE by 7 */
    assert_read("\x02\x05\x04\x07\xc8\x01\x7f\0", RC_OK); /* field 100: a number */
    assert_read("\x02\x05\x04\x07\xc9\x01\x03"
                "abc"
                "\0",
                RC_OK);                                       /* field 100: bytes */
    assert_read("\x02\x05\x7b\x04\x02\x05\x28\x01\0", RC_OK); /* in an event, of stream 5 */
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_read("", RC_MALFORMED);
    assert_read("\0", RC_MALFORMED);
    assert_read("\x04\x07\0", RC_MALFORMED);             /* no kind */
    assert_read("\x02\x00\0", RC_MALFORMED);             /* kind 0 */
    assert_read("\x02\x10\0", RC_MALFORMED);             /* kind 16 */
    assert_read("\x02\x07\0", RC_MALFORMED);             /* MARK, which nobody follows */
    assert_read("\x03\x01\x05\0", RC_MALFORMED);         /* the kind as bytes */
    assert_read("\x02\x05\x05\x01\x07\0", RC_MALFORMED); /* the account as bytes */
    assert_read("\x02\x01\x0c\x07\0", RC_MALFORMED);     /* the nick as a number */
    assert_read("\x02\x01\x11\x02"
                "ab"
                "\0",
                RC_MALFORMED);                                       /* a key of two bytes */
    assert_read("\x02\x05\x04\xff\xff\xff\xff\x1f\0", RC_MALFORMED); /* an account beyond 32 bits */
    assert_read("\x02\x05\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0",
                RC_MALFORMED);                       /* beyond 64 */
    assert_read("\x02\x0e\x18\x03\0", RC_MALFORMED); /* a role there is not */
    assert_read("\x02\x05\x7b\x00\0", RC_MALFORMED); /* an event of no stream */
    assert_read("\x02\x05\x7a\x01\0", RC_MALFORMED); /* an event as a number */
    assert_read("\x02\x05\xc9\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", RC_MALFORMED);
}

static void texts_and_events_beyond_their_limits_are_refused(void **state)
{
    struct turn_bytes bytes = {.data = NULL};
    static char text[SUBJECT_BYTES_MAX + 1];
    static struct appended events[OP_APPENDED_MAX + 1];
    struct op op = full_op(OP_ROOM);
    struct op_result result = full_result(OP_ROOM);
    struct batch *batch;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < OP_APPENDED_MAX + 1; i++)
        events[i] = (struct appended){.stream = {1}, .seq = i + 1};
    op.text = (struct span){text, SUBJECT_BYTES_MAX};
    result.appended = events;
    result.appended_count = OP_APPENDED_MAX;
    batch = told(&bytes, &op, &result);
    assert_int_equal(batch_results(batch)[0].appended_count, OP_APPENDED_MAX);
    batch_destroy(&batch);
    result.appended_count++;
    assert_true(turn_encode(&bytes, &op, &result, 1));
    assert_int_equal(turn_decode(bytes_of(&bytes), &batch), RC_MALFORMED);
    result.appended_count = 0;
    op.text.len++;
    assert_true(turn_encode(&bytes, &op, &result, 1));
    assert_int_equal(turn_decode(bytes_of(&bytes), &batch), RC_MALFORMED);
    turn_bytes_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_with_each_verdict_arrives_or_is_not_told),
        cmocka_unit_test(a_repeated_post_and_a_full_disk_are_not_told),
        cmocka_unit_test(the_text_of_a_post_and_a_reason_are_in_the_event_alone),
        cmocka_unit_test(what_was_removed_is_told_when_it_is_done_or_nobody_asked),
        cmocka_unit_test(many_operations_keep_their_order),
        cmocka_unit_test(each_of_its_beginnings_is_refused),
        cmocka_unit_test(what_a_newer_broker_tells_besides_is_passed_over),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(texts_and_events_beyond_their_limits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
