/* What is limited is refused, and what a broker needs still works: each is tried in a child of its own, since limits
 * cannot be taken back. Built without sanitizers, which make calls of their own. */
#include "broker/ops/landlock.h"
#include "broker/ops/syscalls.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOT_LIMITED 99
#define NO_LANDLOCK 98

/* The child's wait status. `action` returns its exit code. */
static int status_of(int (*action)(void *), void *context)
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(action(context));
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_exits(int (*action)(void *), void *context, int code)
{
    int status = status_of(action, context);

    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LANDLOCK)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* System calls */

static int call_raw(void *context)
{
    if (syscalls_limit() != RC_OK)
        return NOT_LIMITED;
    return syscall(*(const long *)context, 0, 0, 0, 0, 0, 0) == 0 ? 0 : errno;
}

static void what_only_an_intruder_asks_for_ends_the_process(void **state)
{
    static const long DEADLY[] = {SYS_execve,
                                  SYS_execveat,
                                  SYS_ptrace,
                                  SYS_process_vm_readv,
                                  SYS_process_vm_writev,
                                  SYS_mount,
                                  SYS_umount2,
                                  SYS_pivot_root,
                                  SYS_chroot,
                                  SYS_unshare,
                                  SYS_setns,
                                  SYS_bpf,
                                  SYS_kexec_load,
                                  SYS_init_module,
                                  SYS_finit_module,
                                  SYS_delete_module,
                                  SYS_open_by_handle_at,
                                  SYS_perf_event_open,
                                  SYS_userfaultfd,
                                  SYS_io_uring_setup,
                                  SYS_setuid,
                                  SYS_keyctl,
                                  SYS_reboot};

    (void)state;
    for (size_t i = 0; i < sizeof(DEADLY) / sizeof(DEADLY[0]); i++) {
        long number = DEADLY[i];
        int status = status_of(call_raw, &number);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

static int fork_one(void *unused)
{
    (void)unused;
    if (fork() == 0)
        _exit(0);
    return errno;
}

static int map_code(void *unused)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    if (page == MAP_FAILED ||
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 0;
    errno = 0;
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int open_datagrams(void *unused)
{
    (void)unused;
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : errno;
}

static int open_raw(void *unused)
{
    (void)unused;
    return socket(AF_INET, SOCK_RAW, IPPROTO_TCP) >= 0 ? 0 : errno;
}

static int open_packets(void *unused)
{
    (void)unused;
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? 0 : errno;
}

static int kill_parent(void *unused)
{
    (void)unused;
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int kill_thread_of_parent(void *unused)
{
    (void)unused;
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? 0 : errno;
}

static int raise_limit(void *unused)
{
    const struct rlimit limit = {1, 1};

    (void)unused;
    return setrlimit(RLIMIT_CORE, &limit) == 0 ? 0 : errno;
}

static int become_dumpable(void *unused)
{
    (void)unused;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0 : errno;
}

static int call_unknown(void *unused)
{
    (void)unused;
    return syscall(SYS_acct, NULL) == 0 ? 0 : errno;
}

struct limited {
    int (*action)(void *);
};

static int when_limited(void *context)
{
    if (syscalls_limit() != RC_OK)
        return NOT_LIMITED;
    errno = 0;
    return ((const struct limited *)context)->action(NULL);
}

static void the_rest_is_refused_with_eperm(void **state)
{
    static const struct limited REFUSED[] = {
        {fork_one},        {map_code},    {open_datagrams},        {open_raw},
        {open_packets},    {kill_parent}, {kill_thread_of_parent}, {raise_limit},
        {become_dumpable}, {call_unknown}};

    (void)state;
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++)
        assert_exits(when_limited, (void *)&REFUSED[i], EPERM);
}

static int pipes[2];

static void *fork_when_told(void *ret)
{
    char byte;

    if (read(pipes[0], &byte, 1) != 1)
        return NULL;
    *(int *)ret = fork_one(NULL);
    return ret;
}

static int limit_beside_a_thread(void *unused)
{
    pthread_t thread;
    int code = 0;

    (void)unused;
    if (pipe(pipes) != 0 || pthread_create(&thread, NULL, fork_when_told, &code) != 0 ||
        syscalls_limit() != RC_OK || write(pipes[1], "", 1) != 1 || pthread_join(thread, NULL) != 0)
        return NOT_LIMITED;
    return code;
}

static void threads_that_run_already_are_limited_too(void **state)
{
    (void)state;
    assert_exits(limit_beside_a_thread, NULL, EPERM);
}

static void *lock_and_allocate(void *ret)
{
    void *memory = malloc(64 << 20);

    *(int *)ret = memory == NULL;
    free(memory);
    return NULL;
}

static int do_what_a_broker_does(void *context)
{
    char path[256];
    struct sockaddr_in address = {.sin_family = AF_INET};
    pthread_t thread;
    int code = 1, fd, listener;

    (void)snprintf(path, sizeof(path), "%s/file", ((const struct folder *)context)->path);
    if (syscalls_limit() != RC_OK)
        return NOT_LIMITED;
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fsync(fd) != 0 || close(fd) != 0 ||
        unlink(path) != 0)
        return 2;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0 || socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
        return 3;
    if (pthread_create(&thread, NULL, lock_and_allocate, &code) != 0 ||
        pthread_join(thread, NULL) != 0)
        return 4;
    return code;
}

static void files_sockets_threads_and_memory_still_work(void **state)
{
    struct folder folder;

    (void)state;
    assert_true(folder_open(&folder));
    assert_exits(do_what_a_broker_does, &folder, 0);
    folder_close(&folder);
}

static int abort_when_limited(void *unused)
{
    (void)unused;
    if (syscalls_limit() != RC_OK)
        return NOT_LIMITED;
    abort();
}

static void a_broken_invariant_still_ends_by_abort(void **state)
{
    int status = status_of(abort_when_limited, NULL);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Files and ports */

struct
try {
    const struct folder *folder;
    unsigned uses;
    const char *name; /* in the folder, or absolute */
    int flags;        /* of open() */
};

static int open_when_limited(void *context)
{
    const struct try *try = context;
    struct landlock landlock;
    char path[256];

    if (landlock_begin(&landlock, false, false) == RC_END)
        return NO_LANDLOCK;
    if (landlock_allow(&landlock, try->folder->path, try->uses) != RC_OK ||
        landlock_allow(&landlock, "/nowhere", LANDLOCK_READ) != RC_OK ||
        landlock_enforce(&landlock) != RC_OK)
        return NOT_LIMITED;
    (void)snprintf(path, sizeof(path), "%s%s%s", try->name[0] == '/' ? "" : try->folder->path,
                   try->name[0] == '/' ? "" : "/", try->name);
    return open(path, try->flags, 0600) >= 0 ? 0 : errno;
}

static void files_are_used_as_they_were_allowed_and_others_not_at_all(void **state)
{
    struct folder folder;
    const struct {
        unsigned uses;
        const char *name;
        int flags, code;
    } tries[] = {
        {LANDLOCK_WRITE, "/etc/passwd", O_RDONLY, EACCES},
        {LANDLOCK_WRITE, "/tmp", O_RDONLY | O_DIRECTORY, EACCES},
        {LANDLOCK_WRITE, "/tmp/zchat-never", O_WRONLY | O_CREAT, EACCES},
        {LANDLOCK_WRITE, "here", O_RDWR, 0},
        {LANDLOCK_WRITE, "fresh", O_RDWR | O_CREAT | O_EXCL, 0},
        {LANDLOCK_WRITE, ".", O_RDONLY | O_DIRECTORY, 0},
        {LANDLOCK_READ, "here", O_RDONLY, 0},
        {LANDLOCK_READ, "here", O_WRONLY, EACCES},
        {LANDLOCK_READ, "another", O_WRONLY | O_CREAT, EACCES},
        {LANDLOCK_MAKE, "log", O_WRONLY | O_CREAT | O_APPEND, 0},
        {LANDLOCK_MAKE, "here", O_RDONLY, EACCES},
        {LANDLOCK_SOCKET, "here", O_RDONLY, EACCES},
    };
    char path[256];
    int fd;

    (void)state;
    assert_true(folder_open(&folder));
    snprintf(path, sizeof(path), "%s/here", folder.path);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct try try = {&folder, tries[i].uses, tries[i].name, tries[i].flags};

        assert_exits(open_when_limited, &try, tries[i].code);
    }
    folder_close(&folder);
}

/* Two ports that the system says are free. */
static int free_port(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int use_ports(void *context)
{
    const int *port = context; /* allowed, not allowed, of a listener */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct landlock landlock;
    int fd[3];

    if (landlock_begin(&landlock, true, false) == RC_END || landlock.abi < 4)
        return NO_LANDLOCK;
    if (landlock_allow_port(&landlock, (uint16_t)port[0]) != RC_OK ||
        landlock_enforce(&landlock) != RC_OK)
        return NOT_LIMITED;
    for (int i = 0; i < 3; i++)
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)port[0]);
    if (bind(fd[0], (struct sockaddr *)&address, sizeof(address)) != 0)
        return 1;
    address.sin_port = htons((uint16_t)port[1]);
    if (bind(fd[1], (struct sockaddr *)&address, sizeof(address)) == 0 || errno != EACCES)
        return 2;
    address.sin_port = htons((uint16_t)port[2]);
    if (connect(fd[2], (struct sockaddr *)&address, sizeof(address)) == 0 || errno != EACCES)
        return 3;
    return 0;
}

static void only_allowed_ports_are_bound_and_nobody_is_connected_to(void **state)
{
    int port[3], fd[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        fd[i] = free_port(&port[i]);
    assert_int_equal(listen(fd[2], 1), 0);
    close(fd[0]);
    close(fd[1]);
    assert_exits(use_ports, port, 0);
    close(fd[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_an_intruder_asks_for_ends_the_process),
        cmocka_unit_test(the_rest_is_refused_with_eperm),
        cmocka_unit_test(threads_that_run_already_are_limited_too),
        cmocka_unit_test(files_sockets_threads_and_memory_still_work),
        cmocka_unit_test(a_broken_invariant_still_ends_by_abort),
        cmocka_unit_test(files_are_used_as_they_were_allowed_and_others_not_at_all),
        cmocka_unit_test(only_allowed_ports_are_bound_and_nobody_is_connected_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
