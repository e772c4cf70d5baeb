#include "client/logger/logger.h"

#include "client/logger/logfile.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/files.h"
#include "shared/base/limits.h"
#include "shared/base/log.h"
#include "shared/text/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STREAMS_MAX      8192 /* as many as libzchat follows */
#define ROOMS_EVERY_MS   3000
#define SYNC_EVERY_MS    1000
#define RETRY_EVERY_MS   1000
#define LINK_WAIT_MS     5000        /* without a link, until the reason is told */
#define LINK_TOLD_MS     60000       /* and told again */
#define ROOM_NEEDED      (16 * 1024) /* bytes free before a full disk is tried again */
#define EXIT_NOT_LET_IN  5
#define FILES_PER_STREAM 2

struct stream {
    char *name;
    struct logfile *file[FILES_PER_STREAM]; /* NULL where a format was not asked for */
    bool is_followed;
    bool is_stalled; /* the disk did not take an event; what comes is left for later */
    bool is_behind;  /* has been stalled, and nothing was written since */
};

struct logger {
    struct logger_options *options;
    int argc; /* for reading them again */
    char *const *argv;
    struct zchat *chat;
    int dir_fd;
    int signal_fd;
    struct stream *stream; /* sorted by name */
    size_t count;
    uint32_t rooms_ref; /* the listing we wait for, 0 for none */
    uint64_t rooms_at_ms, sync_at_ms, retry_at_ms, trouble_at_ms;
    bool is_full; /* said so, and not yet taken back */
    bool is_done;
    int status;
};

/* What failed and cannot be carried on from. */
static void fail(struct logger *self, const char *stream, const char *what)
{
    char name[STREAM_BYTES_MAX + 1];

    clean_copy(name, sizeof name, span_of(stream));
    log_error("archive.failed", "out=%s stream=%s what=\"%s\"", self->options->out, name, what);
    self->is_done = true;
    self->status = 1;
}

/* Where `name` stands, or should. */
static size_t position(const struct logger *self, const char *name)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(self->stream[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct stream *find(struct logger *self, const char *name)
{
    const size_t at = position(self, name);

    if (at == self->count || strcmp(self->stream[at].name, name) != 0)
        return NULL;
    return &self->stream[at];
}

/* Every file of the stream has what is up to here. */
static uint64_t place(const struct stream *stream)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < FILES_PER_STREAM; i++)
        if (stream->file[i] != NULL && logfile_place(stream->file[i]) < least)
            least = logfile_place(stream->file[i]);
    return least;
}

static enum rc open_files(struct logger *self, struct stream *stream)
{
    const bool wanted[FILES_PER_STREAM] = {
        [LOGFILE_JSONL] = self->options->has_jsonl,
        [LOGFILE_TEXT] = self->options->has_text,
    };
    enum rc rc = RC_OK;

    for (size_t i = 0; i < FILES_PER_STREAM && rc == RC_OK; i++) {
        const struct logfile_options options = {
            .dir_fd = self->dir_fd,
            .stream = stream->name,
            .format = (enum logfile_format)i,
            .rotation = self->options->rotation,
        };
        if (wanted[i])
            rc = logfile_open(&options, &stream->file[i]);
    }
    return rc;
}

static void close_files(struct stream *stream)
{
    for (size_t i = 0; i < FILES_PER_STREAM; i++)
        logfile_close(&stream->file[i]);
    free(stream->name);
    stream->name = NULL;
}

/* The stream's row, made with its files when it is new. NULL: it could not be; said so. */
static struct stream *take_stream(struct logger *self, const char *name, uint64_t head)
{
    struct stream new = {0};
    size_t at;
    enum rc rc;

    if (find(self, name) != NULL)
        return find(self, name);
    if (self->count == STREAMS_MAX) {
        log_warn("archive.limit", "streams=%d", STREAMS_MAX);
        return NULL;
    }
    new.name = x_strdup(name);
    rc = open_files(self, &new);
    if (rc != RC_OK) {
        if (rc == RC_CONFIG)
            fail(self, name, "its file there is no archive of ours; move it away");
        else if (!self->is_full)
            log_error("archive.open", "out=%s why=\"%s\"", self->options->out, strerror(errno));
        self->is_full = true; /* with the next listing it is tried again */
        close_files(&new);
        return NULL;
    }
    if (head < place(&new))
        log_error("archive.ahead",
                  "stream=%s archived=%" PRIu64 " broker=%" PRIu64
                  " hint=\"another broker, or one restored from a backup\"",
                  name, place(&new), head);
    at = position(self, name);
    self->stream = x_realloc(self->stream, self->count + 1, sizeof *self->stream);
    memmove(self->stream + at + 1, self->stream + at, (self->count - at) * sizeof *self->stream);
    self->stream[at] = new;
    self->count++;
    return &self->stream[at];
}

static void follow(struct logger *self, struct stream *stream)
{
    const struct zchat_place from = {ZCHAT_FROM_SEQ, place(stream) + 1};
    const zchat_rc rc = zchat_follow(self->chat, stream->name, from, 0);

    stream->is_followed = rc == 0;
    if (rc != 0)
        log_warn("stream.follow", "stream=%s why=\"%s\"", stream->name, zchat_strerror(rc));
}

/* A stream that exists: it is followed if it was asked for. `head` is its last seq. */
static void on_stream(struct logger *self, const char *name, uint64_t head)
{
    struct stream *stream;

    if (!logger_options_match(self->options, name))
        return;
    stream = take_stream(self, name, head);
    if (stream != NULL && !stream->is_followed && !stream->is_stalled)
        follow(self, stream);
}

static void stall(struct logger *self, struct stream *stream, int why)
{
    zchat_unfollow(self->chat, stream->name);
    stream->is_followed = false;
    stream->is_stalled = true;
    stream->is_behind = true;
    if (!self->is_full)
        log_error("archive.full", "out=%s why=\"%s\" action=\"waiting for room, nothing is lost\"",
                  self->options->out, strerror(why));
    self->is_full = true;
    self->retry_at_ms = clock_mono_ms() + RETRY_EVERY_MS;
}

static void on_event(struct logger *self, const struct zchat_event *event)
{
    struct stream *stream = find(self, event->stream);

    if (stream == NULL || stream->is_stalled)
        return;
    for (size_t i = 0; i < FILES_PER_STREAM; i++) {
        enum rc rc = RC_OK;

        if (stream->file[i] != NULL)
            rc = logfile_append(stream->file[i], event);
        if (rc == RC_SYSTEM) {
            stall(self, stream, errno);
            return;
        }
        if (rc == RC_END) {
            log_warn("stream.hole", "stream=%s place=%" PRIu64 " action=\"following again\"",
                     stream->name, place(stream));
            zchat_unfollow(self->chat, stream->name);
            follow(self, stream);
            return;
        }
    }
    if (stream->is_behind) {
        stream->is_behind = false;
        log_info("archive.room", "out=%s", self->options->out);
        self->is_full = false;
    }
}

static void on_link(struct logger *self, const struct zchat_event *event)
{
    char why[256];

    switch (event->link) {
    case ZCHAT_LINK_UP:
        log_info("link.up", "broker=%s nick=%s", zchat_broker(self->chat), zchat_nick(self->chat));
        self->rooms_at_ms = 0;
        break;
    case ZCHAT_LINK_DOWN:
        clean_copy(why, sizeof why, span_of(event->text));
        log_warn("link.down", "why=\"%s\" action=\"connecting again\"", why);
        self->trouble_at_ms = clock_mono_ms() + LINK_WAIT_MS;
        break;
    case ZCHAT_LINK_REFUSED:
        clean_copy(why, sizeof why, span_of(event->text));
        fprintf(stderr, "zchat-logger: not let in: %s: %s\n", zchat_errname(event->rc),
                why[0] != '\0' ? why : zchat_strerror(event->rc));
        self->is_done = true;
        self->status = EXIT_NOT_LET_IN;
        break;
    }
}

static void on_answer(struct logger *self, const struct zchat_event *event, uint64_t now_ms)
{
    struct stream *stream;

    if (event->ref != 0 && event->ref == self->rooms_ref) {
        self->rooms_ref = 0;
        self->rooms_at_ms = now_ms + ROOMS_EVERY_MS;
    } else if (event->ref == 0 && (stream = find(self, event->stream)) != NULL) {
        stream->is_followed = false; /* it is gone; the listings tell when it comes back */
    }
}

static void reopen(struct logger *self)
{
    for (size_t i = 0; i < self->count; i++)
        for (size_t k = 0; k < FILES_PER_STREAM; k++)
            if (self->stream[i].file[k] != NULL &&
                logfile_reopen(self->stream[i].file[k]) != RC_OK) {
                fail(self, self->stream[i].name, "cannot be opened again");
                return;
            }
    log_info("archive.reopened", "streams=%zu", self->count);
}

static void sync_all(struct logger *self)
{
    for (size_t i = 0; i < self->count; i++)
        for (size_t k = 0; k < FILES_PER_STREAM; k++)
            if (self->stream[i].file[k] != NULL && logfile_sync(self->stream[i].file[k]) != RC_OK) {
                fail(self, self->stream[i].name, "the disk failed; its last second may be lost");
                return;
            }
}

static void open_log(const struct logger_options *options)
{
    char why[CONF_WHY_BYTES];

    if (log_output(&options->log, "zchat-logger", why) != RC_OK)
        log_warn("log.not_opened", "reason=\"%s\": the log stays where it is", why);
}

/* Streams, formats and rotation may have changed: begin anew, each stream at its place. What is on its way to a stream
 * that is no longer followed is fetched when it is followed again. */
static void begin_anew(struct logger *self)
{
    char own[STREAM_BYTES_MAX + 1];

    sync_all(self);
    for (size_t i = 0; i < self->count; i++) {
        zchat_unfollow(self->chat, self->stream[i].name);
        close_files(&self->stream[i]);
    }
    self->count = 0;
    self->is_full = false;
    snprintf(own, sizeof own, "@%s", zchat_nick(self->chat));
    on_stream(self, own, UINT64_MAX);
    self->rooms_ref = 0; /* a listing that is under way has told some already */
}

/* All or nothing: what is wrong changes nothing. True: the archive has changed. */
static bool reload(struct logger *self)
{
    struct logger_options *fresh = x_alloc(1, sizeof *fresh);
    char why[CONF_WHY_BYTES];
    struct conf_changes changes;

    if (logger_options_parse(self->argc, self->argv, fresh, why) != RC_OK) {
        log_error("config.refused", "reason=\"%s\" action=\"the old configuration stays\"", why);
        free(fresh);
        return false;
    }
    logger_options_reload(self->options, fresh, &changes);
    free(fresh);
    open_log(self->options);
    if (changes.kept > 0)
        log_warn("config.needs_restart", "keys=\"%s\": they take effect at the next start",
                 changes.kept_keys);
    log_info("config.reloaded", "changed=\"%s\"", changes.taken_keys);
    return changes.taken > 0;
}

static void on_signals(struct logger *self)
{
    struct signalfd_siginfo info;

    while (read(self->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP && reload(self))
            begin_anew(self);
        else if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGHUP)
            reopen(self);
        else
            self->is_done = true;
        if (info.ssi_signo == SIGHUP)
            self->rooms_at_ms = 0;
        if (info.ssi_signo == SIGUSR1)
            open_log(self->options);
    }
}

static void retry_stalled(struct logger *self)
{
    struct statvfs disk;

    if (fstatvfs(self->dir_fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < ROOM_NEEDED)
        return;
    for (size_t i = 0; i < self->count; i++) {
        if (!self->stream[i].is_stalled)
            continue;
        self->stream[i].is_stalled = false;
        follow(self, &self->stream[i]);
    }
}

/* Whoever waits for an archive wants to know why there is none. */
static void tell_trouble(struct logger *self, uint64_t now_ms)
{
    char cleaned[256];
    const char *why;

    self->trouble_at_ms = now_ms + LINK_TOLD_MS;
    if (zchat_trouble(self->chat, &why) == 0)
        return;
    clean_copy(cleaned, sizeof cleaned, span_of(why));
    log_warn("link.trouble", "why=\"%s\" action=\"trying again\"", cleaned);
}

/* What is due by the clock; returns how long to wait for the next, in milliseconds. */
static int on_time(struct logger *self, uint64_t now_ms)
{
    uint64_t next;

    if (now_ms >= self->sync_at_ms) {
        sync_all(self);
        on_signals(self); /* also when events never pause */
        self->sync_at_ms = now_ms + SYNC_EVERY_MS;
    }
    if (now_ms >= self->retry_at_ms) {
        retry_stalled(self);
        self->retry_at_ms = now_ms + RETRY_EVERY_MS;
    }
    if (now_ms >= self->trouble_at_ms)
        tell_trouble(self, now_ms);
    if (self->rooms_ref == 0 && now_ms >= self->rooms_at_ms) {
        if (zchat_rooms(self->chat, false, &self->rooms_ref) != 0)
            self->rooms_ref = 0;
        self->rooms_at_ms = now_ms + ROOMS_EVERY_MS;
    }
    next = self->sync_at_ms < self->retry_at_ms ? self->sync_at_ms : self->retry_at_ms;
    if (self->rooms_ref == 0 && self->rooms_at_ms < next)
        next = self->rooms_at_ms;
    return next > now_ms ? (int)(next - now_ms) : 0;
}

static void loop(struct logger *self)
{
    struct pollfd extra = {.fd = self->signal_fd, .events = POLLIN};
    char own[STREAM_BYTES_MAX + 1];
    struct zchat_event event;

    self->trouble_at_ms = clock_mono_ms() + LINK_WAIT_MS;
    snprintf(own, sizeof own, "@%s", zchat_nick(self->chat));
    on_stream(self, own, UINT64_MAX);
    while (!self->is_done) {
        const int timeout_ms = on_time(self, clock_mono_ms());
        zchat_rc rc;

        if (self->is_done)
            break;
        extra.revents = 0;
        rc = zchat_next(self->chat, timeout_ms, &extra, 1, &event);
        if (rc != 0) {
            fail(self, "", zchat_strerror(rc));
            break;
        }
        if (extra.revents != 0)
            on_signals(self);
        if (event.kind == ZCHAT_EVENT || event.kind == ZCHAT_GAP)
            on_event(self, &event);
        else if (event.kind == ZCHAT_ROOM)
            on_stream(self, event.stream, event.seq);
        else if (event.kind == ZCHAT_LINK)
            on_link(self, &event);
        else if (event.kind == ZCHAT_ANSWER)
            on_answer(self, &event, clock_mono_ms());
    }
    sync_all(self);
}

/* The folder, made if it is missing, and ours alone: two loggers would write everything twice. */
static int open_folder(const char *path)
{
    char why[FILES_WHY_BYTES];
    int fd;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (files_check(path, why) != RC_OK) {
        fprintf(stderr, "zchat-logger: %s\n", why);
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "zchat-logger: %s: %s\n", path,
                errno == EWOULDBLOCK ? "another logger writes here" : strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* Before any thread is: signals are read in the loop, and a room needs a file or two. */
static int prepare_process(void)
{
    struct rlimit files;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the file's size is a full disk */
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

int logger_run(struct logger_options *options, int argc, char *const *argv)
{
    const struct zchat_options connect = {
        .broker = or_null(options->broker),
        .nick = options->nick,
        .home = or_null(options->home),
        .history = or_null(options->history),
        .agent = "zchat-logger " ZCHAT_VERSION,
        .is_service = true,
    };
    struct logger self = {.options = options,
                          .argc = argc,
                          .argv = argv,
                          .dir_fd = -1,
                          .signal_fd = prepare_process(),
                          .status = 1};
    const char *why = "";
    zchat_rc rc;

    open_log(options);
    if (self.signal_fd < 0 || (self.dir_fd = open_folder(options->out)) < 0)
        goto out;
    rc = zchat_open(&connect, &self.chat, &why);
    if (rc != 0) {
        fprintf(stderr, "zchat-logger: %s\n",
                why != NULL && why[0] != '\0' ? why : zchat_strerror(rc));
        goto out;
    }
    fprintf(stderr, "logging to %s\n", options->out);
    self.status = 0;
    loop(&self);
    zchat_close(&self.chat);
out:
    for (size_t i = 0; i < self.count; i++)
        close_files(&self.stream[i]);
    free(self.stream);
    if (self.dir_fd >= 0)
        close(self.dir_fd);
    if (self.signal_fd >= 0)
        close(self.signal_fd);
    return self.status;
}
