#include "broker/ops/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Younger than the headers of Debian 12: linux/landlock.h of Linux 6.12. */
#define FS_TRUNCATE           (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV          (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP          (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT_TCP       (UINT64_C(1) << 1)  /* ABI 4 */
#define SCOPE_ABSTRACT_SOCKET (UINT64_C(1) << 0)  /* ABI 6 */
#define SCOPE_SIGNAL          (UINT64_C(1) << 1)  /* ABI 6 */
#define RULE_NET_PORT         2

struct ruleset {
    uint64_t fs;
    uint64_t net;    /* ABI 4 */
    uint64_t scoped; /* ABI 6 */
};

struct port_rule {
    uint64_t access;
    uint64_t port;
};

/* All that a rule on something other than a folder may hold. */
#define ON_FILES                                                                                 \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | \
     FS_TRUNCATE | FS_IOCTL_DEV)

static uint64_t rights_known(int abi)
{
    uint64_t known = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1; /* ABI 1: all up to this one */

    if (abi >= 2)
        known |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        known |= FS_TRUNCATE;
    if (abi >= 5)
        known |= FS_IOCTL_DEV;
    return known;
}

enum rc landlock_begin(struct landlock *self, bool limits_ports, bool allows_abstract)
{
    struct ruleset ruleset = {0};
    size_t size = sizeof(ruleset.fs);
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    *self = (struct landlock){.ruleset = -1};
    if (abi <= 0)
        return RC_END;
    ruleset.fs = rights_known((int)abi);
    if (abi >= 4) {
        ruleset.net = NET_CONNECT_TCP | (limits_ports ? NET_BIND_TCP : 0);
        size = offsetof(struct ruleset, scoped);
    }
    if (abi >= 6) {
        ruleset.scoped = SCOPE_SIGNAL | (allows_abstract ? 0 : SCOPE_ABSTRACT_SOCKET);
        size = sizeof(ruleset);
    }
    self->abi = (int)abi;
    self->ruleset = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
    return self->ruleset >= 0 ? RC_OK : RC_SYSTEM;
}

static uint64_t rights_of(unsigned uses)
{
    uint64_t rights = 0;

    if (uses & (LANDLOCK_READ | LANDLOCK_WRITE))
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if (uses & (LANDLOCK_MAKE | LANDLOCK_WRITE))
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE;
    if (uses & (LANDLOCK_WRITE | LANDLOCK_SOCKET))
        rights |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
    if (uses & LANDLOCK_SOCKET)
        rights |= LANDLOCK_ACCESS_FS_MAKE_SOCK;
    return rights;
}

enum rc landlock_allow(struct landlock *self, const char *path, unsigned uses)
{
    struct landlock_path_beneath_attr rule = {.allowed_access =
                                                  rights_of(uses) & rights_known(self->abi)};
    struct stat info;
    enum rc rc = RC_SYSTEM;
    int saved;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT ? RC_OK : RC_SYSTEM;
    if (fstat(rule.parent_fd, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            rule.allowed_access &= ON_FILES;
        if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) ||
            syscall(SYS_landlock_add_rule, self->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ==
                0)
            rc = RC_OK;
    }
    saved = errno;
    (void)close(rule.parent_fd);
    errno = saved;
    return rc;
}

static enum rc allow_port(struct landlock *self, uint64_t access, uint16_t port)
{
    const struct port_rule rule = {.access = access, .port = port};

    if (self->abi < 4)
        return RC_OK;
    return syscall(SYS_landlock_add_rule, self->ruleset, RULE_NET_PORT, &rule, 0) == 0 ? RC_OK
                                                                                       : RC_SYSTEM;
}

enum rc landlock_allow_port(struct landlock *self, uint16_t port)
{
    return allow_port(self, NET_BIND_TCP, port);
}

enum rc landlock_allow_connect(struct landlock *self, uint16_t port)
{
    return allow_port(self, NET_CONNECT_TCP, port);
}

enum rc landlock_enforce(struct landlock *self)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, self->ruleset, 0) != 0)
        return RC_SYSTEM;
    landlock_fini(self);
    return RC_OK;
}

void landlock_fini(struct landlock *self)
{
    int saved = errno;

    if (self->ruleset >= 0)
        (void)close(self->ruleset);
    self->ruleset = -1;
    errno = saved;
}
