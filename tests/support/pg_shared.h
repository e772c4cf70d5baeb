/* pg_shared.h - stores of several brokers over one database, for tests of what they tell each other. */
#ifndef TESTS_SUPPORT_PG_SHARED_H
#define TESTS_SUPPORT_PG_SHARED_H

#include "tests/support/store_contract.h"

#include "broker/store/writer.h"

#define SHARED static __attribute__((unused))

/* All connections that brokers have, but for those that read. */
#define CUT                                                                      \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid IN" \
    " (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"

SHARED struct store *open_store(bool is_alone, bool is_shared)
{
    const struct pg_options options = {.url = pg_server_url(),
                                       .is_alone = is_alone,
                                       .is_shared = is_shared,
                                       .reconnect_ms = 30000};
    const struct store_limits limits = {0};
    struct store *store = NULL;
    struct pg_facts facts;
    const char *why = "";

    if (store_open_pg(&options, &store, &facts, &why) != RC_OK)
        fail_msg("%s", why);
    store_set_limits(store, &limits);
    return store;
}

SHARED void assert_refused(bool is_alone, bool is_shared, const char *part)
{
    const struct pg_options options = {
        .url = pg_server_url(), .is_alone = is_alone, .is_shared = is_shared};
    struct store *store = NULL;
    struct pg_facts facts;
    const char *why = "";

    assert_int_equal(store_open_pg(&options, &store, &facts, &why), RC_STORE);
    assert_non_null(strstr(why, part));
}

/* A store that shares its database, in the place of the one that does not. */
SHARED void share(struct box *box)
{
    store_reader_close(&box->reader);
    store_close(&box->store);
    box->store = open_store(false, true);
    assert_int_equal(store_reader_open(box->store, &box->reader), RC_OK);
}

SHARED int set_up_shared(void **state)
{
    struct box *box = box_new(BOX_PG);

    share(box);
    *state = box;
    return 0;
}

SHARED struct box *other_of(const struct box *box)
{
    struct box *other = box_empty(BOX_PG, box->now_ms);

    other->store = open_store(false, true);
    assert_int_equal(store_reader_open(other->store, &other->reader), RC_OK);
    return other;
}

SHARED uint64_t number_of(const char *sql)
{
    char text[32];

    pg_server_say(sql, text, sizeof(text));
    return strtoull(text, NULL, 10);
}

/* How many operations of others were taken along; their kinds as letters, H for HELLO. */
SHARED const char *heard(struct store *store)
{
    static const char LETTERS[] = "-HPVJLCMGRSKAXOU";
    static char kinds[64];
    struct batch *turn;
    size_t len = 0;

    while (store_take_turn(store, &turn) == RC_OK) {
        assert_true(batch_is_foreign(turn));
        for (size_t i = 0; i < batch_count(turn) && len + 1 < sizeof(kinds); i++)
            kinds[len++] = LETTERS[batch_ops(turn)[i].kind];
        batch_destroy(&turn);
    }
    kinds[len] = '\0';
    return kinds;
}

SHARED void assert_follows(struct store *store, const char *kinds)
{
    assert_int_equal(store_follow(store), RC_OK);
    assert_string_equal(heard(store), kinds);
}

SHARED void assert_lost(struct store *store, const char *part)
{
    assert_int_equal(store_follow(store), RC_STORE);
    if (strstr(store_why(store), part) == NULL)
        print_error("said: %s\n", store_why(store));
    assert_non_null(strstr(store_why(store), part));
    assert_int_equal(store_follow(store), RC_STORE); /* for good */
}

#endif
