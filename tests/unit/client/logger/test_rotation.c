#include "tests/unit/client/logger/archive_fixture.h"

#include "client/logger/asides.h"
#include "client/logger/calendar.h"
#include "client/logger/gzip.h"
#include "client/logger/upkeep.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#define HOUR_MS UINT64_C(3600000)
#define BASE    "%23lobby"

/* 2026-11-01 06:00:00 UTC: New York's clock goes from 02:00 back to 01:00. */
#define NEW_YORK_BACK UINT64_C(1793512800000)
/* St. John's of old: at 00:01 the clock goes back to 23:01 of the day before. Here on 2026-11-01 at 02:31 UTC. */
#define ST_JOHNS      "NST3:30NDT2:30,M3.2.0/0:01,M11.1.0/0:01"
#define ST_JOHNS_BACK UINT64_C(1793500260000)

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void days_are_those_of_the_zone_or_of_utc(void **state)
{
    struct calendar at;

    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    calendar_of(UINT64_C(1795476600000), false, &at); /* 23:30 UTC */
    assert_string_equal(at.date, "2026-11-24");
    assert_string_equal(at.time, "00:30:00");
    assert_string_equal(at.zone, "+0100");
    calendar_of(UINT64_C(1795476600000), true, &at);
    assert_string_equal(at.date, "2026-11-23");
    assert_string_equal(at.zone, "+0000");
    calendar_of(UINT64_MAX, true, &at);
    assert_string_equal(at.date, "9999-12-31");
    assert_int_equal(calendar_parse("2026-11-23T09:21:50.123Z", 24), T0);
    assert_int_equal(calendar_parse("2026-11-23T09:21:50.12", 22), 0);
    assert_int_equal(calendar_parse("2026-13-23T09:21:50.123Z", 24), 0);
    assert_int_equal(calendar_day("1970-01-02"), 1);
    assert_int_equal(calendar_day("2026-1-02"), 0);
    set_zone("UTC");
}

static void midnight_is_where_the_people_are(void **state)
{
    struct archive *f = *state;
    const uint64_t midnight =
        UINT64_C(1795474800000); /* of 2026-11-24 in Central Europe, 23:00 UTC */

    set_zone("CET-1");
    f->options.is_utc = false;
    f->options.rotation.kind = ROTATE_DAILY;
    say(f, 1, midnight - 1, "last");
    say(f, 2, midnight, "first");
    assert_non_null(strstr(read_back(f, BASE ".2026-11-23.log"), "[23:59:59] <bob> last\n"));
    assert_non_null(
        strstr(read_back(f, BASE ".log"), "2026-11-24 +0100, #lobby from 2\n[00:00:00]"));
    assert_int_equal(place_again(f), 2);
}

static void an_hour_that_comes_twice_says_its_zone(void **state)
{
    struct archive *f = *state;

    set_zone("EST5EDT,M3.2.0,M11.1.0");
    f->options.is_utc = false;
    f->options.rotation.kind = ROTATE_DAILY;
    say(f, 1, NEW_YORK_BACK - 1800000, "summer");
    say(f, 2, NEW_YORK_BACK + 1800000, "winter");
    assert_string_equal(read_back(f, BASE ".log"),
                        "--- Log opened 2026-11-01 -0400, #lobby from 1\n"
                        "[01:30:00] <bob> summer\n"
                        "--- Clock changed 2026-11-01 -0500, #lobby from 2\n"
                        "[01:30:00] <bob> winter\n");
    assert_int_equal(place_again(f), 2);
}

static void a_clock_set_back_over_midnight_makes_no_file_twice(void **state)
{
    struct archive *f = *state;

    set_zone(ST_JOHNS);
    f->options.is_utc = false;
    f->options.rotation.kind = ROTATE_DAILY;
    say(f, 1, ST_JOHNS_BACK - 2 * HOUR_MS, "evening");
    say(f, 2, ST_JOHNS_BACK - 30000, "after midnight");
    say(f, 3, ST_JOHNS_BACK + 30000, "before midnight again");
    say(f, 4, ST_JOHNS_BACK + 2 * HOUR_MS, "after midnight again");
    assert_int_equal(count_of(read_back(f, BASE ".2026-10-31.log"), "<bob>"), 1);
    assert_int_equal(count_of(read_back(f, BASE ".log"), "<bob>"), 3);
    assert_int_equal(count_of(read_back(f, BASE ".log"), "--- Day changed 2026-10-31"), 1);
    assert_int_equal(place_again(f), 4);
    say(f, 5, ST_JOHNS_BACK + 26 * HOUR_MS, "next day");
    assert_int_equal(count_of(read_back(f, BASE ".2026-11-01.log"), "<bob>"), 3);
}

static void a_day_that_comes_twice_for_another_reason_is_kept_twice(void **state)
{
    struct archive *f = *state;

    f->options.rotation.kind = ROTATE_DAILY;
    f->options.format = LOGFILE_JSONL;
    say(f, 1, T0, "a");
    say(f, 2, T0 + DAY_MS, "b");
    assert_int_equal(place_again(f), 2); /* the broker's clock is set back; days go on from there */
    assert_int_equal(renameat(f->dir_fd, BASE ".jsonl", f->dir_fd, BASE ".jsonl.1"), 0);
    assert_int_equal(logfile_reopen(f->file), RC_OK);
    say(f, 3, T0, "c");
    say(f, 4, T0 + 2 * DAY_MS, "d");
    assert_int_equal(count_of(read_back(f, BASE ".2026-11-23.jsonl"), "\"seq\":1,"), 1);
    assert_int_equal(count_of(read_back(f, BASE ".2026-11-23.000000000003.jsonl"), "\"seq\":3,"),
                     1);
    assert_int_equal(place_again(f), 4);
}

static void a_compressed_day_is_not_written_over(void **state)
{
    struct archive *f = *state;
    const int fd = openat(f->dir_fd, BASE ".2026-11-23.log.gz", O_WRONLY | O_CREAT, 0600);

    close(fd);
    f->options.rotation.kind = ROTATE_DAILY;
    say(f, 1, T0, "a");
    say(f, 2, T0 + DAY_MS, "b");
    assert_false(exists(f, BASE ".2026-11-23.log"));
    assert_true(exists(f, BASE ".2026-11-23.000000000001.log"));
}

static void days_and_sizes_go_together(void **state)
{
    struct archive *f = *state;

    f->options.rotation = (struct rotation){.kind = ROTATE_DAILY, .size_bytes = 100};
    for (uint64_t seq = 1; seq <= 6; seq++)
        say(f, seq, T0 + seq, "some words that fill the file");
    say(f, 7, T0 + DAY_MS, "next day");
    assert_true(exists(f, BASE ".2026-11-23.000000000002.log"));
    assert_true(exists(f, BASE ".2026-11-23.000000000006.log"));
    assert_int_equal(count_of(read_back(f, BASE ".log"), "<bob>"), 1);
    assert_int_equal(place_again(f), 7);
}

/* `count` files of one event each, 2026-11-23 and the days after, and one event in the current file. */
static void make_days(struct archive *f, uint64_t count)
{
    f->options.rotation.kind = ROTATE_DAILY;
    for (uint64_t seq = 1; seq <= count + 1; seq++)
        say(f, seq, T0 + (seq - 1) * DAY_MS, "the words of one day");
    assert_int_equal(logfile_sync(f->file), RC_OK);
}

static size_t count_asides(struct archive *f)
{
    struct asides all = asides_of(f->dir_fd, BASE, f->options.format);
    const size_t count = all.count;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(all.item[i].first, i + 1 + (all.item[0].first - 1));
    asides_fini(&all);
    return count;
}

static void the_oldest_files_are_removed_by_number(void **state)
{
    struct archive *f = *state;
    const struct keep keep = {.count = 2};

    make_days(f, 5);
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &keep, 99999, false), 3);
    assert_true(exists(f, BASE ".2026-11-27.log") && exists(f, BASE ".2026-11-26.log"));
    assert_int_equal(count_asides(f), 2);
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &keep, 99999, false), 0);
}

static void files_are_removed_by_age_and_by_size(void **state)
{
    struct archive *f = *state;
    const struct keep days = {.days = 2}, bytes = {.size_bytes = 1};

    make_days(f, 5);
    assert_int_equal(
        asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &days, calendar_day("2026-11-28"), false), 3);
    assert_true(exists(f, BASE ".2026-11-26.log"));
    /* A clock that is set back removes nothing. */
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &days, 0, false), 0);
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &bytes, 0, false), 1);
    assert_true(exists(f, BASE ".2026-11-27.log")); /* the newest stays, whatever its size */
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &days, 99999, false), 1);
    assert_int_equal(place_again(f), 6);
}

static void the_file_that_holds_the_place_is_never_removed(void **state)
{
    struct archive *f = *state;
    const struct keep keep = {.count = 1, .days = 1, .size_bytes = 1};

    make_days(f, 3);
    logfile_close(&f->file);
    assert_int_equal(renameat(f->dir_fd, BASE ".log", f->dir_fd, BASE ".2026-11-26.log"), 0);
    assert_int_equal(place_again(f), 4);
    assert_false(logfile_holds_place(f->file));
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &keep, 99999, true), 3);
    assert_int_equal(place_again(f), 4);
    say(f, 5, T0 + 5 * DAY_MS, "on");
    assert_false(logfile_holds_place(f->file));
    assert_int_equal(logfile_sync(f->file), RC_OK);
    assert_true(logfile_holds_place(f->file));
}

static void other_streams_and_other_programs_files_stay(void **state)
{
    static const char *const others[] = {BASE "2.2026-11-20.log", BASE ".2026-11-20.jsonl",
                                         BASE ".log.1",           BASE ".log-20261120",
                                         BASE ".notes.log",       BASE ".2026-11-20.log.bak"};
    struct archive *f = *state;
    const struct keep keep = {.count = 1, .days = 1, .size_bytes = 1};

    make_days(f, 3);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(linkat(f->dir_fd, BASE ".2026-11-23.log", f->dir_fd, others[i], 0), 0);
    assert_int_equal(asides_trim(f->dir_fd, BASE, LOGFILE_TEXT, &keep, 99999, true), 2);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(exists(f, others[i]));
}

/* As the logger does it. */
static void keep_up(struct archive *f, struct upkeep *upkeep)
{
    while (!upkeep_look(upkeep, BASE, f->options.format, 0, false, 0))
        while (upkeep_is_busy(upkeep))
            upkeep_step(upkeep, 0);
}

static void files_that_were_put_aside_are_compressed(void **state)
{
    struct archive *f = *state;
    const struct keep all = {.count = 0};
    struct upkeep upkeep;
    struct stat info;

    make_days(f, 3);
    upkeep_init(&upkeep, f->dir_fd, &all, true);
    keep_up(f, &upkeep);
    upkeep_fini(&upkeep);
    for (int day = 23; day < 26; day++) {
        char name[64];

        snprintf(name, sizeof name, "%s.2026-11-%d.log", BASE, day);
        assert_false(exists(f, name));
        snprintf(name, sizeof name, "%s.2026-11-%d.log.gz", BASE, day);
        assert_int_equal(count_of(read_back(f, name), "<bob> the words of one day\n"), 1);
        assert_int_equal(fstatat(f->dir_fd, name, &info, 0), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_true(exists(f, BASE ".log"));
    assert_int_equal(count_asides(f), 3);
    assert_int_equal(unlinkat(f->dir_fd, BASE ".log", 0), 0);
    assert_int_equal(place_again(f), 3); /* read out of the compressed one */
}

static void a_crash_between_the_names_is_mended(void **state)
{
    struct archive *f = *state;
    const struct keep all = {.count = 0};
    struct upkeep upkeep;
    const int left = openat(f->dir_fd, ".compressing.gz.tmp", O_WRONLY | O_CREAT, 0600);

    close(left);
    make_days(f, 1);
    upkeep_init(&upkeep, f->dir_fd, &all, true);
    keep_up(f, &upkeep);
    upkeep_fini(&upkeep);
    assert_false(exists(f, ".compressing.gz.tmp"));
    assert_int_equal(
        renameat(f->dir_fd, BASE ".2026-11-23.log.gz", f->dir_fd, BASE ".2026-11-23.log"), 0);
    assert_int_equal(count_asides(f), 1); /* it is read all the same */
    upkeep_init(&upkeep, f->dir_fd, &all, false);
    keep_up(f, &upkeep);
    upkeep_fini(&upkeep);
    assert_true(exists(f, BASE ".2026-11-23.log.gz"));
    assert_false(exists(f, BASE ".2026-11-23.log"));
}

static void a_full_disk_leaves_what_was_to_be_compressed(void **state)
{
    struct archive *f = *state;
    const struct keep all = {.count = 0};
    struct rlimit before, limit;
    struct upkeep upkeep;

    signal(SIGXFSZ, SIG_IGN);
    make_days(f, 1);
    upkeep_init(&upkeep, f->dir_fd, &all, true);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_false(upkeep_look(&upkeep, BASE, LOGFILE_TEXT, 0, false, 0));
    while (upkeep_is_busy(&upkeep))
        upkeep_step(&upkeep, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(exists(f, ".compressing.gz.tmp"));
    assert_int_equal(count_of(read_back(f, BASE ".2026-11-23.log"), "<bob>"), 1);
    assert_false(upkeep_look(&upkeep, BASE, LOGFILE_TEXT, 0, false, 1)); /* not yet again */
    assert_false(upkeep_is_busy(&upkeep));
    assert_false(upkeep_look(&upkeep, BASE, LOGFILE_TEXT, 0, false, 60001));
    while (upkeep_is_busy(&upkeep))
        upkeep_step(&upkeep, 60001);
    assert_true(exists(f, BASE ".2026-11-23.log.gz"));
    upkeep_fini(&upkeep);
}

static void a_large_file_is_compressed_in_steps(void **state)
{
    struct archive *f = *state;
    struct gzip *job = NULL;
    static char line[10000];
    size_t steps = 0;
    enum rc rc;

    memset(line, 'x', sizeof line - 1);
    f->options.rotation.kind = ROTATE_DAILY;
    for (uint64_t seq = 1; seq <= 100; seq++)
        say(f, seq, T0, line);
    say(f, 101, T0 + DAY_MS, "next");
    assert_int_equal(gzip_open(f->dir_fd, BASE ".2026-11-23.log", &job), RC_OK);
    while ((rc = gzip_step(job)) == RC_OK)
        steps++;
    assert_int_equal(rc, RC_END);
    gzip_close(&job);
    assert_in_range(steps, 3, 6);
    assert_int_equal(count_of(read_back(f, BASE ".2026-11-23.log.gz"), "<bob>"), 100);
}

static void a_rotation_that_fails_is_tried_again(void **state)
{
    struct archive *f = *state;
    const struct zchat_event event = said(2, T0 + DAY_MS, "b");

    static const char *const taken[] = {BASE ".2026-11-23.log",
                                        BASE ".2026-11-23.000000000001.log"};

    f->options.rotation.kind = ROTATE_DAILY;
    say(f, 1, T0, "a");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(mkdirat(f->dir_fd, taken[i], 0700), 0);
    assert_int_equal(logfile_append(f->file, &event), RC_SYSTEM);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(logfile_place(f->file), 1);
    assert_int_equal(unlinkat(f->dir_fd, taken[0], AT_REMOVEDIR), 0);
    append(f, &event);
    assert_int_equal(place_again(f), 2);
    assert_int_equal(count_of(read_back(f, taken[0]), "<bob>"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, archive_make, archive_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_those_of_the_zone_or_of_utc),
        TEST(midnight_is_where_the_people_are),
        TEST(an_hour_that_comes_twice_says_its_zone),
        TEST(a_clock_set_back_over_midnight_makes_no_file_twice),
        TEST(a_day_that_comes_twice_for_another_reason_is_kept_twice),
        TEST(a_compressed_day_is_not_written_over),
        TEST(days_and_sizes_go_together),
        TEST(the_oldest_files_are_removed_by_number),
        TEST(files_are_removed_by_age_and_by_size),
        TEST(the_file_that_holds_the_place_is_never_removed),
        TEST(other_streams_and_other_programs_files_stay),
        TEST(files_that_were_put_aside_are_compressed),
        TEST(a_crash_between_the_names_is_mended),
        TEST(a_full_disk_leaves_what_was_to_be_compressed),
        TEST(a_large_file_is_compressed_in_steps),
        TEST(a_rotation_that_fails_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
