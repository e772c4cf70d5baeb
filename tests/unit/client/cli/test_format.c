#include "tests/support/check.h"

#include "client/cli/format.h"

#include <stdlib.h>
#include <string.h>

static const struct style plain = {.is_utf8 = true, .has_date = true, .is_utc = true};

static struct zchat_event say(const char *text, size_t len)
{
    return (struct zchat_event){
        .kind = ZCHAT_EVENT,
        .stream = "#lobby",
        .seq = 18,
        .ts_ms = UINT64_C(1795425710123),
        .type = "message",
        .message_kind = "message",
        .from = "bob",
        .to = "",
        .text = text,
        .text_len = len,
        .room = "",
    };
}

static void assert_formatted(const struct style *style, const char *given,
                             const struct zchat_event *event, const char *expected)
{
    char why[FORMAT_WHY_BYTES];
    const char *template;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    assert_int_equal(format_find(given, &template, why), RC_OK);
    format_print(out, style, template, event);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void each_letter_has_its_field(void **state)
{
    const struct zchat_event event = say("hello", 5);

    (void)state;
    assert_formatted(&plain, "%t|%f|%s|%q|%k|%m|%%", &event,
                     "2026-11-23 09:21:50Z|bob|#lobby|18|message|hello|%\n");
    assert_formatted(&plain, "%m\\t%q\\n\\\\", &event, "hello\t18\n\\\n");
    assert_formatted(&plain, "short", &event, "bob: hello\n");
    assert_formatted(&plain, "long", &event, "2026-11-23 09:21:50Z #lobby 18 message bob: hello\n");
    assert_formatted(&plain, "tsv", &event,
                     "#lobby\t18\t2026-11-23 09:21:50Z\tmessage\tbob\thello\n");
}

static void no_text_breaks_a_line_or_a_column(void **state)
{
    const char hostile[] = "a\nb\tc\x1b[2J\r\xE2\x80\xAE%q\0z";
    const struct zchat_event event = say(hostile, sizeof(hostile) - 1);

    (void)state;
    assert_formatted(&plain, "%q\\t%m", &event, "18\ta⏎b c\uFFFD[2J\uFFFD\uFFFD%q\uFFFDz\n");
}

static void what_happened_is_told_in_words(void **state)
{
    struct zchat_event event = say("", 0);

    (void)state;
    event.type = "join";
    event.message_kind = "";
    assert_formatted(&plain, "%k %f %m", &event, "join bob joined\n");
    event.type = "kick";
    event.to = "eve";
    assert_formatted(&plain, "%k %f %m", &event, "kick bob put eve out\n");
    event = (struct zchat_event){.kind = ZCHAT_GAP, .stream = "#lobby", .first = 3, .last = 7};
    assert_formatted(&plain, "%k%t%f %q %m", &event,
                     "gap 7 3 to 7 are no longer kept by the broker\n");
}

static void colour_is_for_nick_and_time_alone(void **state)
{
    const struct zchat_event event = say("hello", 5);
    struct style colored = plain;

    (void)state;
    colored.has_color = true;
    assert_formatted(&colored, "%q %m", &event, "18 hello\n");
    assert_formatted(&colored, "%t", &event, "\x1b[2m2026-11-23 09:21:50Z\x1b[0m\n");
}

static void what_is_no_template_is_refused(void **state)
{
    static const char *const bad[] = {"%x", "%", "%m\\", "\\q%m", "shorter", "", "100%"};
    char why[FORMAT_WHY_BYTES];
    const char *template = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (format_find(bad[i], &template, why) != RC_CONFIG || why[0] == '\0')
            fail_msg("\"%s\" should be refused", bad[i]);
    }
    assert_null(template);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_letter_has_its_field),
        cmocka_unit_test(no_text_breaks_a_line_or_a_column),
        cmocka_unit_test(what_happened_is_told_in_words),
        cmocka_unit_test(colour_is_for_nick_and_time_alone),
        cmocka_unit_test(what_is_no_template_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
