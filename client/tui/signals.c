#include "client/tui/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int numbers[SIGNAL_KINDS] = {
    [SIGNAL_RESIZE] = SIGWINCH,
    [SIGNAL_SUSPEND] = SIGTSTP,
    [SIGNAL_CONTINUE] = SIGCONT,
};
static volatile sig_atomic_t has_come[SIGNAL_KINDS];
static int event_fd = -1;

static void on_signal(int number)
{
    const uint64_t one = 1;
    const int saved = errno;

    for (int i = 0; i < SIGNAL_KINDS; i++) {
        if (numbers[i] == number)
            has_come[i] = 1;
    }
    if (write(event_fd, &one, sizeof(one)) < 0) {
        /* it is readable already */
    }
    errno = saved;
}

static void catch (void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    for (int i = 0; i < SIGNAL_KINDS; i++)
        sigaction(numbers[i], &action, NULL);
}

void signals_begin(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    catch ();
}

void signals_end(void)
{
    for (int i = 0; i < SIGNAL_KINDS; i++)
        signal(numbers[i], SIG_DFL);
    if (event_fd >= 0)
        close(event_fd);
    event_fd = -1;
}

int signals_fd(void)
{
    return event_fd;
}

bool signals_take(enum signals_kind kind)
{
    uint64_t count;

    if (event_fd >= 0 && read(event_fd, &count, sizeof(count)) < 0) {
        /* it was empty */
    }
    if (!has_come[kind])
        return false;
    has_come[kind] = 0;
    return true;
}

void signals_stop(void)
{
    signal(SIGTSTP, SIG_DFL);
    raise(SIGTSTP);
    catch ();
    has_come[SIGNAL_CONTINUE] = 0;
}
