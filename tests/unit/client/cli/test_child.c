#include "tests/support/check.h"

#include "client/cli/child.h"

#include "shared/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static char *const no_environment[] = {NULL};

/* Run to the end, woken as in the verb. */
static void run(struct child *self, const char *const *argv, struct span input, uint64_t limit_ms)
{
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct pollfd wake = {.fd = epoll_fd, .events = POLLIN};

    assert_true(epoll_fd >= 0);
    assert_int_equal(
        child_start(self, argv, no_environment, input, clock_mono_ms(), limit_ms, epoll_fd), 0);
    while (!child_turn(self, clock_mono_ms())) {
        const uint64_t now_ms = clock_mono_ms();
        const uint64_t due_ms = child_deadline_ms(self, now_ms);

        poll(&wake, 1,
             due_ms <= now_ms          ? 0
             : due_ms - now_ms > 60000 ? 60000
                                       : (int)(due_ms - now_ms));
    }
    close(epoll_fd);
}

#define SH(script) ((const char *const[]){"/bin/sh", "-c", (script), NULL})

static void what_it_reads_and_writes_is_whole(void **state)
{
    struct child child;

    (void)state;
    run(&child, SH("cat; echo oops >&2; exit 3"), SPAN("in\0put"), 60000);
    assert_int_equal(child.end, CHILD_EXITED);
    assert_int_equal(child.status, 3);
    assert_int_equal(child.out_len, 6);
    assert_memory_equal(child.out, "in\0put", 6);
    assert_memory_equal(child.err, "oops\n", 5);
    child_fini(&child);
}

static void large_input_that_nobody_reads_holds_up_nobody(void **state)
{
    enum { SIZE = 1 << 20 };
    static char input[SIZE];
    struct child child;

    (void)state;
    memset(input, 'x', SIZE);
    run(&child, SH("exec <&-; echo done"), (struct span){input, SIZE}, 60000);
    assert_int_equal(child.end, CHILD_EXITED);
    assert_int_equal(child.status, 0);
    child_fini(&child);
}

static void more_than_is_kept_is_counted_and_read(void **state)
{
    struct child child;

    (void)state;
    run(&child, SH("head -c 10000000 /dev/zero; head -c 100000 /dev/zero >&2"), SPAN(""), 60000);
    assert_int_equal(child.end, CHILD_EXITED);
    assert_int_equal(child.out_total, 10000000);
    assert_int_equal(child.out_len, CHILD_OUT_BYTES_MAX);
    assert_int_equal(child.err_total, 100000);
    assert_int_equal(child.err_len, CHILD_ERR_BYTES_MAX);
    child_fini(&child);
}

static void its_time_is_over_even_for_who_ignores_it(void **state)
{
    struct child child;
    const uint64_t begin_ms = clock_mono_ms();

    (void)state;
    run(&child, SH("trap '' TERM; while :; do read x < /dev/zero & wait; done"), SPAN(""), 50);
    assert_int_equal(child.end, CHILD_TIMED_OUT);
    assert_int_equal(child.status, SIGKILL);
    assert_true(clock_mono_ms() - begin_ms >= 50 + CHILD_GRACE_MS);
    child_fini(&child);
    run(&child, SH("read x < /dev/zero & wait"), SPAN(""), 50);
    assert_int_equal(child.end, CHILD_TIMED_OUT);
    child_fini(&child);
}

static void what_it_leaves_running_ends_with_it(void **state)
{
    struct child child;
    long pid;

    (void)state;
    run(&child, SH("(trap '' TERM HUP; while :; do :; done) & echo $!"), SPAN(""), 60000);
    assert_int_equal(child.end, CHILD_EXITED);
    child.out[child.out_len < 20 ? child.out_len : 20] = '\0';
    pid = strtol(child.out, NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < 1000 && kill((pid_t)pid, 0) == 0; i++)
        poll(NULL, 0, 10); /* until init has reaped it */
    assert_int_equal(kill((pid_t)pid, 0), -1);
    child_fini(&child);
}

static void signals_are_as_a_program_expects_them(void **state)
{
    struct child child;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    run(&child, SH("kill -PIPE $$; echo not reached"), SPAN(""), 60000);
    assert_int_equal(child.end, CHILD_SIGNALLED);
    assert_int_equal(child.status, SIGPIPE);
    child_fini(&child);
}

static void what_cannot_be_run_says_why(void **state)
{
    struct child child;
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const char *const none[] = {"/nonesuch/program", NULL};
    const char *const no_program[] = {"/etc/passwd", NULL};

    (void)state;
    assert_int_equal(child_start(&child, none, no_environment, SPAN(""), 0, 1000, epoll_fd),
                     ENOENT);
    assert_int_equal(child_start(&child, no_program, no_environment, SPAN(""), 0, 1000, epoll_fd),
                     EACCES);
    close(epoll_fd);
    assert_int_equal(child_check("sh"), 0);
    assert_int_equal(child_check("/bin/sh"), 0);
    assert_int_equal(child_check("nonesuch-program"), 127);
    assert_int_equal(child_check("/etc/passwd"), 126);
    assert_int_equal(child_check(""), 127);
}

static void ending_a_running_one_leaves_nothing(void **state)
{
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct child child;
    pid_t pid;

    (void)state;
    assert_int_equal(child_start(&child, SH("while :; do :; done"), no_environment, SPAN(""),
                                 clock_mono_ms(), 60000, epoll_fd),
                     0);
    pid = child.pid;
    child_fini(&child);
    assert_int_equal(kill(pid, 0), -1);
    close(epoll_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_reads_and_writes_is_whole),
        cmocka_unit_test(large_input_that_nobody_reads_holds_up_nobody),
        cmocka_unit_test(more_than_is_kept_is_counted_and_read),
        cmocka_unit_test(its_time_is_over_even_for_who_ignores_it),
        cmocka_unit_test(what_it_leaves_running_ends_with_it),
        cmocka_unit_test(signals_are_as_a_program_expects_them),
        cmocka_unit_test(what_cannot_be_run_says_why),
        cmocka_unit_test(ending_a_running_one_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
