#include "client/logger/process.h"

#include "shared/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

int process_open_folder(const char *path)
{
    char why[FILES_WHY_BYTES];
    int fd;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (files_check(path, why) != RC_OK) {
        fprintf(stderr, "zchat-logger: %s\n", why);
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path,
                errno == EWOULDBLOCK ? "another logger writes here" : strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int process_prepare(void)
{
    struct rlimit files;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the file's size is a full disk */
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}
