#include "broker/recent.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define WAYS            4   /* events whose places fall together; of these the oldest goes */
#define BYTES_PER_EVENT 128 /* short ones; longer ones leave slots empty */

/* In front of each event. Positions count the bytes ever written, so an old one is known to be overwritten. */
struct mark {
    stream_id stream;
    uint32_t len;
    uint64_t seq;
};

struct group {
    uint64_t position[WAYS]; /* 0: none */
};

struct recent {
    char *bytes;
    size_t size;
    uint64_t end;    /* position behind the newest event; the first is at `size` */
    uint64_t begin;  /* nothing before it is there */
    size_t capacity; /* groups, a power of two */
    struct group *groups;
};

struct recent *recent_new(size_t bytes_max)
{
    struct recent *self;

    if (bytes_max == 0)
        return NULL;
    self = x_alloc(1, sizeof(*self));
    self->size = bytes_max;
    self->bytes = x_alloc(bytes_max, 1);
    for (self->capacity = 1; self->capacity * WAYS * BYTES_PER_EVENT < bytes_max;)
        self->capacity *= 2;
    self->groups = x_alloc(self->capacity, sizeof(*self->groups));
    self->end = self->begin = bytes_max;
    return self;
}

void recent_destroy(struct recent **self_p)
{
    struct recent *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    free(self->bytes);
    free(self->groups);
    free(self);
}

/* Events that follow each other lie side by side. Streams' numbers are ours, so nobody chooses where they fall. */
static struct group *group_of(const struct recent *self, stream_id stream, uint64_t seq)
{
    const uint64_t spread = stream.v * UINT64_C(0x9e3779b97f4a7c15);

    return &self->groups[((spread >> 32) + seq) & (self->capacity - 1)];
}

static struct mark mark_at(const struct recent *self, uint64_t position)
{
    struct mark mark;

    memcpy(&mark, self->bytes + position % self->size, sizeof(mark));
    return mark;
}

/* Where it is remembered; NULL: it is not, or not any more. */
static uint64_t *find(const struct recent *self, stream_id stream, uint64_t seq)
{
    struct group *group = group_of(self, stream, seq);

    for (size_t i = 0; i < WAYS; i++) {
        struct mark mark;

        if (group->position[i] < self->begin)
            continue;
        mark = mark_at(self, group->position[i]);
        if (mark.stream.v == stream.v && mark.seq == seq)
            return &group->position[i];
    }
    return NULL;
}

static uint64_t *oldest_of(struct group *group)
{
    uint64_t *oldest = &group->position[0];

    for (size_t i = 1; i < WAYS; i++) {
        if (group->position[i] < *oldest)
            oldest = &group->position[i];
    }
    return oldest;
}

void recent_note(struct recent *self, stream_id stream, uint64_t seq, struct span wire)
{
    const struct mark mark = {.stream = stream, .len = (uint32_t)wire.len, .seq = seq};
    const size_t len = sizeof(mark) + wire.len;
    size_t left;

    if (self == NULL || len > self->size)
        return;
    left = self->size - self->end % self->size;
    if (left < len) /* none lies over the edge */
        self->end += left;
    if (self->end + len > self->begin + self->size)
        self->begin = self->end + len - self->size;
    memcpy(self->bytes + self->end % self->size, &mark, sizeof(mark));
    memcpy(self->bytes + self->end % self->size + sizeof(mark), wire.ptr, wire.len);
    *oldest_of(group_of(self, stream, seq)) = self->end;
    self->end += len;
}

void recent_remove(struct recent *self, stream_id stream, uint64_t first, uint64_t last)
{
    if (self == NULL)
        return;
    if (last - first >= self->capacity * WAYS) { /* holes of before in it: quicker than looking */
        recent_clear(self);
        return;
    }
    for (uint64_t seq = first; seq <= last; seq++) {
        uint64_t *position = find(self, stream, seq);

        if (position != NULL)
            *position = 0;
    }
}

void recent_clear(struct recent *self)
{
    if (self == NULL)
        return;
    self->begin = self->end;
    explicit_bzero(self->bytes, self->size); /* somebody may have wanted it to be nowhere */
}

bool recent_read(struct recent *self, stream_id stream, uint64_t first, uint64_t last,
                 struct wire_buf *buf)
{
    const size_t len = buf->len;

    if (self == NULL || first > last)
        return false;
    for (uint64_t seq = first;; seq++) {
        const uint64_t *position = find(self, stream, seq);
        struct span wire = {NULL, 0};

        if (position != NULL) {
            wire.len = mark_at(self, *position).len;
            wire.ptr = self->bytes + *position % self->size + sizeof(struct mark);
        }
        if (position == NULL || wire_append(buf, wire) != RC_OK) {
            buf->len = len;
            return false;
        }
        if (seq == last)
            return true;
    }
}
