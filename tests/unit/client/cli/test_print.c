#include "tests/support/check.h"

#include "client/cli/print.h"

#include <locale.h>
#include <string.h>
#include <time.h>

static const struct style plain = {.is_utf8 = true, .has_date = true};

static struct zchat_event event_of(const char *stream, const char *type, const char *from)
{
    return (struct zchat_event){
        .kind = ZCHAT_EVENT,
        .stream = stream,
        .seq = 18,
        .ts_ms = UINT64_C(1795425710123),
        .type = type,
        .message_kind = "message",
        .from = from,
        .to = "",
        .text = "",
        .room = "",
        .state = "",
    };
}

static struct zchat_event say(const char *stream, const char *from, const char *text)
{
    struct zchat_event event = event_of(stream, "message", from);

    event.text = text;
    event.text_len = strlen(text);
    return event;
}

/* What print_event() writes; the caller frees it. "" when it wrote nothing. */
static char *printed(const struct style *style, const struct zchat_event *event, const char *after)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    print_event(out, style, event, after);
    fclose(out);
    return text;
}

static void assert_printed(const struct style *style, const struct zchat_event *event,
                           const char *after, const char *expected)
{
    char *text = printed(style, event, after);

    assert_string_equal(text, expected);
    free(text);
}

static void a_room_message_has_time_room_and_nick(void **state)
{
    struct zchat_event event = say("#lobby", "bob", "hello");

    (void)state;
    assert_printed(&plain, &event, "", "2026-11-23 09:21:50 #lobby bob: hello\n");
    assert_printed(&plain, &event, "+", "2026-11-23 09:21:50 #lobby bob: hello +\n");
}

static void a_private_message_names_both(void **state)
{
    struct zchat_event event = say("@alice", "bob", "hi");
    struct style ascii = plain;

    (void)state;
    event.to = "alice";
    ascii.is_utf8 = false;
    assert_printed(&plain, &event, "", "2026-11-23 09:21:50 bob → alice: hi\n");
    assert_printed(&ascii, &event, "", "2026-11-23 09:21:50 bob -> alice: hi\n");
}

static void a_notice_looks_different_without_colour(void **state)
{
    struct zchat_event event = say("#ops", "cron", "done");

    (void)state;
    event.message_kind = "notice";
    assert_printed(&plain, &event, "", "2026-11-23 09:21:50 #ops -cron- done\n");
}

static void no_text_can_forge_a_line_or_move_the_cursor(void **state)
{
    struct zchat_event event =
        say("#lobby", "eve", "a\n2026-11-23 09:21:50 #lobby bob: b\x1b[2J\r");
    char *text = printed(&plain, &event, "");

    (void)state;
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "\n    2026-11-23"));
    free(text);
}

static void joins_and_leaves_are_told_and_receipts_only_when_asked_for(void **state)
{
    struct zchat_event join = event_of("#lobby", "join", "bob");
    struct zchat_event leave = event_of("#lobby", "leave", "bob");
    struct zchat_event receipt = event_of("@alice", "receipt", "bob");
    struct style verbose = plain;

    (void)state;
    verbose.is_verbose = true;
    receipt.upto = 7;
    assert_printed(&plain, &join, "", "2026-11-23 09:21:50 #lobby * bob joined\n");
    assert_printed(&plain, &leave, "", "2026-11-23 09:21:50 #lobby * bob left\n");
    assert_printed(&plain, &receipt, "", "");
    assert_printed(&verbose, &receipt, "",
                   "2026-11-23 09:21:50 @alice * bob has everything up to 7\n");
}

/* An event by alice; the time and its space are left away. */
static void assert_told(const char *stream, const char *type, const char *to, const char *text,
                        const char *room, uint64_t until_ms, const char *expected)
{
    struct zchat_event event = event_of(stream, type, "alice");
    char line[256];

    event.to = to;
    event.text = text;
    event.text_len = strlen(text);
    event.room = room;
    event.until_ms = until_ms;
    snprintf(line, sizeof(line), "2026-11-23 09:21:50 %s\n", expected);
    assert_printed(&plain, &event, "", line);
}

static void what_operators_do_is_told_in_sentences(void **state)
{
    const uint64_t until = UINT64_C(1795425710123);

    (void)state;
    assert_told("#lab", "topic", "", "news", "", 0, "#lab * alice set the topic: news");
    assert_told("#lab", "topic", "", "", "", 0, "#lab * alice cleared the topic");
    assert_told("#lab", "mode", "", "private", "", 0, "#lab * alice made the room private");
    assert_told("#lab", "role", "bob", "op", "", 0, "#lab * alice made bob an operator");
    assert_told("#lab", "role", "bob", "none", "", 0, "#lab * alice made bob a member like others");
    assert_told("#lab", "kick", "bob", "spam", "", 0, "#lab * alice put bob out: spam");
    assert_told("#lab", "ban", "bob", "", "", 0, "#lab * alice banned bob");
    assert_told("#lab", "ban", "", "", "", 0, "#lab * alice banned a device");
    assert_told("#lab", "mute", "bob", "loud", "", until,
                "#lab * alice muted bob until 2026-11-23 09:21:50: loud");
    assert_told("#lab", "unmute", "bob", "", "", 0, "#lab * alice lets bob write again");
    assert_told("#lab", "unban", "bob", "", "", 0, "#lab * alice lets bob in again");
}

static void in_the_own_stream_it_is_you_and_says_which_room(void **state)
{
    struct zchat_event event = event_of("@bob", "invite", "alice");
    struct style chat = plain;

    (void)state;
    assert_told("@bob", "kick", "bob", "spam", "#lab", 0, "* alice put you out of #lab: spam");
    assert_told("@bob", "ban", "bob", "", "#lab", 0, "* alice banned you from #lab");
    assert_told("@bob", "invite", "bob", "", "#lab", 0,
                "* alice invites you to #lab: zchat join '#lab'");
    event.to = "bob";
    event.room = "#lab";
    chat.has_commands = true;
    assert_printed(&chat, &event, "",
                   "2026-11-23 09:21:50 * alice invites you to #lab: /join #lab\n");
}

static void a_reason_cannot_forge_a_line(void **state)
{
    (void)state;
    assert_told("#lab", "kick", "bob", "a\nb\x1b[2J", "", 0,
                "#lab * alice put bob out: a\xe2\x8f\x8e"
                "b\xef\xbf\xbd[2J");
}

static void colours_only_dress_what_is_there_anyway(void **state)
{
    struct zchat_event event = say("#lobby", "bob", "hello");
    struct style colored = plain;
    char *text, *again;

    (void)state;
    colored.has_color = true;
    text = printed(&colored, &event, "");
    again = printed(&colored, &event, "");
    assert_non_null(strstr(text, "bob"));
    assert_non_null(strchr(text, '\x1b'));
    assert_string_equal(text, again);
    free(text);
    free(again);
}

static void colours_need_a_terminal(void **state)
{
    FILE *out = tmpfile();

    (void)state;
    assert_non_null(out);
    assert_false(style_for(out).has_color);
    fclose(out);
}

static void columns_count_and_not_bytes(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out;

    (void)state;
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        skip();
    out = open_memstream(&text, &len);
    assert_non_null(out);
    print_padded(out, "小明", 6);
    print_padded(out, "bob", 5);
    print_padded(out, "longer", 3);
    fclose(out);
    assert_string_equal(text, "小明  bob  longer");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_message_has_time_room_and_nick),
        cmocka_unit_test(a_private_message_names_both),
        cmocka_unit_test(a_notice_looks_different_without_colour),
        cmocka_unit_test(no_text_can_forge_a_line_or_move_the_cursor),
        cmocka_unit_test(joins_and_leaves_are_told_and_receipts_only_when_asked_for),
        cmocka_unit_test(what_operators_do_is_told_in_sentences),
        cmocka_unit_test(in_the_own_stream_it_is_you_and_says_which_room),
        cmocka_unit_test(a_reason_cannot_forge_a_line),
        cmocka_unit_test(colours_only_dress_what_is_there_anyway),
        cmocka_unit_test(colours_need_a_terminal),
        cmocka_unit_test(columns_count_and_not_bytes),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
