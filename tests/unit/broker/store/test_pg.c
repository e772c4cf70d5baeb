/* test_pg.c - what only the store on PostgreSQL has to keep its word about: other writers, and a server with its failures. */
#include "tests/support/check.h"
#include "tests/support/store_contract.h"

#include <pthread.h>

/* --- other writers ----------------------------------------------------------------- */

static struct box *other_of(const struct box *box)
{
    struct box *other = box_empty(BOX_PG, box->now_ms);

    box_open(other);
    return other;
}

static void two_writers_give_one_gapless_order(void **state)
{
    struct box *box = *state;
    struct box *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(other, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);

    assert_int_equal(bob.v, alice.v + 1);
    assert_int_equal(room(other, "#lobby", "bob", bob).v, lobby.v);
    for (uint32_t n = 1; n <= 20; n++) {
        const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, n, "here");
        const struct op two = op_post(other, "bob", bob, "#lobby", lobby, 78, n, "there");

        assert_int_equal(box_apply(box, &one), RC_OK);
        assert_int_equal(box->result.seq, 1 + 2 * n);
        assert_int_equal(box_apply(other, &two), RC_OK);
        assert_int_equal(other->result.seq, 2 + 2 * n);
    }
    assert_int_equal(read_range(box, lobby, 1, 0, 0).count, 42);
    box_destroy(other);
}

static void a_post_that_is_repeated_at_another_writer_is_one_post(void **state)
{
    struct box *box = *state;
    struct box *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    const struct op three = op_post(box, "alice", alice, "#lobby", lobby, 77, 3, "three");

    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_int_equal(box_apply(other, &one), RC_OK);
    assert_true(other->result.is_duplicate);
    assert_int_equal(other->result.seq, 2);
    assert_int_equal(box_apply(other, &two), RC_OK);
    assert_false(other->result.is_duplicate);
    assert_int_equal(box_apply(box, &two), RC_OK); /* which remembers number 1 */
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.seq, 3);
    assert_int_equal(box_apply(box, &three), RC_OK);
    assert_int_equal(box->result.seq, 4);
    box_destroy(other);
}

static void who_was_kicked_at_another_writer_posts_no_more(void **state)
{
    struct box *box = *state;
    struct box *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id bob = person(box, "bob");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op post = op_post(box, "bob", bob, "#lobby", lobby, 78, 1, "here");
    const struct op again = op_post(box, "bob", bob, "#lobby", lobby, 78, 2, "still here");
    const struct op kick = {.kind = OP_STANDING,
                            .ts_ms = ++box->now_ms,
                            .nick = SPAN("alice"),
                            .account = alice,
                            .stream = lobby,
                            .name = SPAN("#lobby"),
                            .target = bob,
                            .target_nick = SPAN("bob"),
                            .change = STANDING_KICK};

    assert_int_equal(room(box, "#lobby", "bob", bob).v, lobby.v);
    assert_int_equal(box_apply(box, &post), RC_OK);
    assert_int_equal(box_apply(other, &kick), RC_OK);
    assert_int_equal(box_apply(box, &again), RC_NOT_MEMBER);
    box_destroy(other);
}

static void what_another_writer_cleans_is_not_remembered(void **state)
{
    struct removed removed;
    struct box *box = *state;
    struct box *other = other_of(box);
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    const struct store_limits limits = {.keep = {.events = 1}};

    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_int_equal(box_apply(other, &two), RC_OK);
    store_set_limits(box->store, &limits);
    assert_int_equal(store_clean(box->store, 1000, box->now_ms, &removed),
                     RC_OK); /* it has seen number 2 */
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box->result.seq, 3);
    box_destroy(other);
}

/* --- opening ----------------------------------------------------------------------- */

/* Opening this is refused, in one line with this part, and without a secret. */
static void assert_refused(const char *url, bool is_alone, const char *part)
{
    const struct pg_options options = {.url = url, .is_alone = is_alone};
    struct store *store = NULL;
    struct pg_facts facts;
    const char *why = "";

    assert_int_equal(store_open_pg(&options, &store, &facts, &why), RC_STORE);
    assert_null(store);
    if (strstr(why, part) == NULL)
        print_error("said: %s\n", why);
    assert_non_null(strstr(why, part));
    assert_null(strchr(why, '\n'));
    assert_null(strstr(why, "secret"));
}

static void what_is_wrong_with_the_server_is_told_in_one_line(void **state)
{
    char url[160];

    (void)state;
    snprintf(url, sizeof(url), "postgres://zchat@/nowhere?host=%s", pg_server.folder);
    assert_refused(url, false, "database \"nowhere\" does not exist");
    snprintf(url, sizeof(url), "postgres://zchat@/postgres?host=%s/none", pg_server.folder);
    assert_refused(url, false, "Is the server running");
    pg_server_say("CREATE ROLE locked LOGIN PASSWORD 'right'", NULL, 0);
    snprintf(url, sizeof(url), "postgres://locked:secret@/postgres?host=%s", pg_server.folder);
    assert_refused(url, false, "password authentication failed for user \"locked\"");
    snprintf(url, sizeof(url), "postgres://locked@/postgres?host=%s", pg_server.folder);
    assert_refused(url, false, "expected a password in ~/.pgpass");
    snprintf(url, sizeof(url), "postgres://locked:right@/postgres?host=%s", pg_server.folder);
    assert_refused(url, false, "permission denied");
    pg_server_say("DROP ROLE locked", NULL, 0);
    assert_refused("postgres://zchat@/x?nonsense=1", false, "nonsense");
}

static void a_database_that_may_only_be_read_is_refused(void **state)
{
    char url[160];

    (void)state;
    pg_server_say("ALTER ROLE zchat SET default_transaction_read_only = on", NULL, 0);
    assert_refused(pg_server_url(), false, "session is read-only");
    snprintf(url, sizeof(url), "%s&target_session_attrs=any", pg_server_url());
    pg_server_say("DROP SCHEMA zchat CASCADE", NULL, 0);
    assert_refused(url, false, "the store needs a server that can be written");
    pg_server_say("ALTER ROLE zchat RESET default_transaction_read_only", NULL, 0);
}

static void a_schema_of_others_or_of_a_newer_zchat_is_left_alone(void **state)
{
    struct box *box = *state;

    box_close(box);
    pg_server_say("UPDATE zchat.meta SET version = 99", NULL, 0);
    assert_refused(pg_server_url(), false, "newer zchat (schema 99");
    pg_server_say("DROP SCHEMA zchat CASCADE", NULL, 0);
    pg_server_say("CREATE SCHEMA zchat; CREATE TABLE zchat.theirs (x int)", NULL, 0);
    assert_refused(pg_server_url(), false, "another program's");
    pg_server_empty();
    pg_server_say("CREATE SCHEMA zchat", NULL, 0); /* by an operator, for a role that may not */
    box_open(box);
}

static void of_two_that_want_to_be_alone_the_second_is_refused(void **state)
{
    const struct pg_options options = {.url = pg_server_url(), .is_alone = true};
    struct store *store = NULL;
    struct pg_facts facts;
    const char *why = "";

    (void)state;
    assert_int_equal(store_open_pg(&options, &store, &facts, &why), RC_OK);
    assert_refused(pg_server_url(), true, "another broker works in the database postgres");
    store_close(&store);
    assert_int_equal(store_open_pg(&options, &store, &facts, &why), RC_OK);
    store_close(&store);
}

static struct pg_facts facts_now(void)
{
    const struct pg_options options = {.url = pg_server_url()};
    struct store *store = NULL;
    struct pg_facts facts;
    const char *why = "";

    assert_int_equal(store_open_pg(&options, &store, &facts, &why), RC_OK);
    store_close(&store);
    return facts;
}

static void the_server_says_what_it_is_and_whether_a_standby_has_the_commits(void **state)
{
    struct pg_facts facts = facts_now();

    (void)state;
    assert_true(facts.version >= 140000);
    assert_int_equal(facts.port, 0);
    assert_false(facts.is_tls);
    assert_true(facts.is_fsync_off); /* as tests/support/pg_server.h wants it */
    assert_false(facts.is_synchronous);
    assert_non_null(strstr(facts.where, "zchat@/tmp/"));
    assert_non_null(strstr(facts.replication, "synchronous_standby_names=''"));
    pg_server_say("ALTER ROLE zchat SET synchronous_commit = off", NULL, 0);
    assert_non_null(strstr(facts_now().replication, "synchronous_commit=on")); /* overruled */
    pg_server_say("ALTER ROLE zchat RESET synchronous_commit", NULL, 0);
}

static void a_password_in_a_url_is_seen(void **state)
{
    (void)state;
    assert_true(store_pg_has_password("postgres://me:secret@host/db"));
    assert_true(store_pg_has_password("postgresql://host/db?user=me&password=secret"));
    assert_false(store_pg_has_password("postgres://me@host:5432/db?sslmode=verify-full"));
    assert_false(store_pg_has_password("zchat://host"));
}

/* --- failures while it works ------------------------------------------------------- */

static void a_full_server_refuses_and_writes_again_when_there_is_room(void **state)
{
    struct box *box = *state;
    const struct store_limits limits = {0};
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");

    assert_int_equal(box_apply(box, &one), RC_OK);
    pg_server_say(
        "CREATE FUNCTION zchat.no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;"
        " CREATE TRIGGER no_room BEFORE INSERT ON zchat.event EXECUTE FUNCTION zchat.no_room()",
        NULL, 0);
    assert_int_equal(box_apply(box, &two), RC_DISK_FULL);
    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_true(box->result.is_duplicate);
    pg_server_say("DROP TRIGGER no_room ON zchat.event", NULL, 0);
    store_set_limits(box->store, &limits); /* a second later it would look again by itself */
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_int_equal(box->result.seq, 3);
}

static void a_server_that_is_gone_ends_the_store_and_keeps_what_was_acknowledged(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    struct op_result result;

    assert_int_equal(box_apply(box, &one), RC_OK);
    pg_server_stop();
    assert_int_equal(store_apply(box->store, &two, 1, &result), RC_STORE);
    assert_true(strlen(store_why(box->store)) > strlen("the database: "));
    assert_null(strchr(store_why(box->store), '\n'));
    assert_int_equal(store_apply(box->store, &two, 1, &result), RC_STORE); /* never tried again */
    box_close(box);
    pg_server_start();
    box_open(box);
    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_int_equal(box->result.seq, 3);
}

struct applying {
    struct store *store;
    struct op op;
    struct op_result result;
    enum rc rc;
};

static void *apply(void *context)
{
    struct applying *self = context;

    self->rc = store_apply(self->store, &self->op, 1, &self->result);
    return NULL;
}

/* The server answers COMMIT then, and only warns. */
static void a_commit_that_gave_up_its_standby_is_not_acknowledged(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    struct applying applying = {.store = box->store,
                                .op = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one")};
    char count[16] = "0";
    pthread_t thread;

    pg_server_say("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", NULL, 0);
    pg_server_say("SELECT pg_reload_conf()", NULL, 0);
    for (int turn = 0; turn < PG_TURNS_MAX && strcmp(count, "nobody") != 0; turn++) {
        (void)poll(NULL, 0, PG_TURN_MS);
        pg_server_say("SHOW synchronous_standby_names", count, sizeof(count));
    }
    assert_int_equal(pthread_create(&thread, NULL, apply, &applying), 0);
    for (int turn = 0; turn < PG_TURNS_MAX && strcmp(count, "1") != 0; turn++) {
        (void)poll(NULL, 0, PG_TURN_MS);
        pg_server_say("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", count,
                      sizeof(count));
    }
    assert_string_equal(count, "1");
    pg_server_say("SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                  " WHERE wait_event = 'SyncRep'",
                  NULL, 0);
    pthread_join(thread, NULL);
    pg_server_say("ALTER SYSTEM RESET synchronous_standby_names", NULL, 0);
    pg_server_say("SELECT pg_reload_conf()", NULL, 0);
    assert_int_equal(applying.rc, RC_STORE);
    assert_non_null(strstr(store_why(box->store), "canceling wait for synchronous replication"));
}

static void a_reader_whose_connection_was_cut_connects_again(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    uint64_t version = 0, size = 0;

    assert_int_equal(read_range(box, lobby, 1, 0, 0).count, 1);
    /* The reader's is the newest. */
    pg_server_say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE application_name = 'zchat-broker' ORDER BY backend_start DESC LIMIT 1",
                  NULL, 0);
    assert_int_equal(read_range(box, lobby, 1, 0, 0).count, 1);
    assert_int_equal(store_read_version(box->reader, &version), RC_OK);
    assert_int_equal(store_read_size(box->reader, &size), RC_OK);
    assert_true(size > 1000000); /* an empty database of a server has that much */
}

/* --- the log ----------------------------------------------------------------------- */

static void a_reopened_log_goes_on_where_it_was(void **state)
{
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct op one = op_post(box, "alice", alice, "#lobby", lobby, 77, 1, "one");
    const struct op two = op_post(box, "alice", alice, "#lobby", lobby, 77, 2, "two");
    struct told told = {.count = 0};

    assert_int_equal(box_apply(box, &one), RC_OK);
    box_close(box);
    box_open(box);
    assert_int_equal(store_replay(box->store, tell, &told), RC_OK);
    assert_string_equal(told.text[0][0], "@alice");
    assert_int_equal(box_apply(box, &one), RC_OK);
    assert_true(box->result.is_duplicate);
    assert_int_equal(box_apply(box, &two), RC_OK);
    assert_int_equal(box->result.seq, 3);
}

/* What is counted with each commit is what a look at all events gives. */
static void the_bytes_of_the_events_are_counted_right(void **state)
{
    struct removed removed;
    struct box *box = *state;
    const stream_id alice = person(box, "alice");
    const stream_id lobby = room(box, "#lobby", "alice", alice);
    const struct store_limits limits = {.keep = {.events = 5}};
    char counted[32], looked[32];
    struct op op;

    for (uint32_t n = 1; n <= 20; n++) {
        op = op_post(box, "alice", alice, "#lobby", lobby, 77, n, "some text");
        assert_int_equal(box_apply(box, &op), RC_OK);
    }
    op = (struct op){.kind = OP_PURGE,
                     .ts_ms = ++box->now_ms,
                     .account = alice,
                     .target = alice,
                     .target_nick = SPAN("alice"),
                     .until_ms = FOR_EVER_MS};
    assert_int_equal(box_apply(box, &op), RC_OK);
    assert_int_equal(box->result.count, 20);
    store_set_limits(box->store, &limits);
    assert_int_equal(store_clean(box->store, 1000, box->now_ms, &removed), RC_OK);
    pg_server_say("SELECT event_bytes FROM zchat.meta", counted, sizeof(counted));
    pg_server_say("SELECT sum(octet_length(wire) + 128) FROM zchat.event", looked, sizeof(looked));
    assert_string_equal(counted, looked);
    assert_string_not_equal(counted, "0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_pg, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_writers_give_one_gapless_order),
        TEST(a_post_that_is_repeated_at_another_writer_is_one_post),
        TEST(who_was_kicked_at_another_writer_posts_no_more),
        TEST(what_another_writer_cleans_is_not_remembered),
        TEST(what_is_wrong_with_the_server_is_told_in_one_line),
        TEST(a_database_that_may_only_be_read_is_refused),
        TEST(a_schema_of_others_or_of_a_newer_zchat_is_left_alone),
        TEST(of_two_that_want_to_be_alone_the_second_is_refused),
        TEST(the_server_says_what_it_is_and_whether_a_standby_has_the_commits),
        TEST(a_password_in_a_url_is_seen),
        TEST(a_full_server_refuses_and_writes_again_when_there_is_room),
        TEST(a_server_that_is_gone_ends_the_store_and_keeps_what_was_acknowledged),
        TEST(a_commit_that_gave_up_its_standby_is_not_acknowledged),
        TEST(a_reader_whose_connection_was_cut_connects_again),
        TEST(a_reopened_log_goes_on_where_it_was),
        TEST(the_bytes_of_the_events_are_counted_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
