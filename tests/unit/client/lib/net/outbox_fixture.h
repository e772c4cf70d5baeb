/* outbox_fixture.h - a folder with an outbox file in it, its bytes, and another process that has it open. */
#ifndef TESTS_UNIT_CLIENT_LIB_NET_OUTBOX_FIXTURE_H
#define TESTS_UNIT_CLIENT_LIB_NET_OUTBOX_FIXTURE_H

#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/net/outbox_file.h"
#include "shared/base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSION_OF_TEST UINT64_C(0xabc)

struct fixture {
    struct folder folder;
    char path[200];
    struct outbox_file *file;
};

static __attribute__((unused)) int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/box/a.log", f->folder.path);
    return 0;
}

static __attribute__((unused)) int tear_down(void **state)
{
    struct fixture *f = *state;

    outbox_file_close(&f->file);
    folder_close(&f->folder);
    free(f);
    return 0;
}

static inline enum rc post_text(struct outbox_file *file, uint32_t number, const char *text)
{
    const struct outbox_post post = {
        .number = number, .target = SPAN("#lobby"), .text = span_of(text)};

    return outbox_file_post(file, &post);
}

static inline bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The bytes of a file; for free(). */
static __attribute__((unused)) char *slurp(const char *path, size_t *ret_len)
{
    int fd = open(path, O_RDONLY);
    struct stat info;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);

    char *bytes = calloc(1, (size_t)info.st_size + 1);

    assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
    close(fd);
    *ret_len = (size_t)info.st_size;
    return bytes;
}

static __attribute__((unused)) void spill(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

/* Let a process of its own do this with the file, and be killed when it is done. */
static __attribute__((unused)) void in_a_killed_run(void (*act)(void *), void *context)
{
    int pipe_fd[2], status;
    char byte;

    assert_int_equal(pipe(pipe_fd), 0);

    const pid_t pid = fork();

    if (pid == 0) {
        act(context);
        if (write(pipe_fd[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(pipe_fd[1]);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    close(pipe_fd[0]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

#endif
