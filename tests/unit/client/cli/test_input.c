#include "tests/support/check.h"

#include "client/cli/input.h"

#include <string.h>
#include <unistd.h>

struct fixture {
    struct input input;
    int writer;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int ends[2];

    *state = f;
    if (f == NULL || pipe(ends) != 0)
        return -1;
    f->writer = ends[1];
    input_init(&f->input, ends[0]);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->input.fd);
    if (f->writer >= 0)
        close(f->writer);
    input_fini(&f->input);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *text)
{
    assert_int_equal(write(f->writer, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(input_fill(&f->input), RC_OK);
}

static void end(struct fixture *f)
{
    close(f->writer);
    f->writer = -1;
    assert_int_equal(input_fill(&f->input), RC_OK);
}

static void assert_line(struct fixture *f, const char *expected)
{
    struct span line;

    assert_int_equal(input_line(&f->input, &line), RC_OK);
    assert_true(span_equal(line, span_of(expected)));
}

static void assert_none(struct fixture *f)
{
    struct span line;

    assert_int_equal(input_line(&f->input, &line), RC_END);
}

static void lines_come_one_by_one_without_their_ends(void **state)
{
    struct fixture *f = *state;

    put(f, "one\ntwo\r\n\nfo");
    assert_line(f, "one");
    assert_line(f, "two");
    assert_line(f, "");
    assert_none(f);
    put(f, "ur\n");
    assert_line(f, "four");
    assert_none(f);
}

static void the_last_line_needs_no_newline(void **state)
{
    struct fixture *f = *state;

    put(f, "last");
    assert_none(f);
    assert_false(f->input.is_over);
    end(f);
    assert_true(f->input.is_over);
    assert_line(f, "last");
    assert_none(f);
}

static void a_line_that_is_too_big_is_told_and_left_out(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, INPUT_BYTES_MAX / 4 + 1);
    struct span line;

    assert_non_null(big);
    memset(big, 'x', INPUT_BYTES_MAX / 4);
    for (int i = 0; i < 5; i++) {
        put(f, big);
        assert_none(f);
    }
    put(f, "rest\nnext\n");
    assert_int_equal(input_line(&f->input, &line), RC_TOO_BIG);
    assert_line(f, "next");
    free(big);
}

static void all_of_it_is_one_text_without_its_last_newline(void **state)
{
    struct fixture *f = *state;
    struct span all;

    assert_int_equal(write(f->writer, "a\nb\r\n", 5), 5);
    close(f->writer);
    f->writer = -1;
    assert_int_equal(input_all(&f->input, &all), RC_OK);
    assert_true(span_equal(all, SPAN("a\nb")));
}

static void a_text_of_the_largest_size_passes_and_one_byte_more_does_not(void **state)
{
    struct fixture *f = *state;
    char *text = calloc(1, TEXT_BYTES_MAX + 2);
    struct input second;
    struct span all;
    int ends[2];

    assert_non_null(text);
    memset(text, 'x', TEXT_BYTES_MAX + 1);
    assert_int_equal(write(f->writer, text, TEXT_BYTES_MAX), TEXT_BYTES_MAX);
    assert_int_equal(write(f->writer, "\n", 1), 1);
    close(f->writer);
    f->writer = -1;
    assert_int_equal(input_all(&f->input, &all), RC_OK);
    assert_int_equal(all.len, TEXT_BYTES_MAX);

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, TEXT_BYTES_MAX + 1), TEXT_BYTES_MAX + 1);
    close(ends[1]);
    input_init(&second, ends[0]);
    assert_int_equal(input_all(&second, &all), RC_TOO_BIG);
    input_fini(&second);
    close(ends[0]);
    free(text);
}

static void what_cannot_be_read_is_over(void **state)
{
    struct fixture *f = *state;
    struct input broken;

    (void)f;
    input_init(&broken, -1);
    assert_int_equal(input_fill(&broken), RC_SYSTEM);
    assert_true(broken.is_over);
    input_fini(&broken);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_come_one_by_one_without_their_ends),
        TEST(the_last_line_needs_no_newline),
        TEST(a_line_that_is_too_big_is_told_and_left_out),
        TEST(all_of_it_is_one_text_without_its_last_newline),
        TEST(a_text_of_the_largest_size_passes_and_one_byte_more_does_not),
        TEST(what_cannot_be_read_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
