/* test_sqlite.c - what only the store on disk can do wrong: files, checkpoints, readers. */
#include "shared/base/log.h"
#include "tests/support/check.h"
#include "tests/support/store_ops.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

/* Do something to the database that a broker would not. */
static void meddle(const struct box *box, const char *sql)
{
    char path[128];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static enum rc try_open(const char *folder, char why[512])
{
    struct store *store = NULL;
    const char *told = "";
    const enum rc rc = store_open_sqlite(folder, &store, &told);

    snprintf(why, 512, "%s", told);
    assert_true((rc == RC_OK) == (store != NULL));
    store_close(&store);
    return rc;
}

static enum rc post(struct box *box, stream_id alice, stream_id lobby, uint32_t number,
                    const char *text)
{
    const struct op op = op_post(box, "alice", alice, "#lobby", lobby, 77, number, text);

    return box_apply(box, &op);
}

/* --- files --------------------------------------------------------------------------- */

static void a_reopened_log_goes_on_where_it_was(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    box_close(box);
    box_open(box);
    assert_int_equal(post(box, alice, lobby, 1, "one"), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(post(box, alice, lobby, 2, "two"), RC_OK);
    assert_int_equal(box->result.seq, 3);
    assert_int_equal(person(box, "alice").v, alice.v);
    assert_int_equal(person(box, "bob").v, lobby.v + 1);
}

static void the_files_are_for_the_owner_alone(void **state)
{
    static const char *const names[] = {"zchat.db", "zchat.db-wal", "zchat.db-shm", "zchat.lock"};
    struct box *box = *state;

    person(box, "alice");
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        struct stat stat_;

        snprintf(path, sizeof(path), "%s/%s", box->folder, names[i]);
        assert_int_equal(stat(path, &stat_), 0);
        assert_int_equal(stat_.st_mode & 07777, 0600);
    }
}

static void a_missing_folder_is_told_with_its_path(void **state)
{
    char why[512];

    (void)state;
    assert_int_equal(try_open("/tmp/zchat-not-there/at-all", why), RC_SYSTEM);
    assert_non_null(strstr(why, "/tmp/zchat-not-there/at-all"));
    assert_int_equal(try_open("/dev/null", why), RC_SYSTEM);
}

static void two_brokers_in_one_folder_are_refused(void **state)
{
    struct box *box = *state;
    char why[512];

    assert_int_equal(try_open(box->folder, why), RC_SYSTEM);
    assert_non_null(strstr(why, "another broker"));
    person(box, "alice");
    box_close(box);
    assert_int_equal(try_open(box->folder, why), RC_OK);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct box *box = *state;
    char why[512];

    box_close(box);
    meddle(box, "PRAGMA user_version = 9");
    assert_int_equal(try_open(box->folder, why), RC_STORE);
    assert_non_null(strstr(why, "schema 9"));
    meddle(box, "PRAGMA user_version = 3");
    assert_int_equal(try_open(box->folder, why), RC_OK);
}

static void what_is_not_a_zchat_log_is_refused(void **state)
{
    struct box *box = *state;
    char path[128], why[512];
    FILE *file;

    box_close(box);
    meddle(box, "PRAGMA application_id = 5");
    assert_int_equal(try_open(box->folder, why), RC_STORE);
    assert_non_null(strstr(why, "not a zchat log"));
    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is a letter to my aunt ", file);
    fclose(file);
    assert_int_equal(try_open(box->folder, why), RC_STORE);
    assert_non_null(strstr(why, "zchat.db"));
}

static void the_file_has_the_layout_that_was_decided(void **state)
{
    struct box *box = *state;

    box_close(box);
    meddle(box, "CREATE TEMP TABLE t(x CHECK (x));"
                "INSERT INTO t SELECT page_size = 4096 FROM pragma_page_size;"
                "INSERT INTO t SELECT auto_vacuum = 2 FROM pragma_auto_vacuum;"
                "INSERT INTO t SELECT journal_mode = 'wal' FROM pragma_journal_mode;"
                "INSERT INTO t SELECT user_version = 3 FROM pragma_user_version;");
}

static void a_damaged_row_is_a_failure_and_no_crash(void **state)
{
    struct box *box = *state;
    struct op hello;
    struct op_result result;

    person(box, "alice");
    meddle(box, "UPDATE stream SET stream_key = x'00' WHERE id = 1");
    hello = op_hello(box, "alice", 0, 77);
    assert_int_equal(store_apply(box->store, &hello, 1, &result), RC_STORE);
    assert_non_null(strstr(store_why(box->store), "damaged"));
    assert_int_equal(store_apply(box->store, &hello, 1, &result), RC_STORE);
    assert_int_equal(store_maintain(box->store), RC_STORE);
}

/* --- checkpoints and readers ---------------------------------------------------------- */

static uint64_t wal_bytes(const struct box *box)
{
    char path[128];
    struct stat stat_;

    snprintf(path, sizeof(path), "%s/zchat.db-wal", box->folder);
    assert_int_equal(stat(path, &stat_), 0);
    return (uint64_t)stat_.st_size;
}

static void the_log_ahead_of_the_file_is_folded_back(void **state)
{
    struct box *box = *state;
    static char text[TEXT_BYTES_MAX + 1];
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    memset(text, 'x', TEXT_BYTES_MAX);
    for (uint32_t n = 1; n <= 4000; n++) { /* 64 MB and more */
        assert_int_equal(post(box, alice, lobby, n, text), RC_OK);
        if (n % 100 == 0)
            assert_int_equal(store_maintain(box->store), RC_OK);
    }
    assert_true(wal_bytes(box) < 24 << 20);
    assert_int_equal(read_range(box, lobby, 4001, 0, 0).count, 1);
}

static void fill(struct box *box, stream_id alice, stream_id lobby, uint32_t first, uint32_t last)
{
    static char text[TEXT_BYTES_MAX + 1];

    memset(text, 'x', TEXT_BYTES_MAX);
    for (uint32_t n = first; n <= last; n++) {
        assert_int_equal(post(box, alice, lobby, n, text), RC_OK);
        assert_int_equal(store_maintain(box->store), RC_OK);
    }
}

static void a_reader_that_stays_holds_folding_back_only_while_it_stays(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    char path[128];
    uint64_t held;
    sqlite3 *reader;

    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM place", NULL, NULL, NULL),
                     SQLITE_OK);
    fill(box, alice, lobby, 1, 1500);
    held = wal_bytes(box);
    assert_true(held > 24 << 20);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    fill(box, alice, lobby, 1501, 3500); /* as much and more */
    assert_true(wal_bytes(box) < held + (24 << 20));
}

static void what_retention_removed_is_told_as_gone_r34(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct store_page page;

    for (uint32_t n = 1; n <= 20; n++)
        assert_int_equal(post(box, alice, lobby, n, "x"), RC_OK);
    box_close(box);
    meddle(box, "DELETE FROM event WHERE id BETWEEN (2 << 39) AND (2 << 39) + 15");
    box_open(box);
    page = read_range(box, lobby, 1, 0, 0);
    assert_int_equal(page.kept, 16);
    assert_int_equal(page.first, 16);
    assert_int_equal(page.head, 21);
    assert_int_equal(post(box, alice, lobby, 15, "x"), RC_OK);
    assert_int_equal(box->result.seq, 16);
    assert_int_equal(post(box, alice, lobby, 14, "x"), RC_TOO_OLD);
    box_close(box);
    meddle(box, "DELETE FROM event");
    box_open(box);
    page = read_range(box, lobby, 1, 0, 0);
    assert_int_equal(page.kept, 22);
    assert_int_equal(page.count, 0);
    assert_int_equal(post(box, alice, lobby, 21, "x"), RC_OK);
    assert_int_equal(box->result.seq, 22);
}

struct reading {
    struct store *store;
    stream_id stream;
    uint64_t pages;
    bool is_good;
};

/* Pages are whole and grow, whatever the writer does meanwhile. */
static void *read_on(void *context)
{
    struct reading *self = context;
    struct store_reader *reader;
    uint64_t head = 0;

    self->is_good = store_reader_open(self->store, &reader) == RC_OK;
    while (self->is_good && head < 1001) {
        const struct store_range range = {
            .stream = self->stream, .first = head + 1, .events_max = 50, .bytes_max = 4000};
        struct store_page page;

        self->is_good = store_read(reader, &range, &page) == RC_OK &&
                        (page.count == 0 || page.first == head + 1) && page.head >= page.last;
        if (page.count > 0)
            head = page.last;
        self->pages++;
    }
    store_reader_close(&reader);
    return NULL;
}

static void readers_follow_while_the_writer_writes(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct reading readings[2];
    pthread_t threads[2];
    uint32_t number = 0;

    for (size_t i = 0; i < 2; i++) {
        readings[i] = (struct reading){.store = box->store, .stream = lobby};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
    }
    for (int batch = 0; batch < 100; batch++) {
        struct op ops[10];
        struct op_result results[10];

        for (int i = 0; i < 10; i++)
            ops[i] = op_post(box, "alice", alice, "#lobby", lobby, 77, ++number, "x");
        assert_int_equal(store_apply(box->store, ops, 10, results), RC_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_true(readings[i].is_good);
    }
}

static char reader_told[512];

static void listen_to_log(const struct log_record *record)
{
    if (strcmp(record->event, "reader.not_opened") == 0)
        snprintf(reader_told, sizeof(reader_told), "%.*s", (int)record->text.len, record->text.ptr);
}

static void a_reader_that_cannot_be_opened_tells_why(void **state)
{
    struct box *box = *state;
    struct store_reader *reader = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(unlink(path), 0);
    log_set_sink(listen_to_log);
    errno = EINVAL;
    assert_int_equal(store_reader_open(box->store, &reader), RC_STORE);
    assert_int_equal(errno, EIO);
    log_set_sink(NULL);
    assert_null(reader);
    assert_non_null(strstr(reader_told, path));
    assert_non_null(strstr(reader_told, "unable to open"));
}

static int set_up(void **state)
{
    *state = box_new(BOX_SQLITE);
    return 0;
}

static int tear_down(void **state)
{
    box_destroy(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reopened_log_goes_on_where_it_was),
        TEST(the_files_are_for_the_owner_alone),
        TEST(a_missing_folder_is_told_with_its_path),
        TEST(two_brokers_in_one_folder_are_refused),
        TEST(a_newer_schema_is_refused_and_left_alone),
        TEST(what_is_not_a_zchat_log_is_refused),
        TEST(the_file_has_the_layout_that_was_decided),
        TEST(a_damaged_row_is_a_failure_and_no_crash),
        TEST(the_log_ahead_of_the_file_is_folded_back),
        TEST(a_reader_that_stays_holds_folding_back_only_while_it_stays),
        TEST(what_retention_removed_is_told_as_gone_r34),
        TEST(readers_follow_while_the_writer_writes),
        TEST(a_reader_that_cannot_be_opened_tells_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
