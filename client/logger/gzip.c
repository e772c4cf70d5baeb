#include "client/logger/gzip.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define TEMPORARY    ".compressing.gz.tmp"
#define STEP_BYTES   (256 * 1024)
#define OUTPUT_BYTES (64 * 1024)

struct gzip {
    int dir_fd, from_fd, to_fd;
    char name[NAME_MAX + 1];
    z_stream stream;
    bool has_stream;
    unsigned char input[STEP_BYTES], output[OUTPUT_BYTES];
};

void gzip_clean(int dir_fd)
{
    unlinkat(dir_fd, TEMPORARY, 0);
}

enum rc gzip_rename(int dir_fd, const char *name)
{
    char ending[NAME_MAX + 1];
    const int len = snprintf(ending, sizeof ending, "%s.gz", name);

    if (len < 0 || (size_t)len >= sizeof ending) {
        errno = ENAMETOOLONG;
        return RC_SYSTEM;
    }
    if (renameat2(dir_fd, name, dir_fd, ending, RENAME_NOREPLACE) != 0 || fsync(dir_fd) != 0)
        return RC_SYSTEM;
    return RC_OK;
}

enum rc gzip_open(int dir_fd, const char *name, struct gzip **ret)
{
    struct gzip *self = x_alloc(1, sizeof *self);

    self->dir_fd = dir_fd;
    self->to_fd = -1;
    snprintf(self->name, sizeof self->name, "%s", name);
    self->from_fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (self->from_fd < 0)
        goto failed;
    gzip_clean(dir_fd);
    self->to_fd = openat(dir_fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (self->to_fd < 0)
        goto failed;
    errno = ENOMEM;
    /* 15 bits of window, and 16: with gzip's head. */
    if (deflateInit2(&self->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        goto failed;
    self->has_stream = true;
    *ret = self;
    return RC_OK;
failed:
    gzip_close(&self);
    return RC_SYSTEM;
}

const char *gzip_name(const struct gzip *self)
{
    return self->name;
}

void gzip_close(struct gzip **self_p)
{
    struct gzip *self = *self_p;
    const int kept = errno;

    *self_p = NULL;
    if (self == NULL)
        return;
    if (self->has_stream)
        deflateEnd(&self->stream);
    if (self->from_fd >= 0)
        close(self->from_fd);
    if (self->to_fd >= 0) {
        close(self->to_fd);
        gzip_clean(self->dir_fd);
    }
    free(self);
    errno = kept;
}

static enum rc write_all(int fd, const unsigned char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return RC_SYSTEM;
        bytes += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

/* All of it is on the disk, and takes the other's place. */
static enum rc finish(struct gzip *self)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
    struct stat info;

    /* How old it is, retention asks. */
    if (fstat(self->from_fd, &info) == 0)
        times[1] = info.st_mtim;
    if (futimens(self->to_fd, times) != 0 || fsync(self->to_fd) != 0 ||
        renameat(self->dir_fd, TEMPORARY, self->dir_fd, self->name) != 0)
        return RC_SYSTEM;
    if (gzip_rename(self->dir_fd, self->name) != RC_OK)
        return RC_SYSTEM;
    return RC_END;
}

enum rc gzip_step(struct gzip *self)
{
    z_stream *stream = &self->stream;
    ssize_t n;

    do
        n = read(self->from_fd, self->input, sizeof self->input);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return RC_SYSTEM;
    stream->next_in = self->input;
    stream->avail_in = (unsigned)n;
    do {
        stream->next_out = self->output;
        stream->avail_out = sizeof self->output;
        (void)deflate(stream, n == 0 ? Z_FINISH : Z_NO_FLUSH); /* fails only when misused */
        if (write_all(self->to_fd, self->output, sizeof self->output - stream->avail_out) != RC_OK)
            return RC_SYSTEM;
    } while (stream->avail_out == 0);
    return n == 0 ? finish(self) : RC_OK;
}
