/* The indexer's thread and the searcher's, with a log on disk that grows under them. */
#include "broker/indexer.h"

#include "tests/support/check.h"
#include "tests/support/store_ops.h"

#include "broker/readers.h"
#include "shared/base/clock.h"

#include <sqlite3.h>
#include <zmq.h>

#define WAIT_MS 20000

struct fixture {
    struct box *box;
    void *context;
    struct indexer *indexer;
    struct readers *readers;
    stream_id alice, lobby;
    uint32_t number;
    uint32_t asked;
};

static void start(struct fixture *f)
{
    char why[SEARCH_WHY_BYTES];
    struct store_reader *log;
    struct search_index *index;

    f->context =
        zmq_ctx_new(); /* of its own: names of sockets are those of memory, which may come again */
    assert_int_equal(store_reader_open(f->box->store, &log), RC_OK);
    assert_int_equal(search_index_open(f->box->folder, log, &index, why), RC_OK);
    assert_int_equal(indexer_start(&index, f->context, &f->indexer), RC_OK);
    assert_null(index);
    assert_int_equal(readers_start(f->box->store, f->context, 1, f->box->folder, &f->readers),
                     RC_OK);
}

static void stop(struct fixture *f)
{
    readers_stop(&f->readers);
    indexer_stop(&f->indexer);
    assert_null(f->indexer);
    zmq_ctx_term(f->context);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->box = box_new(BOX_SQLITE);
    f->alice = person(f->box, "alice");
    f->lobby = room(f->box, "#lobby", "alice", f->alice);
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stop(f);
    box_destroy(f->box);
    free(f);
    return 0;
}

static void say(struct fixture *f, const char *text)
{
    const struct op op =
        op_post(f->box, "alice", f->alice, "#lobby", f->lobby, 77, ++f->number, text);

    assert_int_equal(box_apply(f->box, &op), RC_OK);
    store_release(f->box->store);
}

static struct effect search_of(struct fixture *f, const char *text, uint32_t count,
                               struct scope *scope)
{
    struct effect effect = {.kind = FX_SEARCH, .peer = {5}, .name = SPAN("#lobby")};

    *scope = (struct scope){f->lobby, 1, f->number + 1};
    effect.search.has_ref = true;
    effect.search.ref = ++f->asked;
    effect.search.text = span_of(text);
    effect.search.from = effect.search.with = SPAN("");
    effect.search.since_ms = effect.search.until_ms = effect.search.cursor = 0;
    effect.search.count = count;
    effect.search.scope = scope;
    effect.search.scope_count = 1;
    return effect;
}

/* The frame that answers; borrowed until the next. */
static struct span take(struct fixture *f)
{
    zmq_pollitem_t item = {.socket = readers_socket(f->readers), .events = ZMQ_POLLIN};
    struct read_answer answer;

    while (readers_take(f->readers, &answer) == RC_END)
        assert_true(zmq_poll(&item, 1, WAIT_MS) > 0);
    assert_int_equal(answer.kind, FX_SEARCH);
    assert_int_equal(answer.peer.v, 5);
    assert_true(answer.is_last);
    return (struct span){zmq_msg_data(answer.body), zmq_msg_size(answer.body)};
}

struct page {
    size_t count;
    uint64_t first, last; /* places, as they came */
    struct message end;   /* END or ERROR; its texts are not kept */
};

static struct page page_of(struct fixture *f, struct span frame)
{
    struct wire_reader reader = wire_reader_over(frame, TO_CLIENT);
    struct page page = {0};

    assert_true(frame.len <= FRAME_BYTES_MAX);
    while (wire_read(&reader, &page.end) == RC_OK && page.end.verb == VERB_EVENT) {
        assert_int_equal(page.end.ref, f->asked);
        assert_memory_equal(page.end.stream.ptr, "#lobby", page.end.stream.len);
        if (page.count++ == 0)
            page.first = page.end.seq;
        else
            assert_true(page.end.seq < page.last);
        page.last = page.end.seq;
    }
    assert_int_equal(page.end.ref, f->asked);
    assert_ptr_equal(reader.at, reader.end);
    return page;
}

static struct page ask(struct fixture *f, const struct effect *effect)
{
    assert_int_equal(readers_ask(f->readers, effect), RC_OK);
    return page_of(f, take(f));
}

static struct page find(struct fixture *f, const char *text, uint32_t count)
{
    struct scope scope;
    const struct effect effect = search_of(f, text, count, &scope);

    return ask(f, &effect);
}

/* A question waits a second for the index, and is answered without the rest then; the index is made by a thread that gives way to
 * all others. Ask until there is no rest. */
static struct page find_all(struct fixture *f, const char *text, uint32_t count)
{
    const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    struct page page;

    do {
        page = find(f, text, count);
        assert_true(clock_mono_ms() < until_ms);
    } while (message_has(&page.end, HAS_DONE));
    return page;
}

static void what_was_said_before_the_question_is_found_r52(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++) {
        say(f, "needle");
        const struct page page = find(f, "needle", 128);
        assert_int_equal(page.count, i + 1);
        assert_int_equal(page.first, f->number + 1);
        assert_int_equal(page.end.verb, VERB_END);
        assert_false(message_has(&page.end, HAS_CURSOR));
        assert_false(message_has(&page.end, HAS_DONE)); /* all was there */
    }
}

static void pages_follow_each_other_without_gap_or_repeat(void **state)
{
    struct fixture *f = *state;
    struct scope scope;
    uint64_t next = 25 + 1;
    size_t pages = 0;

    for (int i = 0; i < 25; i++)
        say(f, "needle");
    (void)find_all(f, "needle", 1);
    struct effect effect = search_of(f, "needle", 10, &scope);
    for (;; pages++) {
        const struct page page = ask(f, &effect);
        assert_int_equal(page.first, next);
        assert_int_equal(page.last, next - page.count + 1);
        next -= page.count;
        if (!message_has(&page.end, HAS_CURSOR))
            break;
        assert_int_equal(page.count, 10);
        effect.search.cursor = page.end.cursor;
    }
    assert_int_equal(pages, 2);
    assert_int_equal(next, 1);
}

static void an_answer_fits_one_frame(void **state)
{
    struct fixture *f = *state;
    struct scope scope;
    char *text = calloc(1, TEXT_BYTES_MAX + 1);
    size_t count = 0;

    memset(text, 'x', TEXT_BYTES_MAX);
    memcpy(text, "needle ", 7);
    for (int i = 0; i < 9; i++)
        say(f, text);
    free(text);
    (void)find_all(f, "needle", 1);
    struct effect effect = search_of(f, "needle", 128, &scope);
    for (;;) {
        const struct page page = ask(f, &effect);
        count += page.count;
        if (!message_has(&page.end, HAS_CURSOR))
            break;
        assert_true(page.count >= 2);
        effect.search.cursor = page.end.cursor;
    }
    assert_int_equal(count, 9);
}

static void what_is_wrong_with_a_question_is_its_answer(void **state)
{
    struct fixture *f = *state;
    struct page page;

    say(f, "x");
    page = find(f, "!!!", 128);
    assert_int_equal(page.end.verb, VERB_ERROR);
    assert_int_equal(page.end.code, RC_BAD_FIELD);
    page = find(f, "1 2 3 4 5 6 7 8 9 a b c d e f g h", 128);
    assert_int_equal(page.end.code, RC_TOO_BIG);
}

static void what_is_forgotten_is_found_no_more(void **state)
{
    struct fixture *f = *state;
    const uint64_t until_ms = clock_mono_ms() + WAIT_MS;

    say(f, "needle");
    say(f, "needle");
    assert_int_equal(find_all(f, "needle", 128).count, 2);
    search_forget(f->indexer, f->lobby, 2);
    while (find(f, "needle", 128).count == 2)
        assert_true(clock_mono_ms() < until_ms);
    assert_int_equal(find(f, "needle", 128).first, 3);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        say(f, "needle");
        assert_int_equal(find_all(f, "needle", 128).count, 2 * i + 1);
        stop(f);
        say(f, "needle"); /* while nobody indexes */
        start(f);
        assert_int_equal(find_all(f, "needle", 128).count, 2 * i + 2);
    }
}

static void execute(const struct fixture *f, const char *sql)
{
    char path[80];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/search.db", f->box->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, WAIT_MS);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_damaged_index_refuses_searches_and_the_next_start_mends_it_r54(void **state)
{
    struct fixture *f = *state;
    const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    struct page page;

    say(f, "needle");
    assert_int_equal(find_all(f, "needle", 128).count, 1);
    execute(f, "PRAGMA writable_schema = ON; DELETE FROM found_data WHERE id > 1; "
               "UPDATE found_data SET block = x'ff00ff00ff'");
    do {
        say(f, "needle");
        page = find(f, "needle", 128);
        assert_true(clock_mono_ms() < until_ms);
    } while (page.end.verb != VERB_ERROR);
    assert_int_equal(page.end.code, RC_NO_SEARCH);
    stop(f);
    start(f);
    assert_int_equal(find_all(f, "needle", 128).count, f->number);
}

static void without_an_index_searches_are_refused_r54(void **state)
{
    static const char *const folders[] = {NULL, "/nowhere"};
    struct fixture *f = *state;
    struct scope scope;
    const struct effect effect = search_of(f, "x", 128, &scope);

    for (size_t i = 0; i < 2; i++) {
        void *context = zmq_ctx_new();
        struct readers *readers;

        assert_int_equal(readers_start(f->box->store, context, 1, folders[i], &readers), RC_OK);
        assert_int_equal(readers_ask(readers, &effect), RC_NO_SEARCH);
        readers_stop(&readers);
        zmq_ctx_term(context);
    }
}

/* What waits when the pool is stopped is dropped, and all that may wait at a time is bounded. */
static void searches_that_wait_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct scope scope;
    const struct effect effect = search_of(f, "x", 128, &scope);
    size_t taken = 0;

    scope.last += 10; /* never indexed: each one waits */
    while (taken < 1000 && readers_ask(f->readers, &effect) == RC_OK)
        taken++;
    assert_in_range(taken, 64, 66);
}

#define with_threads(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_threads(what_was_said_before_the_question_is_found_r52),
        with_threads(pages_follow_each_other_without_gap_or_repeat),
        with_threads(an_answer_fits_one_frame),
        with_threads(what_is_wrong_with_a_question_is_its_answer),
        with_threads(what_is_forgotten_is_found_no_more),
        with_threads(a_restart_goes_on_where_it_was),
        with_threads(a_damaged_index_refuses_searches_and_the_next_start_mends_it_r54),
        with_threads(without_an_index_searches_are_refused_r54),
        with_threads(searches_that_wait_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
