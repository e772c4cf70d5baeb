#include "shared/text/json.h"
#include "tests/support/check.h"

struct fixture {
    struct json json;
    char *text;
    size_t len;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    FILE *out = open_memstream(&fixture.text, &fixture.len);

    if (out == NULL)
        return -1;
    json_open(&fixture.json, out);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fclose(f->json.out);
    free(f->text);
    return 0;
}

static void expect(struct fixture *f, const char *line)
{
    json_close(&f->json);
    assert_string_equal(f->text, line);
    assert_int_equal(f->len, strlen(line));
}

static void an_empty_object_is_a_line(void **state)
{
    expect(*state, "{}\n");
}

static void members_stand_with_commas_between(void **state)
{
    struct fixture *f = *state;

    json_text(&f->json, "text", SPAN("hi"));
    json_uint(&f->json, "seq", UINT64_MAX);
    json_flag(&f->json, "mine", true);
    json_flag(&f->json, "old", false);
    json_id(&f->json, "session", 0xab);
    json_time(&f->json, "ts", UINT64_C(1795425710123));
    expect(f, "{\"text\":\"hi\",\"seq\":18446744073709551615,\"mine\":true,\"old\":false,"
              "\"session\":\"00000000000000ab\",\"ts\":\"2026-11-23T09:21:50.123Z\"}\n");
}

static void arrays_hold_texts(void **state)
{
    struct fixture *f = *state;

    json_array_open(&f->json, "none");
    json_array_close(&f->json);
    json_array_open(&f->json, "rooms");
    json_array_text(&f->json, SPAN("#a"));
    json_array_text(&f->json, SPAN("#\"b"));
    json_array_close(&f->json);
    json_uint(&f->json, "n", 0);
    expect(f, "{\"none\":[],\"rooms\":[\"#a\",\"#\\\"b\"],\"n\":0}\n");
}

static void quotes_and_controls_are_escaped(void **state)
{
    struct fixture *f = *state;

    json_text(&f->json, "t", SPAN("\"\\\n\t\r\x1B\0\x7F/"));
    expect(f, "{\"t\":\"\\\"\\\\\\n\\t\\u000d\\u001b\\u0000\\u007f/\"}\n");
}

static void line_separators_and_direction_controls_are_escaped(void **state)
{
    struct fixture *f = *state;

    json_text(&f->json, "t", SPAN("\u2028\u2029\u202E\xC2\x85\U000E0041"));
    expect(f, "{\"t\":\"\\u2028\\u2029\\u202e\\u0085\\udb40\\udc41\"}\n");
}

static void other_scripts_stay_readable_and_bad_bytes_do_not(void **state)
{
    struct fixture *f = *state;

    json_text(&f->json, "t", SPAN("小明 é 😀 \xFF\xC3"));
    json_text(&f->json, "none", (struct span){NULL, 0});
    expect(f, "{\"t\":\"小明 é 😀 \xEF\xBF\xBD\xEF\xBF\xBD\",\"none\":\"\"}\n");
}

static void times_are_utc_with_milliseconds(void **state)
{
    char buf[25];

    (void)state;
    time_format_utc(0, buf);
    assert_string_equal(buf, "1970-01-01T00:00:00.000Z");
    time_format_utc(UINT64_C(951782400007), buf); /* a leap day */
    assert_string_equal(buf, "2000-02-29T00:00:00.007Z");
    time_format_utc(UINT64_MAX, buf);
    assert_string_equal(buf, "9999-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_object_is_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_stand_with_commas_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_hold_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quotes_and_controls_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(line_separators_and_direction_controls_are_escaped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_scripts_stay_readable_and_bad_bytes_do_not, set_up,
                                        tear_down),
        cmocka_unit_test(times_are_utc_with_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
