#include "shared/text/url_list.h"

#include "tests/support/check.h"

#include <stdio.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct url_list list;
static struct span part;
static const char *why;

static void addresses_stand_behind_commas_or_spaces(void **state)
{
    static const char *const same[] = {"zchat://a:1?key=" KEY_A ",zchat://b:2",
                                       "zchat://a:1?key=" KEY_A " zchat://b:2",
                                       " zchat://a:1?key=" KEY_A " , \tzchat://b:2,\n"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(url_list_parse(span_of(same[i]), &list, &part, &why), RC_OK);
        assert_int_equal(list.count, 2);
        assert_string_equal(list.item[0].host, "a");
        assert_true(list.item[0].has_key);
        assert_int_equal(list.item[1].port, 2);
    }
    assert_int_equal(url_list_parse(SPAN(" , "), &list, &part, &why), RC_OK);
    assert_int_equal(list.count, 0);
}

static void of_one_place_the_first_address_is_taken(void **state)
{
    (void)state;
    assert_int_equal(url_list_parse(SPAN("zchat://a:1?key=" KEY_A " zchat://A:1 zchat://a:2"),
                                    &list, &part, &why),
                     RC_OK);
    assert_int_equal(list.count, 2);
    assert_true(list.item[0].has_key);
    assert_int_equal(url_list_find(&list, &list.item[1]), 1);
}

static void a_bad_one_is_named_and_nothing_is_taken(void **state)
{
    (void)state;
    assert_int_equal(url_list_parse(SPAN("zchat://a:1"), &list, &part, &why), RC_OK);
    assert_int_equal(url_list_parse(SPAN("zchat://b:1, nowhere zchat://c:1"), &list, &part, &why),
                     RC_BAD_URL);
    assert_true(span_equal(part, SPAN("nowhere")));
    assert_non_null(strstr(why, "zchat://"));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.item[0].host, "a");
}

static void there_are_at_most_16(void **state)
{
    char text[1024] = "";
    size_t len = 0;

    (void)state;
    for (int i = 1; i <= BROKERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "zchat://a:%d ", i);
    assert_int_equal(url_list_parse(span_of(text), &list, &part, &why), RC_OK);
    assert_int_equal(list.count, BROKERS_MAX);
    snprintf(text + len, sizeof(text) - len, "zchat://a:5"); /* known */
    assert_int_equal(url_list_parse(span_of(text), &list, &part, &why), RC_OK);
    snprintf(text + len, sizeof(text) - len, "zchat://a:99");
    assert_int_equal(url_list_parse(span_of(text), &list, &part, &why), RC_BAD_URL);
    assert_non_null(strstr(why, "at most 16"));
}

static void what_is_formatted_reads_the_same_without_invitations(void **state)
{
    char text[BROKERS_BYTES_MAX + 1];

    (void)state;
    assert_int_equal(
        url_list_parse(SPAN("zchat://a:1?key=" KEY_A "&invite=00112233445566778899aabbccddeeff,"
                            "zchat+ipc:///run/z%2cchat"),
                       &list, &part, &why),
        RC_OK);
    assert_int_equal(url_list_format(&list, text), RC_OK);
    assert_string_equal(text, "zchat://a:1?key=" KEY_A " zchat+ipc:///run/z%2cchat");
    assert_int_equal(url_list_parse(span_of(text), &list, &part, &why), RC_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.item[1].host, "/run/z,chat");
}

static void more_bytes_than_travel_are_refused(void **state)
{
    char text[BROKERS_BYTES_MAX + 1];

    (void)state;
    list.count = BROKERS_MAX;
    for (size_t i = 0; i < BROKERS_MAX; i++) {
        list.item[i] = (struct broker_url){.port = (uint16_t)(i + 1), .has_key = true};
        memset(list.item[i].host, 'a', 250);
    }
    assert_int_equal(url_list_format(&list, text), RC_TOO_BIG);
    list.count = 12;
    assert_int_equal(url_list_format(&list, text), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_stand_behind_commas_or_spaces),
        cmocka_unit_test(of_one_place_the_first_address_is_taken),
        cmocka_unit_test(a_bad_one_is_named_and_nothing_is_taken),
        cmocka_unit_test(there_are_at_most_16),
        cmocka_unit_test(what_is_formatted_reads_the_same_without_invitations),
        cmocka_unit_test(more_bytes_than_travel_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
