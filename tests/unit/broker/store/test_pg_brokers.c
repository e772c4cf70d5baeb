/* test_pg_brokers.c - the leases of brokers that share a database, and what they tell beside them of who is there. */
#include "tests/support/check.h"
#include "tests/support/pg_shared.h"

#include "shared/base/clock.h"

/* --- leases ------------------------------------------------------------------------ */

static struct store_brokers renewed(struct box *box, const char *name)
{
    struct store_broker own = {.address = "zchat://127.0.0.1:5670",
                               .hints = "tcp://127.0.0.1:5672"};
    struct store_brokers brokers;

    snprintf(own.name, sizeof(own.name), "%s", name);
    if (store_renew(box->store, &own, NULL, 0, &brokers) != RC_OK)
        fail_msg("%s", store_why(box->store));
    return brokers;
}

static void those_who_live_know_each_other_and_the_dead_are_gone(void **state)
{
    struct box *box = *state, *other = other_of(box), *third = other_of(box);
    struct store_brokers brokers = renewed(box, "one");

    assert_int_equal(brokers.count, 1);
    assert_true(brokers.row[0].is_own);
    assert_true(brokers.row[0].since_ms > UINT64_C(1700000000000));
    (void)renewed(other, "two");
    brokers = renewed(third, "three");
    assert_int_equal(brokers.count, 3);
    assert_string_equal(brokers.row[0].name, "one");
    assert_string_equal(brokers.row[1].name, "two");
    assert_string_equal(brokers.row[1].address, "zchat://127.0.0.1:5670");
    assert_string_equal(brokers.row[1].hints, "tcp://127.0.0.1:5672");
    assert_false(brokers.row[1].is_own);
    assert_true(brokers.row[2].is_own);
    box_destroy(third); /* in good order: at once */
    assert_int_equal(renewed(box, "one").count, 2);
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '1 s' WHERE name = 'two'", NULL,
                  0);
    assert_int_equal(renewed(box, "one").count, 1);
    assert_int_equal(number_of("SELECT count(*) FROM zchat.broker"), 2);
    assert_int_equal(renewed(other, "two").count, 2); /* it only stood still */
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '61 s' WHERE name = 'two'",
                  NULL, 0);
    (void)renewed(box, "one");
    assert_int_equal(number_of("SELECT count(*) FROM zchat.broker"), 1);
    box_destroy(other);
}

static void turns_go_when_all_who_live_have_heard_them_or_for_their_age(void **state)
{
    struct box *box = *state, *other = other_of(box);

    (void)renewed(box, "one");
    (void)renewed(other, "two");
    (void)person(box, "alice");
    (void)person(box, "bob");
    (void)renewed(box, "one");
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), 2);
    assert_follows(other->store, "HH");
    (void)renewed(other, "two");
    (void)renewed(box, "one");
    (void)renewed(other, "two"); /* one of the two removes them */
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), 0);
    (void)person(box, "carol");
    pg_server_say("UPDATE zchat.turn SET at = now() - interval '11 min'", NULL, 0);
    (void)renewed(box, "one");
    (void)renewed(other, "two");
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), 0);
    assert_lost(other->store, "is there no more");
    box_destroy(other);
}

/* Between its start and its first lease it reads what is stored, which may take long. */
static void turns_are_kept_for_who_is_just_beginning(void **state)
{
    struct box *box = *state, *other = other_of(box);

    (void)renewed(box, "one");
    (void)person(box, "alice");
    const struct store_brokers brokers = renewed(box, "one");
    assert_int_equal(brokers.known, 1); /* nobody is told of it yet */
    (void)renewed(box, "one");
    assert_follows(other->store, "H");
    (void)renewed(other, "two");
    (void)renewed(box, "one");
    (void)renewed(box, "one");
    assert_int_equal(number_of("SELECT count(*) FROM zchat.turn"), 0);
    box_destroy(other);
}

static void turns_are_kept_for_who_has_stood_still_for_less_than_a_minute(void **state)
{
    struct box *box = *state, *other = other_of(box);

    (void)renewed(other, "two");
    (void)renewed(box, "one");
    (void)person(box, "alice");
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '50 s' WHERE name = 'two'",
                  NULL, 0);
    (void)renewed(box, "one");
    assert_follows(other->store, "H");
    (void)renewed(other, "two");
    (void)renewed(box, "one");
    (void)person(box, "bob");
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '61 s' WHERE name = 'two'",
                  NULL, 0);
    (void)renewed(box, "one");
    (void)renewed(box, "one");
    assert_lost(other->store, "is there no more");
    box_destroy(other);
}

/* A machine that is busy may be slower than a lease is long. */
static void lengthen_leases(void)
{
    pg_server_say("UPDATE zchat.broker SET lease = now() + interval '1 hour' WHERE lease > now()",
                  NULL, 0);
}

static void no_more_than_so_many_brokers_work_in_a_database(void **state)
{
    struct box *box = *state, *others[STORE_BROKERS_MAX];
    const struct store_broker own = {.name = "too many"};
    struct store_brokers brokers;

    for (size_t i = 0; i < STORE_BROKERS_MAX; i++)
        others[i] = other_of(box);
    (void)renewed(box, "one");
    for (size_t i = 0; i + 1 < STORE_BROKERS_MAX; i++) {
        lengthen_leases();
        assert_int_equal(renewed(others[i], "more").count, 2 + i);
    }
    lengthen_leases();
    assert_int_equal(store_renew(others[STORE_BROKERS_MAX - 1]->store, &own, NULL, 0, &brokers),
                     RC_LIMIT);
    assert_non_null(strstr(store_why(others[STORE_BROKERS_MAX - 1]->store), "8 brokers work in"));
    for (size_t i = 0; i < STORE_BROKERS_MAX; i++)
        box_destroy(others[i]);
}

static void the_dead_are_told_of_for_a_minute_behind_those_who_live(void **state)
{
    struct box *box = *state, *other = other_of(box), *third = other_of(box);

    (void)renewed(other, "two");
    (void)renewed(third, "three");
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '9 s' WHERE name = 'two'", NULL,
                  0);
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '5 s' WHERE name = 'three'",
                  NULL, 0);
    struct store_brokers brokers = renewed(box, "one");

    assert_int_equal(brokers.count, 1);
    assert_int_equal(brokers.known, 3);
    assert_true(brokers.row[0].is_live && brokers.row[0].is_own);
    assert_string_equal(brokers.row[1].name, "three"); /* who died last */
    assert_false(brokers.row[1].is_live);
    assert_true(brokers.row[1].unseen_ms >= 10000 && brokers.row[1].unseen_ms < 40000);
    assert_string_equal(brokers.row[2].name, "two");
    (void)renewed(third, "two"); /* the same as another life of it, as it says */
    pg_server_say("UPDATE zchat.broker SET name = 'two' WHERE name = 'three'", NULL, 0);
    brokers = renewed(box, "one");
    assert_int_equal(brokers.count, 2);
    assert_int_equal(brokers.known, 2); /* who was started again is not told of as dead */
    box_destroy(other);
    box_destroy(third);
}

static void how_far_a_broker_is_behind_is_told_with_its_lease(void **state)
{
    struct box *box = *state, *other = other_of(box);
    struct store_broker own = {
        .name = "two", .agent = "zchat-broker/9", .sessions = 12, .lag_ms = 34};
    struct store_brokers brokers;

    (void)person(box, "alice");
    (void)person(box, "bob");
    pg_server_say("UPDATE zchat.turn SET at = now() - interval '3 s' WHERE no = 1", NULL, 0);
    assert_int_equal(store_renew(other->store, &own, NULL, 0, &brokers), RC_OK);
    brokers = renewed(box, "one");
    assert_string_equal(brokers.row[1].agent, "zchat-broker/9");
    assert_int_equal(brokers.row[1].sessions, 12);
    assert_int_equal(brokers.row[1].turn, 0);
    assert_int_equal(brokers.row[1].turns, 2);
    assert_true(brokers.row[1].lag_ms >= 3000 && brokers.row[1].lag_ms < 60000);
    assert_int_equal(brokers.row[0].turn, 2);
    assert_int_equal(brokers.row[0].lag_ms, 0);
    assert_follows(other->store, "HH");
    assert_int_equal(store_renew(other->store, &own, NULL, 0, &brokers), RC_OK);
    brokers = renewed(box, "one");
    assert_int_equal(brokers.row[1].turn, 2);
    assert_int_equal(brokers.row[1].lag_ms, 34); /* as it says itself */
    box_destroy(other);
}

/* A broker of the version before goes on while the others are brought up to date. */
static void a_schema_without_presence_gets_it_while_an_older_broker_works(void **state)
{
    struct box *box = *state;

    (void)renewed(box, "one");
    box_close(box);
    pg_server_say("DROP TABLE zchat.presence; ALTER TABLE zchat.broker DROP COLUMN agent,"
                  " DROP COLUMN sessions, DROP COLUMN lag, DROP COLUMN version, DROP COLUMN turns;"
                  " UPDATE zchat.meta SET version = 2; DELETE FROM zchat.broker",
                  NULL, 0);
    share(box);
    assert_int_equal(number_of("SELECT version FROM zchat.meta"), 3);
    pg_server_say("INSERT INTO zchat.broker (id, name, address, hints, turn, lease) VALUES (5,"
                  " 'older', 'zchat://a', '', 0, clock_timestamp() + interval '5 s')",
                  NULL, 0);
    const struct store_brokers brokers = renewed(box, "one");

    assert_int_equal(brokers.count, 2);
    assert_string_equal(brokers.row[1].name, "older");
    assert_string_equal(brokers.row[1].agent, "");
    assert_int_equal(brokers.row[1].turns, 0);
    assert_int_equal(brokers.row[1].version, 0);
}

/* --- who is there ------------------------------------------------------------------ */

static void tell_page(struct lease *lease, uint32_t number, struct span bytes)
{
    struct lease_told *told = calloc(1, sizeof(*told));

    assert_non_null(told);
    told->sessions = 1;
    pages_add(&told->pages, 0, number, bytes);
    lease_tell(lease, &told);
    assert_null(told);
}

/* What the others had written since: each page as its number and its bytes. */
static const char *pages_seen(struct lease *lease, struct box *box)
{
    static char text[4096];
    struct lease_heard *heard;
    struct page *page;
    size_t len = 0;

    if (lease_renew(lease, box->store, &heard) != RC_OK)
        fail_msg("%s", store_why(box->store));
    text[0] = '\0';
    while ((page = pages_take(&heard->pages)) != NULL) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%u%.*s ", page->number,
                                (int)page->len, (const char *)page->bytes);
        assert_true(len < sizeof(text));
        free(page);
    }
    free(heard);
    lengthen_leases();
    return text;
}

static void who_is_at_a_broker_is_read_by_the_others_once(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}, {.name = "three"}};
    struct box *box = *state, *other = other_of(box), *third = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);
    struct lease *late = lease_new(&names[2]);

    assert_string_equal(pages_seen(here, box), "");
    assert_string_equal(pages_seen(there, other), "");
    tell_page(there, 0, SPAN("a"));
    tell_page(there, 2, SPAN("c"));
    assert_int_equal(lease_due_ms(there), 0); /* at once */
    assert_string_equal(pages_seen(there, other), "");
    assert_true(lease_due_ms(there) > 0);
    assert_string_equal(pages_seen(here, box), "0a 2c ");
    assert_string_equal(pages_seen(here, box), "");
    tell_page(there, 0, SPAN(""));
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "0 ");
    assert_string_equal(pages_seen(late, third), "2c 0 "); /* as it was written */
    box_destroy(other);                                    /* in good order */
    assert_int_equal(number_of("SELECT count(*) FROM zchat.presence"), 0);
    assert_string_equal(pages_seen(here, box), "");
    lease_destroy(&here);
    lease_destroy(&there);
    lease_destroy(&late);
    box_destroy(third);
}

static void many_pages_are_told_a_few_at_a_time(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}};
    struct box *box = *state, *other = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);
    size_t seen = 0;

    for (uint32_t number = 0; number < 40; number++)
        tell_page(there, number, SPAN("x"));
    for (unsigned round = 0; round < 3; round++) {
        assert_true(lease_due_ms(there) <= clock_mono_ms()); /* until all is told */
        (void)pages_seen(there, other);
        for (const char *at = pages_seen(here, box); *at != '\0'; at++)
            seen += *at == 'x';
        assert_int_equal(seen, round < 2 ? 16 * (round + 1) : 40);
    }
    assert_true(lease_due_ms(there) > clock_mono_ms());
    lease_destroy(&here);
    lease_destroy(&there);
    box_destroy(other);
}

static void who_was_forgotten_tells_all_of_it_again(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}};
    struct box *box = *state, *other = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);

    tell_page(there, 1, SPAN("b"));
    (void)pages_seen(there, other);
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "1b ");
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '61 s' WHERE name = 'two'",
                  NULL, 0);
    (void)pages_seen(here, box);
    assert_int_equal(number_of("SELECT count(*) FROM zchat.presence"), 0);
    (void)pages_seen(there, other); /* it stood still, and lives */
    assert_true(lease_due_ms(there) <= clock_mono_ms());
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "1b ");
    assert_int_equal(
        number_of(CUT),
        2); /* the same of one whose connection was lost: of what it wrote all may be gone */
    pg_server_say("DELETE FROM zchat.presence", NULL, 0);
    (void)pages_seen(there, other);
    (void)pages_seen(there, other);
    assert_int_equal(number_of("SELECT count(*) FROM zchat.presence"), 1);
    lease_destroy(&here);
    lease_destroy(&there);
    box_destroy(other);
}

/* It ends nobody, and what could not be told is told when there is room. */
static void a_full_disk_keeps_pages_waiting_and_no_lease(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}};
    struct box *box = *state, *other = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);
    struct lease_heard *heard;

    (void)pages_seen(there, other);
    pg_server_say(
        "CREATE FUNCTION zchat.no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;"
        " CREATE TRIGGER no_room BEFORE INSERT ON zchat.presence EXECUTE FUNCTION zchat.no_room()",
        NULL, 0);
    tell_page(there, 0, SPAN("a"));
    (void)pages_seen(there, other);
    assert_true(lease_due_ms(there) > clock_mono_ms()); /* not again and again */
    assert_string_equal(pages_seen(here, box), "");
    pg_server_say(
        "CREATE TRIGGER no_room BEFORE UPDATE ON zchat.broker EXECUTE FUNCTION zchat.no_room()",
        NULL, 0);
    assert_int_equal(lease_renew(there, other->store, &heard), RC_DISK_FULL);
    pg_server_say("DROP FUNCTION zchat.no_room() CASCADE", NULL, 0);
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "0a ");
    (void)person(other, "alice"); /* and posts are taken */
    lease_destroy(&here);
    lease_destroy(&there);
    box_destroy(other);
}

/* Who looked meanwhile has forgotten its people, and it has nothing new to tell. */
static void who_stood_still_is_read_again(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}};
    struct box *box = *state, *other = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);

    (void)pages_seen(there, other);
    tell_page(there, 1, SPAN("b"));
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "1b ");
    pg_server_say("UPDATE zchat.broker SET lease = now() - interval '1 s' WHERE name = 'two'", NULL,
                  0);
    assert_string_equal(pages_seen(here, box), "");
    assert_string_equal(pages_seen(there, other), "");
    assert_string_equal(pages_seen(here, box), "1b ");
    assert_string_equal(pages_seen(here, box), "");
    lease_destroy(&here);
    lease_destroy(&there);
    box_destroy(other);
}

/* Whoever is told of is known by then, though the turn that makes the account was written after we looked for turns. */
static void a_page_is_read_with_the_turns_before_it(void **state)
{
    const struct store_broker names[] = {{.name = "one"}, {.name = "two"}};
    struct box *box = *state, *other = other_of(box);
    struct lease *here = lease_new(&names[0]), *there = lease_new(&names[1]);

    (void)pages_seen(here, box); /* turns are kept for who lives */
    (void)person(other, "alice");
    tell_page(there, 0, SPAN("a"));
    (void)pages_seen(there, other);
    assert_string_equal(pages_seen(here, box), "0a ");
    assert_string_equal(heard(box->store), "H");
    lease_destroy(&here);
    lease_destroy(&there);
    box_destroy(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(those_who_live_know_each_other_and_the_dead_are_gone),
        TEST(turns_go_when_all_who_live_have_heard_them_or_for_their_age),
        TEST(turns_are_kept_for_who_is_just_beginning),
        TEST(turns_are_kept_for_who_has_stood_still_for_less_than_a_minute),
        TEST(no_more_than_so_many_brokers_work_in_a_database),
        TEST(the_dead_are_told_of_for_a_minute_behind_those_who_live),
        TEST(how_far_a_broker_is_behind_is_told_with_its_lease),
        TEST(a_schema_without_presence_gets_it_while_an_older_broker_works),
        TEST(who_is_at_a_broker_is_read_by_the_others_once),
        TEST(many_pages_are_told_a_few_at_a_time),
        TEST(who_was_forgotten_tells_all_of_it_again),
        TEST(who_stood_still_is_read_again),
        TEST(a_full_disk_keeps_pages_waiting_and_no_lease),
        TEST(a_page_is_read_with_the_turns_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
