/* test_store_schema.c - a database of an older schema becomes one of the newest, or stays as it was. */
#include "tests/support/check.h"
#include "tests/support/old_schemas.h"

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
        TEST(an_unknown_schema_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
