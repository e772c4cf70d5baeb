/* test_store_chat.c - a log has a number, by which clients know the brokers that serve it (protocol 5.5). */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

static uint64_t chat_of(struct box *box)
{
    uint64_t chat = 0;

    assert_int_equal(store_chat(box->store, &chat), RC_OK);
    return chat;
}

static void a_log_gets_its_number_once_and_keeps_it(void **state)
{
    struct box *box = *state;
    struct op op = op_hello(box, "alice", 1, 0);
    const uint64_t chat = chat_of(box);

    assert_int_not_equal(chat, 0);
    assert_true(chat <= INT64_MAX);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(chat_of(box), chat);
    if (box->kind == BOX_MEMORY)
        return;
    box_close(box);
    box_open(box);
    assert_int_equal(chat_of(box), chat);
}

static void two_logs_have_two_numbers(void **state)
{
    struct box *box = *state;
    struct box *other = box_new(box->kind == BOX_MEMORY ? BOX_MEMORY : BOX_SQLITE);

    assert_int_not_equal(chat_of(box), chat_of(other));
    box_destroy(other);
}

static void a_full_disk_gives_none_and_harms_nothing(void **state)
{
    struct box *box = *state;
    const struct store_limits full = BOX_LIMITS_FULL, none = {0};
    struct op op = op_hello(box, "alice", 1, 0);

    if (box->kind == BOX_PG) { /* a limit counts what is in the log */
        assert_int_equal(box_apply(box, &op), RC_OK);
        const struct op join = op_join(box, "alice", box->result.stream, "#lobby", (stream_id){0});
        assert_int_equal(box_apply(box, &join), RC_OK);
    }
    store_set_limits(box->store, &full);
    assert_int_equal(chat_of(box), 0);
    store_set_limits(box->store, &none);
    assert_int_not_equal(chat_of(box), 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
}

#define CONTRACT(X)                            \
    X(a_log_gets_its_number_once_and_keeps_it) \
    X(two_logs_have_two_numbers)               \
    X(a_full_disk_gives_none_and_harms_nothing)

STORE_CONTRACT_MAIN(CONTRACT)
