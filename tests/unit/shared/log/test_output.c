#include "shared/log/output.h"

#include "shared/log/fields.h"
#include "tests/support/check.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

struct fixture {
    char folder[64], file[96], socket_path[96];
    struct log_settings settings;
    int socket; /* syslog's, or the journal's */
    char why[CONF_WHY_BYTES];
    char got[8192];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-output-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->file, sizeof(f->file), "%s/log", f->folder);
    snprintf(f->socket_path, sizeof(f->socket_path), "%s/socket", f->folder);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->socket_path);
    f->settings.level = LOG_LEVEL_INFO;
    f->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->socket, (struct sockaddr *)&address, sizeof(address)), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    const struct log_settings usual = {.level = LOG_LEVEL_INFO};

    assert_int_equal(log_output(&usual, "tested", f->why), RC_OK);
    close(f->socket);
    (void)unlink(f->file);
    (void)unlink(f->socket_path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void open_file(struct fixture *f, enum log_format format)
{
    f->settings.format = format;
    snprintf(f->settings.file, sizeof(f->settings.file), "%s", f->file);
    assert_int_equal(log_output(&f->settings, "tested", f->why), RC_OK);
}

static void open_datagrams(struct fixture *f, enum log_target target, enum log_format format)
{
    f->settings.target = target;
    f->settings.format = format;
    snprintf(f->settings.socket, sizeof(f->settings.socket), "%s", f->socket_path);
    assert_int_equal(log_output(&f->settings, "tested", f->why), RC_OK);
}

static const char *read_file(struct fixture *f)
{
    FILE *file = fopen(f->file, "re");

    assert_non_null(file);
    f->got[fread(f->got, 1, sizeof(f->got) - 1, file)] = '\0';
    fclose(file);
    return f->got;
}

static const char *receive(struct fixture *f)
{
    const ssize_t len = recv(f->socket, f->got, sizeof(f->got) - 1, MSG_DONTWAIT);

    assert_true(len > 0);
    f->got[len] = '\0';
    return f->got;
}

/* Behind the time, which differs. */
static const char *after_time(const char *line)
{
    assert_memory_equal(line, "{\"ts\":\"20", 9);
    return strchr(line, ',');
}

static void words_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *fields, *rest;
    } READ[] = {
        {"a=1 b=two", "a:1;b:two;", ""},
        {"why=\"a \"b\" c\" n=2", "why:a \"b\" c;n:2;", ""},
        {"file=/x/y: it is told", "file:/x/y;", "it is told"},
        {"nothing new is accepted", "", "nothing new is accepted"},
        {"  a=  b=\"\" =c A=1 1a=2", "a:;b:;", "=c A=1 1a=2"},
        {"open=\"to the end", "open:\"to;", "the end"},
        {"", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(READ) / sizeof(READ[0]); i++) {
        struct log_fields fields;
        char told[256] = "";

        log_fields_read(span_of(READ[i].text), &fields);
        for (size_t k = 0; k < fields.count; k++)
            snprintf(told + strlen(told), sizeof(told) - strlen(told), "%.*s:%.*s;",
                     (int)fields.field[k].key.len, fields.field[k].key.ptr,
                     (int)fields.field[k].value.len, fields.field[k].value.ptr);
        assert_string_equal(told, READ[i].fields);
        assert_string_equal(fields.rest, READ[i].rest);
    }
}

static void more_fields_than_there_is_room_for_stay_words(void **state)
{
    char text[1024] = "";
    struct log_fields fields;

    (void)state;
    for (int i = 0; i < LOG_FIELDS_MAX + 2; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "k%d=v ", i);
    log_fields_read(span_of(text), &fields);
    assert_int_equal(fields.count, LOG_FIELDS_MAX);
    assert_string_equal(fields.rest, "k32=v k33=v");
}

static void json_is_an_object_a_line(void **state)
{
    struct fixture *f = *state;

    open_file(f, LOG_FORMAT_JSON);
    log_warn("disk.full", "folder=/a nick=\xff\"b\" level=3 reason=\"no \"room\"\": refused");
    log_info("plain", "%s", "");
    const char *line = after_time(read_file(f));
    assert_string_equal(strtok_r((char *)(uintptr_t)line, "\n", (char **)&line),
                        ",\"level\":\"warn\",\"event\":\"disk.full\",\"folder\":\"/a\","
                        "\"nick\":\"\xef\xbf\xbd\\\"b\\\"\",\"level_\":\"3\","
                        "\"reason\":\"no \\\"room\\\"\",\"text\":\"refused\"}");
    assert_string_equal(after_time(line), ",\"level\":\"info\",\"event\":\"plain\"}\n");
}

static void text_is_as_ever(void **state)
{
    struct fixture *f = *state;

    open_file(f, LOG_FORMAT_TEXT);
    log_error("a.b", "c=%d", 1);
    assert_string_equal(strchr(read_file(f), ' '), " error a.b c=1\n");
}

static void syslog_gets_priority_program_and_words(void **state)
{
    struct fixture *f = *state;
    char expected[128];

    open_datagrams(f, LOG_TO_SYSLOG, LOG_FORMAT_TEXT);
    log_error("a.b", "c=%d", 1);
    snprintf(expected, sizeof(expected), "<27>tested[%d]: a.b c=1", (int)getpid());
    assert_string_equal(receive(f), expected);
    log_debug("a.c", "%s", "below the level");
    assert_int_equal(recv(f->socket, f->got, 1, MSG_DONTWAIT), -1);
}

static void syslog_gets_json_when_that_is_wanted(void **state)
{
    struct fixture *f = *state;

    open_datagrams(f, LOG_TO_SYSLOG, LOG_FORMAT_JSON);
    log_info("a.b", "c=%d", 1);
    const char *object = strchr(receive(f), '{');
    assert_non_null(object);
    assert_string_equal(after_time(object), ",\"level\":\"info\",\"event\":\"a.b\",\"c\":\"1\"}");
}

static void the_journal_gets_fields(void **state)
{
    struct fixture *f = *state;

    open_datagrams(f, LOG_TO_JOURNAL, LOG_FORMAT_TEXT);
    log_warn("peer.cut", "peer=7 reason=\"too slow\nMESSAGE=forged\"");
    assert_string_equal(receive(f), "MESSAGE=peer.cut peer=7 reason=\"too slow?MESSAGE=forged\"\n"
                                    "PRIORITY=4\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=tested\n"
                                    "ZCHAT_EVENT=peer.cut\nZCHAT_PEER=7\n"
                                    "ZCHAT_REASON=too slow?MESSAGE=forged\n");
}

static void when_nobody_listens_lines_go_where_they_went(void **state)
{
    struct fixture *f = *state;

    open_file(f, LOG_FORMAT_TEXT);
    f->settings.file[0] = '\0';
    open_datagrams(f, LOG_TO_JOURNAL, LOG_FORMAT_TEXT);
    close(f->socket);
    log_info("a.b", "c=%d", 1);
    assert_string_equal(strchr(read_file(f), ' '), " info a.b c=1\n");
    f->socket = -1;
}

static void what_cannot_be_opened_changes_nothing(void **state)
{
    struct fixture *f = *state;

    open_file(f, LOG_FORMAT_TEXT);
    f->settings.target = LOG_TO_JOURNAL;
    snprintf(f->settings.socket, sizeof(f->settings.socket), "%s/none", f->folder);
    assert_int_equal(log_output(&f->settings, "tested", f->why), RC_SYSTEM);
    assert_non_null(strstr(f->why, "/none: No such file"));
    log_info("a.b", "c=%d", 1);
    assert_non_null(strstr(read_file(f), " info a.b c=1\n"));
}

static void contradictions_are_named(void **state)
{
    const struct log_settings good = {.level = LOG_LEVEL_INFO};
    struct log_settings bad = {.target = LOG_TO_JOURNAL, .file = "/x"};

    (void)state;
    assert_null(log_settings_check(&good));
    assert_non_null(strstr(log_settings_check(&bad), "log-file"));
    bad = (struct log_settings){.socket = "/x"};
    assert_non_null(strstr(log_settings_check(&bad), "log-socket"));
    bad = (struct log_settings){.target = LOG_TO_SYSLOG, .socket = "x"};
    assert_non_null(strstr(log_settings_check(&bad), "absolute"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_taken_apart),
        cmocka_unit_test(more_fields_than_there_is_room_for_stay_words),
        TEST(json_is_an_object_a_line),
        TEST(text_is_as_ever),
        TEST(syslog_gets_priority_program_and_words),
        TEST(syslog_gets_json_when_that_is_wanted),
        TEST(the_journal_gets_fields),
        TEST(when_nobody_listens_lines_go_where_they_went),
        TEST(what_cannot_be_opened_changes_nothing),
        cmocka_unit_test(contradictions_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
