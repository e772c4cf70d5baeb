#include "broker/net/zap_queue.h"

#include "tests/support/check.h"

#include <stdlib.h>

static bool put(struct zap_queue *queue, uint64_t due_ms)
{
    struct zap_waiting waiting = {.due_ms = due_ms, .door = DOOR_BROADCASTS};

    memcpy(waiting.key, &due_ms, sizeof(due_ms));
    waiting.asker.id_len = (unsigned char)(due_ms % 200);
    return zap_queue_put(queue, &waiting);
}

static void nobody_waits_in_an_empty_one(void **state)
{
    struct zap_queue queue = {0};
    struct zap_waiting waiting;

    (void)state;
    assert_int_equal(zap_queue_wait_ms(&queue, 5), -1);
    assert_false(zap_queue_take(&queue, UINT64_MAX, &waiting));
    zap_queue_clear(&queue);
}

static void nobody_comes_out_before_their_time(void **state)
{
    struct zap_queue queue = {0};
    struct zap_waiting waiting;

    (void)state;
    assert_true(put(&queue, 200));
    assert_true(put(&queue, 100));
    assert_int_equal(zap_queue_wait_ms(&queue, 40), 60);
    assert_false(zap_queue_take(&queue, 99, &waiting));
    assert_true(zap_queue_take(&queue, 100, &waiting));
    assert_int_equal(waiting.due_ms, 100);
    assert_int_equal(waiting.door, DOOR_BROADCASTS);
    assert_int_equal(waiting.asker.id_len, 100);
    assert_false(zap_queue_take(&queue, 100, &waiting));
    assert_int_equal(zap_queue_wait_ms(&queue, 300), 0);
    assert_true(zap_queue_take(&queue, 300, &waiting));
    assert_int_equal(waiting.due_ms, 200);
    assert_int_equal(zap_queue_wait_ms(&queue, 300), -1);
    zap_queue_clear(&queue);
}

/* All that were put come out once, whoever is due first before the others, in whatever order they came. */
static void they_come_out_by_their_time(void **state)
{
    struct zap_queue queue = {0};

    (void)state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        const size_t count = seed * 20;
        unsigned at = seed;
        uint64_t sum = 0, before_ms = 0;
        struct zap_waiting waiting;

        for (size_t i = 0; i < count; i++) {
            const uint64_t due_ms = 1000 + (uint64_t)rand_r(&at) % 300;

            assert_true(put(&queue, due_ms));
            sum += due_ms;
        }
        for (size_t i = 0; i < count; i++) {
            assert_true(zap_queue_take(&queue, 2000, &waiting));
            assert_true(waiting.due_ms >= before_ms);
            before_ms = waiting.due_ms;
            assert_memory_equal(waiting.key, &before_ms, sizeof(before_ms));
            sum -= waiting.due_ms;
        }
        assert_int_equal(sum, 0);
        assert_false(zap_queue_take(&queue, 2000, &waiting));
    }
    zap_queue_clear(&queue);
}

static void a_full_one_takes_nobody(void **state)
{
    struct zap_queue queue = {0};
    struct zap_waiting waiting;

    (void)state;
    for (size_t i = 0; i < ZAP_QUEUE_MAX; i++)
        assert_true(put(&queue, i));
    assert_false(put(&queue, 0));
    assert_true(zap_queue_take(&queue, 0, &waiting));
    assert_true(put(&queue, 0));
    assert_false(put(&queue, 0));
    zap_queue_clear(&queue);
    assert_int_equal(zap_queue_wait_ms(&queue, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_in_an_empty_one),
        cmocka_unit_test(nobody_comes_out_before_their_time),
        cmocka_unit_test(they_come_out_by_their_time),
        cmocka_unit_test(a_full_one_takes_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
