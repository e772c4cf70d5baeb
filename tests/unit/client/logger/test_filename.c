#include "tests/support/check.h"

#include "client/logger/filename.h"
#include "shared/base/limits.h"

static void check(const char *stream, const char *expected)
{
    char name[FILENAME_BYTES_MAX];

    assert_int_equal(filename_of_stream(stream, name), strlen(expected));
    assert_string_equal(name, expected);
}

static void a_room_is_percent_encoded(void **state)
{
    (void)state;
    check("#lobby", "%23lobby");
    check("#team-1_x", "%23team-1_x");
    check("@logger", "%40logger");
    check("#小明", "%23%E5%B0%8F%E6%98%8E");
}

static void no_name_leaves_the_folder(void **state)
{
    (void)state;
    check("#../../etc/passwd", "%23%2E%2E%2F%2E%2E%2Fetc%2Fpasswd");
    check("..", "%2E%2E");
    check("/", "%2F");
    check("#a%2f", "%23a%252f");
    check("#a.jsonl", "%23a%2Ejsonl");
    check("#a\nb", "%23a%0Ab");
}

static void a_name_too_long_for_percents_keeps_its_letters(void **state)
{
    char stream[STREAM_BYTES_MAX + 1] = "#", name[FILENAME_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < NAME_BYTES_MAX; i += 4)
        memcpy(stream + 1 + i, "\xf0\xa0\x80\x80", 4);
    stream[STREAM_BYTES_MAX] = '\0';
    assert_int_equal(filename_of_stream(stream, name), 3 + NAME_BYTES_MAX);
    assert_memory_equal(name, "%23\xf0\xa0\x80\x80", 7);
}

static void what_is_no_stream_has_no_file(void **state)
{
    char stream[STREAM_BYTES_MAX + 2], name[FILENAME_BYTES_MAX];

    (void)state;
    assert_int_equal(filename_of_stream("", name), 0);
    memset(stream, 'a', sizeof stream - 1);
    stream[sizeof stream - 1] = '\0';
    assert_int_equal(filename_of_stream(stream, name), 0);
    memset(stream, '/', STREAM_BYTES_MAX);
    stream[STREAM_BYTES_MAX] = '\0';
    assert_int_equal(filename_of_stream(stream, name), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_is_percent_encoded),
        cmocka_unit_test(no_name_leaves_the_folder),
        cmocka_unit_test(a_name_too_long_for_percents_keeps_its_letters),
        cmocka_unit_test(what_is_no_stream_has_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
