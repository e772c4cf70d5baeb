#include "shared/base/invariant.h"

#include "tests/support/check.h"

#include <signal.h>
#include <sys/wait.h>

static void a_broken_invariant_names_its_place_and_aborts(void **state)
{
    (void)state;
    int ends[2];
    char line[256] = {0};
    int status;

    assert_int_equal(pipe(ends), 0);

    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        INVARIANT(1 + 1 == 3);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(line, "test_invariant.c:"));
    assert_non_null(strstr(line, "1 + 1 == 3"));
}

static void one_that_holds_costs_nothing(void **state)
{
    (void)state;
    int looked = 0;

    INVARIANT(++looked == 1);
    assert_int_equal(looked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_invariant_names_its_place_and_aborts),
        cmocka_unit_test(one_that_holds_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
