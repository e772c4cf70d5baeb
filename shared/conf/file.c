/* file.c - configuration files from the file system. */
#include "shared/conf/conf.h"

#include "shared/base/alloc.h"
#include "shared/conf/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>

#define PIPE_WAIT_MS 5000
#define UID_UNKNOWN  65534 /* whom a user namespace does not know */

static enum rc fail(char *why, const char *reason)
{
    snprintf(why, CONF_WHY_BYTES, "%s", reason);
    return RC_CONFIG;
}

/* A configuration may name programs to run: whoever may write it may do what its reader may. */
static enum rc check(const struct stat *info, bool is_included, char *why)
{
    if (S_ISDIR(info->st_mode))
        return fail(why, strerror(EISDIR));
    if (!S_ISREG(info->st_mode)) /* a pipe of the shell's; but a pattern should not find one */
        return is_included ? fail(why, "it is no regular file") : RC_OK;
    if (info->st_uid != 0 && info->st_uid != geteuid() && info->st_uid != UID_UNKNOWN)
        return fail(why, "it belongs to another user");
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        snprintf(why, CONF_WHY_BYTES, "others may write it (mode %04o); chmod go-w mends it",
                 (unsigned)info->st_mode & 07777);
        return RC_CONFIG;
    }
    return RC_OK;
}

static enum rc read_all(int fd, struct conf_text *text, char *why)
{
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t got;

        text->bytes = x_realloc(text->bytes, text->len + 4096, 1);
        got = read(fd, text->bytes + text->len, 4096);
        if (got == 0)
            return RC_OK;
        if (got > 0)
            text->len += (size_t)got;
        else if (errno == EAGAIN && poll(&ready, 1, PIPE_WAIT_MS) == 0)
            return fail(why, strerror(ETIMEDOUT));
        else if (errno != EINTR && errno != EAGAIN)
            return fail(why, strerror(errno));
        if (text->len > CONF_TEXT_BYTES_MAX)
            return fail(why, "it has more than 1 MiB");
    }
}

static enum rc load(void *context, const char *path, bool is_included, struct conf_text *ret,
                    char why[static CONF_WHY_BYTES])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    enum rc rc;

    (void)context;
    if (fd < 0)
        return fail(why, strerror(errno));
    rc = fstat(fd, &info) == 0 ? check(&info, is_included, why) : fail(why, strerror(errno));
    if (rc == RC_OK) {
        ret->id[0] = info.st_dev;
        ret->id[1] = info.st_ino;
        rc = read_all(fd, ret, why);
    }
    (void)close(fd);
    return rc;
}

static enum rc expand(void *context, const char *pattern, struct conf_paths *ret,
                      char why[static CONF_WHY_BYTES])
{
    glob_t found = {.gl_pathc = 0};
    const int result = glob(pattern, GLOB_ERR, NULL, &found);
    enum rc rc = RC_OK;

    (void)context;
    if (result != 0 && result != GLOB_NOMATCH && errno != ENOENT)
        rc = fail(why, result == GLOB_NOSPACE ? strerror(ENOMEM) : strerror(errno));
    if (rc == RC_OK && result == 0 && found.gl_pathc > CONF_FILES_MAX)
        rc = fail(why, "it names more than 64 files");
    if (rc == RC_OK && result == 0) {
        ret->path = x_alloc(found.gl_pathc, sizeof(*ret->path));
        for (; ret->count < found.gl_pathc; ret->count++)
            ret->path[ret->count] = x_strdup(found.gl_pathv[ret->count]);
    }
    globfree(&found);
    return rc;
}

enum rc conf_read_file(const struct conf_schema *schema, void *settings, const char *path,
                       struct conf_files *ret_files, char why[static CONF_WHY_BYTES])
{
    const struct conf_loader loader = {.load = load, .expand = expand};

    return conf_parse(schema, settings, path, &loader, ret_files, why);
}
