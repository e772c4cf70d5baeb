#include "tests/unit/client/lib/net/outbox_fixture.h"

#include <sys/resource.h>

/* Give the file up as a killed process does: without a word to it. */
static void abandon(struct fixture *f)
{
    size_t len;
    char *bytes = slurp(f->path, &len);

    outbox_file_close(&f->file);
    spill(f->path, bytes, len);
    free(bytes);
}

static void reopen(struct fixture *f)
{
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &f->file), RC_OK);
}

static void assert_post(struct fixture *f, size_t index, uint32_t number, const char *text)
{
    struct outbox_post post;

    assert_int_equal(outbox_file_get(f->file, index, &post), RC_OK);
    assert_int_equal(post.number, number);
    assert_true(span_equal(post.target, SPAN("#lobby")));
    assert_true(span_equal(post.text, span_of(text)));
}

/* 1 done, 2 and 4 unanswered. */
static void fill(struct fixture *f)
{
    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    assert_int_equal(post_text(f->file, 1, "one"), RC_OK);
    outbox_file_done(f->file, 1);
    assert_int_equal(post_text(f->file, 2, "two\nlines"), RC_OK);
    assert_int_equal(post_text(f->file, 3, "three"), RC_OK);
    outbox_file_done(f->file, 3);
    assert_int_equal(post_text(f->file, 4, "four"), RC_OK);
    assert_int_equal(outbox_file_sync(f->file), RC_OK);
}

static void
nothing_is_made_before_the_first_post_and_nothing_stays_when_all_is_answered(void **state)
{
    struct fixture *f = *state;

    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    assert_int_equal(outbox_file_sync(f->file), RC_OK);
    assert_false(is_there(f->path));
    assert_int_equal(post_text(f->file, 1, "hi"), RC_OK);
    assert_true(is_there(f->path));
    outbox_file_done(f->file, 1);
    outbox_file_close(&f->file);
    assert_false(is_there(f->path));
}

static void the_file_is_for_its_user_alone(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    fill(f);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void what_has_no_answer_is_there_after_a_kill(void **state)
{
    struct fixture *f = *state;

    fill(f);
    abandon(f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 2);
    assert_int_equal(outbox_file_next(f->file), 5);
    assert_int_equal(outbox_file_session(f->file), SESSION_OF_TEST);
    assert_post(f, 0, 2, "two\nlines");
    assert_post(f, 1, 4, "four");
    assert_int_equal(post_text(f->file, 5, "five"), RC_OK);
    outbox_file_done(f->file, 2);
    outbox_file_done(f->file, 77);
    abandon(f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 2);
    assert_post(f, 0, 4, "four");
    assert_post(f, 1, 5, "five");
    assert_int_equal(outbox_file_next(f->file), 6);
}

/* How many unanswered posts a whole record's end at this length leaves; found by reading the text. */
static size_t live_at(const char *bytes, size_t len)
{
    size_t posts = 0, dones = 0;

    for (const char *at = bytes; at < bytes + len;) {
        const char *end = memchr(at, '\n', (size_t)(bytes + len - at));

        if (end == NULL)
            break;
        if (strncmp(at, "done ", 5) == 0)
            dones++;
        if (strncmp(at, "post ", 5) == 0) {
            const size_t text_len =
                strtoul(strrchr(strndupa(at, (size_t)(end - at)), ' ') - 2, NULL, 10);

            if (end + 1 + text_len + 1 > bytes + len)
                break;
            posts++;
            end += text_len + 1;
        }
        at = end + 1;
    }
    return posts - dones;
}

static void a_file_torn_at_any_byte_gives_what_was_whole(void **state)
{
    struct fixture *f = *state;
    size_t len, head_len;
    char *bytes;

    fill(f);
    bytes = slurp(f->path, &len);
    head_len = (size_t)(strchr(bytes, '\n') - bytes) + 1;
    outbox_file_close(&f->file);
    for (size_t cut = 0; cut <= len; cut++) {
        const size_t count = cut < head_len ? 0 : live_at(bytes, cut);

        spill(f->path, bytes, cut);
        reopen(f);
        assert_int_equal(outbox_file_count(f->file), count);
        assert_int_equal(post_text(f->file, 9, "behind the cut"), RC_OK);
        abandon(f);
        reopen(f);
        assert_int_equal(outbox_file_count(f->file), count + 1);
        assert_post(f, count, 9, "behind the cut");
        assert_int_equal(outbox_file_next(f->file), 10);
        outbox_file_close(&f->file);
    }
    free(bytes);
}

static void a_file_of_nothing_but_zeros_is_an_empty_one(void **state)
{
    struct fixture *f = *state;
    const char zeros[4096] = {0};

    fill(f);
    outbox_file_close(&f->file);
    spill(f->path, zeros, sizeof(zeros));
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 0);
    outbox_file_close(&f->file);
    assert_false(is_there(f->path));
}

static void a_changed_byte_is_found_wherever_it_is(void **state)
{
    struct fixture *f = *state;
    size_t len, last;
    char *bytes;

    fill(f);
    bytes = slurp(f->path, &len);
    last = (size_t)(strstr(bytes, "post 4") - bytes);
    outbox_file_close(&f->file);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x01);
        spill(f->path, bytes, len);

        const enum rc rc = outbox_file_open(f->path, SESSION_OF_TEST, &f->file);

        if (i < last) {
            assert_int_equal(rc, RC_MALFORMED);
        } else { /* the last record: as if torn */
            assert_int_equal(rc, RC_OK);
            assert_int_equal(outbox_file_count(f->file), 1);
        }
        outbox_file_close(&f->file);
        bytes[i] = (char)(bytes[i] ^ 0x01);
    }
    free(bytes);
}

static void another_session_or_version_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    const char later[] = "zchat outbox 2 whatever comes then\n";

    fill(f);
    outbox_file_close(&f->file);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST + 1, &f->file), RC_MALFORMED);
    spill(f->path, later, sizeof(later) - 1);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &f->file), RC_MALFORMED);
    assert_true(is_there(f->path));
}

static void a_record_that_somebody_quotes_is_a_text(void **state)
{
    struct fixture *f = *state;
    size_t len;
    char *bytes;

    fill(f);
    bytes = slurp(f->path, &len);
    assert_int_equal(post_text(f->file, 5, bytes), RC_OK); /* the file itself, pasted into it */
    abandon(f);
    free(bytes);
    bytes = slurp(f->path, &len);
    spill(f->path, bytes, len - 3); /* torn: the quoted lines must not look like whole records */
    free(bytes);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 2);
    assert_int_equal(outbox_file_next(f->file), 5);
}

static void fill_in_a_run(void *context)
{
    fill(context);
}

static void a_file_whose_run_lives_is_busy_and_free_once_it_is_killed(void **state)
{
    struct fixture *f = *state;
    struct outbox_file *other;

    fill(f);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &other), RC_BUSY);
    outbox_file_close(&f->file);
    assert_int_equal(unlink(f->path), 0);
    in_a_killed_run(fill_in_a_run, f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 2);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &other), RC_BUSY);
    outbox_file_close(&f->file);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &other), RC_END);
}

/* Files may grow no further than this; 0: as far as they like. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_post_that_does_not_fit_on_the_disk_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct stat before, after;

    fill(f);
    assert_int_equal(stat(f->path, &before), 0);
    for (rlim_t room = 0; room < 20; room++) {
        limit_files((rlim_t)before.st_size + room);
        errno = 0;
        assert_int_equal(post_text(f->file, 5, "five"), RC_SYSTEM);
        assert_int_equal(errno, EFBIG);
        limit_files(0);
        assert_int_equal(stat(f->path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_int_equal(outbox_file_count(f->file), 2);
        assert_int_equal(outbox_file_next(f->file), 5);
    }
    limit_files((rlim_t)before.st_size);
    outbox_file_done(f->file, 2); /* it cannot be written down: the next run asks again */
    assert_int_equal(outbox_file_count(f->file), 1);
    limit_files(0);
    assert_int_equal(post_text(f->file, 5, "five"), RC_OK);
    abandon(f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 3);
    assert_post(f, 2, 5, "five");
}

static void a_first_post_that_does_not_fit_leaves_no_file(void **state)
{
    struct fixture *f = *state;
    char folder[100];

    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    limit_files(100);
    assert_int_equal(
        post_text(f->file, 1, "a text that is a little longer, so that it does not fit"),
        RC_SYSTEM);
    limit_files(0);
    snprintf(folder, sizeof(folder), "%s/box", f->folder.path);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
    assert_int_equal(post_text(f->file, 1, "hi"), RC_OK);
    assert_int_equal(outbox_file_next(f->file), 2);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    struct fixture *f = *state;
    char folder[100];

    snprintf(folder, sizeof(folder), "%s/box", f->folder.path);
    spill(folder, "no folder", 9);
    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    assert_int_equal(post_text(f->file, 1, "hi"), RC_SYSTEM);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &f->file), RC_SYSTEM);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    struct fixture *f = *state;
    char target[100];
    struct outbox_file *file;

    fill(f);
    outbox_file_close(&f->file);
    snprintf(target, sizeof(target), "%s/elsewhere", f->folder.path);
    assert_int_equal(rename(f->path, target), 0);
    assert_int_equal(symlink(target, f->path), 0);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &file), RC_SYSTEM);
}

static void the_file_stays_small_while_one_post_waits_for_ever(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = '\0';
    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    assert_int_equal(post_text(f->file, 1, "first"), RC_OK);
    for (uint32_t i = 2; i < 4000; i++) {
        assert_int_equal(post_text(f->file, i, text), RC_OK);
        if (i % 100 == 0) /* 4 MB in all */
            assert_int_equal(outbox_file_sync(f->file), RC_OK);
        outbox_file_done(f->file, i);
    }
    assert_int_equal(post_text(f->file, 4000, "last"), RC_OK);
    assert_int_equal(stat(f->path, &info), 0);
    assert_true(info.st_size < 1300000);
    assert_int_equal(info.st_mode & 07777, 0600);
    abandon(f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 2);
    assert_post(f, 0, 1, "first");
    assert_post(f, 1, 4000, "last");
    assert_int_equal(outbox_file_next(f->file), 4001);
}

static void a_file_written_anew_is_still_locked(void **state)
{
    struct fixture *f = *state;
    struct outbox_file *other;
    char *text = calloc(1, TEXT_BYTES_MAX + 1);

    memset(text, 'x', TEXT_BYTES_MAX);
    f->file = outbox_file_new(f->path, SESSION_OF_TEST);
    for (uint32_t i = 1; i <= 70; i++) {
        assert_int_equal(post_text(f->file, i, text), RC_OK);
        if (i > 1)
            outbox_file_done(f->file, i);
    }
    assert_int_equal(outbox_file_sync(f->file), RC_OK);

    struct stat info;

    assert_int_equal(stat(f->path, &info), 0);
    assert_true(info.st_size < 2 * TEXT_BYTES_MAX);
    assert_int_equal(outbox_file_open(f->path, SESSION_OF_TEST, &other), RC_BUSY);
    free(text);
}

static void what_is_set_aside_can_be_read_by_people_and_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    char path[FILE_PATH_MAX];
    size_t len;

    fill(f);
    assert_int_equal(outbox_file_set_aside(f->file, 2), RC_OK);
    assert_int_equal(outbox_file_set_aside(f->file, 2), RC_END);
    assert_int_equal(outbox_file_set_aside(f->file, 4), RC_OK);
    outbox_file_close(&f->file);
    assert_false(is_there(f->path));
    outbox_file_failed_path(f->path, path);

    char *text = slurp(path, &len);

    assert_non_null(strstr(text, "two\nlines\n"));
    assert_non_null(strstr(text, "four\n"));
    assert_null(strstr(text, "three"));
    free(text);
}

static void numbers_that_begin_anew_set_the_old_ones_aside(void **state)
{
    struct fixture *f = *state;
    char path[FILE_PATH_MAX];

    fill(f);
    assert_int_equal(post_text(f->file, 3, "new three"), RC_OK);
    assert_int_equal(outbox_file_count(f->file), 1);
    assert_int_equal(outbox_file_next(f->file), 4);
    abandon(f);
    reopen(f);
    assert_int_equal(outbox_file_count(f->file), 1);
    assert_post(f, 0, 3, "new three");
    outbox_file_failed_path(f->path, path);
    assert_true(is_there(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(nothing_is_made_before_the_first_post_and_nothing_stays_when_all_is_answered),
        TEST(the_file_is_for_its_user_alone),
        TEST(what_has_no_answer_is_there_after_a_kill),
        TEST(a_file_torn_at_any_byte_gives_what_was_whole),
        TEST(a_file_of_nothing_but_zeros_is_an_empty_one),
        TEST(a_changed_byte_is_found_wherever_it_is),
        TEST(another_session_or_version_is_refused_and_left_alone),
        TEST(a_record_that_somebody_quotes_is_a_text),
        TEST(a_file_whose_run_lives_is_busy_and_free_once_it_is_killed),
        TEST(a_post_that_does_not_fit_on_the_disk_changes_nothing),
        TEST(a_first_post_that_does_not_fit_leaves_no_file),
        TEST(a_folder_that_cannot_be_made_is_told),
        TEST(a_symbolic_link_is_not_followed),
        TEST(the_file_stays_small_while_one_post_waits_for_ever),
        TEST(a_file_written_anew_is_still_locked),
        TEST(what_is_set_aside_can_be_read_by_people_and_is_not_sent_again),
        TEST(numbers_that_begin_anew_set_the_old_ones_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
