/* test_store_schema.c - a database of an older schema becomes one of the newest, or stays as it was. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* As schema 1 wrote it. Alice and bob are in #lobby, where alice has joined; carol came without a key. */
static const char SCHEMA_1[] =
    "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN;"
    "CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " skeleton TEXT NOT NULL UNIQUE, owner_key BLOB UNIQUE, stream_key BLOB NOT NULL,"
    " epoch INTEGER NOT NULL) STRICT;"
    "CREATE TABLE place (stream INTEGER PRIMARY KEY, head INTEGER NOT NULL,"
    " confirmed INTEGER NOT NULL, ts INTEGER NOT NULL) STRICT;"
    "CREATE TABLE member (stream INTEGER NOT NULL, account INTEGER NOT NULL,"
    " PRIMARY KEY (stream, account)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE session (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " last INTEGER NOT NULL, entry INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, sender INTEGER NOT NULL,"
    " own_seq INTEGER NOT NULL, refusal INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " wire BLOB NOT NULL) STRICT;"
    "CREATE TABLE mark (account INTEGER NOT NULL, name TEXT NOT NULL, stream INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, PRIMARY KEY (account, name, stream)) STRICT, WITHOUT ROWID;"
    "INSERT INTO stream VALUES (0, '', '', NULL, x'', 0),"
    " (1, '@alice', '@alice', unhex32('01'), unhex32('a1'), 1),"
    " (2, '#lobby', '#lobby', NULL, unhex32('a2'), 1),"
    " (3, '@bob', '@bob', unhex32('03'), unhex32('a3'), 1),"
    " (4, '@carol', '@carol', NULL, unhex32('a4'), 1);"
    "INSERT INTO place VALUES (0, 0, 0, 0), (1, 0, 0, 0), (2, 1, 0, 500), (3, 0, 0, 0),"
    " (4, 0, 0, 0);"
    "INSERT INTO member VALUES (2, 1), (2, 3);"
    "INSERT INTO event VALUES ((2 << 39) + 1, 500, 0, 0, 0, 0, x'80');"
    "INSERT INTO session VALUES (77, 1, 4, 0);"
    "INSERT INTO mark VALUES (1, 'm', 2, 1);"
    "PRAGMA application_id = 0x7a636874; PRAGMA user_version = 1; COMMIT;";

/* 32 times the byte of two hexadecimal digits. */
static void unhex32(sqlite3_context *context, int count, sqlite3_value **values)
{
    unsigned char bytes[32];

    (void)count;
    memset(bytes, (int)strtol((const char *)sqlite3_value_text(values[0]), NULL, 16), 32);
    sqlite3_result_blob(context, bytes, 32, SQLITE_TRANSIENT);
}

static sqlite3 *open_raw(const struct box *box)
{
    char path[128];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/zchat.db", box->folder);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_create_function(handle, "unhex32", 1, SQLITE_UTF8, NULL, unhex32, NULL, NULL),
        SQLITE_OK);
    return handle;
}

static int64_t number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* A box whose store is closed, over a folder of schema 1. */
static void make_schema_1(const struct box *box)
{
    static const char *const names[] = {"zchat.db", "zchat.db-wal", "zchat.db-shm"};
    char path[128];
    sqlite3 *handle;

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", box->folder, names[i]);
        (void)unlink(path);
    }
    handle = open_raw(box);
    assert_int_equal(sqlite3_exec(handle, SCHEMA_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void people_rooms_and_members_of_schema_1_are_kept(void **state)
{
    struct box *box = *state;
    static struct told told;
    struct op op;

    box_close(box);
    make_schema_1(box);
    for (int opened = 0; opened < 2; opened++) { /* and it is done once */
        box_open(box);
        told.count = 0;
        assert_int_equal(store_replay(box->store, tell, &told), RC_OK);
        assert_int_equal(told.count, 8);
        assert_string_equal(told.text[0][0], "@alice");
        assert_string_equal(told.text[1][0], "#lobby");
        assert_int_equal(told.record[1].head, 1);
        assert_int_equal(told.record[1].modes, 0);
        assert_int_equal(told.record[1].open_from, 1);
        assert_int_equal(told.record[1].stream_key[0], 0xa2);
        assert_int_equal(told.record[0].role, ROLE_MEMBER);
        assert_int_equal(told.record[4].kind, RECORD_DEVICE);
        assert_int_equal(told.record[4].key[0], 1);
        assert_int_equal(told.record[5].member.v, 3);
        assert_int_equal(told.record[6].kind, RECORD_STANDING);
        assert_int_equal(told.record[6].standing.flags, STAND_MEMBER);
        assert_int_equal(told.record[7].member.v, 3);
        if (opened == 0)
            box_close(box);
    }
    op = op_hello(box, "alice", 1, 77);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.next, 5);
    op = op_hello(box, "carol", 0, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_hello(box, "bob", 1, 0);
    assert_int_equal(box_apply(box, &op), RC_NICK_IN_USE);
    op = op_mark(box, OP_MARK_GET, (stream_id){1}, "m", (stream_id){2}, 0);
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.seq, 1);
}

static void a_new_database_and_a_migrated_one_have_the_same_tables(void **state)
{
    struct box *box = *state;
    static const char all[] =
        "SELECT group_concat(line, '; ') FROM (SELECT m.name || '.' || t.name || t.type ||"
        " t.\"notnull\" || t.pk AS line FROM sqlite_schema m, pragma_table_info(m.name) t"
        " WHERE m.type IN ('table', 'index') ORDER BY 1)";
    char *text[2];

    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement;

        box_close(box);
        if (i == 1) {
            make_schema_1(box);
            box_open(box);
            box_close(box);
        }
        sqlite3 *handle = open_raw(box);
        assert_int_equal(sqlite3_prepare_v2(handle, all, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        text[i] = strdup((const char *)sqlite3_column_text(statement, 0));
        assert_int_equal(number(handle, "PRAGMA user_version"), 3);
        sqlite3_finalize(statement);
        sqlite3_close(handle);
        box_open(box);
    }
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

/* A broker that dies at the first byte of a file beyond `limit`. True: it did. */
static bool open_and_die(const struct box *box, rlim_t limit)
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit size = {limit, limit};
        const struct rlimit no_core = {0, 0};
        struct store *store = NULL;
        const char *why;

        signal(SIGXFSZ, SIG_DFL);
        if (setrlimit(RLIMIT_CORE, &no_core) == 0 && setrlimit(RLIMIT_FSIZE, &size) == 0)
            (void)!store_open_sqlite(box->folder, &store, &why);
        _exit(store == NULL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

static void a_crash_while_migrating_leaves_schema_1(void **state)
{
    struct box *box = *state;
    unsigned deaths = 0, old = 0, new = 0;

    box_close(box);
    for (rlim_t limit = 36 << 10; limit <= 128 << 10; limit += 4 << 10) {
        make_schema_1(box);
        deaths += open_and_die(box, limit);

        sqlite3 *handle = open_raw(box);
        const bool is_new = number(handle, "PRAGMA user_version") == 3;
        assert_int_equal(number(handle, is_new ? "SELECT count(*) FROM standing"
                                               : "SELECT count(*) FROM member"),
                         2);
        assert_int_equal(number(handle, is_new ? "SELECT count(*) FROM device"
                                               : "SELECT count(owner_key) FROM stream"),
                         2);
        assert_int_equal(number(handle, "SELECT count(*) FROM sqlite_schema"
                                        " WHERE name IN ('member', 'standing', 'stream_2')"),
                         1);
        assert_int_equal(number(handle, "SELECT count(*) FROM sqlite_schema WHERE name = 'hole'"),
                         is_new);
        old += !is_new;
        new += is_new;
        sqlite3_close(handle);
        box_open(box); /* the next start brings it up */
        assert_int_equal(person(box, "dan").v, 5);
        box_close(box);
    }
    assert_true(deaths > 0);
    assert_true(old > 0);
    assert_true(new > 0);
    box_open(box);
}

/* A box whose store is closed, over a folder of schema 2 with what it can hold. */
static void make_schema_2(struct box *box)
{
    make_schema_1(box);
    box_open(box); /* all steps; then the last one is taken back */
    box_close(box);
    sqlite3 *handle = open_raw(box);
    assert_int_equal(sqlite3_exec(handle,
                                  "ALTER TABLE stream DROP COLUMN keep; DROP TABLE hole;"
                                  "PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
}

static void a_crash_while_schema_2_becomes_3_leaves_one_of_them(void **state)
{
    struct box *box = *state;
    unsigned deaths = 0, old = 0, new = 0;

    box_close(box);
    for (rlim_t limit = 8 << 10; limit <= 64 << 10; limit += 4 << 10) {
        make_schema_2(box);
        deaths += open_and_die(box, limit);

        sqlite3 *handle = open_raw(box);
        const int64_t version = number(handle, "PRAGMA user_version");
        assert_true(version == 2 || version == 3);
        assert_int_equal(number(handle, "SELECT count(*) FROM pragma_table_info('stream')"
                                        " WHERE name = 'keep'"),
                         version == 3);
        assert_int_equal(number(handle, "SELECT count(*) FROM sqlite_schema WHERE name = 'hole'"),
                         version == 3);
        assert_int_equal(number(handle, "SELECT count(*) FROM event"), 1);
        old += version == 2;
        new += version == 3;
        sqlite3_close(handle);
        box_open(box); /* the next start brings it up */
        assert_int_equal(person(box, "dan").v, 5);
        box_close(box);
    }
    assert_true(deaths > 0);
    assert_true(old > 0);
    assert_true(new > 0);
    box_open(box);
}

static void an_unknown_schema_is_left_alone(void **state)
{
    struct box *box = *state;
    struct store *store = NULL;
    const char *why = "";

    box_close(box);
    sqlite3 *handle = open_raw(box);
    assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(store_open_sqlite(box->folder, &store, &why), RC_STORE);
    assert_non_null(strstr(why, "newer zchat (schema 4, known here up to 3)"));
    handle = open_raw(box);
    assert_int_equal(number(handle, "PRAGMA user_version"), 4);
    assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    box_open(box);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_sqlite, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(people_rooms_and_members_of_schema_1_are_kept),
        TEST(a_new_database_and_a_migrated_one_have_the_same_tables),
        TEST(a_crash_while_migrating_leaves_schema_1),
        TEST(a_crash_while_schema_2_becomes_3_leaves_one_of_them),
        TEST(an_unknown_schema_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
