#include "client/logger/streams.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void close_stream(struct stream *self)
{
    for (size_t i = 0; i < FILES_PER_STREAM; i++)
        logfile_close(&self->file[i]);
    free(self->name);
    self->name = NULL;
}

void streams_fini(struct streams *self)
{
    for (size_t i = 0; i < self->count; i++)
        close_stream(&self->item[i]);
    free(self->item);
    *self = (struct streams){.item = NULL};
}

/* Where `name` stands, or should. */
static size_t position(const struct streams *self, const char *name)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(self->item[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct stream *streams_find(const struct streams *self, const char *name)
{
    const size_t at = position(self, name);

    if (at == self->count || strcmp(self->item[at].name, name) != 0)
        return NULL;
    return &self->item[at];
}

static enum rc open_files(struct stream *self, const struct logger_options *options, int dir_fd)
{
    const bool wanted[FILES_PER_STREAM] = {
        [LOGFILE_JSONL] = options->has_jsonl,
        [LOGFILE_TEXT] = options->has_text,
    };
    enum rc rc = RC_OK;

    for (size_t i = 0; i < FILES_PER_STREAM && rc == RC_OK; i++) {
        const struct logfile_options file = {
            .dir_fd = dir_fd,
            .stream = self->name,
            .format = (enum logfile_format)i,
            .rotation = options->rotation,
            .is_utc = options->is_utc,
        };
        if (wanted[i])
            rc = logfile_open(&file, &self->file[i]);
    }
    return rc;
}

enum rc streams_add(struct streams *self, const char *name, const struct logger_options *options,
                    int dir_fd, struct stream **ret)
{
    const size_t at = position(self, name);
    struct stream new = {.is_followed = false};
    enum rc rc;

    if (self->count == STREAMS_MAX)
        return RC_LIMIT;
    new.name = x_strdup(name);
    rc = open_files(&new, options, dir_fd);
    if (rc != RC_OK) {
        close_stream(&new);
        return rc;
    }
    self->item = x_realloc(self->item, self->count + 1, sizeof *self->item);
    memmove(self->item + at + 1, self->item + at, (self->count - at) * sizeof *self->item);
    self->item[at] = new;
    self->count++;
    *ret = &self->item[at];
    return RC_OK;
}

uint64_t stream_place(const struct stream *self)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < FILES_PER_STREAM; i++)
        if (self->file[i] != NULL && logfile_place(self->file[i]) < least)
            least = logfile_place(self->file[i]);
    return least;
}

enum rc stream_append(struct stream *self, const struct zchat_event *event)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < FILES_PER_STREAM && rc == RC_OK; i++) {
        if (self->file[i] == NULL)
            continue;
        rc = logfile_append(self->file[i], event);
        if (logfile_take_rotated(self->file[i]))
            self->is_kept_up = false;
    }
    return rc;
}

enum rc stream_sync(struct stream *self)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < FILES_PER_STREAM && rc == RC_OK; i++)
        if (self->file[i] != NULL)
            rc = logfile_sync(self->file[i]);
    return rc;
}

enum rc stream_reopen(struct stream *self)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < FILES_PER_STREAM && rc == RC_OK; i++)
        if (self->file[i] != NULL)
            rc = logfile_reopen(self->file[i]);
    return rc;
}
