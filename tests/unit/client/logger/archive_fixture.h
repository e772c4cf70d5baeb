/* archive_fixture.h - an archive of #lobby in a folder of its own, for the tests of the logger's files. */
#ifndef TESTS_UNIT_CLIENT_LOGGER_ARCHIVE_FIXTURE_H
#define TESTS_UNIT_CLIENT_LOGGER_ARCHIVE_FIXTURE_H

#include "client/logger/logfile.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define DAY_MS UINT64_C(86400000)
#define T0     UINT64_C(1795425710123) /* 2026-11-23T09:21:50.123Z */

struct archive {
    struct folder folder;
    int dir_fd;
    struct logfile_options options;
    struct logfile *file; /* NULL: closed */
};

static inline void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static inline int archive_make(void **state)
{
    static struct archive self;

    self = (struct archive){.dir_fd = -1};
    if (!folder_open(&self.folder))
        return -1;
    self.dir_fd = open(self.folder.path, O_RDONLY | O_DIRECTORY);
    self.options = (struct logfile_options){
        .dir_fd = self.dir_fd, .stream = "#lobby", .format = LOGFILE_TEXT, .is_utc = true};
    *state = &self;
    return 0;
}

static inline int archive_clear(void **state)
{
    struct archive *self = *state;

    logfile_close(&self->file);
    close(self->dir_fd);
    folder_close(&self->folder);
    set_zone("UTC");
    return 0;
}

static inline struct zchat_event said(uint64_t seq, uint64_t ts_ms, const char *text)
{
    return (struct zchat_event){
        .kind = ZCHAT_EVENT,
        .stream = "#lobby",
        .seq = seq,
        .ts_ms = ts_ms,
        .type = "message",
        .message_kind = "message",
        .from = "bob",
        .to = "",
        .room = "",
        .text = text,
        .text_len = strlen(text),
    };
}

static inline void append(struct archive *self, const struct zchat_event *event)
{
    if (self->file == NULL)
        assert_int_equal(logfile_open(&self->options, &self->file), RC_OK);
    assert_int_equal(logfile_append(self->file, event), RC_OK);
}

static inline void say(struct archive *self, uint64_t seq, uint64_t ts_ms, const char *text)
{
    const struct zchat_event event = said(seq, ts_ms, text);

    append(self, &event);
}

/* The place that a new life finds. */
static inline uint64_t place_again(struct archive *self)
{
    logfile_close(&self->file);
    assert_int_equal(logfile_open(&self->options, &self->file), RC_OK);
    return logfile_place(self->file);
}

/* The content of a file, compressed or not; "" when there is none. */
static inline const char *read_back(struct archive *self, const char *name)
{
    static char buf[1 << 20];
    const int fd = openat(self->dir_fd, name, O_RDONLY);
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    int len = 0;

    if (file != NULL) {
        len = gzread(file, buf, sizeof buf - 1);
        gzclose_r(file);
    }
    buf[len > 0 ? len : 0] = '\0';
    return buf;
}

static inline bool exists(struct archive *self, const char *name)
{
    return faccessat(self->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
