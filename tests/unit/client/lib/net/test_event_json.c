#include "tests/support/check.h"

#include "client/lib/net/event_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct zchat_event *event, const char *expected)
{
    char *bytes = NULL;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);

    event_json(out, event);
    fclose(out);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static struct zchat_event plain(const char *type)
{
    return (struct zchat_event){.kind = ZCHAT_EVENT,
                                .stream = "@alice",
                                .seq = 18,
                                .ts_ms = 1795425710123,
                                .type = type,
                                .message_kind = "",
                                .from = "bob",
                                .to = "",
                                .text = ""};
}

static void a_private_message_tells_both_places(void **state)
{
    struct zchat_event event = plain("message");

    (void)state;
    event.to = "carol";
    event.text = "a \"b\"\n\x1b";
    event.text_len = strlen(event.text);
    event.session = UINT64_MAX;
    event.number = 4;
    event.peer_seq = 3;
    check(
        &event,
        "{\"stream\":\"@alice\",\"seq\":18,\"ts\":\"2026-11-23T09:21:50.123Z\",\"type\":"
        "\"message\","
        "\"kind\":\"message\",\"from\":\"bob\",\"to\":\"carol\",\"text\":\"a \\\"b\\\"\\n\\u001b\","
        "\"session\":\"ffffffffffffffff\",\"number\":4,\"peer_seq\":3}\n");
}

static void fields_that_are_not_there_are_left_out(void **state)
{
    struct zchat_event event = plain("receipt");

    (void)state;
    event.upto = 9;
    check(&event, "{\"stream\":\"@alice\",\"seq\":18,\"ts\":\"2026-11-23T09:21:50.123Z\",\"type\":"
                  "\"receipt\","
                  "\"from\":\"bob\",\"upto\":9}\n");
}

static void a_ban_tells_room_and_end(void **state)
{
    struct zchat_event event = plain("ban");

    (void)state;
    event.to = "alice";
    event.text = "enough";
    event.text_len = 6;
    event.room = "#lab";
    event.until_ms = 1795425710123;
    check(&event, "{\"stream\":\"@alice\",\"seq\":18,\"ts\":\"2026-11-23T09:21:50.123Z\",\"type\":"
                  "\"ban\",\"from\":\"bob\",\"to\":\"alice\",\"text\":\"enough\",\"room\":\"#lab\","
                  "\"until\":\"2026-11-23T09:21:50.123Z\"}\n");
}

static void a_gap_ends_at_its_last_event(void **state)
{
    const struct zchat_event gap = {.kind = ZCHAT_GAP, .stream = "#lobby", .first = 2, .last = 7};

    (void)state;
    check(&gap, "{\"stream\":\"#lobby\",\"seq\":7,\"type\":\"gap\",\"first\":2,\"last\":7}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_message_tells_both_places),
        cmocka_unit_test(fields_that_are_not_there_are_left_out),
        cmocka_unit_test(a_ban_tells_room_and_end),
        cmocka_unit_test(a_gap_ends_at_its_last_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
