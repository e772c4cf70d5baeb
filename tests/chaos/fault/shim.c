/* shim.c - stands between a program and the system (LD_PRELOAD), and lets chosen calls fail.
 *
 * write and fsync are judged for regular files only: a program's sockets and wake-up pipes have failures of their
 * own, which the wire makes. */
#include "tests/chaos/fault/rules.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define EXPORT      __attribute__((visibility("default")))
#define FIRST_BYTES (4 << 20)
#define ALIGN_BYTES 16
#define REAL(name)                     \
    ({                                 \
        if (real_##name == NULL)       \
            real_##name = find(#name); \
        real_##name;                   \
    })
#define DECLARE(name) static __typeof__(&name) real_##name

DECLARE(malloc);
DECLARE(calloc);
DECLARE(realloc);
DECLARE(free);
DECLARE(write);
DECLARE(pwrite);
DECLARE(pwrite64);
DECLARE(writev);
DECLARE(fsync);
DECLARE(fdatasync);
DECLARE(openat);
DECLARE(fopen);
DECLARE(accept);
DECLARE(accept4);

/* What is asked for before we have begun: dlsym() wants memory itself, and a sanitizer that is just
 * beginning cannot give any yet. It is never given back. */
static char first[FIRST_BYTES] __attribute__((aligned(ALIGN_BYTES)));
static size_t first_used;
static __thread bool is_finding;
static bool is_ready;
static const char *libc_begin, *libc_end; /* its code */

static void *find(const char *name)
{
    void *found;

    is_finding = true;
    found = dlsym(RTLD_NEXT, name);
    is_finding = false;
    if (found == NULL)
        abort();
    return found;
}

static int find_libc(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (object->dlpi_name == NULL || strstr(object->dlpi_name, "/libc.so.") == NULL)
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            libc_begin = (const char *)object->dlpi_addr + part->p_vaddr;
            libc_end = libc_begin + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    rules_load();
    (void)dl_iterate_phdr(find_libc, NULL);
    /* Now, while there is one thread only. */
    (void)REAL(malloc);
    (void)REAL(calloc);
    (void)REAL(realloc);
    (void)REAL(free);
    is_ready = true;
}

__attribute__((destructor)) static void end(void)
{
    rules_tell_counts();
}

/* Memory */

static bool is_first(const void *memory)
{
    return (const char *)memory >= first && (const char *)memory < first + sizeof(first);
}

static void *take_first(size_t size)
{
    void *memory = first + first_used;

    size = (size + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
    if (size > sizeof(first) - first_used)
        return NULL;
    first_used += size;
    return memory;
}

static bool is_early(void)
{
    return !is_ready || is_finding;
}

/* Not judged: what the C library asks for itself. Its name service crashes without memory, and nobody but
 * its authors can help that. */
static bool is_refused(const void *caller)
{
    if ((const char *)caller >= libc_begin && (const char *)caller < libc_end)
        return false;
    return rules_judge(CALL_MALLOC, NULL, -1) == FAIL;
}

EXPORT void *malloc(size_t size)
{
    if (is_early())
        return take_first(size);
    return is_refused(__builtin_return_address(0)) ? NULL : REAL(malloc)(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    if (is_early())
        return count > 0 && size > FIRST_BYTES / count ? NULL : take_first(count * size);
    return is_refused(__builtin_return_address(0)) ? NULL : REAL(calloc)(count, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    size_t most;
    void *fresh;

    if (old != NULL && !is_first(old))
        return is_refused(__builtin_return_address(0)) ? NULL : REAL(realloc)(old, size);
    fresh = malloc(size);
    if (fresh != NULL && old != NULL) {
        most = (size_t)(first + sizeof(first) - (char *)old); /* its length was not noted */
        memmove(fresh, old, size < most ? size : most);
    }
    return fresh;
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

EXPORT void free(void *memory)
{
    if (memory != NULL && !is_first(memory))
        REAL(free)(memory);
}

/* Files */

static enum verdict judge_file(enum call call, int fd)
{
    struct stat status;

    if (!is_ready || fstat(fd, &status) != 0 ||
        !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return PASS;
    return rules_judge(call, NULL, fd);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    const enum verdict verdict = judge_file(CALL_WRITE, fd);

    return verdict == FAIL ? -1 : verdict == SKIP ? (ssize_t)len : REAL(write)(fd, bytes, len);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    const enum verdict verdict = judge_file(CALL_WRITE, fd);

    return verdict == FAIL ? -1 : verdict == SKIP ? (ssize_t)len : REAL(pwrite)(fd, bytes, len, at);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    const enum verdict verdict = judge_file(CALL_WRITE, fd);

    return verdict == FAIL   ? -1
           : verdict == SKIP ? (ssize_t)len
                             : REAL(pwrite64)(fd, bytes, len, at);
}

EXPORT ssize_t writev(int fd, const struct iovec *part, int count)
{
    return judge_file(CALL_WRITE, fd) == FAIL ? -1 : REAL(writev)(fd, part, count);
}

EXPORT int fsync(int fd)
{
    const enum verdict verdict = judge_file(CALL_FSYNC, fd);

    return verdict == FAIL ? -1 : verdict == SKIP ? 0 : REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
    const enum verdict verdict = judge_file(CALL_FSYNC, fd);

    return verdict == FAIL ? -1 : verdict == SKIP ? 0 : REAL(fdatasync)(fd);
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

static int open_in(int folder, const char *path, int flags, mode_t mode)
{
    if (is_ready && rules_judge(CALL_OPEN, path, folder) == FAIL)
        return -1;
    return REAL(openat)(folder, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_in(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_in(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_in(folder, path, flags, mode);
}

EXPORT int openat64(int folder, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_in(folder, path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of open() when it cannot see the flags. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
    return open_in(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags)
{
    return open_in(AT_FDCWD, path, flags, 0);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    if (is_ready && rules_judge(CALL_OPEN, path, -1) == FAIL)
        return NULL;
    return REAL(fopen)(path, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

/* Connections */

EXPORT int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict len)
{
    if (is_ready && rules_judge(CALL_ACCEPT, NULL, -1) == FAIL)
        return -1;
    return REAL(accept)(fd, from, len);
}

EXPORT int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict len, int flags)
{
    if (is_ready && rules_judge(CALL_ACCEPT, NULL, -1) == FAIL)
        return -1;
    return REAL(accept4)(fd, from, len, flags);
}
