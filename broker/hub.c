#include "broker/hub.h"

#include "broker/admission.h"
#include "broker/canonical.h"
#include "broker/net/announcer.h"
#include "broker/pace.h"
#include "broker/past.h"
#include "broker/published.h"
#include "broker/served.h"
#include "broker/tally.h"
#include "broker/wakeup.h"
#include "broker/watch_link.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/notify.h"
#include "shared/wire/wire.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <zmq.h>

#define FRAMES_PER_TURN 256
#define WORK_PER_TURN   4096 /* commands and their effects: one frame may ask for 1,024 lists */
#define PAGES_PER_TURN  8    /* of old events; new messages go first */
#define BYE_RETRY_MS    500
#define SESSION_LINES   20 /* in the log, a second */

struct hub {
    struct hub_parts parts;
    struct core_event ev; /* its times are those of this turn */
    struct effects fx;
    struct admission admission;
    struct tally tally;
    struct pace pace;
    struct past past;
    unsigned look;       /* of enum look: what this turn has to look at */
    unsigned unsure;     /* what no descriptor tells of (wakeup.h) */
    uint64_t replies;    /* sent until the last turn, or dropped */
    struct batch *batch; /* what this turn asks of the store */
    struct frame frame;  /* the one that is read */
    struct wire_reader reader;
    bool is_reading; /* its end was not reached: it goes on with the next turn */
    bool is_stopping;
    bool is_full;         /* the disk; told once */
    uint64_t watchdog_ms; /* how often; 0: never */
    uint64_t watchdog_due_ms;
    /* Who is to be told BYE: the peers welcomed last, a ring; some may have left. */
    peer_id *welcomed;
    size_t welcomed_count;
    uint64_t told_second; /* session lines are limited: peers decide how many there are */
    uint32_t told_count;
};

/* The way of one message: wire, decode, authorise, decide, store, acknowledge, publish. on_frame() takes
 * it to the core, which authorises and decides; carry_out() does what the core asks; on_batch() brings back
 * what is stored, and the core has it acknowledged and published. */

static void on_welcome(struct hub *self, struct effect *effect)
{
    message_set(&effect->message, AGENT, agent, SPAN("zchat-broker/" ZCHAT_VERSION));
    self->welcomed[self->welcomed_count++ % self->parts.sessions_max] = effect->peer;
    if (self->told_second != self->ev.now_ms / 1000) {
        self->told_second = self->ev.now_ms / 1000;
        self->told_count = 0;
    }
    if (self->told_count++ < SESSION_LINES)
        log_info("session.welcome", "peer=%u nick=%.*s", effect->peer.v,
                 (int)effect->message.nick.len, effect->message.nick.ptr);
}

/* Where a page of STATS goes, under the ref of the END that follows it. */
struct told {
    struct front *front;
    const struct effect *effect;
};

static void tell_figure(void *context, const struct sample *sample)
{
    const struct told *told = context;
    struct message stat = {.verb = VERB_STAT};
    char name[SAMPLE_NAME_BYTES];

    sample_name(sample, name);
    message_set(&stat, NAME, name, span_of(name));
    message_set(&stat, VALUE, value, sample->value);
    if (message_has(&told->effect->message, HAS_REF))
        message_set(&stat, REF, ref, told->effect->message.ref);
    front_reply(told->front, told->effect->peer, &stat);
}

static void tell_figures(struct hub *self, struct effect *effect)
{
    struct told told = {.front = self->parts.front, .effect = effect};
    struct figures figures;
    uint64_t next;

    tally_collect(&self->tally, &self->parts, self->ev.now_ms, &figures);
    next = figures_page(&figures, effect->seq, LIST_PAGE_MAX, tell_figure, &told);
    if (next != 0)
        message_set(&effect->message, CURSOR, cursor, next);
    front_reply(self->parts.front, effect->peer, &effect->message);
}

static void carry_out(struct hub *self, struct effect *effect)
{
    struct front *front = self->parts.front;

    tally_effect(&self->tally, effect);
    switch (effect->kind) {
    case FX_REPLY:
        if (effect->message.verb == VERB_WELCOME)
            on_welcome(self, effect);
        front_reply(front, effect->peer, &effect->message);
        break;
    case FX_STORE:
        batch_add(self->batch, &effect->op);
        break;
    case FX_PUBLISH:
        published_note(self->parts.history, effect->wire);
        recent_note(self->past.recent, effect->stream, effect->seq, effect->wire);
        front_publish(front, &(struct publication){.topic = effect->name,
                                                   .seal_key = effect->seal_key,
                                                   .epoch = effect->epoch,
                                                   .seq = effect->seq,
                                                   .wire = effect->wire});
        break;
    case FX_ANNOUNCE:
        front_announce(front, effect->name, &effect->message);
        break;
    case FX_FIGURES:
        tell_figures(self, effect);
        break;
    case FX_READ:
    case FX_SEARCH:
    case FX_REPUBLISH:
        break; /* in step(), since the core is told when it is answered */
    case FX_BACKUP:
        backup_ask(self->parts.backup, effect->name);
        self->unsure |= LOOK_BACKUP;
        break;
    case FX_ADMIT:
        admission_admit(&self->admission, effect->key);
        break;
    case FX_EXPEL:
        admission_expel(&self->admission, effect->key, self->ev.now_ms);
        break;
    }
}

static void step(struct hub *self, enum core_event_kind kind)
{
    const struct effect *read = NULL; /* answered already; at most one a step */

    self->ev.kind = kind;
    core_step(self->parts.core, &self->ev, &self->fx);
    for (size_t i = 0; i < self->fx.count; i++) {
        carry_out(self, &self->fx.item[i]);
        if (past_ask(&self->past, &self->fx.item[i]))
            read = &self->fx.item[i];
    }
    if (read != NULL) {
        self->ev.read.peer = read->peer;
        self->ev.read.is_search = read->kind == FX_SEARCH;
        step(self, CORE_EV_READ);
    }
}

static void on_message(struct hub *self, const struct frame *frame, struct message *message,
                       enum rc refusal)
{
    struct canonical names = {.skeleton = {NULL, 0}};

    if (refusal == RC_OK)
        refusal = canonicalise(message, &names);
    log_debug("command", "peer=%u verb=%s rc=%s", frame->from.v,
              message->verb == VERB_NONE ? "-" : verb_row(message->verb)->name, rc_name(refusal));
    self->ev.command.peer = frame->from;
    self->ev.command.key = frame->key;
    self->ev.command.address = frame->address;
    self->ev.command.message = message;
    self->ev.command.skeleton = names.skeleton;
    self->ev.command.refusal = refusal;
    step(self, CORE_EV_COMMAND);
}

/* Read on in the frame while there is work left to do in this turn; returns what is left then. */
static size_t on_frame(struct hub *self, size_t work)
{
    struct message message;

    while (work > 0) {
        const enum rc rc = wire_read(&self->reader, &message);

        self->is_reading = rc != RC_END;
        if (rc == RC_END)
            break;
        on_message(self, &self->frame, &message, rc);
        work -= work > self->fx.count ? 1 + self->fx.count : work;
    }
    return work;
}

/* Frames that are refused as a whole; a peer with a routing id of its own gets no answer. */
static void on_refused_frame(struct hub *self, const struct frame *frame, enum rc rc)
{
    struct message nothing = {.verb = VERB_NONE};

    if (frame->from.v != 0)
        on_message(self, frame, &nothing, rc);
}

static void receive(struct hub *self)
{
    size_t work = WORK_PER_TURN;

    self->unsure |= LOOK_COMMANDS;
    for (size_t frames = 0; work > 0;) {
        enum rc rc;

        if (self->is_reading) {
            work = on_frame(self, work);
            continue;
        }
        if (frames++ == FRAMES_PER_TURN)
            break;
        rc = front_receive(self->parts.front, &self->frame);
        if (rc == RC_END) {
            self->unsure &= ~(unsigned)LOOK_COMMANDS;
            break;
        }
        self->reader = wire_reader_over(self->frame.payload, TO_BROKER);
        self->is_reading = rc == RC_OK;
        if (rc == RC_OK && self->frame.is_new)
            admission_meet(&self->admission, self->frame.key, self->ev.now_ms);
        if (rc != RC_OK)
            on_refused_frame(self, &self->frame, rc);
    }
}

static void submit(struct hub *self)
{
    if (batch_count(self->batch) == 0)
        return;
    writer_submit(self->parts.writer, &self->batch);
    tally_submitted(&self->tally, self->ev.now_ms);
    self->batch = batch_new();
}

/* Somebody must act, and wants to know when it was enough. */
static void note_room(struct hub *self, const struct op_result *result)
{
    const bool is_new = result->kind == OP_POST && result->rc == RC_OK && !result->is_duplicate;

    if (result->rc == RC_DISK_FULL && !self->is_full) {
        log_error("disk.full", "nothing new is accepted until there is room (disk-free-min, "
                               "disk-use-max)");
        self->is_full = true;
    } else if (is_new && self->is_full) {
        log_info("disk.room", "posts are accepted again");
        self->is_full = false;
    }
}

static void on_batch(struct hub *self, const struct batch *batch)
{
    const struct op_result *results = batch_results(batch);

    for (size_t i = 0; i < batch_count(batch); i++) {
        note_room(self, &results[i]);
        if (results[i].kind == OP_PURGE)
            recent_clear(self->past.recent);
        self->ev.stored = &results[i];
        step(self, CORE_EV_STORED);
    }
}

static void forget(struct hub *self, const struct removed *removed)
{
    recent_remove(self->past.recent, removed->stream, removed->first, removed->last);
}

/* A purge, or what another broker's retention has removed. */
static void forget_elsewhere(struct hub *self, const struct op *op, const struct op_result *result)
{
    if (op->kind == OP_PURGE && result->is_more)
        recent_remove(self->past.recent, op->stream, op->seq, result->seq);
    else if (op->kind == OP_PURGE)
        recent_clear(self->past.recent);
}

/* What another broker has committed. RC_STORE: this core cannot know all of it. */
static enum rc on_foreign(struct hub *self, const struct batch *batch)
{
    for (size_t i = 0; i < batch_count(batch); i++) {
        self->ev.foreign.op = &batch_ops(batch)[i];
        self->ev.foreign.result = &batch_results(batch)[i];
        forget_elsewhere(self, self->ev.foreign.op, self->ev.foreign.result);
        step(self, CORE_EV_FOREIGN);
        if (core_is_overrun(self->parts.core)) {
            log_error("core.overrun", "another broker of the database allows more accounts, rooms, "
                                      "devices or bans than this one; stopping");
            return RC_STORE;
        }
    }
    return RC_OK;
}

/* RC_END: all that is committed has been taken. RC_STORE: it failed. */
static enum rc take_stored(struct hub *self)
{
    struct batch *batch = NULL;
    const struct writer_stats *stats = writer_get_stats(self->parts.writer);
    const uint64_t commits = stats->commits;
    enum rc rc;

    while ((rc = writer_take(self->parts.writer, &batch)) == RC_OK) {
        if (batch_removed(batch) != NULL) {
            forget(self, batch_removed(batch));
        } else if (batch_is_foreign(batch)) {
            rc = on_foreign(self, batch);
        } else {
            tally_stored(&self->tally, batch, self->ev.now_ms);
            on_batch(self, batch);
        }
        batch_destroy(&batch);
        if (rc == RC_STORE)
            return rc;
    }
    if (stats->commits != commits)
        pace_committed(&self->pace, stats->last_us, clock_mono_us());
    if (rc == RC_STORE)
        log_error("store.failed", "%s: what was not answered is unknown; stopping",
                  writer_why(self->parts.writer));
    return rc;
}

static void take_read(struct hub *self)
{
    struct read_answer answer;

    for (size_t n = 0; n < PAGES_PER_TURN; n++) {
        if (readers_take(self->parts.readers, &answer) != RC_OK)
            return;
        if (past_answer(&self->past, &answer)) {
            self->ev.read.peer = answer.peer;
            self->ev.read.is_search = answer.kind == FX_SEARCH;
            step(self, CORE_EV_READ);
        }
    }
    self->unsure |= LOOK_READ;
}

static void take_backup(struct hub *self)
{
    struct backup_done done;

    self->unsure |= LOOK_BACKUP; /* one at a time */
    if (backup_take(self->parts.backup, &done) != RC_OK)
        return;
    self->ev.backup.rc = done.rc;
    self->ev.backup.size_bytes = done.size_bytes;
    self->ev.backup.events = done.events;
    self->ev.backup.took_ms = done.took_ms;
    step(self, CORE_EV_BACKED_UP);
}

static void take_signal(struct hub *self)
{
    struct signalfd_siginfo info;

    while (read(self->parts.signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            self->is_stopping = true;
        else
            self->parts.on_signal(self->parts.context, (int)info.ssi_signo);
    }
}

static void read_clocks(struct hub *self)
{
    self->ev.now_ms = clock_mono_ms();
    self->ev.wall_ms = clock_wall_ms();
    if (self->watchdog_ms > 0 && self->ev.now_ms >= self->watchdog_due_ms) {
        notify("WATCHDOG=1");
        self->watchdog_due_ms = self->ev.now_ms + self->watchdog_ms;
    }
}

/* Replies leave now; broadcasts too, unless more of them come right behind. */
static void flush(struct hub *self)
{
    const uint64_t now_us = clock_mono_us();
    const bool may_hold = pace_may_hold(&self->pace, self->tally.batches > 0, now_us);
    const size_t held = front_flush(self->parts.front, may_hold ? PACE_WORTH : 0);
    const struct front_stats *stats = front_get_stats(self->parts.front);
    const uint64_t replies = stats->sent + stats->slow + stats->departed;

    pace_flushed(&self->pace, held > 0, now_us);
    if (replies != self->replies)
        self->unsure |= LOOK_COMMANDS;
    self->replies = replies;
}

/* RC_STORE: all goes on at the others, and nothing here. */
static enum rc mind_cluster(struct hub *self)
{
    if (self->parts.cluster == NULL)
        return RC_OK;
    if ((self->look & LOOK_STORED) != 0) {
        cluster_turn(self->parts.cluster, self->ev.now_ms);
        self->unsure |= LOOK_HINTS; /* connecting takes the sign */
    }
    if ((self->look & LOOK_HINTS) != 0)
        cluster_listen(self->parts.cluster, self->ev.now_ms);
    if (!cluster_is_cut_off(self->parts.cluster))
        return RC_OK;
    log_error("cluster.cut_off", "the database answers other brokers and not this one; stopping, "
                                 "so that clients go to them");
    return RC_STORE;
}

static enum rc turn(struct hub *self)
{
    enum rc rc;

    read_clocks(self);
    if (self->is_reading || (self->look & LOOK_COMMANDS) != 0)
        receive(self);
    submit(self); /* the writer's thread commits what has piled up */
    if ((self->look & LOOK_STORED) != 0 && take_stored(self) == RC_STORE)
        return RC_STORE;
    if (mind_cluster(self) == RC_STORE)
        return RC_STORE;
    if ((self->look & LOOK_READ) != 0)
        take_read(self);
    if ((self->look & LOOK_BACKUP) != 0)
        take_backup(self);
    if (core_next_deadline_ms(self->parts.core) <= self->ev.now_ms)
        step(self, CORE_EV_TICK);
    submit(self);
    rc = admission_turn(&self->admission, self->ev.now_ms);
    flush(self);
    if (self->parts.watch != NULL && (self->look & LOOK_WATCH) != 0) {
        watch_answer(self->parts.watch, &self->tally, &self->parts, self->ev.now_ms);
        self->unsure |= LOOK_WATCH;
    }
    announcer_turn(self->parts.announcer, self->ev.now_ms);
    if ((self->look & LOOK_SIGNAL) != 0)
        take_signal(self);
    return rc;
}

static long wait_ms(const struct hub *self)
{
    uint64_t due_ms = self->is_stopping ? UINT64_MAX : core_next_deadline_ms(self->parts.core);
    uint64_t now_ms = clock_mono_ms();

    if (self->watchdog_ms > 0 && self->watchdog_due_ms < due_ms)
        due_ms = self->watchdog_due_ms;
    if (admission_deadline_ms(&self->admission) < due_ms)
        due_ms = admission_deadline_ms(&self->admission);
    if (announcer_deadline_ms(self->parts.announcer) < due_ms)
        due_ms = announcer_deadline_ms(self->parts.announcer);
    if (pace_deadline_ms(&self->pace) < due_ms)
        due_ms = pace_deadline_ms(&self->pace);
    if (self->is_reading)
        return 0;
    if (due_ms == UINT64_MAX)
        return -1;
    return due_ms <= now_ms ? 0 : (long)(due_ms - now_ms);
}

static void wait_for_work(struct hub *self)
{
    const size_t operations = writer_get_stats(self->parts.writer)->last_operations;
    const uint64_t rest_us = self->tally.batches > 0 ? pace_rest_us(&self->pace, operations) : 0;

    const unsigned unsure = self->unsure;

    self->unsure = 0;
    if (rest_us > 0 && !self->is_stopping && !self->is_reading)
        self->look = wakeup_rest(&self->parts, unsure, rest_us);
    else
        self->look = wakeup_wait(&self->parts, unsure, wait_ms(self), self->is_stopping);
}

/* What was accepted is committed and answered; nothing new is read. */
static enum rc stop(struct hub *self)
{
    struct message bye = {.verb = VERB_BYE};
    size_t count = self->welcomed_count < self->parts.sessions_max ? self->welcomed_count
                                                                   : self->parts.sessions_max;

    self->is_reading = false;
    log_info("broker.stopping", "batches=%zu", self->tally.batches);
    notify("STOPPING=1");
    read_clocks(self);
    step(self, CORE_EV_STOPPING);
    submit(self);
    while (self->tally.batches > 0) {
        wait_for_work(self);
        read_clocks(self);
        take_signal(self);
        if (take_stored(self) == RC_STORE)
            return RC_STORE;
        submit(self);
        front_flush(self->parts.front, 0);
    }
    message_set(&bye, RETRY, retry, BYE_RETRY_MS);
    for (size_t i = 0; i < count; i++)
        front_reply(self->parts.front, self->welcomed[i], &bye);
    front_flush(self->parts.front, 0);
    served_tell(self->parts.front, self->parts.core);
    return RC_OK;
}

enum rc hub_run(const struct hub_parts *parts)
{
    struct hub *self = x_alloc(1, sizeof(*self));
    enum rc rc = RC_OK;

    self->parts = *parts;
    self->admission.keyring = parts->keyring;
    self->admission.front = parts->front;
    self->look = LOOK_ALL;
    self->batch = batch_new();
    self->welcomed = x_alloc(parts->sessions_max, sizeof(*self->welcomed));
    self->watchdog_ms = notify_watchdog_ms();
    tally_begin(&self->tally, clock_mono_ms());
    past_open(&self->past, &self->parts, &self->tally, parts->recent_bytes);
    while (rc == RC_OK && !self->is_stopping) {
        rc = turn(self);
        if (rc == RC_OK && !self->is_stopping)
            wait_for_work(self);
    }
    if (rc == RC_OK)
        rc = stop(self);
    past_close(&self->past);
    batch_destroy(&self->batch);
    free(self->welcomed);
    free(self);
    return rc;
}
