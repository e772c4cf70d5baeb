/* streams.h - the streams that are archived, each with its files. */
#ifndef CLIENT_LOGGER_STREAMS_H
#define CLIENT_LOGGER_STREAMS_H

#include "client/logger/logfile.h"
#include "client/logger/options.h"

#define STREAMS_MAX      8192 /* as many as libzchat follows */
#define FILES_PER_STREAM 2

struct stream {
    char *name;
    struct logfile *file[FILES_PER_STREAM]; /* NULL where a format was not asked for */
    bool is_followed;
    bool is_stalled; /* the disk did not take an event; what comes is left for later */
    bool is_behind;  /* has been stalled, and nothing was written since */
    bool is_closed;  /* may not be read any more; said so */
    bool is_kept_up; /* its files that were put aside are as they should be */
};

struct streams {
    struct stream *item; /* sorted by name */
    size_t count;
};

void streams_fini(struct streams *self);

/* The row, or NULL. It moves when one is added. */
struct stream *streams_find(const struct streams *self, const char *name);

/* Add a row and open its files. RC_LIMIT: STREAMS_MAX. RC_SYSTEM, RC_CONFIG: as logfile_open(). */
enum rc streams_add(struct streams *self, const char *name, const struct logger_options *options,
                    int dir_fd, struct stream **ret) MUST_CHECK;

/* Every file of the stream has what is up to here. */
uint64_t stream_place(const struct stream *self);

/* As the functions of logfile.h, over all files; the first failure ends it. */
enum rc stream_append(struct stream *self, const struct zchat_event *event) MUST_CHECK;
enum rc stream_sync(struct stream *self) MUST_CHECK;
enum rc stream_reopen(struct stream *self) MUST_CHECK;

#endif
