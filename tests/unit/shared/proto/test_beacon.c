#include "shared/proto/beacon.h"

#include "tests/support/check.h"

#include <string.h>

static struct span bytes_of(const unsigned char *bytes, size_t len)
{
    return (struct span){(const char *)bytes, len};
}

static void what_is_written_is_read_again(void **state)
{
    struct beacon beacon = {.port = 0x1626}, got = {0};
    unsigned char bytes[BEACON_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(beacon.key); i++)
        beacon.key[i] = (unsigned char)(i * 7);
    beacon_write(&beacon, bytes);
    assert_memory_equal(bytes, "ZCHAT\1\x16\x26", 8); /* protocol 2.3 */
    assert_int_equal(beacon_read(bytes_of(bytes, sizeof(bytes)), &got), RC_OK);
    assert_int_equal(got.port, beacon.port);
    assert_memory_equal(got.key, beacon.key, sizeof(got.key));
}

static void other_lengths_marks_and_versions_are_refused_and_change_nothing(void **state)
{
    const struct beacon beacon = {.port = 5670};
    struct beacon got = {.port = 7};
    unsigned char bytes[BEACON_BYTES + 1] = {0};

    (void)state;
    beacon_write(&beacon, bytes);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        if (len != BEACON_BYTES)
            assert_int_equal(beacon_read(bytes_of(bytes, len), &got), RC_MALFORMED);
    }
    for (size_t i = 0; i < 6; i++) { /* each byte of mark and version counts */
        bytes[i] ^= 1;
        assert_int_equal(beacon_read(bytes_of(bytes, BEACON_BYTES), &got), RC_MALFORMED);
        bytes[i] ^= 1;
    }
    assert_int_equal(got.port, 7);
    assert_int_equal(beacon_read(bytes_of(bytes, BEACON_BYTES), &got), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(other_lengths_marks_and_versions_are_refused_and_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
