#include "shared/base/secret.h"

#include "shared/base/sanitized.h"
#include "tests/support/check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In a child, since it cannot be taken back. */
static bool is_true_in_child(bool (*claim)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(claim() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool leaves_no_core(void)
{
    struct rlimit limit = {1, 1};

    secret_guard_process();
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
}

static bool cannot_be_dumped(void)
{
    secret_guard_process();
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == (IS_SANITIZED ? 1 : 0);
}

static bool makes_files_for_itself_alone(void)
{
    secret_guard_process();
    return umask(0) == 077;
}

static void a_guarded_process_leaves_no_core_and_cannot_be_read(void **state)
{
    (void)state;
    assert_true(is_true_in_child(leaves_no_core));
    assert_true(is_true_in_child(cannot_be_dumped));
    assert_true(is_true_in_child(makes_files_for_itself_alone));
}

/* Locked kB of this process, as the kernel counts. */
static long locked_kib(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    long kib = -1;

    assert_non_null(file);
    while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmLck:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    fclose(file);
    return kib;
}

static void a_locked_key_stays_in_memory_until_it_is_wiped(void **state)
{
    static unsigned char key[64];
    const unsigned char nothing[sizeof(key)] = {0};
    const long before = locked_kib();

    (void)state;
    memset(key, 7, sizeof(key));
    if (!secret_lock(key, sizeof(key)))
        skip();        /* this machine allows nothing to be locked */
    if (!IS_SANITIZED) /* mlock() does nothing there */
        assert_true(locked_kib() > before);
    assert_int_equal(key[63], 7);
    secret_forget(key, sizeof(key));
    assert_int_equal(locked_kib(), before);
    assert_memory_equal(key, nothing, sizeof(key));
}

static bool is_usable_without_the_lock(void)
{
    static unsigned char key[64];
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
        return false;
    if (secret_lock(key, sizeof(key)))
        return IS_SANITIZED != 0;
    key[63] = 7;
    secret_forget(key, sizeof(key));
    return errno != 0 && key[63] == 0;
}

static void a_system_that_locks_nothing_is_told_and_no_more(void **state)
{
    (void)state;
    assert_true(is_true_in_child(is_usable_without_the_lock));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guarded_process_leaves_no_core_and_cannot_be_read),
        cmocka_unit_test(a_locked_key_stays_in_memory_until_it_is_wiped),
        cmocka_unit_test(a_system_that_locks_nothing_is_told_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
