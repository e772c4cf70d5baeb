/* child.h - one run of somebody's program: bytes in, bounded bytes out, an end in time.
 *
 * No shell. The program gets a process group of its own; when it has ended, or its time is over, nothing of the group
 * is left. Pipes are read without blocking, by child_turn(). */
#ifndef CLIENT_CLI_CHILD_H
#define CLIENT_CLI_CHILD_H

#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_OUT_BYTES_MAX \
    (TEXT_BYTES_MAX + 4)         /* kept of standard output: tells that there was more */
#define CHILD_ERR_BYTES_MAX 8192 /* of standard error; the rest is counted */
#define CHILD_GRACE_MS      2000 /* between SIGTERM and SIGKILL */

enum child_end {
    CHILD_RUNNING,
    CHILD_EXITED,    /* `status` is its exit code */
    CHILD_SIGNALLED, /* `status` is the signal */
    CHILD_TIMED_OUT, /* its time was over, and it was ended */
};

struct child {
    pid_t pid;
    int pid_fd; /* readable when it has ended; -1: the system has none, look now and then */
    int out_fd, err_fd;
    char *out, *err;
    size_t out_len, err_len;       /* kept */
    uint64_t out_total, err_total; /* written */
    uint64_t term_ms, kill_ms;     /* when these are due, monotonic; UINT64_MAX: they were sent */
    bool is_late;
    enum child_end end;
    int status;
};

/* May `program` be run (by PATH when it has no slash)? 0, or 126: it is there, and may not; 127: it is not there. */
int child_check(const char *program);

/* Run argv with `environment`; `input` is its standard input, all of which is there at once, however little of it is
 * read. Its events wake `epoll_fd`. Returns 0, or the errno of what failed; then nothing is to be freed. */
int child_start(struct child *self, const char *const *argv, char *const *environment,
                struct span input, uint64_t now_ms, uint64_t limit_ms, int epoll_fd);

/* Read what is there, see whether it has ended, send signals that are due. True when it is over. */
bool child_turn(struct child *self, uint64_t now_ms);

/* When to call child_turn() though nothing woke us. */
uint64_t child_deadline_ms(const struct child *self, uint64_t now_ms);

/* End it now, without grace, if it runs, and free what it has. */
void child_fini(struct child *self);

#endif
