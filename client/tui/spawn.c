#include "client/tui/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void set_signals(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Twice forked: whoever is not waited for by us is by init. */
bool spawn_away(char *const *argv)
{
    const pid_t child = fork();
    int status = 0;

    if (child < 0)
        return false;
    if (child == 0) {
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int problem;

        posix_spawnattr_init(&attributes);
        set_signals(&attributes);
        posix_spawn_file_actions_init(&actions);
        for (int fd = 0; fd <= 2; fd++)
            posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
        problem = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
        _exit(problem == 0 ? 0 : problem > 255 ? 255 : problem);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    return errno == 0;
}

pid_t spawn_here(char *const *argv)
{
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    int problem;

    posix_spawnattr_init(&attributes);
    set_signals(&attributes);
    problem = posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    errno = problem;
    return problem == 0 ? pid : -1;
}
