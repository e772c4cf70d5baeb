#include "broker/ops/keyfile.h"

#include "shared/base/files.h"
#include "shared/text/url.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <unistd.h>

#define PATH_BYTES 1024
_Static_assert(FOLDER_WHY_BYTES >= FILES_WHY_BYTES, "room for what the checks say");

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

/* The folder */

enum rc folder_open(const char *folder, int *ret_lock, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];
    int fd;

    if (files_make_folder(folder) != RC_OK)
        return say_errno(why, "make the folder", folder);
    if (files_check_folder(folder, why) != RC_OK || join(path, folder, "lock", why) != RC_OK)
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
    rc = files_write(path, (struct span){line, sizeof(line) - 1}, false);
    sodium_memzero(line, sizeof(line));
    return rc == RC_OK ? RC_OK : say_errno(why, "write", path);
}

enum rc key_pair_load(const char *folder, struct key_pair *ret, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];

    if (sodium_init() < 0 || join(path, folder, "broker.key", why) != RC_OK)
        return RC_SYSTEM;
    const enum rc rc = key_pair_read(path, ret, why);

    return rc == RC_SYSTEM && errno == ENOENT ? make_key(path, ret, why) : rc;
}

enum rc key_pair_make(const char *path, char why[static FOLDER_WHY_BYTES])
{
    struct key_pair pair;
    enum rc rc = RC_EXISTS;

    if (sodium_init() < 0)
        return RC_SYSTEM;
    if (access(path, F_OK) == 0)
        snprintf(why, FOLDER_WHY_BYTES, "%.512s is there already", path);
    else
        rc = make_key(path, &pair, why);
    sodium_memzero(&pair, sizeof(pair));
    return rc;
}

enum rc key_pair_read(const char *path, struct key_pair *ret, char why[static FOLDER_WHY_BYTES])
{
    char line[2 * PUBLIC_KEY_BYTES + 4];
    struct key_pair pair;
    size_t len = 0;
    enum rc rc;

    if (sodium_init() < 0)
        return RC_SYSTEM;
    if (files_check(path, why) != RC_OK)
        return RC_BAD_KEY_FILE;
    rc = files_read(path, line, sizeof(line), &len, NULL);
    if (rc == RC_SYSTEM)
        return say_errno(why, "read", path);
    if (rc != RC_OK || (len != 2 * PUBLIC_KEY_BYTES && len != 2 * PUBLIC_KEY_BYTES + 1) ||
        (len == 2 * PUBLIC_KEY_BYTES + 1 && line[len - 1] != '\n') ||
        hex_decode((struct span){line, 2 * PUBLIC_KEY_BYTES}, pair.secret_key, PUBLIC_KEY_BYTES) !=
            RC_OK ||
        crypto_scalarmult_base(pair.public_key, pair.secret_key) != 0) {
        rc = RC_BAD_KEY_FILE;
        snprintf(why, FOLDER_WHY_BYTES,
                 "%.512s is damaged: 64 hexadecimal digits and a newline were expected; put back a "
                 "copy of it (a new key would be another broker to all who know this one)",
                 path);
    } else {
        *ret = pair;
    }
    sodium_memzero(line, sizeof(line));
    sodium_memzero(&pair, sizeof(pair));
    return rc;
}

/* The address */

enum rc url_file_write(const char *folder, const char *url, char why[static FOLDER_WHY_BYTES])
{
    char path[PATH_BYTES];
    char line[URL_BYTES_MAX + 1];
    int len = snprintf(line, sizeof(line), "%s\n", url);

    if (files_make_folder(folder) != RC_OK)
        return say_errno(why, "make the folder", folder);
    if (join(path, folder, "broker.url", why) != RC_OK)
        return RC_SYSTEM;
    if (files_write(path, (struct span){line, (size_t)len}, false) != RC_OK)
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
    size_t len;

    if (join(path, folder, "broker.url", NULL) != RC_OK ||
        files_read(path, line, sizeof(line), &len, NULL) != RC_OK || len == 0)
        return;
    if (line[len - 1] == '\n')
        line[len - 1] = '\0';
    if (strcmp(line, url) == 0)
        (void)unlink(path);
}
