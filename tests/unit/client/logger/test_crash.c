/* test_crash.c - the process ends at every single call that changes the disk, between and in the middle of
 * rotation, compression and removal: what stands in the files then has no hole, nothing twice, and is gone on with. */
#include "tests/unit/client/logger/archive_fixture.h"

#include "client/logger/asides.h"
#include "client/logger/recover.h"
#include "client/logger/upkeep.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BASE      "%23lobby"
#define EVENTS    7
#define CRASHED   7
#define CALLS_MAX 2000

static long calls_left = -1; /* until the end; negative: never */

static void count_call(void)
{
    if (calls_left >= 0 && calls_left-- == 0)
        _exit(CRASHED);
}

/* These stand before the C library's. */
int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    count_call();
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    count_call();
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *name, int flags)
{
    count_call();
    return (int)syscall(SYS_unlinkat, fd, name, flags);
}

int fsync(int fd)
{
    count_call();
    return fd <
           0; /* what a process leaves needs no sync, and this test has no time for thousands */
}

int fdatasync(int fd)
{
    count_call();
    return fd < 0;
}

int ftruncate(int fd, off_t size)
{
    count_call();
    return (int)syscall(SYS_ftruncate, fd, size);
}

/* Ends before, in the middle of, and behind a write. */
ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd > STDERR_FILENO && calls_left == 1 && len > 1) {
        syscall(SYS_write, fd, bytes, len / 2);
        _exit(CRASHED);
    }
    if (fd > STDERR_FILENO) {
        count_call();
        count_call();
    }
    return syscall(SYS_write, fd, bytes, len);
}

static void text_of(uint64_t seq, char *buf, size_t size)
{
    snprintf(buf, size, "event %d of\nsome lines, %d", (int)seq, (int)seq);
}

/* One life of a logger: from its place to the end, with everything that is done to files. */
static void live(struct archive *f, const struct keep *keep)
{
    struct upkeep upkeep;
    char text[64];

    upkeep_init(&upkeep, f->dir_fd, keep, true);
    if (logfile_open(&f->options, &f->file) != RC_OK)
        _exit(1);
    for (uint64_t seq = logfile_place(f->file) + 1; seq <= EVENTS; seq++) {
        struct zchat_event event;

        text_of(seq, text, sizeof text);
        event = said(seq, T0 + seq * DAY_MS / 3, text);
        if (logfile_append(f->file, &event) != RC_OK || logfile_sync(f->file) != RC_OK)
            _exit(1);
        if (!logfile_take_rotated(f->file) && seq < EVENTS)
            continue;
        while (!upkeep_look(&upkeep, BASE, f->options.format, 0, false, 0))
            while (upkeep_is_busy(&upkeep))
                upkeep_step(&upkeep, 0);
    }
    upkeep_fini(&upkeep);
    logfile_close(&f->file);
    _exit(0);
}

static int live_and_crash(struct archive *f, const struct keep *keep, long calls)
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        calls_left = calls;
        live(f, keep);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Count how often each event stands in `text`, which goes on behind *last; a torn end may follow in the current file. */
static void check_order(const char *text, enum logfile_format format, uint64_t *last)
{
    const char *at = text;
    char part[64];

    for (;;) {
        const char *found;

        snprintf(part, sizeof part,
                 format == LOGFILE_TEXT ? "some lines, %d\n" : "\"seq\":%d,\"ts\"", (int)*last + 1);
        found = strstr(at, part);
        if (found == NULL)
            break;
        if (format == LOGFILE_JSONL && strchr(found, '\n') == NULL)
            break; /* torn */
        at = found + strlen(part);
        (*last)++;
    }
    /* Nothing of another number is left. */
    for (int seq = 1; seq <= EVENTS; seq++) {
        snprintf(part, sizeof part,
                 format == LOGFILE_TEXT ? "some lines, %d\n" : "\"seq\":%d,\"ts\"", seq);
        for (const char *other = strstr(at, part); other != NULL; other = strstr(other + 1, part))
            assert_null(strchr(other, '\n')); /* but for a torn one */
    }
}

/* All files together, in their order; returns the last event. */
static uint64_t check_files(struct archive *f, const struct keep *keep)
{
    struct asides all = asides_of(f->dir_fd, BASE, f->options.format);
    uint64_t last = all.count > 0 && keep->count > 0 ? all.item[0].first - 1 : 0;

    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(all.item[i].first, last + 1);
        check_order(read_back(f, all.item[i].name), f->options.format, &last);
    }
    asides_fini(&all);
    check_order(read_back(f, f->options.format == LOGFILE_TEXT ? BASE ".log" : BASE ".jsonl"),
                f->options.format, &last);
    return last;
}

/* Crash at each call; after it, go on with a life that crashes, too, a little later, and then with a whole one. */
static void crash_everywhere(struct archive *f, enum logfile_format format,
                             struct rotation rotation, struct keep keep)
{
    int status = CRASHED;
    long calls = 0;

    for (; status == CRASHED; calls++) {
        uint64_t before, after;

        assert_in_range(calls, 0, CALLS_MAX);
        archive_clear((void *[]){f});
        assert_int_equal(archive_make((void *[]){NULL}), 0); /* the same one again */
        f->options.format = format;
        f->options.rotation = rotation;
        status = live_and_crash(f, &keep, calls);
        assert_true(status == CRASHED || status == 0);
        before = check_files(f, &keep);
        if (live_and_crash(f, &keep, calls % 13) == CRASHED) {
            after = check_files(f, &keep);
            assert_true(after >= before);
            assert_int_equal(live_and_crash(f, &keep, -1), 0);
        }
        assert_int_equal(check_files(f, &keep), EVENTS);
        assert_false(exists(f, ".compressing.gz.tmp"));
    }
    assert_in_range(calls, 25, CALLS_MAX);
}

static void json_by_day_is_whole_wherever_it_ends(void **state)
{
    crash_everywhere(*state, LOGFILE_JSONL, (struct rotation){.kind = ROTATE_DAILY},
                     (struct keep){.count = 0});
}

static void text_by_day_is_whole_wherever_it_ends(void **state)
{
    crash_everywhere(*state, LOGFILE_TEXT, (struct rotation){.kind = ROTATE_DAILY},
                     (struct keep){.count = 0});
}

static void sizes_and_removal_are_whole_wherever_they_end(void **state)
{
    const struct rotation rotation = {.kind = ROTATE_SIZE, .size_bytes = 300};

    crash_everywhere(*state, LOGFILE_JSONL, rotation, (struct keep){.count = 2});
    crash_everywhere(*state, LOGFILE_TEXT, rotation, (struct keep){.count = 1});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, archive_make, archive_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_by_day_is_whole_wherever_it_ends),
        TEST(text_by_day_is_whole_wherever_it_ends),
        TEST(sizes_and_removal_are_whole_wherever_they_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
