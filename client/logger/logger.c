#include "client/logger/logger.h"

#include "client/logger/calendar.h"
#include "client/logger/doors.h"
#include "client/logger/filename.h"
#include "client/logger/process.h"
#include "client/logger/streams.h"
#include "client/logger/upkeep.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/notify.h"
#include "shared/text/clean.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOMS_EVERY_MS  3000
#define SYNC_EVERY_MS   1000
#define RETRY_EVERY_MS  1000
#define AGE_EVERY_MS    (15 * 60 * 1000) /* how often it is looked for files that are too old */
#define LINK_WAIT_MS    5000             /* without a link, until the reason is told */
#define LINK_TOLD_MS    60000            /* and told again */
#define ROOM_NEEDED     (16 * 1024)      /* bytes free before a full disk is tried again */
#define INVITATIONS     64 /* of the own stream's last events, how many are read for them */
#define EXIT_NOT_LET_IN 5

struct logger {
    struct logger_options *options;
    int argc; /* for reading them again */
    char *const *argv;
    struct zchat *chat;
    int dir_fd;
    int signal_fd;
    char own[STREAM_BYTES_MAX + 1];
    bool
        confirms; /* the own stream's events are told to have arrived, so they are synced at once */
    bool is_own_behind; /* somebody confirmed what is not archived yet */
    struct streams streams;
    struct doors doors;
    struct upkeep upkeep;
    size_t upkeep_at;   /* the row that is looked at next */
    uint32_t rooms_ref; /* the listing we wait for, 0 for none */
    uint64_t rooms_at_ms, sync_at_ms, retry_at_ms, trouble_at_ms, age_at_ms;
    uint64_t watchdog_ms, watchdog_at_ms; /* 0: nobody watches */
    bool is_full;                         /* said so, and not yet taken back */
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

/* The stream's row, made with its files when it is new. NULL: it could not be; said so. */
static struct stream *take_stream(struct logger *self, const char *name, uint64_t head)
{
    struct stream *stream = streams_find(&self->streams, name);
    enum rc rc;

    if (stream != NULL)
        return stream;
    rc = streams_add(&self->streams, name, self->options, self->dir_fd, &stream);
    if (rc == RC_LIMIT) {
        log_warn("archive.limit", "streams=%d", STREAMS_MAX);
        return NULL;
    }
    if (rc == RC_CONFIG) {
        fail(self, name, "its file there is no archive of ours; move it away");
        return NULL;
    }
    if (rc != RC_OK) {
        if (!self->is_full)
            log_error("archive.open", "out=%s why=\"%s\"", self->options->out, strerror(errno));
        self->is_full = true; /* with the next listing it is tried again */
        return NULL;
    }
    if (head < stream_place(stream))
        log_error("archive.ahead",
                  "stream=%s archived=%" PRIu64 " broker=%" PRIu64
                  " hint=\"another broker, or one restored from a backup\"",
                  name, stream_place(stream), head);
    return stream;
}

static void follow(struct logger *self, struct stream *stream)
{
    struct zchat_place from = {ZCHAT_FROM_SEQ, stream_place(stream) + 1};
    zchat_rc rc;

    /* Only what is told without a hole behind what is confirmed can be confirmed: also what an earlier run archived. */
    if (self->confirms && !self->is_own_behind && strcmp(stream->name, self->own) == 0)
        from.kind = ZCHAT_FROM_CONFIRMED;

    zchat_unfollow(self->chat, stream->name); /* it may have been asked about */
    rc = zchat_follow(self->chat, stream->name, from, 0);
    stream->is_followed = rc == 0;
    if (rc != 0)
        log_warn("stream.follow", "stream=%s why=\"%s\"", stream->name, zchat_strerror(rc));
    else if (stream->is_closed)
        log_info("stream.open", "stream=%s place=%" PRIu64 " action=\"going on behind it\"",
                 stream->name, stream_place(stream));
    stream->is_closed = false;
}

/* A stream that exists: it is followed if it was asked for. `head` is its last seq. */
static void on_stream(struct logger *self, const char *name, uint64_t head, bool is_private)
{
    struct stream *stream;

    if (!doors_may_list(&self->doors, name, is_private))
        return;
    stream = take_stream(self, name, head);
    if (stream != NULL && !stream->is_followed && !stream->is_stalled)
        follow(self, stream);
}

/* The own stream is archived when it was asked for; in any case invitations are looked for in it. */
static void follow_own(struct logger *self)
{
    const struct zchat_place last = {ZCHAT_FROM_LAST, INVITATIONS};

    if (patterns_match(&self->options->patterns, self->own))
        on_stream(self, self->own, UINT64_MAX, true);
    else if (self->options->patterns.count > 0 && zchat_follow(self->chat, self->own, last, 0) != 0)
        log_warn("stream.follow", "stream=%s", self->own);
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
    struct stream *stream = streams_find(&self->streams, event->stream);
    const bool is_own = strcmp(event->stream, self->own) == 0;
    enum rc rc;

    if (is_own && event->kind == ZCHAT_EVENT)
        doors_on_own(&self->doors, event);
    if (stream == NULL || stream->is_stalled)
        return;
    rc = stream_append(stream, event);
    if (rc == RC_SYSTEM) {
        stall(self, stream, errno);
        return;
    }
    if (rc == RC_END && is_own && self->confirms && !self->is_own_behind) {
        self->is_own_behind = true;
        follow(self, stream);
        return;
    }
    if (rc == RC_END) {
        log_warn("stream.hole", "stream=%s place=%" PRIu64 " action=\"following again\"",
                 stream->name, stream_place(stream));
        follow(self, stream);
        return;
    }
    /* What is told next confirms this one. */
    if (is_own && self->confirms && stream_sync(stream) != RC_OK)
        fail(self, stream->name, "the disk failed; its last second may be lost");
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
        notify("STATUS=archiving");
        self->rooms_at_ms = 0;
        break;
    case ZCHAT_LINK_DOWN:
        clean_copy(why, sizeof why, span_of(event->text));
        log_warn("link.down", "why=\"%s\" action=\"connecting again\"", why);
        notify("STATUS=no link to the broker; connecting again");
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

/* A stream that was followed may not be read any more, or is gone; the listings tell when it comes back. */
static void on_closed(struct stream *stream, const struct zchat_event *event)
{
    stream->is_followed = false;
    if (!stream->is_closed)
        log_warn("stream.closed",
                 "stream=%s place=%" PRIu64 " why=\"%s\" need=\"%s\" action=\"%s\"", stream->name,
                 stream_place(stream), zchat_strerror(event->rc), doors_need(event->rc),
                 "the others go on");
    stream->is_closed = true;
}

static void on_answer(struct logger *self, const struct zchat_event *event, uint64_t now_ms)
{
    struct stream *stream;

    if (event->ref != 0 && event->ref == self->rooms_ref) {
        self->rooms_ref = 0;
        self->rooms_at_ms = now_ms + ROOMS_EVERY_MS;
        if (event->rc == 0)
            doors_listed(&self->doors, self->chat, &self->streams, now_ms);
    } else if (event->ref == 0) {
        stream = streams_find(&self->streams, event->stream);
        if (stream != NULL)
            on_closed(stream, event);
        else
            doors_answered(&self->doors, self->chat, event);
    } else if (event->rc == 0) { /* joined: the listing has it now */
        self->rooms_at_ms = 0;
    }
}

static void reopen(struct logger *self)
{
    for (size_t i = 0; i < self->streams.count; i++)
        if (stream_reopen(&self->streams.item[i]) != RC_OK) {
            fail(self, self->streams.item[i].name, "cannot be opened again");
            return;
        }
    log_info("archive.reopened", "streams=%zu", self->streams.count);
}

static void sync_all(struct logger *self)
{
    for (size_t i = 0; i < self->streams.count; i++)
        if (stream_sync(&self->streams.item[i]) != RC_OK) {
            fail(self, self->streams.item[i].name, "the disk failed; its last second may be lost");
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
    sync_all(self);
    for (size_t i = 0; i < self->streams.count; i++)
        zchat_unfollow(self->chat, self->streams.item[i].name);
    zchat_unfollow(self->chat, self->own);
    streams_fini(&self->streams);
    self->is_full = false;
    doors_init(&self->doors, &self->options->patterns, zchat_nick(self->chat));
    upkeep_set(&self->upkeep, &self->options->kept, self->options->compresses);
    follow_own(self);
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
    for (size_t i = 0; i < self->streams.count; i++) {
        struct stream *stream = &self->streams.item[i];

        if (!stream->is_stalled)
            continue;
        stream->is_stalled = false;
        follow(self, stream);
    }
}

/* Look after the files of one stream. True: it has nothing more to do. */
static bool keep_up(struct logger *self, const struct stream *stream, uint64_t now_ms)
{
    char base[FILENAME_BYTES_MAX];
    struct calendar today;

    if (filename_of_stream(stream->name, base) == 0)
        return true;
    calendar_of(clock_wall_ms(), self->options->is_utc, &today);
    for (size_t i = 0; i < FILES_PER_STREAM; i++)
        if (stream->file[i] != NULL &&
            !upkeep_look(&self->upkeep, base, (enum logfile_format)i, calendar_day(today.date),
                         !logfile_holds_place(stream->file[i]), now_ms))
            return false;
    return true;
}

/* A piece of the work on files that were put aside; one stream at a time. True: there is more. */
static bool on_upkeep(struct logger *self, uint64_t now_ms)
{
    if (self->options->kept.days > 0 && now_ms >= self->age_at_ms) {
        self->age_at_ms = now_ms + AGE_EVERY_MS;
        for (size_t i = 0; i < self->streams.count; i++)
            self->streams.item[i].is_kept_up = false;
    }
    if (upkeep_is_busy(&self->upkeep)) {
        upkeep_step(&self->upkeep, now_ms);
        return true;
    }
    for (size_t i = 0; i < self->streams.count; i++) {
        struct stream *stream = &self->streams.item[self->upkeep_at++ % self->streams.count];

        if (stream->is_kept_up)
            continue;
        stream->is_kept_up = keep_up(self, stream, now_ms);
        return now_ms >= self->upkeep.again_ms;
    }
    return false;
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
    bool has_more;
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
    if (self->watchdog_ms > 0 && now_ms >= self->watchdog_at_ms) {
        notify("WATCHDOG=1");
        self->watchdog_at_ms = now_ms + self->watchdog_ms;
    }
    has_more = on_upkeep(self, now_ms);
    if (self->rooms_ref == 0 && now_ms >= self->rooms_at_ms) {
        if (zchat_rooms(self->chat, false, &self->rooms_ref) != 0)
            self->rooms_ref = 0;
        self->rooms_at_ms = now_ms + ROOMS_EVERY_MS;
    }
    next = self->sync_at_ms < self->retry_at_ms ? self->sync_at_ms : self->retry_at_ms;
    if (self->rooms_ref == 0 && self->rooms_at_ms < next)
        next = self->rooms_at_ms;
    if (self->watchdog_ms > 0 && self->watchdog_at_ms < next)
        next = self->watchdog_at_ms;
    if (has_more)
        return 0;
    return next > now_ms ? (int)(next - now_ms) : 0;
}

/* A stream has been read to its end. */
static void on_live(struct logger *self, const struct zchat_event *event)
{
    struct stream *stream = streams_find(&self->streams, event->stream);

    if (stream == NULL) {
        doors_answered(&self->doors, self->chat, event);
    } else if (self->confirms && !self->is_own_behind && strcmp(stream->name, self->own) == 0 &&
               event->seq > stream_place(stream)) {
        self->is_own_behind = true;
        follow(self, stream);
    }
}

static void on_told(struct logger *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_EVENT:
    case ZCHAT_GAP:
        on_event(self, event);
        break;
    case ZCHAT_ROOM:
        on_stream(self, event->stream, event->seq, event->is_private);
        break;
    case ZCHAT_LIVE:
        on_live(self, event);
        break;
    case ZCHAT_LINK:
        on_link(self, event);
        break;
    case ZCHAT_ANSWER:
        on_answer(self, event, clock_mono_ms());
        break;
    default:
        break;
    }
}

static void loop(struct logger *self)
{
    struct pollfd extra = {.fd = self->signal_fd, .events = POLLIN};
    struct zchat_event event;

    self->trouble_at_ms = clock_mono_ms() + LINK_WAIT_MS;
    follow_own(self);
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
        on_told(self, &event);
    }
    notify("STOPPING=1");
    sync_all(self);
}

static void begin(struct logger *self)
{
    snprintf(self->own, sizeof self->own, "@%s", zchat_nick(self->chat));
    doors_init(&self->doors, &self->options->patterns, zchat_nick(self->chat));
    upkeep_init(&self->upkeep, self->dir_fd, &self->options->kept, self->options->compresses);
    self->watchdog_ms = notify_watchdog_ms();
    fprintf(stderr, "logging to %s\n", self->options->out);
    self->status = 0;
    notify("READY=1"); /* it archives as soon as the broker lets it; the link may take long */
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* A message that nobody keeps has not arrived. */
static bool may_confirm(const struct logger_options *options)
{
    char own[sizeof options->nick + 1];

    snprintf(own, sizeof own, "@%s", options->nick);
    return options->confirms && patterns_match(&options->patterns, own);
}

int logger_run(struct logger_options *options, int argc, char *const *argv)
{
    const struct zchat_options connect = {
        .broker = or_null(options->broker),
        .nick = options->nick,
        .home = or_null(options->home),
        .history = or_null(options->history),
        .agent = "zchat-logger " ZCHAT_VERSION,
        .is_inbox = may_confirm(options),
        .is_service = true,
    };
    struct logger self = {.options = options,
                          .argc = argc,
                          .argv = argv,
                          .dir_fd = -1,
                          .signal_fd = process_prepare(),
                          .confirms = connect.is_inbox,
                          .status = 1};
    const char *why = "";
    zchat_rc rc;

    open_log(options);
    if (self.signal_fd < 0 || (self.dir_fd = process_open_folder(options->out)) < 0)
        goto out;
    rc = zchat_open(&connect, &self.chat, &why);
    if (rc != 0) {
        fprintf(stderr, "zchat-logger: %s\n",
                why != NULL && why[0] != '\0' ? why : zchat_strerror(rc));
        goto out;
    }
    begin(&self);
    loop(&self);
    upkeep_fini(&self.upkeep);
    zchat_close(&self.chat);
out:
    streams_fini(&self.streams);
    if (self.dir_fd >= 0)
        close(self.dir_fd);
    if (self.signal_fd >= 0)
        close(self.signal_fd);
    return self.status;
}
