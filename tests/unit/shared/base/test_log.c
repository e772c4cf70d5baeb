#include "shared/base/log.h"

#include "tests/support/check.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

struct fixture {
    char folder[64];
    char path[96];
    char moved[96];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-log-XXXXXX");
    if (mkdtemp(f->folder) == NULL)
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/log", f->folder);
    snprintf(f->moved, sizeof(f->moved), "%s/log.1", f->folder);
    log_set_level(LOG_LEVEL_INFO);
    *state = f;
    return log_open(f->path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = log_open(NULL);

    unlink(f->path);
    unlink(f->moved);
    rmdir(f->folder);
    free(f);
    return result;
}

/* The whole file, NUL-terminated; the caller frees it. */
static char *slurp(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;

    assert_non_null(file);
    if (getdelim(&text, &capacity, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

static void a_line_has_time_level_event_and_words(void **state)
{
    struct fixture *f = *state;

    log_info("room.created", "room=%u by=%u", 7u, 9u);

    char *text = slurp(f->path);
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        assert_true(shape[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == shape[i]);
    assert_string_equal(text + sizeof(shape) - 1, " info room.created room=7 by=9\n");
    free(text);
}

static void time_is_utc(void **state)
{
    struct fixture *f = *state;
    time_t before = time(NULL);

    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    log_warn("clock", "x=1");

    char *text = slurp(f->path);
    struct tm tm = {0};

    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));

    time_t written = timegm(&tm);

    assert_true(written >= before && written <= time(NULL));
    free(text);
}

static void what_is_below_the_level_is_not_written(void **state)
{
    struct fixture *f = *state;

    log_debug("quiet", "n=%d", 1);
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("loud", "n=%d", 2);
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("quiet", "n=%d", 3);
    log_error("worst", "n=%d", 4);

    char *text = slurp(f->path);

    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, " debug loud n=2\n"));
    assert_non_null(strstr(text, " error worst n=4\n"));
    free(text);
}

static void a_line_stays_one_line(void **state)
{
    struct fixture *f = *state;

    log_info("forged", "text=%s", "a\nb\033[2Jc");

    char *text = slurp(f->path);

    assert_non_null(strstr(text, " forged text=a?b?[2Jc\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    struct fixture *f = *state;
    char longer[5000];

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_info("long", "text=%s", longer);
    log_info("next", "n=1");

    char *text = slurp(f->path);

    assert_true(strlen(text) < 1200);
    assert_non_null(strstr(text, "xxx\n"));
    assert_non_null(strstr(text, " next n=1\n"));
    free(text);
}

static void writing_leaves_errno_alone_and_can_print_it(void **state)
{
    struct fixture *f = *state;

    errno = ENOENT;
    log_info("failed", "why=%m");
    assert_int_equal(errno, ENOENT);

    char *text = slurp(f->path);

    assert_non_null(strstr(text, "why=No such file or directory\n"));
    free(text);
}

static void reopening_goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    log_info("old", "n=1");
    assert_int_equal(rename(f->path, f->moved), 0);
    assert_int_equal(log_open(f->path), 0);
    log_info("new", "n=2");

    char *old = slurp(f->moved);
    char *new = slurp(f->path);

    assert_non_null(strstr(old, " old n=1\n"));
    assert_null(strstr(old, " new "));
    assert_non_null(strstr(new, " new n=2\n"));
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    free(old);
    free(new);
}

static void a_file_that_cannot_be_opened_leaves_the_log_as_it_was(void **state)
{
    struct fixture *f = *state;
    char nowhere[128];

    snprintf(nowhere, sizeof(nowhere), "%s/no/such/folder", f->folder);
    errno = 0;
    assert_int_equal(log_open(nowhere), -1);
    assert_int_equal(errno, ENOENT);
    log_info("still", "n=1");

    char *text = slurp(f->path);

    assert_non_null(strstr(text, " still n=1\n"));
    free(text);
}

#define THREADS          4
#define LINES_OF_EACH    500
#define WORD_OF_EACH_LEN 200

static void *write_many(void *which)
{
    char word[WORD_OF_EACH_LEN + 1];

    memset(word, *(const char *)which, WORD_OF_EACH_LEN);
    word[WORD_OF_EACH_LEN] = '\0';
    for (int i = 0; i < LINES_OF_EACH; i++)
        log_info("many", "%s", word);
    return NULL;
}

static void lines_of_many_threads_do_not_mix_while_the_log_is_reopened(void **state)
{
    struct fixture *f = *state;
    static const char letters[THREADS] = {'a', 'b', 'c', 'd'};
    pthread_t threads[THREADS];
    size_t count = 0;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)&letters[i]), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(log_open(f->path), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    char *text = slurp(f->path);

    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, count++) {
        const char *word = end - WORD_OF_EACH_LEN;

        assert_true(word > line && word[-1] == ' ');
        for (const char *c = word; c < end; c++)
            assert_int_equal(*c, *word);
    }
    assert_int_equal(count, THREADS * LINES_OF_EACH);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_level_event_and_words),
        TEST(time_is_utc),
        TEST(what_is_below_the_level_is_not_written),
        TEST(a_line_stays_one_line),
        TEST(a_long_line_is_cut_and_still_ends),
        TEST(writing_leaves_errno_alone_and_can_print_it),
        TEST(reopening_goes_on_in_a_new_file),
        TEST(a_file_that_cannot_be_opened_leaves_the_log_as_it_was),
        TEST(lines_of_many_threads_do_not_mix_while_the_log_is_reopened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
