/* The checker finds each kind of broken promise, and none where none is. */
#include "tests/checker/checker.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct checker *checker;
    char *told;
    size_t told_len;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->checker = checker_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    checker_destroy(&f->checker);
    free(f->told);
    free(f);
    return 0;
}

static void post(struct fixture *f, uint64_t run, uint64_t number, const char *stream)
{
    checker_add(f->checker, &(struct history_record){.kind = HISTORY_POST,
                                                     .nick = SPAN("alice"),
                                                     .run = run,
                                                     .stream = span_of(stream),
                                                     .number = number,
                                                     .hash = run * 1000 + number});
}

static void answer(struct fixture *f, enum history_kind kind, uint64_t run, uint64_t number,
                   const char *stream, uint64_t seq)
{
    checker_add(f->checker, &(struct history_record){.kind = kind,
                                                     .nick = SPAN("alice"),
                                                     .run = run,
                                                     .stream = span_of(stream),
                                                     .seq = seq,
                                                     .number = number});
}

static void shown(struct fixture *f, uint64_t run, const char *stream, uint64_t seq,
                  uint64_t session, uint64_t number)
{
    checker_add(f->checker,
                &(struct history_record){.kind = HISTORY_SHOWN,
                                         .nick = SPAN("bob"),
                                         .run = run,
                                         .stream = span_of(stream),
                                         .seq = seq,
                                         .session = session,
                                         .number = number,
                                         .hash = session == 0 ? 0 : session * 1000 + number});
}

/* A talk that keeps every promise: two posts of run 1, both shown to run 2 behind a join. */
static void good_talk(struct fixture *f)
{
    post(f, 1, 1, "#a");
    post(f, 1, 2, "#a");
    answer(f, HISTORY_STORED, 1, 1, "#a", 2);
    answer(f, HISTORY_STORED, 1, 2, "#a", 3);
    shown(f, 2, "#a", 1, 0, 0);
    shown(f, 2, "#a", 2, 1, 1);
    shown(f, 2, "#a", 3, 1, 2);
}

static void gone(struct fixture *f, enum history_kind kind, const char *stream, uint64_t first,
                 uint64_t last, uint64_t time)
{
    checker_add(
        f->checker,
        &(struct history_record){
            .kind = kind, .stream = span_of(stream), .seq = first, .last = last, .time = time});
}

static void gap(struct fixture *f, uint64_t run, const char *stream, uint64_t first, uint64_t last)
{
    checker_add(f->checker, &(struct history_record){.kind = HISTORY_GAP,
                                                     .nick = SPAN("bob"),
                                                     .run = run,
                                                     .stream = span_of(stream),
                                                     .seq = first,
                                                     .last = last});
}

static size_t judge(struct fixture *f)
{
    const struct checker_options options = {.is_complete = true};

    free(f->told);
    FILE *out = open_memstream(&f->told, &f->told_len);
    const size_t broken = checker_judge(f->checker, &options, out, 10);

    fclose(out);
    return broken;
}

static void assert_broken(struct fixture *f, const char *promise)
{
    assert_true(judge(f) > 0);
    if (strstr(f->told, promise) == NULL)
        fail_msg("expected \"%s\" in: %s", promise, f->told);
}

static void a_good_talk_breaks_nothing(void **state)
{
    good_talk(*state);
    assert_int_equal(judge(*state), 0);
}

static void an_acknowledged_post_that_nobody_sees_is_lost(void **state)
{
    good_talk(*state);
    post(*state, 1, 3, "#a");
    answer(*state, HISTORY_STORED, 1, 3, "#a", 4);
    assert_broken(*state, "lost:");
}

static void another_event_at_the_acknowledged_place_is_a_loss(void **state)
{
    good_talk(*state);
    post(*state, 1, 3, "#a");
    answer(*state, HISTORY_STORED, 1, 3, "#a", 3);
    assert_broken(*state, "lost:");
}

static void two_readers_that_disagree_break_the_order(void **state)
{
    good_talk(*state);
    shown(*state, 3, "#a", 2, 1, 2);
    assert_broken(*state, "order:");
}

static void an_event_shown_again_is_twice(void **state)
{
    good_talk(*state);
    shown(*state, 2, "#a", 3, 1, 2);
    assert_broken(*state, "twice:");
}

static void following_once_more_starts_anew(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    checker_add(f->checker,
                &(struct history_record){
                    .kind = HISTORY_FOLLOW, .nick = SPAN("bob"), .run = 2, .stream = SPAN("#a")});
    shown(f, 2, "#a", 2, 1, 1);
    shown(f, 2, "#a", 3, 1, 2);
    assert_int_equal(judge(f), 0);
    shown(f, 2, "#a", 3, 1, 2);
    assert_int_equal(judge(f), 1);
}

static void a_hole_in_what_a_run_sees_is_skipped(void **state)
{
    good_talk(*state);
    shown(*state, 3, "#a", 1, 0, 0);
    shown(*state, 3, "#a", 3, 1, 2);
    assert_broken(*state, "skipped:");
}

static void a_told_gap_is_no_hole(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    gone(f, HISTORY_REMOVED, "#a", 1, 2, 0);
    gap(f, 3, "#a", 1, 2);
    shown(f, 3, "#a", 3, 1, 2);
    assert_int_equal(judge(f), 0);
}

static void a_gap_where_nothing_was_removed_is_found(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    gone(f, HISTORY_REMOVED, "#a", 1, 1, 0);
    gone(f, HISTORY_REMOVED, "#b", 1, 9, 0);
    gap(f, 3, "#a", 1, 2);
    shown(f, 3, "#a", 3, 1, 2);
    assert_broken(f, "gap:");
}

/* Nobody was shown what was removed: neither a loss nor a hole. What was not removed is both. */
static void what_was_removed_is_missed_by_nobody(void **state)
{
    struct fixture *f = *state;

    post(f, 1, 1, "#a");
    post(f, 1, 2, "#a");
    answer(f, HISTORY_STORED, 1, 1, "#a", 1);
    answer(f, HISTORY_STORED, 1, 2, "#a", 2);
    shown(f, 2, "#a", 3, 0, 0);
    assert_int_equal(judge(f), 3);
    gone(f, HISTORY_REMOVED, "#a", 1, 1, 0);
    assert_int_equal(judge(f), 2);
    gone(f, HISTORY_REMOVED, "#a", 2, 2, 0);
    assert_int_equal(judge(f), 0);
}

static void who_was_told_before_a_copy_can_count_on_it(void **state)
{
    struct fixture *f = *state;
    struct history_record stored = {.kind = HISTORY_STORED,
                                    .nick = SPAN("alice"),
                                    .run = 1,
                                    .stream = SPAN("#a"),
                                    .seq = 4,
                                    .number = 3,
                                    .time = 20};

    good_talk(f);
    post(f, 1, 3, "#a");
    checker_add(f->checker, &stored);
    gone(f, HISTORY_RESTORED, "#a", 4, 999, 20);
    assert_int_equal(judge(f), 0);
    post(f, 1, 4, "#a");
    stored.number = 4;
    stored.seq = 5;
    stored.time = 19;
    checker_add(f->checker, &stored);
    assert_broken(f, "lost:");
}

static void a_number_given_again_behind_a_copy_is_found(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    post(f, 1, 3, "#a");
    answer(f, HISTORY_STORED, 1, 3, "#a", 4);
    gone(f, HISTORY_RESTORED, "#a", 4, 999, 0);
    post(f, 5, 1, "#a");
    answer(f, HISTORY_STORED, 5, 1, "#a", 4);
    shown(f, 2, "#a", 4, 5, 1);
    assert_broken(f, "lost:");
}

/* alice's text is gone for who reads later; its place is not. */
static void what_was_purged_stands_without_its_text(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    shown(f, 3, "#a", 1, 0, 0);
    shown(f, 3, "#a", 2, 0, 0);
    assert_broken(f, "order:");
    checker_add(f->checker, &(struct history_record){.kind = HISTORY_PURGED, .nick = SPAN("bob")});
    assert_broken(f, "order:");
    checker_add(f->checker,
                &(struct history_record){.kind = HISTORY_PURGED, .nick = SPAN("alice")});
    assert_int_equal(judge(f), 0);
    shown(f, 2, "#a", 4, 0, 0);
    post(f, 1, 3, "#a");
    answer(f, HISTORY_STORED, 1, 3, "#a", 4);
    assert_int_equal(judge(f), 0);
    checker_add(f->checker, &(struct history_record){.kind = HISTORY_POST,
                                                     .nick = SPAN("alice"),
                                                     .run = 1,
                                                     .stream = SPAN("#a"),
                                                     .number = 4,
                                                     .hash = 1004,
                                                     .time = 1});
    answer(f, HISTORY_STORED, 1, 4, "#a", 5);
    shown(f, 2, "#a", 5, 0, 0);
    assert_broken(f, "lost:");
}

static void a_post_at_two_places_is_doubled(void **state)
{
    good_talk(*state);
    shown(*state, 2, "#a", 4, 1, 2);
    assert_broken(*state, "doubled:");
}

static void a_sender_out_of_order_is_found(void **state)
{
    good_talk(*state);
    post(*state, 5, 2, "#b");
    post(*state, 5, 1, "#b");
    shown(*state, 2, "#b", 1, 5, 2);
    shown(*state, 2, "#b", 2, 5, 1);
    assert_broken(*state, "sender:");
}

static void a_failed_post_in_the_log_is_found(void **state)
{
    good_talk(*state);
    post(*state, 1, 3, "#a");
    answer(*state, HISTORY_FAILED, 1, 3, "", 0);
    shown(*state, 2, "#a", 4, 1, 3);
    assert_broken(*state, "failed:");
}

static void a_retry_says_what_the_post_said(void **state)
{
    struct fixture *f = *state;

    good_talk(f);
    post(f, 1, 3, "#a");
    answer(f, HISTORY_FAILED, 1, 3, "", 0);
    checker_add(
        f->checker,
        &(struct history_record){
            .kind = HISTORY_RETRY, .nick = SPAN("alice"), .run = 1, .number = 4, .last = 3});
    checker_add(f->checker, &(struct history_record){.kind = HISTORY_SHOWN,
                                                     .nick = SPAN("bob"),
                                                     .run = 2,
                                                     .stream = SPAN("#a"),
                                                     .seq = 4,
                                                     .session = 1,
                                                     .number = 4,
                                                     .hash = 1003});
    assert_int_equal(judge(f), 0);
}

static void what_nobody_said_is_invented(void **state)
{
    good_talk(*state);
    shown(*state, 2, "#a", 4, 9, 1);
    assert_broken(*state, "invented:");
}

static void private_events_are_for_their_person(void **state)
{
    good_talk(*state);
    shown(*state, 2, "@alice", 1, 0, 0);
    assert_broken(*state, "private:");
}

static void a_place_that_nobody_saw_is_a_hole(void **state)
{
    good_talk(*state);
    shown(*state, 3, "#b", 2, 0, 0);
    assert_broken(*state, "hole:");
}

static void a_file_reads_back_as_it_was_written_and_may_be_torn(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/zchat-checker-XXXXXX";
    const int fd = mkstemp(path);
    struct history *history;
    struct checker_counts counts;
    size_t line = 0;

    assert_true(fd >= 0);
    assert_int_equal(history_open(path, &history), RC_OK);
    history_write(history, &(struct history_record){.kind = HISTORY_POST,
                                                    .nick = SPAN("alice"),
                                                    .run = UINT64_MAX,
                                                    .stream = SPAN("#a"),
                                                    .number = 1,
                                                    .hash = 77});
    history_write(history, &(struct history_record){.kind = HISTORY_SHOWN,
                                                    .nick = SPAN("bob"),
                                                    .run = 2,
                                                    .stream = SPAN("#a"),
                                                    .seq = 1,
                                                    .session = UINT64_MAX,
                                                    .number = 1,
                                                    .hash = 77});
    history_close(&history);
    assert_true(lseek(fd, 0, SEEK_END) > 0);
    assert_int_equal(write(fd, "{\"history\":\"sh", 14), 14);
    close(fd);
    assert_int_equal(checker_add_file(f->checker, path, &line), RC_OK);
    unlink(path);
    checker_get_counts(f->checker, &counts);
    assert_int_equal(counts.records, 2);
    if (judge(f) != 0)
        fail_msg("%s", f->told);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_good_talk_breaks_nothing),
        TEST(an_acknowledged_post_that_nobody_sees_is_lost),
        TEST(another_event_at_the_acknowledged_place_is_a_loss),
        TEST(two_readers_that_disagree_break_the_order),
        TEST(an_event_shown_again_is_twice),
        TEST(following_once_more_starts_anew),
        TEST(a_hole_in_what_a_run_sees_is_skipped),
        TEST(a_told_gap_is_no_hole),
        TEST(a_gap_where_nothing_was_removed_is_found),
        TEST(what_was_removed_is_missed_by_nobody),
        TEST(who_was_told_before_a_copy_can_count_on_it),
        TEST(a_number_given_again_behind_a_copy_is_found),
        TEST(what_was_purged_stands_without_its_text),
        TEST(a_post_at_two_places_is_doubled),
        TEST(a_sender_out_of_order_is_found),
        TEST(a_failed_post_in_the_log_is_found),
        TEST(a_retry_says_what_the_post_said),
        TEST(what_nobody_said_is_invented),
        TEST(private_events_are_for_their_person),
        TEST(a_place_that_nobody_saw_is_a_hole),
        TEST(a_file_reads_back_as_it_was_written_and_may_be_torn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
