#include "shared/base/files.h"

#include "shared/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE_MS 60000

/* Checks */

static enum rc judge(const char *path, const struct stat *info, char *why)
{
    const mode_t mode = info->st_mode & 07777;
    const mode_t wanted = S_ISDIR(info->st_mode) ? 0700 : 0600;

    if (S_ISLNK(info->st_mode))
        snprintf(why, FILES_WHY_BYTES, "%.600s is a link: put the file itself in its place", path);
    else if (!S_ISREG(info->st_mode) && !S_ISDIR(info->st_mode))
        return RC_OK; /* a terminal, a pipe: somebody reads it, and that is its purpose */
    else if (info->st_uid != geteuid())
        snprintf(why, FILES_WHY_BYTES,
                 "%.400s belongs to user %u, and must belong to user %u who runs this: chown %u "
                 "%.400s",
                 path, (unsigned)info->st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
    else if ((mode & 077) != 0)
        snprintf(
            why, FILES_WHY_BYTES,
            "%.400s has mode %04o, so others can use it, and must have %04o: chmod %03o %.400s",
            path, (unsigned)mode, (unsigned)wanted, (unsigned)wanted, path);
    else
        return RC_OK;
    return RC_DENIED;
}

static enum rc cannot_look(const char *path, char *why)
{
    snprintf(why, FILES_WHY_BYTES, "cannot look at %.600s: %s", path, strerror(errno));
    return RC_DENIED;
}

enum rc files_check(const char *path, char why[static FILES_WHY_BYTES])
{
    struct stat info, target;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? RC_OK : cannot_look(path, why);
    if (S_ISLNK(info.st_mode) && stat(path, &target) == 0 && !S_ISREG(target.st_mode))
        info = target;
    return judge(path, &info, why);
}

enum rc files_check_folder(const char *path, char why[static FILES_WHY_BYTES])
{
    char file[FILE_PATH_MAX];
    const struct dirent *entry;
    struct stat info;
    DIR *dir = NULL;
    enum rc rc;

    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        snprintf(why, FILES_WHY_BYTES, "%.600s is not a folder", path);
        return RC_DENIED;
    }
    rc = files_check(path, why);
    if (rc == RC_OK && (dir = opendir(path)) == NULL && errno != ENOENT)
        rc = cannot_look(path, why);
    while (rc == RC_OK && dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(file, sizeof(file), "%.3800s/%.255s", path, entry->d_name);
        if (fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            rc = errno == ENOENT ? RC_OK : cannot_look(file, why); /* gone meanwhile */
        else if (!S_ISDIR(info.st_mode))
            rc = judge(file, &info, why);
    }
    if (dir != NULL)
        closedir(dir);
    return rc;
}

/* Folders, reading, writing */

enum rc files_make_folder(const char *path)
{
    char part[FILE_PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part)) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return RC_SYSTEM;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return RC_SYSTEM;
        part[i] = path[i];
    }
    return RC_OK;
}

/* read() until the end or until the buffer is full. */
static ssize_t read_all(int fd, char *buf, size_t capacity)
{
    size_t len = 0;

    while (len < capacity) {
        ssize_t got = read(fd, buf + len, capacity - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

enum rc files_read(const char *path, char *buf, size_t capacity, size_t *ret_len, mode_t *ret_mode)
{
    enum rc rc = RC_SYSTEM;
    struct stat info;
    ssize_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return RC_SYSTEM;
    if (fstat(fd, &info) != 0)
        goto out;
    if (!S_ISREG(info.st_mode)) {
        errno = EINVAL;
        goto out;
    }
    if (info.st_uid != geteuid()) {
        rc = RC_DENIED;
        goto out;
    }
    len = read_all(fd, buf, capacity);
    if (len < 0)
        goto out;
    if ((size_t)len == capacity) {
        rc = RC_TOO_BIG;
        goto out;
    }
    buf[len] = '\0';
    *ret_len = (size_t)len;
    if (ret_mode != NULL)
        *ret_mode = info.st_mode;
    rc = RC_OK;
out:
    close(fd);
    return rc;
}

static bool write_all(int fd, struct span content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.ptr, content.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content.ptr += put;
        content.len -= (size_t)put;
    }
    return true;
}

enum rc files_sync_folder(const char *path)
{
    char folder[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;
    bool is_done;

    if (slash == NULL)
        snprintf(folder, sizeof(folder), ".");
    else
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return RC_SYSTEM;
    is_done = fsync(fd) == 0;
    close(fd);
    return is_done ? RC_OK : RC_SYSTEM;
}

enum rc files_write(const char *path, struct span content, bool keep_existing)
{
    enum rc rc = RC_SYSTEM;
    char temporary[FILE_PATH_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    int fd, saved;

    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return RC_SYSTEM;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return RC_SYSTEM;
    if (fchmod(fd, 0600) != 0 || !write_all(fd, content) || fsync(fd) != 0)
        goto out;
    if (keep_existing) {
        if (link(temporary, path) != 0) {
            rc = errno == EEXIST ? RC_END : RC_SYSTEM;
            goto out;
        }
    } else if (rename(temporary, path) != 0) {
        goto out;
    }
    rc = files_sync_folder(path);
out:
    saved = errno;
    close(fd);
    unlink(temporary);
    errno = saved;
    return rc;
}

void files_remove_stale(const char *path)
{
    struct stat info;

    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode) &&
        (uint64_t)info.st_mtim.tv_sec * 1000 + STALE_MS < clock_wall_ms())
        unlink(path);
}

int files_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        close(fd);
        return -1;
    }
    return fd;
}
