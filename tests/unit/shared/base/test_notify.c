#include "shared/base/notify.h"

#include "tests/support/check.h"

#include <sys/socket.h>
#include <sys/un.h>

static void the_manager_reads_what_it_is_told(void **state)
{
    char folder[] = "/tmp/zchat-notify-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char buf[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    notify("READY=1");
    assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), strlen("READY=1"));
    assert_string_equal(buf, "READY=1");
    close(fd);
    unlink(address.sun_path);
    rmdir(folder);
    notify("STOPPING=1"); /* nobody there */
    unsetenv("NOTIFY_SOCKET");
    notify("STOPPING=1");
}

static void the_watchdog_is_fed_twice_as_often_as_asked(void **state)
{
    char pid[32];

    (void)state;
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "10000000", 1);
    assert_int_equal(notify_watchdog_ms(), 5000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 5000);
    setenv("WATCHDOG_USEC", "banana", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_reads_what_it_is_told),
        cmocka_unit_test(the_watchdog_is_fed_twice_as_often_as_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
