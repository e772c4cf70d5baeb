/* test_migrate.c - a whole log goes from a folder into a database and back, and is the same. */
#include "tests/support/check.h"
#include "tests/support/dump.h"
#include "tests/support/old_schemas.h"

#include "broker/store/migrate.h"

static struct op op_admit(struct box *box, stream_id account)
{
    return (struct op){.kind = OP_ADMIT,
                       .ts_ms = ++box->now_ms,
                       .account = account,
                       .role = ROLE_OPERATOR,
                       .target_nick = SPAN("eve"),
                       .label = SPAN("caf\xc3\xa9"),
                       .until_ms = FOR_EVER_MS};
}

/* A row at least in every table, and what is at the edges of its columns. */
static void fill(struct box *box)
{
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const uint64_t session = UINT64_C(0xfedcba9876543210); /* below zero for a database */
    char *text = calloc(1, TEXT_BYTES_MAX + 1);
    struct op op;

    assert_non_null(text);
    memset(text, 'z', TEXT_BYTES_MAX);
    for (uint32_t n = 1; n <= 2500; n++) {
        op = n % 100 == 0 ? op_void(box, alice, session, n, RC_BAD_TEXT)
                          : op_post(box, "alice", alice, n % 7 == 0 ? "@bob" : "#lobby",
                                    n % 7 == 0 ? bob : lobby, session, n, n == 50 ? text : "text");
        (void)box_apply(box, &op);
    }
    free(text);
    op = op_confirm(box, "bob", bob, 100);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_mark(box, OP_MARK, alice, "caf\xc3\xa9", lobby, 9);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = op_admit(box, alice);
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = (struct op){.kind = OP_KEY_BAN,
                     .ts_ms = ++box->now_ms,
                     .stream = lobby,
                     .key = {0, 1, 0, 2},
                     .until_ms = FOR_EVER_MS};
    assert_int_equal(box_apply(box, &op), RC_OK);
    op = (struct op){.kind = OP_ROOM,
                     .ts_ms = ++box->now_ms,
                     .nick = SPAN("alice"),
                     .account = alice,
                     .stream = lobby,
                     .name = SPAN("#lobby"),
                     .has_topic = true,
                     .text = SPAN("a \xe5\xb0\x8f topic"),
                     .modes_set = ROOM_PRIVATE | ROOM_PERSISTENT,
                     .has_keep = true,
                     .keep_s = KEEP_FOR_EVER};
    assert_int_equal(box_apply(box, &op), RC_OK);
}

static char *dump_folder(const struct box *box)
{
    sqlite3 *handle = open_raw(box);
    char *text = dump_log(handle, true);

    sqlite3_close(handle);
    return text;
}

/* Of a log that was restored once. */
static void make_hole(const struct box *box)
{
    sqlite3 *handle = open_raw(box);

    assert_int_equal(
        sqlite3_exec(handle, "INSERT INTO hole VALUES (2, 5000, 9999)", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
}

static void a_log_goes_into_a_database_and_back_row_by_row(void **state)
{
    struct box *box = *state;
    struct box *back = box_new(BOX_SQLITE);
    const struct migrate_place database = {.url = pg_server_url()};
    struct migrate_done there, here;
    char why[MIGRATE_WHY_BYTES] = "";
    char *before, *after;
    uint64_t chat = 0;

    fill(box);
    assert_int_equal(store_chat(box->store, &chat), RC_OK);
    assert_int_not_equal(chat, 0);
    box_close(box);
    make_hole(box);
    before = dump_folder(box);
    pg_server_empty();
    assert_int_equal(
        store_migrate(&(struct migrate_place){.folder = box->folder}, &database, &there, why),
        RC_OK);
    box_close(back);
    assert_int_equal(
        store_migrate(&database, &(struct migrate_place){.folder = back->folder}, &here, why),
        RC_OK);
    after = dump_folder(back);
    assert_string_equal(before, after);
    assert_non_null(strstr(before, "invitation:\nX'"));
    assert_non_null(strstr(before, "mark:\n1,"));
    assert_int_equal(there.events, here.events);
    assert_true(there.events > 2500);
    assert_int_equal(there.streams, 3);
    assert_int_equal(there.sessions, 1);
    free(after);
    after = dump_folder(box); /* the first log is as it was */
    assert_string_equal(before, after);
    free(before);
    free(after);
    box_open(box);
    box_open(back);
    uint64_t chat_there = 0;
    assert_int_equal(store_chat(back->store, &chat_there), RC_OK);
    assert_int_equal(chat_there, chat);
    box_destroy(back);
}

static void the_broker_goes_on_in_the_database(void **state)
{
    struct box *box = *state;
    struct box *database;
    char why[MIGRATE_WHY_BYTES] = "";
    struct migrate_done done;
    char counted[32], looked[32];
    struct op op;

    fill(box);
    box_close(box);
    pg_server_empty();
    assert_int_equal(store_migrate(&(struct migrate_place){.folder = box->folder},
                                   &(struct migrate_place){.url = pg_server_url()}, &done, why),
                     RC_OK);
    database = calloc(1, sizeof(*database));
    assert_non_null(database);
    *database = (struct box){.kind = BOX_PG, .now_ms = box->now_ms};
    snprintf(database->folder, sizeof(database->folder), "/tmp/zchat-none"); /* it has none */
    box_open(database);
    op = op_post(database, "alice", (stream_id){1}, "#lobby", (stream_id){3},
                 UINT64_C(0xfedcba9876543210), 2499, "text");
    assert_int_equal(box_apply(database, &op), RC_OK);
    assert_true(database->result.is_duplicate);
    op.number = 2501;
    assert_int_equal(box_apply(database, &op), RC_OK);
    assert_false(database->result.is_duplicate);
    op = op_hello(database, "carol", 9, 5); /* a device behind those that came along */
    assert_int_equal(box_apply(database, &op), RC_OK);
    assert_true(database->result.is_new_device);
    pg_server_say("SELECT event_bytes FROM zchat.meta", counted, sizeof(counted));
    pg_server_say("SELECT sum(octet_length(wire) + 128) FROM zchat.event", looked, sizeof(looked));
    assert_string_equal(counted, looked);
    box_destroy(database);
    box_open(box);
}

static void a_log_that_is_there_is_not_written_over(void **state)
{
    struct box *box = *state;
    struct box *other = box_new(BOX_PG);
    const struct migrate_place folder = {.folder = box->folder};
    const struct migrate_place database = {.url = pg_server_url()};
    struct migrate_done done;
    char why[MIGRATE_WHY_BYTES] = "";

    (void)person(box, "alice");
    (void)person(other, "bob");
    box_close(box);
    box_close(other);
    assert_int_equal(store_migrate(&folder, &database, &done, why), RC_EXISTS);
    assert_non_null(strstr(why, "there is a log in it already"));
    assert_int_equal(store_migrate(&database, &folder, &done, why), RC_EXISTS);
    assert_non_null(strstr(why, "there is a log in it already"));
    box_open(box);
    box_open(other);
    assert_int_equal(person(other, "bob").v, 1);
    assert_int_equal(person(box, "alice").v, 1);
    box_destroy(other);
}

static void a_database_in_use_is_not_moved(void **state)
{
    struct box *box = *state;
    const struct pg_options options = {.url = pg_server_url(), .is_alone = true};
    struct store *store = NULL;
    struct pg_facts facts;
    struct migrate_done done;
    char why[MIGRATE_WHY_BYTES] = "";
    const char *reason;

    assert_int_equal(store_open_pg(&options, &store, &facts, &reason), RC_OK);
    assert_int_equal(store_migrate(&(struct migrate_place){.url = pg_server_url()},
                                   &(struct migrate_place){.folder = box->folder}, &done, why),
                     RC_FAILED);
    assert_non_null(strstr(why, "another broker works in the database"));
    store_close(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_sqlite, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_goes_into_a_database_and_back_row_by_row),
        TEST(the_broker_goes_on_in_the_database),
        TEST(a_log_that_is_there_is_not_written_over),
        TEST(a_database_in_use_is_not_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
