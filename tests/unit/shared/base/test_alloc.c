#include "shared/base/alloc.h"

#include "tests/support/check.h"

#include <stdint.h>
#include <sys/wait.h>

static void memory_comes_zeroed(void **state)
{
    (void)state;
    char *memory = x_alloc(7, 3);

    for (size_t i = 0; i < 21; i++)
        assert_int_equal(memory[i], 0);
    free(memory);
}

static void nothing_is_one_byte(void **state)
{
    (void)state;
    char *memory = x_alloc(0, 8);

    assert_non_null(memory);
    memory = x_realloc(memory, 0, 8);
    assert_non_null(memory);
    memory[0] = 'x';
    free(memory);
}

static void growing_keeps_the_bytes(void **state)
{
    (void)state;
    char *memory = x_strdup("abc");

    memory = x_realloc(memory, 1000, 2);
    assert_string_equal(memory, "abc");
    free(memory);
}

static void a_span_becomes_a_string(void **state)
{
    (void)state;
    char *copy = x_spandup((struct span){"abcdef", 3});
    char *empty = x_spandup((struct span){NULL, 0});

    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

static void want_too_much(void)
{
    free(x_realloc(NULL, SIZE_MAX / 2, 3));
}

static void a_product_that_overflows_ends_the_process_with_one_line(void **state)
{
    (void)state;
    int ends[2];
    static char line[32768];
    int status;

    assert_int_equal(pipe(ends), 0);

    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        want_too_much();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
    assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(line, "out of memory\n")); /* a sanitizer has its own words before it */
}

/* A sanitizer's allocator would end the process itself, before ours can say anything. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(nothing_is_one_byte),
        cmocka_unit_test(growing_keeps_the_bytes),
        cmocka_unit_test(a_span_becomes_a_string),
        cmocka_unit_test(a_product_that_overflows_ends_the_process_with_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
