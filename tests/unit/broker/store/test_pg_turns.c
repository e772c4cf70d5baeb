/* test_pg_turns.c - several brokers' stores over one database: each hears what the others have done, all of it, in order, and
 * before what it has done behind that. */
#include "tests/support/check.h"
#include "tests/support/pg_shared.h"

/* --- order ------------------------------------------------------------------------- */

static void each_hears_what_the_other_has_done_once_and_in_order(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");

    assert_int_equal(box_apply(box, &post), RC_OK);
    assert_follows(box->store, "");
    assert_follows(other->store, "HJP");
    assert_follows(other->store, "");
    (void)person(other, "bob");
    assert_follows(box->store, "H");
    assert_follows(other->store, "");
    assert_int_equal(number_of("SELECT turns FROM zchat.meta"), 4);
    box_destroy(other);
}

static void what_stands_before_an_own_transaction_is_taken_along_with_it(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const stream_id bob = person(other, "bob");
    const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");

    assert_string_equal(heard(other->store), "HJ");
    assert_int_equal(box_apply(box, &post), RC_OK);
    assert_string_equal(heard(box->store), "H");
    assert_int_equal(room(other, "#lobby", "bob", bob).v, lobby.v);
    assert_string_equal(heard(other->store), "P");
    box_destroy(other);
}

static void an_event_arrives_as_it_was_stored(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "the kettle");
    struct batch *turn;

    assert_int_equal(store_follow(other->store), RC_OK);
    assert_string_equal(heard(other->store), "HJ");
    assert_int_equal(box_apply(box, &post), RC_OK);
    assert_int_equal(store_follow(other->store), RC_OK);
    assert_int_equal(store_take_turn(other->store, &turn), RC_OK);
    const struct op_result *result = &batch_results(turn)[0];
    assert_int_equal(result->appended_count, 1);
    assert_int_equal(result->appended[0].stream.v, lobby.v);
    assert_int_equal(result->appended[0].seq, box->result.seq);
    assert_int_equal(result->appended[0].wire.len, box->result.appended[0].wire.len);
    assert_memory_equal(result->appended[0].wire.ptr, box->result.appended[0].wire.ptr,
                        result->appended[0].wire.len);
    batch_destroy(&turn);
    box_destroy(other);
}

static void what_changes_nothing_for_others_has_no_turn(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op mark = op_mark(box, OP_MARK, alice, "m", lobby, 1);
    struct op early = op_post(box, "alice", alice, "#lobby", lobby, 78, 1, "no member");

    assert_int_equal(box_apply(box, &post), RC_OK);
    const uint64_t turns = number_of("SELECT turns FROM zchat.meta");
    assert_int_equal(box_apply(box, &post), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box_apply(box, &mark), RC_OK);
    assert_int_equal(number_of("SELECT turns FROM zchat.meta"), turns);
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), turns);
    early.account.v = 99; /* refused, and its number is used up: that is told */
    (void)box_apply(box, &early);
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"),
                     number_of("SELECT turns FROM zchat.meta"));
}

static void many_turns_are_read_in_pieces(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    size_t count = 0;
    struct batch *turn;

    assert_int_equal(store_follow(other->store), RC_OK);
    assert_string_equal(heard(other->store), "HJ");
    for (uint32_t n = 1; n <= 200; n++) {
        const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, n, "text");

        assert_int_equal(box_apply(box, &post), RC_OK);
    }
    assert_int_equal(store_follow(other->store), RC_OK);
    while (store_take_turn(other->store, &turn) == RC_OK) {
        assert_int_equal(batch_results(turn)[0].appended[0].seq, 2 + count++);
        batch_destroy(&turn);
    }
    assert_int_equal(count, 200);
    box_destroy(other);
}

static void count_record(void *context, const struct record *record)
{
    (void)record;
    ++*(size_t *)context;
}

static void who_begins_has_in_what_it_reads_all_turns_before_it_stands_there(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    struct box *other = other_of(box);
    size_t records = 0;

    (void)room(box, "#lobby", "alice", alice);
    assert_int_equal(store_replay(other->store, count_record, &records), RC_OK);
    assert_true(records >= 3);
    assert_follows(other->store, "");
    (void)person(box, "bob");
    assert_follows(other->store, "H");
    box_destroy(other);
}

/* --- what is wrong ----------------------------------------------------------------- */

static void a_turn_that_is_there_no_more_ends_who_has_not_heard_it(void **state)
{
    struct box *box = *state, *other = other_of(box), *third = other_of(box);

    (void)person(box, "alice");
    (void)person(box, "bob");
    pg_server_say("DELETE FROM zchat.turn WHERE no = 1", NULL, 0);
    assert_lost(other->store, "turn 1 of other brokers is there no more");
    pg_server_say("DELETE FROM zchat.turn", NULL, 0);
    assert_lost(third->store, "turn 1 of other brokers is there no more");
    assert_follows(box->store, "");
    box_destroy(other);
    box_destroy(third);
}

static void who_was_away_while_one_worked_alone_is_told_so(void **state)
{
    struct box *box = *state;
    struct box plain = {.kind = BOX_PG, .now_ms = 5000, .store = NULL};

    (void)person(box, "alice");
    assert_follows(box->store, "");
    plain.store = open_store(
        false, false); /* as one that is alone writes, when our lock is gone with our connection */
    (void)person(&plain, "bob");
    store_close(&plain.store);
    assert_lost(box->store, "is there no more");
}

static void an_older_copy_of_the_database_is_noticed(void **state)
{
    struct box *box = *state;

    (void)person(box, "alice");
    (void)person(box, "bob");
    pg_server_say("UPDATE zchat.meta SET turns = 1", NULL, 0);
    assert_lost(box->store, "it is an older copy");
}

static void bytes_that_are_no_turn_end_who_reads_them(void **state)
{
    struct box *box = *state, *other = other_of(box);

    (void)person(box, "alice");
    pg_server_say("UPDATE zchat.turn SET body = '\\x027f00'", NULL, 0);
    assert_lost(other->store, "is not known here");
    box_destroy(other);
}

static void who_is_alone_and_who_shares_refuse_each_other(void **state)
{
    struct box *box = *state;
    struct store *store = open_store(false, true);

    assert_refused(true, false, "cluster = on");
    store_close(&store);
    assert_refused(true, false, "another broker works in the database");
    box_close(box);
    store = open_store(true, false);
    assert_refused(false, true, "a broker without cluster works in the database");
    store_close(&store);
    box_open(box);
}

/* --- connections ------------------------------------------------------------------- */

static void an_idle_connection_that_was_cut_is_made_again(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");

    assert_int_equal(number_of(CUT), 2);
    assert_follows(other->store, "H");
    assert_int_equal(number_of("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 1);
    assert_true(room(box, "#lobby", "alice", alice).v > alice.v);
    assert_follows(other->store, "J");
    assert_int_equal(number_of("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 2);
    box_destroy(other);
}

static void who_is_alone_connects_again_too_and_notices_who_was_there_meanwhile(void **state)
{
    struct box *box = *state;
    struct box alone = {.kind = BOX_PG, .now_ms = 5000};
    const struct op hello = op_hello(box, "carol", 3, 78);

    box_close(box);
    alone.store = open_store(true, false);
    (void)person(&alone, "alice");
    assert_int_equal(number_of(CUT), 1);
    (void)person(&alone, "bob");
    assert_int_equal(number_of(CUT), 1);
    pg_server_say("UPDATE zchat.meta SET commits = commits + 1", NULL, 0);
    assert_int_equal(store_apply(alone.store, &hello, 1, &alone.result), RC_STORE);
    assert_non_null(strstr(store_why(alone.store), "somebody else has written there"));
    store_close(&alone.store);
    box_open(box);
}

/* --- the rest ---------------------------------------------------------------------- */

struct forgotten {
    stream_id stream;
    uint64_t upto;
    size_t count;
};

static void on_removed(void *context, stream_id stream, uint64_t upto)
{
    struct forgotten *removed = context;

    removed->stream = stream;
    removed->upto = upto;
    removed->count++;
}

static void what_is_removed_is_removed_from_the_others_indexes(void **state)
{
    struct box *box = *state, *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct store_limits limits = {.keep = {.events = 1}};
    const struct op purge = {.kind = OP_PURGE,
                             .ticket = {4},
                             .ts_ms = ++box->now_ms,
                             .account = alice,
                             .target = alice,
                             .target_nick = SPAN("alice"),
                             .until_ms = FOR_EVER_MS};
    struct forgotten removed = {.count = 0};
    struct removed gone;

    store_on_removed_set(other->store, on_removed, &removed);
    for (uint32_t n = 1; n <= 3; n++) {
        const struct op post = op_post(box, "alice", alice, "#lobby", lobby, 77, n, "text");

        assert_int_equal(box_apply(box, &post), RC_OK);
    }
    assert_int_equal(box_apply(box, &purge), RC_OK);
    assert_follows(other->store, "HJPPPU");
    assert_int_equal(removed.count, 1);
    assert_int_equal(removed.upto, 0);
    store_set_limits(box->store, &limits);
    assert_int_equal(store_clean(box->store, 1000, box->now_ms, &gone), RC_OK);
    assert_follows(other->store, "U");
    assert_int_equal(removed.count, 2);
    assert_int_equal(removed.stream.v, lobby.v);
    assert_int_equal(removed.upto, 3);
    box_destroy(other);
}

static void a_schema_without_turns_gets_them(void **state)
{
    struct box *box = *state;

    box_close(box);
    pg_server_say("DROP TABLE zchat.turn; DROP TABLE zchat.presence; DROP TABLE zchat.broker;"
                  " ALTER TABLE zchat.meta DROP COLUMN turns; UPDATE zchat.meta SET version = 1",
                  NULL, 0);
    for (int opened = 0; opened < 2; opened++) {
        share(box);
        assert_int_equal(number_of("SELECT version FROM zchat.meta"), 3);
        (void)person(box, opened == 0 ? "alice" : "bob");
        assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), opened + 1);
    }
}

static void a_store_of_one_broker_writes_no_turns(void **state)
{
    struct box *box = *state;

    (void)person(box, "alice");
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), 0);
    assert_int_equal(number_of("SELECT turns FROM zchat.meta"), 1);
    assert_int_equal(store_follow(box->store), RC_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_hears_what_the_other_has_done_once_and_in_order),
        TEST(what_stands_before_an_own_transaction_is_taken_along_with_it),
        TEST(an_event_arrives_as_it_was_stored),
        TEST(what_changes_nothing_for_others_has_no_turn),
        TEST(many_turns_are_read_in_pieces),
        TEST(who_begins_has_in_what_it_reads_all_turns_before_it_stands_there),
        TEST(a_turn_that_is_there_no_more_ends_who_has_not_heard_it),
        TEST(who_was_away_while_one_worked_alone_is_told_so),
        TEST(an_older_copy_of_the_database_is_noticed),
        TEST(bytes_that_are_no_turn_end_who_reads_them),
        TEST(who_is_alone_and_who_shares_refuse_each_other),
        TEST(an_idle_connection_that_was_cut_is_made_again),
        TEST(who_is_alone_connects_again_too_and_notices_who_was_there_meanwhile),
        TEST(what_is_removed_is_removed_from_the_others_indexes),
        TEST(a_schema_without_turns_gets_them),
        cmocka_unit_test_setup_teardown(a_store_of_one_broker_writes_no_turns, set_up_pg,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
