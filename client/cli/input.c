#include "client/cli/input.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void input_init(struct input *self, int fd)
{
    *self = (struct input){.fd = fd, .buf = x_alloc(INPUT_BYTES_MAX, 1)};
}

void input_fini(struct input *self)
{
    free(self->buf);
    self->buf = NULL;
}

enum rc input_fill(struct input *self)
{
    ssize_t got;

    if (self->start > 0) {
        memmove(self->buf, self->buf + self->start, self->end - self->start);
        self->end -= self->start;
        self->start = 0;
    }
    if (self->end == INPUT_BYTES_MAX)
        return RC_OK; /* take lines first */
    got = read(self->fd, self->buf + self->end, INPUT_BYTES_MAX - self->end);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return RC_OK;
    if (got <= 0)
        self->is_over = true;
    if (got < 0)
        return RC_SYSTEM;
    self->end += (size_t)got;
    return RC_OK;
}

static struct span without_cr(struct span line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* A line up to `end` was found; the next one starts at `next`. */
static enum rc finish_line(struct input *self, size_t end, size_t next, struct span *ret)
{
    struct span line = without_cr((struct span){self->buf + self->start, end - self->start});

    self->start = next;
    if (self->is_skipping) {
        self->is_skipping = false;
        return RC_TOO_BIG;
    }
    *ret = line;
    return RC_OK;
}

enum rc input_line(struct input *self, struct span *ret)
{
    char *from = self->buf + self->start;
    size_t len = self->end - self->start;
    char *newline = memchr(from, '\n', len);

    if (newline != NULL)
        return finish_line(self, (size_t)(newline - self->buf), (size_t)(newline - self->buf) + 1,
                           ret);
    if (self->is_over && (len > 0 || self->is_skipping))
        return finish_line(self, self->end, self->end, ret);
    if (len == INPUT_BYTES_MAX) {
        self->start = self->end; /* too big already: forget it up to its end */
        self->is_skipping = true;
    }
    return RC_END;
}

enum rc input_all(struct input *self, struct span *ret)
{
    struct span all;

    while (!self->is_over && self->end < INPUT_BYTES_MAX) {
        if (input_fill(self) != RC_OK)
            return RC_SYSTEM;
    }
    all = (struct span){self->buf, self->end};
    if (all.len > 0 && all.ptr[all.len - 1] == '\n') {
        all.len--;
        all = without_cr(all);
    }
    self->start = self->end;
    if (all.len > TEXT_BYTES_MAX)
        return RC_TOO_BIG;
    *ret = all;
    return RC_OK;
}
