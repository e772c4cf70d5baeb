#include "tests/unit/client/logger/archive_fixture.h"

#include "client/logger/recover.h"
#include "client/logger/textlog.h"

#define OPENED "--- Log opened 2026-11-23 +0000, #lobby from 1\n"

static void each_kind_of_event_is_readable(void **state)
{
    struct archive *f = *state;
    struct zchat_event event = said(2, T0, "");

    say(f, 1, T0, "hello");
    event.type = "join";
    append(f, &event);
    event.seq++;
    event.type = "leave";
    append(f, &event);
    event = said(4, T0, "tea");
    event.type = "topic";
    append(f, &event);
    event = said(5, T0, "");
    event.type = "topic";
    append(f, &event);
    event = said(6, T0, "noise");
    event.type = "kick";
    event.to = "eve";
    append(f, &event);
    event.seq++;
    event.type = "ban";
    event.until_ms = T0 + DAY_MS;
    append(f, &event);
    event = said(8, T0, "private");
    event.type = "mode";
    append(f, &event);
    event = said(9, T0, "op");
    event.type = "role";
    event.to = "eve";
    append(f, &event);
    event = said(10, T0, "backup done");
    event.message_kind = "notice";
    append(f, &event);
    event = said(11, T0, "x");
    event.type = "news";
    append(f, &event);
    assert_string_equal(
        read_back(f, "%23lobby.log"),
        OPENED "[09:21:50] <bob> hello\n"
               "[09:21:50] --> bob joined #lobby\n"
               "[09:21:50] <-- bob left #lobby\n"
               "[09:21:50] -!- bob changed the topic of #lobby to: tea\n"
               "[09:21:50] -!- bob cleared the topic of #lobby\n"
               "[09:21:50] -!- bob kicked eve from #lobby: noise\n"
               "[09:21:50] -!- bob banned eve from #lobby until 2026-11-24 09:21:50 +0000: noise\n"
               "[09:21:50] -!- bob made #lobby private\n"
               "[09:21:50] -!- bob made eve an operator of #lobby\n"
               "[09:21:50] -bob- backup done\n"
               "[09:21:50] -!- bob: event of type 'news': x\n");
    assert_int_equal(place_again(f), 11);
}

static void a_message_of_several_lines_is_continued(void **state)
{
    struct archive *f = *state;

    say(f, 1, T0, "one\ntwo\r\n\nfour");
    say(f, 2, T0, "next");
    assert_string_equal(read_back(f, "%23lobby.log"), OPENED "[09:21:50] <bob> one \\\n"
                                                             "[09:21:50] <bob> two \\\n"
                                                             "[09:21:50] <bob>  \\\n"
                                                             "[09:21:50] <bob> four\n"
                                                             "[09:21:50] <bob> next\n");
    assert_int_equal(place_again(f), 2);
}

static void no_text_forges_a_line_or_a_continuation(void **state)
{
    static const char *const hostile[] = {"\n[09:21:50] <eve> forged",
                                          "--- Log opened 2026-11-23 +0000, #lobby from 99",
                                          "a\n--- Gap 2 to 98: #lobby from 99",
                                          "ends with a backslash \\",
                                          "\\",
                                          "two \\\nlines \\",
                                          "\r[00:00:00] <eve> x",
                                          "\x1b[2J\u2028[00:00:00] <eve> x",
                                          "\n\n\n",
                                          "\n",
                                          " \\ ",
                                          ""};
    struct archive *f = *state;
    const size_t count = sizeof hostile / sizeof *hostile;
    uint64_t seq = 0;

    for (size_t i = 0; i < count; i++) {
        struct zchat_event event = said(++seq, T0, hostile[i]);

        append(f, &event);
        event.seq = ++seq;
        event.type = "topic";
        append(f, &event);
        event.seq = ++seq;
        event.type = "news \\";
        append(f, &event);
        assert_int_equal(place_again(f), seq);
    }
    for (const char *line = read_back(f, "%23lobby.log"); *line != '\0';
         line = strchr(line, '\n') + 1) {
        assert_true(strncmp(line, OPENED, strlen(OPENED)) == 0 ||
                    strncmp(line, "[09:21:50] <bob> ", 17) == 0 ||
                    strncmp(line, "[09:21:50] -!- bob", 18) == 0);
        assert_null(memchr(line, '\x1b', (size_t)(strchr(line, '\n') - line)));
    }
}

static void a_message_of_endless_lines_has_an_end(void **state)
{
    struct archive *f = *state;
    char text[1001];
    size_t lines = 0;

    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    say(f, 1, T0, text);
    for (const char *at = read_back(f, "%23lobby.log"); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + TEXTLOG_LINES_MAX);
    assert_int_equal(place_again(f), 1);
}

static void a_gap_says_where_it_goes_on(void **state)
{
    struct archive *f = *state;
    const struct zchat_event gap = {.kind = ZCHAT_GAP, .stream = "#lobby", .first = 1, .last = 9};

    say(f, 1, T0, "one");
    append(f, &gap);
    assert_int_equal(place_again(f), 9);
    say(f, 10, T0, "ten");
    assert_string_equal(
        read_back(f, "%23lobby.log"),
        OPENED "[09:21:50] <bob> one\n"
               "--- Gap 2 to 9 2026-11-23 +0000, no longer kept by the broker: #lobby from 10\n"
               "[09:21:50] <bob> ten\n");
    assert_int_equal(place_again(f), 10);
}

static void a_gap_may_be_first(void **state)
{
    struct archive *f = *state;
    const struct zchat_event gap = {.kind = ZCHAT_GAP, .stream = "#lobby", .first = 1, .last = 9};

    append(f, &gap);
    assert_int_equal(place_again(f), 9);
    say(f, 10, T0, "ten");
    assert_non_null(strstr(read_back(f, "%23lobby.log"), "--- Day changed 2026-11-23"));
    assert_int_equal(place_again(f), 10);
}

static void an_event_torn_at_any_byte_is_cut_whole(void **state)
{
    struct archive *f = *state;
    size_t one, two;

    say(f, 1, T0, "one");
    one = strlen(read_back(f, "%23lobby.log"));
    say(f, 2, T0 + DAY_MS, "first\nsecond\nthird"); /* with a line of ours before it */
    two = strlen(read_back(f, "%23lobby.log"));
    for (size_t len = two - 1; len > one; len--) {
        char path[128];

        logfile_close(&f->file);
        snprintf(path, sizeof path, "%s/%%23lobby.log", f->folder.path);
        assert_int_equal(truncate(path, (off_t)len), 0);
        assert_int_equal(place_again(f), 1);
        say(f, 2, T0 + DAY_MS, "first\nsecond\nthird");
        logfile_close(&f->file);
        assert_int_equal(place_again(f), 2);
        assert_in_range(strlen(read_back(f, "%23lobby.log")), two, two + 60);
    }
}

static void a_first_event_torn_at_any_byte_is_cut_whole(void **state)
{
    struct archive *f = *state;
    char path[128];
    size_t len;

    snprintf(path, sizeof path, "%s/%%23lobby.log", f->folder.path);
    say(f, 1, T0, "first\nsecond");
    len = strlen(read_back(f, "%23lobby.log"));
    while (--len > 0) {
        logfile_close(&f->file);
        assert_int_equal(truncate(path, (off_t)len), 0);
        assert_int_equal(place_again(f), 0);
        say(f, 1, T0, "first\nsecond");
    }
}

static void a_long_log_is_counted_from_its_last_mark(void **state)
{
    struct archive *f = *state;
    char text[16001];
    uint64_t seq = 0;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    while (seq < 200) /* 3.2 MB */
        say(f, ++seq, T0, text);
    assert_int_equal(place_again(f), 200);
    assert_non_null(strstr(read_back(f, "%23lobby.log"), "\n--- Log goes on 2026-11-23"));
    say(f, 201, T0, "more");
    assert_int_equal(place_again(f), 201);
}

static void what_is_no_text_log_is_left_alone(void **state)
{
    struct archive *f = *state;
    const int fd = openat(f->dir_fd, "%23lobby.log", O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, "[10:00:00] <a> my diary\n", 24), 24);
    close(fd);
    assert_int_equal(logfile_open(&f->options, &f->file), RC_CONFIG);
    assert_string_equal(read_back(f, "%23lobby.log"), "[10:00:00] <a> my diary\n");
}

static void private_messages_say_to_whom(void **state)
{
    struct archive *f = *state;
    struct zchat_event event = said(1, T0, "hi");

    f->options.stream = "@logger";
    event.stream = "@logger";
    event.to = "logger";
    append(f, &event);
    event.seq = 2;
    event.from = "logger";
    event.to = "bob";
    append(f, &event);
    event = (struct zchat_event){.kind = ZCHAT_EVENT,
                                 .stream = "@logger",
                                 .seq = 3,
                                 .ts_ms = T0,
                                 .type = "receipt",
                                 .message_kind = "",
                                 .from = "bob",
                                 .to = "",
                                 .room = "",
                                 .text = "",
                                 .upto = 7};
    append(f, &event);
    event.seq = 4;
    event.type = "invite";
    event.to = "logger";
    event.room = "#lab";
    append(f, &event);
    assert_string_equal(read_back(f, "%40logger.log"),
                        "--- Log opened 2026-11-23 +0000, @logger from 1\n"
                        "[09:21:50] <bob> hi\n"
                        "[09:21:50] <logger to bob> hi\n"
                        "[09:21:50] -!- bob received everything up to 7\n"
                        "[09:21:50] -!- bob invited logger to #lab\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, archive_make, archive_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_event_is_readable),
        TEST(a_message_of_several_lines_is_continued),
        TEST(no_text_forges_a_line_or_a_continuation),
        TEST(a_message_of_endless_lines_has_an_end),
        TEST(a_gap_says_where_it_goes_on),
        TEST(a_gap_may_be_first),
        TEST(an_event_torn_at_any_byte_is_cut_whole),
        TEST(a_first_event_torn_at_any_byte_is_cut_whole),
        TEST(a_long_log_is_counted_from_its_last_mark),
        TEST(what_is_no_text_log_is_left_alone),
        TEST(private_messages_say_to_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
