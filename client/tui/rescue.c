#include "client/tui/rescue.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define BYTES_MAX   512
#define STACK_BYTES 65536

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
#define CRASH_COUNT (sizeof(crashes) / sizeof(crashes[0]))

static struct termios before;
static char sequence[BYTES_MAX];
static size_t sequence_len;
static volatile sig_atomic_t armed;
static struct sigaction old[CRASH_COUNT];
static char stack[STACK_BYTES]; /* an overflown stack is a crash as well */

static void on_crash(int number, siginfo_t *info, void *context)
{
    const int saved = errno;

    if (armed) {
        armed = 0;
        if (write(STDOUT_FILENO, sequence, sequence_len) < 0) {
            /* nobody is there to see it */
        }
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    errno = saved;
    for (size_t i = 0; i < CRASH_COUNT; i++) {
        if (crashes[i] != number)
            continue;
        sigaction(number, &old[i], NULL);
        if ((old[i].sa_flags & SA_SIGINFO) != 0 && old[i].sa_sigaction != NULL) {
            old[i].sa_sigaction(number, info, context); /* a sanitizer's: it reports */
            return;
        }
    }
    raise(number);
}

/* Without the padding that terminfo writes as $<5>. */
static void append(const char *text)
{
    while (text != NULL && *text != '\0' && sequence_len < BYTES_MAX) {
        if (text[0] == '$' && text[1] == '<' && strchr(text, '>') != NULL) {
            text = strchr(text, '>') + 1;
            continue;
        }
        sequence[sequence_len++] = *text++;
    }
}

void rescue_remember(void)
{
    tcgetattr(STDIN_FILENO, &before);
}

void rescue_begin(const char *const *sequences)
{
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sequence_len = 0;
    for (size_t i = 0; sequences[i] != NULL; i++)
        append(sequences[i]);
    sigaltstack(&alternate, NULL);
    for (size_t i = 0; i < CRASH_COUNT; i++)
        sigaction(crashes[i], &action, &old[i]);
}

void rescue_arm(int is_armed)
{
    armed = is_armed;
}

void rescue_end(void)
{
    armed = 0;
    for (size_t i = 0; i < CRASH_COUNT; i++)
        sigaction(crashes[i], &old[i], NULL);
}
