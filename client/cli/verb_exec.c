/* verb_exec.c - run a program for each message. The way of one: taken, run, answered, and only when the answer is
 * stored does the place move on. So after a crash a message may be done twice, and none is left out.
 *
 * Answers keep the order of their messages. When too many wait, the stream is no longer followed, and followed again
 * from there later: it is numbered, so nothing is lost. */
#include "client/cli/cli.h"
#include "client/cli/filter.h"
#include "client/cli/place.h"
#include "client/cli/print.h"
#include "client/cli/task.h"
#include "client/cli/verbs.h"

#include "shared/text/clean.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TASKS_MAX     128
#define MARK_EVERY_MS 1000 /* for messages that are none of ours */
#define MARK_END_MS   2000
#define TRY_AGAIN_MS  1000 /* when the system has no process for us */

struct exec {
    struct cli cli;
    const struct args *args;
    struct filter filter;
    char stream[STREAM_BYTES_MAX + 1]; /* canonical */
    bool is_own;                       /* the own stream: private messages */
    int epoll_fd;                      /* wakes us for the programs */

    struct task *task[TASKS_MAX]; /* a ring, in the order of the stream */
    size_t first, count;
    size_t running;
    uint64_t taken;       /* messages; for --count */
    uint64_t seen;        /* seq up to which the stream was looked at; 0: not known yet */
    bool is_paused;       /* not followed: too many wait */
    bool is_closed;       /* no more is taken */
    bool is_ending;       /* and what waits for its turn is not begun */
    uint64_t spawn_at_ms; /* not before; 0: now */
    enum rc waiting;      /* why the broker takes no posts now, as it was told last */

    uint64_t confirmed; /* own stream: up to here, or the place it was begun at */
    uint64_t marked;    /* what the broker knows, or will */
    uint32_t mark_ref;  /* of a mark on its way, or 0 */
    uint64_t marked_at_ms;
};

static struct task *task_at(const struct exec *self, size_t index)
{
    return self->task[(self->first + index) % TASKS_MAX];
}

static void name_task(const struct exec *self, const struct task *task, char *buf, size_t capacity)
{
    snprintf(buf, capacity, "%s %" PRIu64, self->stream, task->seq);
}

/* Everything up to here is done with. */
static uint64_t done_upto(const struct exec *self)
{
    return self->count > 0 ? task_at(self, 0)->seq - 1 : self->seen;
}

/* --- taking ------------------------------------------------------------------------ */

static enum exit_code follow(struct exec *self, struct zchat_place from)
{
    const zchat_rc rc = zchat_follow(self->cli.chat, self->stream, from, 0);

    return rc != 0 ? cli_fail((enum rc)rc, self->stream) : EXIT_GO_ON;
}

static void stop_following(struct exec *self)
{
    zchat_unfollow(self->cli.chat, self->stream);
}

static enum exit_code follow_again(struct exec *self)
{
    if (!self->is_paused || self->is_closed || self->count > TASKS_MAX / 2)
        return EXIT_GO_ON;
    self->is_paused = false;
    return follow(self, (struct zchat_place){ZCHAT_FROM_SEQ, self->seen + 1});
}

/* Programs do not answer programs, nor themselves: two of them would never end. */
static bool is_for_us(const struct exec *self, const struct zchat_event *event)
{
    const char *nick = zchat_nick(self->cli.chat);

    return strcmp(event->type, "message") == 0 && strcmp(event->message_kind, "notice") != 0 &&
           strcmp(event->from, nick) != 0 && filter_matches(&self->filter, event, nick);
}

/* What stands before the first thing that is told was passed over on purpose: it is not confirmed. */
static void note_first(struct exec *self, uint64_t first)
{
    if (self->seen == 0)
        self->confirmed = first - 1;
}

static void take(struct exec *self, const struct zchat_event *event)
{
    if (self->is_paused || self->is_closed || event->seq <= self->seen)
        return;
    note_first(self, event->seq);
    self->seen = event->seq;
    if (!is_for_us(self, event))
        return;
    self->task[(self->first + self->count++) % TASKS_MAX] =
        task_new(self->cli.chat, self->args->home, event);
    self->taken++;
    if (self->args->has_count && self->taken >= self->args->count)
        self->is_closed = true;
    else if (self->count == TASKS_MAX)
        self->is_paused = true;
    if (self->is_closed || self->is_paused)
        stop_following(self);
}

static void take_gap(struct exec *self, const struct zchat_event *event)
{
    if (self->is_paused || self->is_closed || event->last <= self->seen)
        return;
    cli_say("%s: %" PRIu64 " to %" PRIu64 " are no longer kept by the broker", self->stream,
            event->first, event->last);
    note_first(self, event->first);
    self->seen = event->last;
}

/* --- running ----------------------------------------------------------------------- */

/* Nothing becomes better by the next message: it stays undone, and we end as a shell would. */
static enum exit_code cannot_run(const struct exec *self, int problem)
{
    char shown[256];

    clean_copy(shown, sizeof(shown), span_of(self->args->word[1]));
    cli_say("%s cannot be run: %s", shown, strerror(problem));
    return problem == ENOENT || problem == ENOTDIR ? EXIT_NO_PROGRAM : EXIT_NOT_RUN;
}

static enum exit_code start(struct exec *self, struct task *task)
{
    const uint64_t now_ms = cli_now_ms();
    const int problem = child_start(&task->child, self->args->word + 1, task->environment,
                                    (struct span){task->event, task->event_len}, now_ms,
                                    self->args->limit_ms, self->epoll_fd);

    switch (problem) {
    case 0:
        task->state = TASK_RUNNING;
        self->running++;
        self->spawn_at_ms = 0;
        return EXIT_GO_ON;
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
        if (self->spawn_at_ms == 0)
            cli_say("cannot run it now: %s; trying again", strerror(problem));
        self->spawn_at_ms = now_ms + TRY_AGAIN_MS;
        return EXIT_GO_ON;
    default:
        return cannot_run(self, problem);
    }
}

static enum exit_code start_waiting(struct exec *self)
{
    enum exit_code code = EXIT_GO_ON;

    for (size_t i = 0; i < self->count && code == EXIT_GO_ON; i++) {
        if (self->is_ending || self->running >= self->args->jobs ||
            cli_now_ms() < self->spawn_at_ms)
            break;
        if (task_at(self, i)->state == TASK_WAITING)
            code = start(self, task_at(self, i));
    }
    return code;
}

static void look_at_running(struct exec *self)
{
    char about[STREAM_BYTES_MAX + 24];

    for (size_t i = 0; i < self->count && self->running > 0; i++) {
        struct task *task = task_at(self, i);

        if (task->state != TASK_RUNNING || !child_turn(&task->child, cli_now_ms()))
            continue;
        name_task(self, task, about, sizeof(about));
        task_take_result(task, about, self->args->is_verbose);
        self->running--;
    }
}

/* --- answering --------------------------------------------------------------------- */

/* In the order of the messages: an answer waits for those before it. */
static enum exit_code post_answers(struct exec *self)
{
    for (size_t i = 0; i < self->count; i++) {
        struct task *task = task_at(self, i);
        zchat_rc rc;

        if (task->state == TASK_WAITING || task->state == TASK_RUNNING)
            break;
        if (task->state != TASK_RUN)
            continue;
        rc = zchat_post(self->cli.chat, task->reply_to, "notice", task->answer,
                        strlen(task->answer), 0, &task->number);
        if (rc == RC_BUSY)
            break; /* the outbox is full: later */
        if (rc != 0)
            return cli_fail((enum rc)rc, task->reply_to);
        task->state = TASK_POSTED;
    }
    return EXIT_GO_ON;
}

static void on_post(struct exec *self, const struct zchat_event *event)
{
    char about[STREAM_BYTES_MAX + 24];

    if (event->post == ZCHAT_WAITING) {
        if (event->rc != 0 && self->waiting != (enum rc)event->rc)
            cli_say("waiting: %s (%s)", waiting_sentence((enum rc)event->rc),
                    rc_name((enum rc)event->rc));
        self->waiting = (enum rc)event->rc;
        return;
    }
    self->waiting = RC_OK;
    for (size_t i = 0; i < self->count; i++) {
        struct task *task = task_at(self, i);

        if (task->state != TASK_POSTED || task->number != event->number)
            continue;
        task->state = TASK_DONE;
        name_task(self, task, about, sizeof(about));
        task->answer_seq = event->post == ZCHAT_FAILED ? 0 : event->seq;
        task->refusal = event->post == ZCHAT_FAILED ? (enum rc)event->rc : RC_OK;
        if (event->post == ZCHAT_FAILED)
            cli_fail((enum rc)event->rc, about);
        else if (self->args->is_verbose)
            cli_say("%s: answered at %s %" PRIu64, about, task->reply_to, event->seq);
    }
}

/* --- the place --------------------------------------------------------------------- */

static bool is_marking(const struct exec *self)
{
    return self->args->durable != NULL;
}

/* Tell the broker how far we are. `is_urgent`: a message was done with. */
static void move_place(struct exec *self, bool is_urgent)
{
    const uint64_t upto = done_upto(self);
    const uint64_t now_ms = cli_now_ms();

    if (self->is_own && upto > self->confirmed) {
        zchat_confirm(self->cli.chat, self->confirmed + 1, upto);
        self->confirmed = upto;
    }
    if (!is_marking(self) || upto <= self->marked || self->mark_ref != 0 ||
        (!is_urgent && now_ms < self->marked_at_ms + MARK_EVERY_MS))
        return;
    if (zchat_mark(self->cli.chat, self->args->durable, self->stream, upto, &self->mark_ref) != 0)
        return; /* too many questions on their way: later */
    self->marked = upto;
    self->marked_at_ms = now_ms;
}

static void drop_done(struct exec *self)
{
    bool is_dropped = false;

    while (self->count > 0 && task_at(self, 0)->state == TASK_DONE) {
        if (self->args->is_json)
            task_print(task_at(self, 0), self->stream);
        task_destroy(&self->task[self->first]);
        self->first = (self->first + 1) % TASKS_MAX;
        self->count--;
        is_dropped = true;
    }
    move_place(self, is_dropped);
}

/* --- the loop ---------------------------------------------------------------------- */

static enum exit_code on_event(struct exec *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_EVENT:
        take(self, event);
        return EXIT_GO_ON;
    case ZCHAT_GAP:
        take_gap(self, event);
        return EXIT_GO_ON;
    case ZCHAT_LIVE:
        if (self->seen == 0) /* behind it begins what is new */
            self->seen = self->confirmed = event->seq;
        if (self->args->is_verbose)
            place_tell_live(self->stream, event->seq);
        return EXIT_GO_ON;
    case ZCHAT_POST:
        on_post(self, event);
        return EXIT_GO_ON;
    case ZCHAT_ANSWER:
        if (event->ref == 0)
            return cli_fail((enum rc)event->rc, event->stream);
        if (event->ref != self->mark_ref)
            return EXIT_GO_ON;
        self->mark_ref = 0;
        return event->rc != 0 ? cli_fail((enum rc)event->rc, self->args->durable) : EXIT_GO_ON;
    default:
        return EXIT_GO_ON;
    }
}

static bool is_over(const struct exec *self)
{
    return self->is_closed &&
           (self->count == 0 || (self->is_ending && task_at(self, 0)->state == TASK_WAITING));
}

static uint64_t next_deadline_ms(const struct exec *self)
{
    const uint64_t now_ms = cli_now_ms();
    uint64_t at_ms = UINT64_MAX;

    for (size_t i = 0; i < self->count; i++) {
        const struct task *task = task_at(self, i);

        if (task->state == TASK_RUNNING && child_deadline_ms(&task->child, now_ms) < at_ms)
            at_ms = child_deadline_ms(&task->child, now_ms);
    }
    if (self->spawn_at_ms > now_ms && self->spawn_at_ms < at_ms)
        at_ms = self->spawn_at_ms;
    if (is_marking(self) && self->mark_ref == 0 && done_upto(self) > self->marked &&
        self->marked_at_ms + MARK_EVERY_MS < at_ms)
        at_ms = self->marked_at_ms + MARK_EVERY_MS;
    return at_ms;
}

/* Until no more is to be done, or `until_ms`. */
static enum exit_code work(struct exec *self, uint64_t until_ms)
{
    struct zchat_event event;

    for (;;) {
        struct pollfd wake = {.fd = self->epoll_fd, .events = POLLIN};
        uint64_t at_ms;
        enum exit_code code = follow_again(self);

        look_at_running(self);
        if (code == EXIT_GO_ON)
            code = start_waiting(self);
        if (code == EXIT_GO_ON)
            code = post_answers(self);
        if (code != EXIT_GO_ON)
            return code;
        drop_done(self);
        if (is_over(self) || cli_now_ms() >= until_ms)
            return EXIT_DONE;
        at_ms = next_deadline_ms(self);
        code = cli_next(&self->cli, at_ms < until_ms ? at_ms : until_ms, &wake, 1, &event);
        if (code == EXIT_GO_ON)
            code = on_event(self, &event);
        if (code != EXIT_GO_ON)
            return code;
    }
}

/* A signal came, or the program cannot be run: nothing new is begun, what runs may end and its answer be stored. A second one ends all. */
static void wind_up(struct exec *self)
{
    size_t left = 0;

    self->is_closed = self->is_ending = true;
    cli_await_signal(&self->cli);
    if (self->running > 0)
        cli_say("ending; waiting for %zu that run%s", self->running, self->running == 1 ? "s" : "");
    work(self,
         cli_later_ms((uint64_t)self->args->limit_ms + CHILD_GRACE_MS + self->args->timeout_ms));
    for (size_t i = 0; i < self->count; i++)
        left += task_at(self, i)->state != TASK_DONE;
    if (left > 0)
        cli_say("%zu message%s not done%s", left, left == 1 ? " is" : "s are",
                is_marking(self) || self->is_own ? "; the next start goes on there" : "");
}

/* Bring the last place to the broker. */
static void settle_place(struct exec *self)
{
    const uint64_t until_ms = cli_later_ms(MARK_END_MS);
    struct zchat_event event;

    if (!is_marking(self))
        return;
    self->is_closed = true;
    cli_forget_signal(&self->cli);
    for (;;) {
        move_place(self, true);
        if (self->mark_ref == 0 || cli_now_ms() >= until_ms ||
            cli_next(&self->cli, until_ms, NULL, 0, &event) != EXIT_GO_ON ||
            on_event(self, &event) != EXIT_GO_ON)
            return;
    }
}

static enum exit_code join(struct exec *self)
{
    struct zchat_event answer;
    uint32_t ref;
    zchat_rc rc;

    if (self->is_own)
        return EXIT_GO_ON;
    rc = zchat_join(self->cli.chat, self->stream, false, &ref);
    return rc != 0 ? cli_fail((enum rc)rc, self->stream)
                   : cli_answer(&self->cli, ref, NULL, NULL, &answer);
}

/* Behind the place that the broker remembers, else where the command line says. */
static enum exit_code begin(struct exec *self)
{
    struct zchat_place from = place_since(
        self->args, (struct zchat_place){self->is_own ? ZCHAT_FROM_CONFIRMED : ZCHAT_FROM_HEAD, 0});
    struct zchat_event answer;
    enum exit_code code = EXIT_GO_ON;
    uint32_t ref;

    if (is_marking(self)) {
        const zchat_rc rc = zchat_mark(self->cli.chat, self->args->durable, self->stream, 0, &ref);

        code = rc != 0 ? cli_fail((enum rc)rc, self->args->durable)
                       : cli_answer(&self->cli, ref, NULL, NULL, &answer);
        if (code != EXIT_GO_ON)
            return code;
        if (answer.seq > 0) {
            self->seen = self->marked = answer.seq;
            from = (struct zchat_place){ZCHAT_FROM_SEQ, answer.seq + 1};
        }
    }
    return follow(self, from);
}

static enum exit_code exec_all(struct exec *self)
{
    enum exit_code code;

    self->cli.outlives_reader = true; /* answers matter, not who reads about them */
    self->cli.tells_link = true;
    code = cli_wait_up(&self->cli);
    if (code == EXIT_GO_ON)
        code = join(self);
    if (code == EXIT_GO_ON)
        code = begin(self);
    if (code == EXIT_GO_ON)
        code = work(self, UINT64_MAX);
    if (code >= EXIT_NOT_RUN)
        wind_up(self);
    if (code == EXIT_DONE || code >= EXIT_NOT_RUN)
        settle_place(self);
    while (self->count > 0)
        task_destroy(&self->task[(self->first + --self->count) % TASKS_MAX]);
    return code;
}

/* What can be said without the broker. */
static enum exit_code check(struct exec *self)
{
    const char *program = self->args->word[1];
    enum exit_code code = place_check_stream(self->args->word[0]);
    struct stream_name name;

    if (code != EXIT_GO_ON || stream_name_parse(span_of(self->args->word[0]), &name) != RC_OK)
        return code;
    memcpy(self->stream, name.text, sizeof(name.text));
    self->is_own = name.sigil == '@';
    switch (child_check(program)) {
    case 0:
        return filter_init(&self->filter, self->args);
    case 127:
        return cannot_run(self, ENOENT);
    default:
        return cannot_run(self, EACCES);
    }
}

enum exit_code verb_exec(const struct args *args)
{
    struct exec self = {
        .args = args, .epoll_fd = -1, .is_closed = args->has_count && args->count == 0};
    enum exit_code code = check(&self);

    if (code != EXIT_GO_ON)
        return code;
    self.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self.epoll_fd < 0) {
        cli_say("cannot wait for programs: %s", strerror(errno));
        code = EXIT_OTHER;
    } else {
        code = cli_open_late(&self.cli, args, self.is_own);
    }
    if (code == EXIT_GO_ON) {
        code = exec_all(&self);
        cli_close(&self.cli);
    }
    if (self.epoll_fd >= 0)
        close(self.epoll_fd);
    filter_fini(&self.filter);
    return code;
}
