#include "shared/base/stdfds.h"

#include "tests/support/check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In a child with these descriptors closed: the next file must get a number beyond them. */
static bool is_filled(unsigned closed)
{
    int status;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct stat null, filled;
        bool is_good = stat("/dev/null", &null) == 0;

        for (int fd = 0; fd <= 2; fd++) {
            if ((closed & 1u << fd) != 0)
                close(fd);
        }
        stdfds_fill();
        for (int fd = 0; fd <= 2; fd++) {
            if ((closed & 1u << fd) != 0)
                is_good = is_good && fstat(fd, &filled) == 0 && filled.st_rdev == null.st_rdev;
        }
        _exit(is_good && open("/", O_RDONLY) > 2 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void whatever_is_closed_becomes_null(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++)
        assert_true(is_filled(closed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_closed_becomes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
