#include "tests/support/check.h"

#include "client/logger/logfile.h"
#include "client/logger/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS UINT64_C(86400000)
#define T0     UINT64_C(1795425710123) /* 2026-11-23T09:21:50.123Z */

struct fixture {
    char folder[64];
    int dir_fd;
    struct rotation rotation;
    enum logfile_format format;
    bool is_utc;
};

static int make(void **state)
{
    static struct fixture f;

    f = (struct fixture){.folder = "/tmp/zchat-logfile-XXXXXX", .is_utc = true};
    if (mkdtemp(f.folder) == NULL)
        return -1;
    f.dir_fd = open(f.folder, O_RDONLY | O_DIRECTORY);
    *state = &f;
    return 0;
}

static int clear(void **state)
{
    struct fixture *f = *state;
    DIR *dir = opendir(f->folder);
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL)
        unlinkat(f->dir_fd, entry->d_name, 0);
    closedir(dir);
    close(f->dir_fd);
    return rmdir(f->folder);
}

static struct zchat_event event_at(uint64_t seq, uint64_t ts_ms, const char *text)
{
    return (struct zchat_event){
        .kind = ZCHAT_EVENT,
        .stream = "#lobby",
        .seq = seq,
        .ts_ms = ts_ms,
        .type = "message",
        .message_kind = "message",
        .from = "bob",
        .to = "",
        .text = text,
        .text_len = strlen(text),
        .session = 0x9f3c,
        .number = 4,
    };
}

static struct logfile *open_log(struct fixture *f)
{
    const struct logfile_options options = {
        .dir_fd = f->dir_fd,
        .stream = "#lobby",
        .format = f->format,
        .rotation = f->rotation,
        .is_utc = f->is_utc,
    };
    struct logfile *file = NULL;

    assert_int_equal(logfile_open(&options, &file), RC_OK);
    return file;
}

static enum rc append(struct logfile *file, uint64_t seq)
{
    const struct zchat_event event = event_at(seq, T0 + seq, "hello");

    return logfile_append(file, &event);
}

/* Append seq first..last in a life of its own. */
static void write_events(struct fixture *f, uint64_t first, uint64_t last)
{
    struct logfile *file = open_log(f);

    for (uint64_t seq = first; seq <= last; seq++)
        assert_int_equal(append(file, seq), RC_OK);
    logfile_close(&file);
}

static char *content(struct fixture *f, const char *name)
{
    static char buf[400000];
    const int fd = openat(f->dir_fd, name, O_RDONLY);
    ssize_t len;

    assert_true(fd >= 0);
    len = read(fd, buf, sizeof buf - 1);
    close(fd);
    assert_true(len >= 0);
    buf[len] = '\0';
    return buf;
}

static void put(struct fixture *f, const char *name, const char *bytes, size_t len)
{
    const int fd = openat(f->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

static uint64_t place_now(struct fixture *f)
{
    struct logfile *file = open_log(f);
    const uint64_t place = logfile_place(file);

    logfile_close(&file);
    return place;
}

static void an_event_is_one_line_with_its_fields(void **state)
{
    struct fixture *f = *state;

    write_events(f, 1, 1);
    assert_string_equal(
        content(f, "%23lobby.jsonl"),
        "{\"stream\":\"#lobby\",\"seq\":1,\"ts\":\"2026-11-23T09:21:50.124Z\","
        "\"type\":\"message\",\"kind\":\"message\",\"from\":\"bob\",\"text\":\"hello\","
        "\"session\":\"0000000000009f3c\",\"number\":4}\n");
}

static void a_file_is_not_readable_by_others(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    write_events(f, 1, 1);
    assert_int_equal(fstatat(f->dir_fd, "%23lobby.jsonl", &info, 0), 0);
    assert_int_equal(info.st_mode & 0137, 0);
}

static void the_place_is_read_from_the_last_line(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(place_now(f), 0);
    write_events(f, 1, 3);
    assert_int_equal(place_now(f), 3);
    write_events(f, 4, 5);
    assert_int_equal(place_now(f), 5);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 5);
}

static void repeats_are_left_out_and_holes_are_refused(void **state)
{
    struct fixture *f = *state;
    struct logfile *file = open_log(f);

    assert_int_equal(append(file, 1), RC_OK);
    assert_int_equal(append(file, 1), RC_OK);
    assert_int_equal(append(file, 3), RC_END);
    assert_int_equal(append(file, 2), RC_OK);
    assert_int_equal(logfile_place(file), 2);
    logfile_close(&file);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 2);
}

static void a_torn_line_is_cut_at_every_byte(void **state)
{
    struct fixture *f = *state;
    size_t one, two;

    write_events(f, 1, 1);
    one = strlen(content(f, "%23lobby.jsonl"));
    write_events(f, 2, 2);
    two = strlen(content(f, "%23lobby.jsonl"));
    for (size_t len = two - 1; len > one; len--) {
        char path[128];

        snprintf(path, sizeof path, "%s/%%23lobby.jsonl", f->folder);
        assert_int_equal(truncate(path, (off_t)len), 0);
        assert_int_equal(place_now(f), 1);
        assert_int_equal(strlen(content(f, "%23lobby.jsonl")), one);
        write_events(f, 2, 2);
        assert_int_equal(strlen(content(f, "%23lobby.jsonl")), two);
    }
}

static void a_torn_first_line_is_cut(void **state)
{
    struct fixture *f = *state;

    put(f, "%23lobby.jsonl", "{\"stream\":\"#lob", 15);
    assert_int_equal(place_now(f), 0);
    assert_string_equal(content(f, "%23lobby.jsonl"), "");
}

static void zeros_after_a_power_cut_are_cut(void **state)
{
    struct fixture *f = *state;
    static const char zeros[5000] = {[4000] = '\n'};

    write_events(f, 1, 2);
    put(f, "%23lobby.jsonl", zeros, sizeof zeros);
    assert_int_equal(place_now(f), 2);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 2);
}

static void a_line_as_long_as_can_be_is_found(void **state)
{
    struct fixture *f = *state;
    struct logfile *file = open_log(f);
    char text[16385];
    struct zchat_event event;

    memset(text, 1, sizeof text - 1); /* six bytes each when escaped */
    text[sizeof text - 1] = '\0';
    for (uint64_t seq = 1; seq <= 3; seq++) {
        event = event_at(seq, T0, text);
        assert_int_equal(logfile_append(file, &event), RC_OK);
    }
    logfile_close(&file);
    assert_int_equal(place_now(f), 3);
}

static void a_file_that_is_no_archive_is_left_alone(void **state)
{
    struct fixture *f = *state;
    const struct logfile_options options = {.dir_fd = f->dir_fd, .stream = "#lobby"};
    struct logfile *file = NULL;

    put(f, "%23lobby.jsonl", "my diary\nof years\n", 18);
    assert_int_equal(logfile_open(&options, &file), RC_CONFIG);
    assert_null(file);
    assert_string_equal(content(f, "%23lobby.jsonl"), "my diary\nof years\n");
    assert_int_equal(unlinkat(f->dir_fd, "%23lobby.jsonl", 0), 0);
    assert_int_equal(symlinkat("/dev/null", f->dir_fd, "%23lobby.jsonl"), 0);
    assert_int_equal(logfile_open(&options, &file), RC_CONFIG);
}

static void a_gap_is_a_record_and_moves_the_place(void **state)
{
    struct fixture *f = *state;
    struct logfile *file = open_log(f);
    const struct zchat_event gap = {.kind = ZCHAT_GAP, .stream = "#lobby", .first = 1, .last = 7};

    assert_int_equal(append(file, 1), RC_OK);
    assert_int_equal(logfile_append(file, &gap), RC_OK);
    assert_int_equal(logfile_append(file, &gap), RC_OK);
    logfile_close(&file);
    assert_non_null(
        strstr(content(f, "%23lobby.jsonl"),
               "\n{\"stream\":\"#lobby\",\"seq\":7,\"type\":\"gap\",\"first\":2,\"last\":7}\n"));
    assert_int_equal(place_now(f), 7);
    write_events(f, 8, 8);
    assert_int_equal(place_now(f), 8);
}

static void a_day_has_its_file(void **state)
{
    struct fixture *f = *state;
    struct logfile *file;
    struct zchat_event event;

    f->rotation.kind = ROTATE_DAILY;
    write_events(f, 1, 2);
    file = open_log(f);
    event = event_at(3, T0 + DAY_MS, "next day");
    assert_int_equal(logfile_append(file, &event), RC_OK);
    event = event_at(4, T0 + DAY_MS + 1, "same day");
    assert_int_equal(logfile_append(file, &event), RC_OK);
    logfile_close(&file);
    assert_int_equal(count_lines(content(f, "%23lobby.2026-11-23.jsonl")), 2);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 2);
    assert_int_equal(place_now(f), 4);
}

static void a_full_file_is_put_aside(void **state)
{
    struct fixture *f = *state;

    f->rotation = (struct rotation){.kind = ROTATE_SIZE, .size_bytes = 400};
    write_events(f, 1, 10); /* 160 to 170 bytes each: three a file */
    assert_int_equal(count_lines(content(f, "%23lobby.000000000003.jsonl")), 3);
    assert_int_equal(count_lines(content(f, "%23lobby.000000000009.jsonl")), 3);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 1);
}

static void the_place_survives_that_the_file_was_put_aside(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"%23lobby.000000000005.jsonl", "%23lobby.jsonl.1",
                                        "%23lobby.jsonl-20261123", "%23lobby.2026-11-23.jsonl"};

    write_events(f, 1, 5);
    put(f, "%23lobby2.jsonl", "{\"stream\":\"#lobby2\",\"seq\":99,\"x\":1}\n", 37);
    put(f, "%23lobby.jsonl.0.gz", "\x1f\x8b", 2);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *before = i == 0 ? "%23lobby.jsonl" : names[i - 1];

        assert_int_equal(renameat(f->dir_fd, before, f->dir_fd, names[i]), 0);
        assert_int_equal(place_now(f), 5);
    }
    write_events(f, 6, 6);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 1);
}

static void reopening_goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct logfile *file = open_log(f);

    assert_int_equal(append(file, 1), RC_OK);
    assert_int_equal(renameat(f->dir_fd, "%23lobby.jsonl", f->dir_fd, "%23lobby.jsonl.1"), 0);
    assert_int_equal(append(file, 2), RC_OK);
    assert_int_equal(logfile_reopen(file), RC_OK);
    assert_int_equal(append(file, 2), RC_OK);
    assert_int_equal(append(file, 3), RC_OK);
    logfile_close(&file);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl.1")), 2);
    assert_int_equal(count_lines(content(f, "%23lobby.jsonl")), 1);
}

static void a_full_disk_leaves_no_torn_line(void **state)
{
    struct fixture *f = *state;
    struct logfile *file = open_log(f);
    struct rlimit before, limit;
    size_t len;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(append(file, 1), RC_OK);
    len = strlen(content(f, "%23lobby.jsonl"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = len + 20; /* a part of the next line fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(append(file, 2), RC_SYSTEM);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(append(file, 2), RC_SYSTEM);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(logfile_place(file), 1);
    assert_int_equal(strlen(content(f, "%23lobby.jsonl")), len);

    assert_int_equal(append(file, 2), RC_OK); /* there is room again */
    assert_int_equal(logfile_sync(file), RC_OK);
    logfile_close(&file);
    assert_int_equal(place_now(f), 2);
}

static void lines_that_are_no_records_are_not_taken_for_some(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"stream\":\"#a\",\"seq\":0,\"x\":1}",
                                      "{\"stream\":\"#a\",\"seq\":,\"x\":1}",
                                      "{\"stream\":\"#a\",\"seq\":12}",
                                      "{\"stream\":\"#a\",\"seq\":12,\"x\":1",
                                      "{\"stream\":\"#a\",\"seq\":99999999999999999999,\"x\":1}",
                                      "\"stream\":\"#a\",\"seq\":12,\"x\":1}"};
    struct tail tail = {.place = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(recover_line(span_of(bad[i]), &tail));
    assert_int_equal(tail.place, 77);
    assert_true(recover_line(SPAN("{\"stream\":\"#a\",\"seq\":12,\"x\":1}"), &tail));
    assert_int_equal(tail.place, 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_one_line_with_its_fields),
        TEST(a_file_is_not_readable_by_others),
        TEST(the_place_is_read_from_the_last_line),
        TEST(repeats_are_left_out_and_holes_are_refused),
        TEST(a_torn_line_is_cut_at_every_byte),
        TEST(a_torn_first_line_is_cut),
        TEST(zeros_after_a_power_cut_are_cut),
        TEST(a_line_as_long_as_can_be_is_found),
        TEST(a_file_that_is_no_archive_is_left_alone),
        TEST(a_gap_is_a_record_and_moves_the_place),
        TEST(a_day_has_its_file),
        TEST(a_full_file_is_put_aside),
        TEST(the_place_survives_that_the_file_was_put_aside),
        TEST(reopening_goes_on_in_a_new_file),
        TEST(a_full_disk_leaves_no_torn_line),
        cmocka_unit_test(lines_that_are_no_records_are_not_taken_for_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
