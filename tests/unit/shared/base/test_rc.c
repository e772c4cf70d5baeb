#include "shared/base/rc.h"

#include "tests/support/check.h"

#include <limits.h>
#include <string.h>

static const enum rc all[] = {
#define X(symbol, number, name, sentence) symbol,
    RC_TABLE(X)
#undef X
};

#define ALL_COUNT (sizeof(all) / sizeof(all[0]))

static void every_code_has_a_name_and_a_sentence_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        assert_string_not_equal(rc_name(all[i]), "unknown");
        assert_string_not_equal(rc_sentence(all[i]), "unknown");
        assert_int_not_equal(rc_sentence(all[i])[strlen(rc_sentence(all[i])) - 1], '.');
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(all[i], all[k]);
            assert_string_not_equal(rc_name(all[i]), rc_name(all[k]));
        }
    }
    assert_string_equal(rc_name(RC_NICK_IN_USE), "nick_in_use");
    assert_string_equal(rc_sentence(RC_HELLO_FIRST), "say HELLO first");
}

static void an_unknown_code_is_called_unknown(void **state)
{
    (void)state;
    assert_string_equal(rc_name((enum rc)77), "unknown");
    assert_string_equal(rc_sentence((enum rc) - 1), "unknown");
}

static void the_codes_below_100_travel_but_ok_does_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++)
        assert_int_equal(rc_is_wire(all[i]), all[i] > 0 && all[i] < 100);
    assert_false(rc_is_wire((enum rc)99));
    assert_false(rc_is_wire((enum rc) - 1));
}

static void busy_disk_full_stopping_and_too_fast_are_transient(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++)
        assert_int_equal(rc_is_transient(all[i]), all[i] == RC_BUSY || all[i] == RC_DISK_FULL ||
                                                      all[i] == RC_STOPPING ||
                                                      all[i] == RC_TOO_FAST);
}

static void a_number_from_the_wire_gives_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL_COUNT; i++) {
        if (rc_is_wire(all[i]))
            assert_int_equal(rc_from_number((unsigned long)all[i]), all[i]);
    }
}

static void a_peer_cannot_name_ok_or_a_code_of_ours_alone(void **state)
{
    (void)state;
    assert_int_equal(rc_from_number(0), RC_MALFORMED);
    assert_int_equal(rc_from_number(99), RC_MALFORMED);
    assert_int_equal(rc_from_number(RC_END), RC_MALFORMED);
    assert_int_equal(rc_from_number(UINT_MAX), RC_MALFORMED);
    assert_int_equal(rc_from_number(ULONG_MAX), RC_MALFORMED);
    assert_int_equal(rc_from_number((1UL << 32) + RC_BUSY), RC_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_a_sentence_of_its_own),
        cmocka_unit_test(an_unknown_code_is_called_unknown),
        cmocka_unit_test(the_codes_below_100_travel_but_ok_does_not),
        cmocka_unit_test(busy_disk_full_stopping_and_too_fast_are_transient),
        cmocka_unit_test(a_number_from_the_wire_gives_its_code),
        cmocka_unit_test(a_peer_cannot_name_ok_or_a_code_of_ours_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
