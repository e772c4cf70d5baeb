#include "client/cli/child.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define READS_PER_TURN 64
#define LOOK_MS        20 /* without a descriptor that tells of its end */

static int check_path(const char *path)
{
    if (access(path, X_OK) == 0)
        return 0;
    return errno == ENOENT || errno == ENOTDIR ? 127 : 126;
}

int child_check(const char *program)
{
    const char *path = getenv("PATH");
    int result = 127;

    if (program[0] == '\0')
        return 127;
    if (strchr(program, '/') != NULL)
        return check_path(program);
    for (const char *at = path == NULL ? "/bin:/usr/bin" : path; at != NULL;
         at = strchr(at, ':') != NULL ? strchr(at, ':') + 1 : NULL) {
        const int len = (int)strcspn(at, ":");
        char full[PATH_MAX];
        int one;

        if (snprintf(full, sizeof(full), "%.*s/%s", len, len == 0 ? "" : at, program) >=
            (int)sizeof(full))
            continue;
        one = check_path(len == 0 ? program : full);
        if (one == 0)
            return 0;
        if (one == 126)
            result = 126;
    }
    return result;
}

/* A file without a name: the program may read it, or not, and nobody waits for it. */
static int input_file(struct span input)
{
    const int fd = memfd_create("zchat-event", MFD_CLOEXEC);
    size_t written = 0;

    if (fd < 0)
        return -1;
    while (written < input.len) {
        const ssize_t n = write(fd, input.ptr + written, input.len - written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        written += (size_t)n;
    }
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

static int spawn(struct child *self, const char *const *argv, char *const *environment, int in,
                 int out, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int problem;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigdefault(&attributes, &all); /* we ignore SIGPIPE; it need not know */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSIGMASK);
    /* The two casts drop a const that POSIX left out; neither is written to. */
    problem = posix_spawnp(&self->pid, argv[0], &actions, &attributes, (char *const *)(void *)argv,
                           environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

static void close_fd(int *fd_p)
{
    if (*fd_p >= 0)
        close(*fd_p);
    *fd_p = -1;
}

/* Descriptors of an earlier run are closed, so epoll has forgotten them. */
static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        /* then child_deadline_ms() finds what it would have told */
    }
}

int child_start(struct child *self, const char *const *argv, char *const *environment,
                struct span input, uint64_t now_ms, uint64_t limit_ms, int epoll_fd)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    int in, problem = 0;

    *self = (struct child){.pid_fd = -1, .out_fd = -1, .err_fd = -1};
    in = input_file(input);
    if (in < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        problem = errno;
    if (problem == 0)
        problem = spawn(self, argv, environment, in, out[1], err[1]);
    close_fd(&in);
    close_fd(&out[1]);
    close_fd(&err[1]);
    if (problem != 0) {
        close_fd(&out[0]);
        close_fd(&err[0]);
        return problem;
    }
    self->out_fd = out[0];
    self->err_fd = err[0];
    (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(err[0], F_SETFL, O_NONBLOCK);
    self->pid_fd = pidfd_open(self->pid, 0);
    if (self->pid_fd >= 0)
        (void)fcntl(self->pid_fd, F_SETFD, FD_CLOEXEC);
    self->out = x_alloc(CHILD_OUT_BYTES_MAX, 1);
    self->err = x_alloc(CHILD_ERR_BYTES_MAX, 1);
    self->term_ms = now_ms + limit_ms;
    self->kill_ms = self->term_ms + CHILD_GRACE_MS;
    watch(epoll_fd, self->out_fd);
    watch(epoll_fd, self->err_fd);
    watch(epoll_fd, self->pid_fd);
    return 0;
}

/* Keep what there is room for and count the rest; closes at the end. */
static void drain(int *fd_p, char *buf, size_t capacity, size_t *len, uint64_t *total)
{
    char chunk[16384];

    for (size_t i = 0; i < READS_PER_TURN && *fd_p >= 0; i++) {
        const ssize_t n = read(*fd_p, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            close_fd(fd_p);
            return;
        }
        const size_t room = capacity - *len;
        const size_t kept = (size_t)n < room ? (size_t)n : room;

        memcpy(buf + *len, chunk, kept);
        *len += kept;
        *total += (uint64_t)n;
    }
}

static void drain_both(struct child *self)
{
    drain(&self->out_fd, self->out, CHILD_OUT_BYTES_MAX, &self->out_len, &self->out_total);
    drain(&self->err_fd, self->err, CHILD_ERR_BYTES_MAX, &self->err_len, &self->err_total);
}

/* While its leader is not reaped, the group's number cannot become somebody else's. */
static void signal_group(const struct child *self, int number)
{
    (void)kill(-self->pid, number);
}

static void reap(struct child *self)
{
    int status = 0;

    while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    self->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    self->end = self->is_late       ? CHILD_TIMED_OUT
                : WIFEXITED(status) ? CHILD_EXITED
                                    : CHILD_SIGNALLED;
    close_fd(&self->pid_fd);
    close_fd(&self->out_fd);
    close_fd(&self->err_fd);
}

bool child_turn(struct child *self, uint64_t now_ms)
{
    siginfo_t info = {0};

    if (self->end != CHILD_RUNNING)
        return true;
    drain_both(self);
    if (waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == self->pid) {
        drain_both(self);
        signal_group(self, SIGKILL); /* what it has left running */
        reap(self);
        return true;
    }
    if (now_ms >= self->term_ms) {
        self->term_ms = UINT64_MAX;
        self->is_late = true;
        signal_group(self, SIGTERM);
    }
    if (now_ms >= self->kill_ms) {
        self->kill_ms = UINT64_MAX;
        signal_group(self, SIGKILL);
    }
    return false;
}

uint64_t child_deadline_ms(const struct child *self, uint64_t now_ms)
{
    const uint64_t due_ms = self->term_ms < self->kill_ms ? self->term_ms : self->kill_ms;

    if (self->pid_fd < 0 && now_ms + LOOK_MS < due_ms)
        return now_ms + LOOK_MS;
    return due_ms;
}

void child_fini(struct child *self)
{
    if (self->pid > 0 && self->end == CHILD_RUNNING) {
        signal_group(self, SIGKILL);
        reap(self);
    }
    free(self->out);
    free(self->err);
    *self = (struct child){.pid_fd = -1, .out_fd = -1, .err_fd = -1};
}
