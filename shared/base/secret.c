#include "shared/base/secret.h"

#include "shared/base/sanitized.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void secret_guard_process(void)
{
    const struct rlimit none = {0, 0};

    /* Neither can fail for reasons that anybody could mend, and both guard against the same. */
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!IS_SANITIZED)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0,
                    0); /* a core_pattern with a pipe does not ask the limit */
    (void)umask(077);
}

bool secret_lock(void *bytes, size_t len)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)bytes / page * page;

    if (len == 0)
        return true;
    (void)madvise((void *)begin, (uintptr_t)bytes + len - begin, MADV_DONTDUMP);
    return mlock(bytes, len) == 0;
}

void secret_forget(void *bytes, size_t len)
{
    explicit_bzero(bytes, len);
    (void)munlock(bytes, len);
}
