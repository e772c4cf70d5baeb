#include "broker/net/callers.h"

#include "tests/support/check.h"

#include <sodium.h>

#define FDS 32

static void come(struct callers *callers, int fd, uint32_t door, const char *address)
{
    const struct caller caller = {.fd = fd,
                                  .door = door,
                                  .id = 1000 + (uint64_t)fd,
                                  .address = peer_address_parse(span_of(address))};

    assert_true(callers_come(callers, &caller));
}

static void those_of_one_address_are_counted_together(void **state)
{
    struct callers *callers = callers_new(FDS);

    (void)state;
    come(callers, 5, 1, "192.0.2.1");
    come(callers, 6, 2, "192.0.2.1");
    come(callers, 7, 1, "192.0.2.2");
    assert_int_equal(callers_count(callers), 3);
    assert_int_equal(callers_address_count(callers), 2);
    assert_int_equal(callers_count_of(callers, 5), 2);
    assert_int_equal(callers_count_of(callers, 7), 1);
    assert_int_equal(callers_id(callers, 6), 1006);
    assert_int_equal(callers_id(callers, 8), 0);
    callers_leave(callers, 6, 2);
    assert_int_equal(callers_count_of(callers, 5), 1);
    callers_leave(callers, 5, 1);
    assert_int_equal(callers_address_count(callers), 1);
    callers_destroy(&callers);
    assert_null(callers);
    callers_destroy(&callers);
}

static void the_oldest_half_open_one_is_known(void **state)
{
    struct callers *callers = callers_new(FDS);

    (void)state;
    assert_int_equal(callers_oldest_pending(callers), -1);
    come(callers, 9, 1, "192.0.2.1");
    come(callers, 3, 1, "192.0.2.2");
    come(callers, 4, 1, "192.0.2.2");
    come(callers, 5, 1, "192.0.2.1");
    assert_int_equal(callers_oldest_pending(callers), 9);
    assert_int_equal(callers_oldest_pending_of(callers, 4), 3);
    assert_int_equal(callers_pending_of(callers, 4), 2);
    callers_enter(callers, 9);
    callers_enter(callers, 9);
    assert_int_equal(callers_oldest_pending(callers), 3);
    assert_int_equal(callers_oldest_pending_of(callers, 9), 5);
    callers_enter(callers, 4); /* from the middle */
    callers_leave(callers, 3, 1);
    assert_int_equal(callers_oldest_pending(callers), 5);
    assert_int_equal(callers_oldest_pending_of(callers, 4), -1);
    callers_tell_to_go(callers, 5);
    assert_int_equal(callers_oldest_pending(callers), -1);
    callers_destroy(&callers);
}

static void who_is_told_to_go_still_takes_a_descriptor(void **state)
{
    struct callers *callers = callers_new(FDS);

    (void)state;
    come(callers, 5, 1, "192.0.2.1");
    come(callers, 6, 1, "192.0.2.1");
    callers_tell_to_go(callers, 5);
    callers_tell_to_go(callers, 5);
    assert_int_equal(callers_count(callers), 2);
    assert_int_equal(callers_staying(callers), 1);
    assert_int_equal(callers_count_of(callers, 6), 1);
    assert_int_equal(callers_count_of(callers, 5), 0);
    callers_enter(callers, 5);
    callers_leave(callers, 5, 1);
    callers_leave(callers, 5, 1);
    assert_int_equal(callers_count(callers), 1);
    assert_int_equal(callers_staying(callers), 1);
    callers_destroy(&callers);
}

static void a_descriptor_that_changed_hands_counts_once(void **state)
{
    struct callers *callers = callers_new(FDS);

    (void)state;
    come(callers, 5, 1, "192.0.2.1");
    come(callers, 5, 2, "192.0.2.2"); /* the end of the first was not told yet */
    assert_int_equal(callers_count(callers), 1);
    assert_int_equal(callers_address_count(callers), 1);
    callers_leave(callers, 5, 1); /* now it is: of another door */
    assert_int_equal(callers_count(callers), 1);
    callers_leave_all(callers, 1);
    assert_int_equal(callers_count(callers), 1);
    callers_leave_all(callers, 2);
    assert_int_equal(callers_count(callers), 0);
    assert_int_equal(callers_address_count(callers), 0);
    callers_destroy(&callers);
}

static void descriptors_beyond_the_table_are_refused(void **state)
{
    struct callers *callers = callers_new(FDS);
    struct caller caller = {.fd = FDS, .door = 1, .id = 1};

    (void)state;
    assert_false(callers_come(callers, &caller));
    caller.fd = -1;
    assert_false(callers_come(callers, &caller));
    callers_enter(callers, FDS);
    callers_leave(callers, -1, 1);
    callers_tell_to_go(callers, 1 << 30);
    assert_int_equal(callers_count(callers), 0);
    callers_destroy(&callers);
}

/* Any numbers, the same in each run. */
static int draw(int below)
{
    static uint32_t state = 7;

    state = state * 1664525u + 1013904223u;
    return (int)((state >> 16) % (unsigned)below);
}

/* Against a plain count of everything. */
static void a_long_random_life_stays_consistent(void **state)
{
    struct callers *callers = callers_new(FDS);
    int address_of[FDS] = {0}; /* 0: nobody */
    bool is_pending[FDS] = {false};
    char text[32];

    (void)state;
    for (int step = 0; step < 20000; step++) {
        const int fd = draw(FDS);
        uint32_t count = 0, of_address = 0, pending = 0;

        switch (draw(4)) {
        case 0:
        case 1:
            address_of[fd] = 1 + draw(5);
            is_pending[fd] = true;
            snprintf(text, sizeof(text), "192.0.2.%d", address_of[fd]);
            come(callers, fd, 1, text);
            break;
        case 2:
            is_pending[fd] = false;
            callers_enter(callers, fd);
            break;
        default:
            address_of[fd] = 0;
            callers_leave(callers, fd, 1);
        }
        for (int i = 0; i < FDS; i++) {
            count += address_of[i] != 0;
            of_address += address_of[i] != 0 && address_of[i] == address_of[fd];
            pending += address_of[i] != 0 && address_of[i] == address_of[fd] && is_pending[i];
        }
        assert_int_equal(callers_count(callers), count);
        assert_int_equal(callers_count_of(callers, fd), of_address);
        assert_int_equal(callers_pending_of(callers, fd), pending);
        assert_true((callers_oldest_pending_of(callers, fd) >= 0) == (pending > 0));
    }
    callers_destroy(&callers);
}

static int set_up(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_one_address_are_counted_together),
        cmocka_unit_test(the_oldest_half_open_one_is_known),
        cmocka_unit_test(who_is_told_to_go_still_takes_a_descriptor),
        cmocka_unit_test(a_descriptor_that_changed_hands_counts_once),
        cmocka_unit_test(descriptors_beyond_the_table_are_refused),
        cmocka_unit_test(a_long_random_life_stays_consistent),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
