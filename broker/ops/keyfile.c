#include "broker/ops/keyfile.h"

#include "shared/text/url.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PATH_BYTES 1024

static enum rc join(char path[static PATH_BYTES], const char *folder, const char *name, char *why)
{
    int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

    if (len > 0 && len < PATH_BYTES)
        return RC_OK;
    if (why != NULL)
        snprintf(why, FOLDER_WHY_BYTES, "the path of %s in the data folder is too long", name);
    return RC_SYSTEM;
}

static enum rc say_errno(char *why, const char *what, const char *path)
{
    snprintf(why, FOLDER_WHY_BYTES, "cannot %s %.512s: %s", what, path, strerror(errno));
    return RC_SYSTEM;
}

/* Files that survive a power cut */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);

        if (done < 0 && errno != EINTR)
            return -1;
        bytes += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return fsync(fd);
}

static int sync_folder_of(const char *path)
{
    char copy[PATH_BYTES];
    int fd, rc;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    (void)close(fd);
    return rc;
}

enum rc file_replace(const char *path, const void *bytes, size_t len)
{
    char fresh[PATH_BYTES];
    int failure = ENAMETOOLONG;
    int fd;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        goto failed;
    (void)unlink(fresh); /* of a start that was cut short */
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return RC_SYSTEM;
    failure = write_all(fd, bytes, len) == 0 ? 0 : errno;
    if (close(fd) != 0 && failure == 0)
        failure = errno;
    if (failure == 0 && (rename(fresh, path) != 0 || sync_folder_of(path) != 0))
        failure = errno;
    if (failure == 0)
        return RC_OK;
    (void)unlink(fresh);
failed:
    errno = failure;
    return RC_SYSTEM;
}

/* At most capacity - 1 bytes and a NUL; returns the length, or -1 with errno. */
static ssize_t read_file(const char *path, char *buf, size_t capacity, struct stat *ret_status)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len = -1;
    int failure;

    if (fd < 0)
        return -1;
    if (fstat(fd, ret_status) == 0)
        len = read(fd, buf, capacity - 1);
    failure = errno;
    (void)close(fd);
    errno = failure;
    buf[len < 0 ? 0 : len] = '\0';
    return len;
}

/* The folder */

static enum rc make_folder(const char *folder, char *why)
{
    char path[PATH_BYTES];

    if (snprintf(path, sizeof(path), "%s", folder) >= (int)sizeof(path)) {
        snprintf(why, FOLDER_WHY_BYTES, "the path of the data folder is too long");
        return RC_SYSTEM;
    }
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return say_errno(why, "make the folder", path);
        *at = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return say_errno(why, "make the folder", path);
    return RC_OK;
}

static enum rc check_folder(const char *folder, char *why)
{
    struct stat status;

    if (stat(folder, &status) != 0)
        return say_errno(why, "look at", folder);
    if (!S_ISDIR(status.st_mode)) {
        snprintf(why, FOLDER_WHY_BYTES, "%.512s is not a folder", folder);
        return RC_SYSTEM;
    }
    if (status.st_uid != geteuid() || (status.st_mode & 0022) != 0) {
        snprintf(why, FOLDER_WHY_BYTES,
                 "others may write to %.512s (mode %04o): chown it to the broker's user and chmod "
                 "700 it",
                 folder, (unsigned)(status.st_mode & 07777));
        return RC_SYSTEM;
    }
    return RC_OK;
}

enum rc folder_open(const char *folder, int *ret_lock, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];
    int fd;

    if (make_folder(folder, why) != RC_OK || check_folder(folder, why) != RC_OK ||
        join(path, folder, "lock", why) != RC_OK)
        return RC_SYSTEM;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return say_errno(why, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = fd;
        return RC_OK;
    }
    if (errno == EWOULDBLOCK)
        snprintf(why, FOLDER_WHY_BYTES, "another zchat-broker uses %.512s", folder);
    else
        (void)say_errno(why, "lock", path);
    (void)close(fd);
    return RC_SYSTEM;
}

/* The key */

static enum rc make_key(const char *path, struct key_pair *ret, char *why)
{
    char line[2 * PUBLIC_KEY_BYTES + 2];
    enum rc rc;

    (void)crypto_box_keypair(ret->public_key, ret->secret_key);
    hex_encode(ret->secret_key, PUBLIC_KEY_BYTES, line);
    line[sizeof(line) - 2] = '\n';
    rc = file_replace(path, line, sizeof(line) - 1);
    sodium_memzero(line, sizeof(line));
    return rc == RC_OK ? RC_OK : say_errno(why, "write", path);
}

enum rc key_pair_load(const char *folder, struct key_pair *ret, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];
    char line[2 * PUBLIC_KEY_BYTES + 4];
    struct key_pair pair;
    struct stat status;
    ssize_t len;
    enum rc rc = RC_BAD_KEY_FILE;

    if (sodium_init() < 0 || join(path, folder, "broker.key", why) != RC_OK)
        return RC_SYSTEM;
    len = read_file(path, line, sizeof(line), &status);
    if (len < 0 && errno == ENOENT)
        return make_key(path, ret, why);
    if (len < 0)
        return say_errno(why, "read", path);
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0)
        snprintf(why, FOLDER_WHY_BYTES,
                 "others may read %.512s (mode %04o): it must be the broker's own, mode 0600", path,
                 (unsigned)(status.st_mode & 07777));
    else if ((len != 2 * PUBLIC_KEY_BYTES && len != 2 * PUBLIC_KEY_BYTES + 1) ||
             (len == 2 * PUBLIC_KEY_BYTES + 1 && line[len - 1] != '\n') ||
             hex_decode((struct span){line, 2 * PUBLIC_KEY_BYTES}, pair.secret_key,
                        PUBLIC_KEY_BYTES) != RC_OK ||
             crypto_scalarmult_base(pair.public_key, pair.secret_key) != 0)
        snprintf(why, FOLDER_WHY_BYTES,
                 "%.512s is damaged: 64 hexadecimal digits and a newline were expected; put back a "
                 "copy of it (a new key would be another broker to all who know this one)",
                 path);
    else
        rc = RC_OK;
    if (rc == RC_OK)
        *ret = pair;
    sodium_memzero(line, sizeof(line));
    sodium_memzero(&pair, sizeof(pair));
    return rc;
}

void key_pair_wipe(struct key_pair *self)
{
    sodium_memzero(self, sizeof(*self));
}

/* The address */

enum rc url_file_write(const char *folder, const char *url, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];
    char line[URL_BYTES_MAX + 1];
    int len = snprintf(line, sizeof(line), "%s\n", url);

    if (make_folder(folder, why) != RC_OK || join(path, folder, "broker.url", why) != RC_OK)
        return RC_SYSTEM;
    if (file_replace(path, line, (size_t)len) != RC_OK)
        return say_errno(why, "write", path);
    return RC_OK;
}

bool url_folder_of_user(char *ret, size_t capacity)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int len;

    if (runtime == NULL || runtime[0] != '/')
        return false;
    len = snprintf(ret, capacity, "%s/zchat", runtime);
    return len > 0 && (size_t)len < capacity;
}

void url_file_remove(const char *folder, const char *url)
{
    char path[PATH_BYTES];
    char line[URL_BYTES_MAX + 2];
    struct stat status;
    ssize_t len;

    if (join(path, folder, "broker.url", NULL) != RC_OK)
        return;
    len = read_file(path, line, sizeof(line), &status);
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = '\0';
    if (len > 0 && strcmp(line, url) == 0)
        (void)unlink(path);
}
