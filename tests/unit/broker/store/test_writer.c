#include "tests/support/check.h"
#include "tests/support/store_ops.h"

#include "broker/store/writer.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <zmq.h>

struct fixture {
    struct box *box;
    void *context;
    struct writer *writer;
    stream_id alice;
    stream_id lobby;
};

static int set_up_kind(void **state, enum box_kind kind)
{
    struct fixture *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    self->box = box_new(kind);
    self->alice = person(self->box, "alice");
    self->lobby = room(self->box, "#lobby", "alice", self->alice);
    self->context = zmq_ctx_new();
    assert_int_equal(writer_start(self->box->store, self->context, &self->writer), RC_OK);
    *state = self;
    return 0;
}

static int set_up(void **state)
{
    return set_up_kind(state, BOX_MEMORY);
}

static int set_up_sqlite(void **state)
{
    return set_up_kind(state, BOX_SQLITE);
}

static int tear_down(void **state)
{
    struct fixture *self = *state;

    writer_stop(&self->writer);
    assert_null(self->writer);
    zmq_ctx_term(self->context);
    box_destroy(self->box);
    free(self);
    return 0;
}

static void add_post(struct fixture *self, struct batch *batch, uint32_t number)
{
    char text[32];
    struct op op;

    snprintf(text, sizeof(text), "text %u", number);
    op = op_post(self->box, "alice", self->alice, "#lobby", self->lobby, 77, number, text);
    batch_add(batch, &op);
    memset(text, 'X', sizeof(text)); /* the batch has its own copy */
}

static void submit(struct fixture *self, uint32_t first, uint32_t count)
{
    struct batch *batch = batch_new();

    for (uint32_t i = 0; i < count; i++)
        add_post(self, batch, first + i);
    assert_int_equal(batch_count(batch), count);
    writer_submit(self->writer, &batch);
    assert_null(batch);
}

static enum rc take(struct fixture *self, struct batch **ret)
{
    enum rc rc;

    while ((rc = writer_take(self->writer, ret)) == RC_END) {
        zmq_pollitem_t item = {.socket = writer_socket(self->writer), .events = ZMQ_POLLIN};

        assert_int_equal(zmq_poll(&item, 1, 60000), 1);
    }
    return rc;
}

static void nothing_is_ready_before_something_was_asked(void **state)
{
    struct fixture *self = *state;
    struct batch *batch = NULL;

    assert_int_equal(writer_take(self->writer, &batch), RC_END);
    assert_null(batch);
}

static void a_batch_comes_back_with_results_of_its_own(void **state)
{
    struct fixture *self = *state;
    struct batch *one = NULL, *two = NULL;

    submit(self, 1, 3);
    assert_int_equal(take(self, &one), RC_OK);
    submit(self, 4, 3); /* the store has forgotten the first results by then */
    assert_int_equal(take(self, &two), RC_OK);
    for (uint32_t i = 0; i < 3; i++) {
        const struct op_result *result = &batch_results(one)[i];
        const struct message event = read_event(result->appended[0].wire);
        char text[32];

        snprintf(text, sizeof(text), "text %u", i + 1);
        assert_int_equal(result->rc, RC_OK);
        assert_int_equal(result->seq, 2 + i);
        assert_int_equal(result->appended_count, 1);
        assert_span_equal(event.text, text);
        assert_int_equal(batch_results(two)[i].seq, 5 + i);
    }
    batch_destroy(&one);
    batch_destroy(&two);
    assert_null(one);
}

/* Whatever is given to the thread may take the sign of an answer; until all answers were asked for that is known. */
static void whoever_gave_something_is_unsure(void **state)
{
    struct fixture *self = *state;
    const struct store_limits limits = STORE_LIMITS_DEFAULTS;
    struct batch *batch = NULL;

    assert_false(writer_is_unsure(self->writer));
    writer_follow(self->writer);
    assert_true(writer_is_unsure(self->writer));
    assert_int_equal(writer_take(self->writer, &batch), RC_END);
    assert_false(writer_is_unsure(self->writer));
    writer_set_limits(self->writer, &limits);
    assert_int_equal(writer_take(self->writer, &batch), RC_END);
    submit(self, 1, 1);
    assert_true(writer_is_unsure(self->writer));
    assert_int_equal(take(self, &batch), RC_OK);
    batch_destroy(&batch);
    assert_int_equal(writer_take(self->writer, &batch), RC_END);
    assert_false(writer_is_unsure(self->writer));
}

static void batches_that_pile_up_come_back_in_order(void **state)
{
    struct fixture *self = *state;
    struct batch *batch;

    for (uint32_t n = 0; n < 2000; n++)
        submit(self, 1 + n * 5, 5);
    for (uint32_t n = 0; n < 2000; n++) {
        assert_int_equal(take(self, &batch), RC_OK);
        for (uint32_t i = 0; i < 5; i++) {
            assert_int_equal(batch_results(batch)[i].rc, RC_OK);
            assert_int_equal(batch_results(batch)[i].seq, 2 + n * 5 + i);
        }
        batch_destroy(&batch);
    }
    assert_int_equal(writer_take(self->writer, &batch), RC_END);
}

static void a_batch_larger_than_a_commit_is_taken_whole(void **state)
{
    struct fixture *self = *state;
    struct batch *batch;

    submit(self, 1, 6000);
    assert_int_equal(take(self, &batch), RC_OK);
    assert_int_equal(batch_count(batch), 6000);
    assert_int_equal(batch_results(batch)[5999].seq, 6001);
    batch_destroy(&batch);
}

static void other_limits_hold_from_the_next_commit(void **state)
{
    struct fixture *self = *state;
    struct store_limits limits = {.free_bytes_min = UINT64_MAX};
    struct batch *batch = NULL;

    for (int i = 0; i < 2; i++) {
        writer_set_limits(self->writer, &limits);
        submit(self, 1, 1);
        assert_int_equal(take(self, &batch), RC_OK);
        assert_int_equal(batch_results(batch)[0].rc, i == 0 ? RC_DISK_FULL : RC_OK);
        batch_destroy(&batch);
        limits.free_bytes_min = 0;
    }
}

static void an_empty_batch_comes_back_empty(void **state)
{
    struct fixture *self = *state;
    struct batch *batch;

    submit(self, 1, 0);
    assert_int_equal(take(self, &batch), RC_OK);
    assert_int_equal(batch_count(batch), 0);
    batch_destroy(&batch);
}

static void stopping_commits_what_was_given(void **state)
{
    struct fixture *self = *state;
    struct store_page page;

    for (uint32_t n = 0; n < 500; n++)
        submit(self, 1 + n, 1);
    writer_stop(&self->writer);
    page = read_range(self->box, self->lobby, 1, 1, 0);
    assert_int_equal(page.head, 501);
}

static void the_log_is_folded_back_between_commits(void **state)
{
    struct fixture *self = *state;
    char *text = calloc(1, TEXT_BYTES_MAX + 1);
    char path[128];
    struct stat wal;

    assert_non_null(text);
    memset(text, 'x', TEXT_BYTES_MAX);
    for (uint32_t n = 0; n < 25; n++) { /* 40 MB in all */
        struct batch *batch = batch_new();

        for (uint32_t i = 1; i <= 100; i++) {
            const struct op op = op_post(self->box, "alice", self->alice, "#lobby", self->lobby, 77,
                                         n * 100 + i, text);

            batch_add(batch, &op);
        }
        writer_submit(self->writer, &batch);
        assert_int_equal(take(self, &batch), RC_OK);
        batch_destroy(&batch);
    }
    snprintf(path, sizeof(path), "%s/zchat.db-wal", self->box->folder);
    assert_int_equal(stat(path, &wal), 0);
    assert_true(wal.st_size < 24 << 20);
    free(text);
}

static void a_failed_store_is_told_with_the_reason(void **state)
{
    struct fixture *self = *state;
    const struct op hello = op_hello(self->box, "alice", 0, 77);
    struct batch *batch = batch_new();
    char path[128];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/zchat.db", self->box->folder);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "UPDATE stream SET stream_key = x'00'", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    batch_add(batch, &hello);
    writer_submit(self->writer, &batch);
    submit(self, 1, 1); /* behind it: not carried out either */
    assert_int_equal(take(self, &batch), RC_STORE);
    assert_null(batch);
    assert_non_null(strstr(writer_why(self->writer), "damaged"));
    assert_int_equal(take(self, &batch), RC_STORE);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SQLITE(name) cmocka_unit_test_setup_teardown(name, set_up_sqlite, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_ready_before_something_was_asked),
        TEST(a_batch_comes_back_with_results_of_its_own),
        SQLITE(a_batch_comes_back_with_results_of_its_own),
        TEST(whoever_gave_something_is_unsure),
        TEST(batches_that_pile_up_come_back_in_order),
        SQLITE(batches_that_pile_up_come_back_in_order),
        TEST(a_batch_larger_than_a_commit_is_taken_whole),
        TEST(other_limits_hold_from_the_next_commit),
        TEST(an_empty_batch_comes_back_empty),
        TEST(stopping_commits_what_was_given),
        SQLITE(stopping_commits_what_was_given),
        SQLITE(the_log_is_folded_back_between_commits),
        SQLITE(a_failed_store_is_told_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
