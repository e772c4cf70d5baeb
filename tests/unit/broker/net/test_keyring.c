#include "broker/net/keyring.h"

#include "tests/support/check.h"

#include <pthread.h>

#define KEYS 8

static const struct keyring_policy OPEN = {true, true}, INVITE = {true, false},
                                   CLOSED = {false, false};

static const unsigned char *key_of(unsigned number)
{
    static unsigned char key[PUBLIC_KEY_BYTES];

    memset(key, 0x5a, sizeof(key));
    memcpy(key, &number, sizeof(number));
    return key;
}

static void assert_verdicts(struct keyring *keyring, unsigned key, enum key_verdict at_commands,
                            enum key_verdict at_broadcasts)
{
    assert_int_equal(keyring_judge(keyring, key_of(key), DOOR_COMMANDS), at_commands);
    assert_int_equal(keyring_judge(keyring, key_of(key), DOOR_BROADCASTS), at_broadcasts);
}

static void the_policy_is_for_strangers_only(void **state)
{
    struct keyring *keyring = keyring_new(&OPEN, KEYS);

    (void)state;
    assert_int_equal(keyring_admit(keyring, key_of(1)), RC_OK);
    assert_verdicts(keyring, 2, KEY_MAY_ENTER, KEY_MAY_ENTER);
    keyring_set_policy(keyring, &INVITE);
    assert_verdicts(keyring, 1, KEY_MAY_ENTER, KEY_MAY_ENTER);
    assert_verdicts(keyring, 2, KEY_MAY_ENTER, KEY_NOT_YET);
    keyring_set_policy(keyring, &CLOSED);
    assert_verdicts(keyring, 1, KEY_MAY_ENTER, KEY_MAY_ENTER);
    assert_verdicts(keyring, 2, KEY_STRANGER, KEY_STRANGER);
    keyring_destroy(&keyring);
    assert_null(keyring);
    keyring_destroy(&keyring);
}

static void an_expelled_key_is_refused_whatever_the_policy_says(void **state)
{
    struct keyring *keyring = keyring_new(&OPEN, KEYS);

    (void)state;
    assert_int_equal(keyring_admit(keyring, key_of(1)), RC_OK);
    assert_int_equal(keyring_expel(keyring, key_of(1)), RC_OK);
    assert_int_equal(keyring_expel(keyring, key_of(2)), RC_OK); /* was never admitted */
    assert_verdicts(keyring, 1, KEY_EXPELLED, KEY_EXPELLED);
    assert_verdicts(keyring, 2, KEY_EXPELLED, KEY_EXPELLED);
    assert_verdicts(keyring, 3, KEY_MAY_ENTER, KEY_MAY_ENTER);
    assert_int_equal(keyring_admit(keyring, key_of(1)), RC_OK);
    assert_verdicts(keyring, 1, KEY_MAY_ENTER, KEY_MAY_ENTER);
    keyring_forget(keyring, key_of(2));
    keyring_forget(keyring, key_of(2));
    assert_verdicts(keyring, 2, KEY_MAY_ENTER, KEY_MAY_ENTER);
    keyring_destroy(&keyring);
}

static void a_full_table_admits_nobody_more_but_expels_whom_it_knows(void **state)
{
    struct keyring *keyring = keyring_new(&CLOSED, KEYS);

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(keyring_admit(keyring, key_of(i)), RC_OK);
    assert_int_equal(keyring_admit(keyring, key_of(100)), RC_LIMIT);
    assert_verdicts(keyring, 100, KEY_STRANGER, KEY_STRANGER);
    assert_int_equal(keyring_admit(keyring, key_of(3)), RC_OK);
    assert_int_equal(keyring_expel(keyring, key_of(3)), RC_OK);
    assert_verdicts(keyring, 3, KEY_EXPELLED, KEY_EXPELLED);
    keyring_forget(keyring, key_of(3));
    assert_int_equal(keyring_admit(keyring, key_of(100)), RC_OK);
    assert_verdicts(keyring, 100, KEY_MAY_ENTER, KEY_MAY_ENTER);
    keyring_destroy(&keyring);
}

static void an_expelled_key_without_a_place_shuts_the_door_for_strangers(void **state)
{
    struct keyring *keyring = keyring_new(&OPEN, KEYS);

    (void)state;
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(keyring_admit(keyring, key_of(i)), RC_OK);
    assert_verdicts(keyring, 100, KEY_MAY_ENTER, KEY_MAY_ENTER);
    assert_int_equal(keyring_expel(keyring, key_of(100)), RC_LIMIT);
    assert_verdicts(keyring, 100, KEY_STRANGER, KEY_STRANGER);
    assert_verdicts(keyring, 101, KEY_STRANGER, KEY_STRANGER);
    assert_verdicts(keyring, 1, KEY_MAY_ENTER, KEY_MAY_ENTER);
    keyring_set_policy(keyring, &OPEN); /* nor does that help */
    keyring_forget(keyring, key_of(1));
    assert_verdicts(keyring, 100, KEY_STRANGER, KEY_STRANGER);
    keyring_destroy(&keyring);
}

static void places_are_used_again(void **state)
{
    struct keyring *keyring = keyring_new(&CLOSED, KEYS);

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(keyring_admit(keyring, key_of(i)), RC_OK);
        if (i >= KEYS - 1)
            keyring_forget(keyring, key_of(i - (KEYS - 1)));
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_verdicts(keyring, i, i > 1000 - KEYS ? KEY_MAY_ENTER : KEY_STRANGER,
                        i > 1000 - KEYS ? KEY_MAY_ENTER : KEY_STRANGER);
    keyring_destroy(&keyring);
}

static struct keyring *shared;

static void *ask_for_ever(void *stop)
{
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
        (void)keyring_judge(shared, (const unsigned char[PUBLIC_KEY_BYTES]){1}, DOOR_COMMANDS);
    return NULL;
}

static void one_thread_may_ask_while_another_tells(void **state)
{
    pthread_t thread;
    bool stop = false;

    (void)state;
    shared = keyring_new(&OPEN, KEYS);
    assert_int_equal(pthread_create(&thread, NULL, ask_for_ever, &stop), 0);
    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(keyring_admit(shared, key_of(i % KEYS)), RC_OK);
        assert_int_equal(keyring_expel(shared, key_of(i % KEYS)), RC_OK);
        assert_verdicts(shared, i % KEYS, KEY_EXPELLED, KEY_EXPELLED);
        keyring_forget(shared, key_of(i % KEYS));
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    keyring_destroy(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_is_for_strangers_only),
        cmocka_unit_test(an_expelled_key_is_refused_whatever_the_policy_says),
        cmocka_unit_test(a_full_table_admits_nobody_more_but_expels_whom_it_knows),
        cmocka_unit_test(an_expelled_key_without_a_place_shuts_the_door_for_strangers),
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(one_thread_may_ask_while_another_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
