/* line.c - the loop of line mode: input, events, states of own posts. */
#include "client/cli/line.h"

#include "client/cli/command.h"

#include "client/lib/net/event_json.h"
#include "shared/base/clock.h"
#include "shared/text/json.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITING_TOLD_MS 1000 /* a post that waits longer is shown as waiting */
#define UNSHOWN_MS      2000 /* at the end, so long for the events of stored posts */

void line_remark(const char *format, ...)
{
    va_list args;

    fputs("* ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* --- own posts -------------------------------------------------------------------- */

static void print_sign(const struct line *self, enum sign sign)
{
    printf("%s ", style_sign(&self->talk.style, sign));
}

static void print_post_text(const struct own_post *post)
{
    clean_write(stdout, (struct span){post->text, post->text_len}, true, "    ");
}

void line_post_json(const struct line *self, const struct zchat_event *event)
{
    static const char *const states[] = {"waiting", "stored", "delivered", "unknown", "failed"};
    struct json json;

    json_open(&json, stdout);
    if (event->stream[0] != '\0')
        json_text(&json, "stream", span_of(event->stream));
    if (event->seq != 0)
        json_uint(&json, "seq", event->seq);
    json_text(&json, "type", SPAN("post"));
    json_id(&json, "session", zchat_session(self->cli.chat));
    json_uint(&json, "number", event->number);
    json_text(&json, "state", span_of(states[event->post]));
    if (event->rc != 0)
        json_text(&json, "error", span_of(zchat_errname(event->rc)));
    json_close(&json);
}

/* A room's post is shown by its event; a private one here. */
static void show_stored(struct line *self, struct own_post *post, const struct zchat_event *event)
{
    if (post->target[0] == '#') {
        if (post->is_shown || event->seq > zchat_place(self->cli.chat, event->stream))
            return;
        /* The run before has shown the event, and ended before it knew that it was its own. */
        post->is_shown = true;
        print_sign(self, SIGN_STORED);
        clean_write(stdout, span_of(post->target), false, "");
        fputs(" has it: ", stdout);
        print_post_text(post);
        fputc('\n', stdout);
        return;
    }
    print_time(stdout, &self->talk.style, event->ts_ms != 0 ? event->ts_ms : clock_wall_ms());
    fputc(' ', stdout);
    print_sign(self, SIGN_TO);
    print_nick(stdout, &self->talk.style, post->target + 1);
    fputs(": ", stdout);
    print_post_text(post);
    printf(" %s\n", style_sign(&self->talk.style, SIGN_STORED));
}

static void show_delivered(struct line *self, const struct own_post *post)
{
    print_sign(self, SIGN_DELIVERED);
    print_nick(stdout, &self->talk.style, post->target + 1);
    fputs(" has it: ", stdout);
    print_post_text(post);
    fputc('\n', stdout);
}

static void show_failed(struct line *self, const struct own_post *post,
                        const struct zchat_event *event)
{
    print_sign(self, SIGN_FAILED);
    if (event->rc == RC_TOO_OLD)
        fputs("perhaps sent, perhaps not, to ", stdout);
    else
        fputs(event->post == ZCHAT_FAILED ? "not sent to " : "no answer yet for ", stdout);
    clean_write(stdout, span_of(post->target), false, "");
    fputs(": ", stdout);
    print_post_text(post);
    if (event->post == ZCHAT_FAILED)
        printf(" (%s)", zchat_strerror(event->rc));
    if (event->rc != RC_TOO_OLD) /* a new try could say it twice */
        printf(" (/retry %" PRIu32 ")", post->number);
    fputc('\n', stdout);
}

/* The broker takes nothing now. The library tells it once, not for each try. */
static void show_held_up(struct line *self, struct own_post *post, const struct zchat_event *event)
{
    post->is_told_waiting = true;
    print_sign(self, SIGN_WAITING);
    printf("waiting: %s\n", waiting_sentence((enum rc)event->rc));
}

/* A run that was killed has left it; it is sent now. */
static void on_restored(struct line *self, const struct zchat_event *event)
{
    self->restored++;
    own_posts_add(&self->talk.posts, event->number, event->stream,
                  (struct span){event->text, event->text_len}, cli_now_ms());
}

static void on_post(struct line *self, const struct zchat_event *event)
{
    struct own_post *post = own_posts_find(&self->talk.posts, event->number);

    if (event->post == ZCHAT_WAITING && post == NULL && event->rc == 0)
        on_restored(self, event);
    self->progress_ms = cli_now_ms();
    if (self->args->is_json)
        line_post_json(self, event);
    if (post == NULL)
        return;
    post->state = event->post;
    if (!self->args->is_json) {
        if (event->post == ZCHAT_STORED)
            show_stored(self, post, event);
        else if (event->post == ZCHAT_DELIVERED)
            show_delivered(self, post);
        else if (event->post != ZCHAT_WAITING)
            show_failed(self, post, event);
        else if (event->rc != 0)
            show_held_up(self, post, event);
    }
    if (event->post == ZCHAT_DELIVERED ||
        (event->post == ZCHAT_STORED && post->is_shown && post->target[0] == '#'))
        own_posts_remove(&self->talk.posts, post);
}

/* Nothing is dropped silently: what waits for long is said to wait, once. */
static void tell_waiting(struct line *self)
{
    uint64_t now_ms = cli_now_ms();

    for (size_t i = 0; i < self->talk.posts.count; i++) {
        struct own_post *post = &self->talk.posts.item[i];

        if (post->state != ZCHAT_WAITING || post->is_told_waiting ||
            now_ms < post->posted_at_ms + WAITING_TOLD_MS)
            continue;
        post->is_told_waiting = true;
        if (self->args->is_json)
            continue;
        print_sign(self, SIGN_WAITING);
        fputs("waiting for the broker: ", stdout);
        print_post_text(post);
        fputc('\n', stdout);
    }
}

/* Of the outbox on disk, when it is new. */
static void tell_trouble(struct line *self)
{
    const char *trouble = zchat_outbox_trouble(self->cli.chat);

    if (strcmp(self->trouble, trouble) == 0)
        return;
    snprintf(self->trouble, sizeof(self->trouble), "%s", trouble);
    cli_say("%s", trouble);
}

/* --- events ----------------------------------------------------------------------- */

static bool is_of_this_run(const struct line *self, const struct zchat_event *event)
{
    return event->session == zchat_session(self->cli.chat) && strcmp(event->type, "message") == 0;
}

static bool is_own_leave(const struct line *self, const struct zchat_event *event)
{
    return strcmp(event->type, "leave") == 0 && strcmp(event->from, self->talk.own + 1) == 0;
}

/* Perhaps an event of the past that somebody asked for. */
static bool is_asked_history(struct line *self, const struct zchat_event *event)
{
    return talk_ask_find(&self->talk, ASK_HISTORY, event->stream) != NULL;
}

/* Own private messages were shown with their state, and that one was put out, the own stream tells; reading
 * back shows them all. */
static bool is_told_here(struct line *self, const struct zchat_event *event, bool is_asked,
                         bool is_own)
{
    if (talk_is_ignored(&self->talk, event->from) && strcmp(event->type, "message") == 0)
        return false;
    if (is_asked)
        return true;
    return event->stream[0] == '#' ? !talk_room_is_put_out(&self->talk, event) : !is_own;
}

static void on_event(struct line *self, const struct zchat_event *event)
{
    bool is_asked = is_asked_history(self, event), is_own = false;
    struct own_post *post = NULL;
    const char *after = "";

    if (self->args->is_json) {
        event_json(stdout, event);
    }
    if (is_of_this_run(self, event)) {
        is_own = true;
        post = own_posts_find(&self->talk.posts, event->number);
        after = style_sign(&self->talk.style, SIGN_STORED);
        self->progress_ms = cli_now_ms();
    }
    if (!self->args->is_json && is_told_here(self, event, is_asked, is_own))
        print_event(stdout, &self->talk.style, event, after);
    if (is_own_leave(self, event))
        zchat_set_place(self->cli.chat, event->stream, 0);
    else
        line_note_shown(self, event->stream, event->seq, is_asked);
    talk_room_event(&self->talk, event);
    if (post == NULL)
        return;
    post->is_shown = true;
    if (post->state == ZCHAT_STORED && post->target[0] == '#')
        own_posts_remove(&self->talk.posts, post);
}

/* --- the face --------------------------------------------------------------------- */

static struct line *line_of(struct talk *talk)
{
    return talk->face_self;
}

static void face_remark(struct talk *talk, const char *text)
{
    (void)talk;
    line_remark("%s", text);
}

static void face_target(struct talk *talk)
{
    if (line_of(talk)->is_terminal && talk->target[0] != '\0')
        line_remark("what you type goes to %s", talk->target);
}

static void face_posted(struct talk *talk, uint32_t number, const char *target, struct span text)
{
    (void)number;
    (void)target;
    (void)text;
    line_of(talk)->progress_ms = cli_now_ms();
}

static void face_retried(struct talk *talk, uint32_t old_number, uint32_t number)
{
    (void)old_number;
    (void)number;
    line_of(talk)->progress_ms = cli_now_ms();
}

/* What was said before stands above what is said now. */
static void face_follow(struct talk *talk, const char *stream, uint64_t head)
{
    const size_t missing = line_of(talk)->live_missing;

    line_follow(line_of(talk), stream, head); /* fails when it is followed already, as good */
    if (line_of(talk)->live_missing > missing && !talk_is_asking(talk, ASK_LIVE))
        talk_ask_for(talk, ASK_LIVE, 0, 0, "");
}

static void stop_waiting_for_live(struct line *self)
{
    struct talk_ask *live = talk_ask_find(&self->talk, ASK_LIVE, NULL);

    self->live_missing = 0;
    if (live != NULL)
        talk_ask_done(&self->talk, live);
}

static void face_joined(struct talk *talk, const struct zchat_event *answer)
{
    (void)answer;
    stop_waiting_for_live(line_of(talk));
}

static void face_started(struct talk *talk)
{
    face_follow(talk, talk->own, 0);
    if (talk->target[0] == '\0')
        line_remark("you are in no room yet: /join #lobby");
    else if (line_of(talk)->is_terminal)
        line_remark("what you type goes to %s; /help tells the commands", talk->target);
}

static void face_left(struct talk *talk, const char *room, bool is_lost)
{
    (void)is_lost;
    (void)talk;
    (void)room;
}

static void face_history(struct talk *talk, uint64_t count)
{
    const char *stream = talk->target[0] == '#' ? talk->target : talk->own;
    const struct zchat_place from = {ZCHAT_FROM_LAST, count};

    talk_ask_for(talk, ASK_HISTORY, zchat_follow(talk->chat, stream, from, INT64_MAX), 0, stream);
}

static FILE *face_list_begin(struct talk *talk)
{
    (void)talk;
    return stdout;
}

static void face_list_end(struct talk *talk)
{
    (void)talk;
}

static void face_help(struct talk *talk)
{
    const struct command_help *command;

    (void)talk;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        line_remark("/%-8s %-18s %s", command->name, command->usage, command->does);
    line_remark("any other line is a message; // in front of one that begins with /");
}

static void face_quit(struct talk *talk)
{
    line_of(talk)->is_over = true;
}

static const struct talk_face face = {
    .remark = face_remark,
    .target = face_target,
    .posted = face_posted,
    .retried = face_retried,
    .follow = face_follow,
    .joined = face_joined,
    .started = face_started,
    .left = face_left,
    .history = face_history,
    .list_begin = face_list_begin,
    .list_end = face_list_end,
    .help = face_help,
    .quit = face_quit,
};
static void on_live(struct line *self, const struct zchat_event *event)
{
    struct talk_ask *history = talk_ask_find(&self->talk, ASK_HISTORY, event->stream);

    if (history != NULL)
        talk_ask_done(&self->talk, history);
    else
        line_note_shown(self, event->stream, event->seq, false);
    if (self->live_missing > 0 && --self->live_missing == 0)
        stop_waiting_for_live(self);
}

static enum exit_code on_any(struct line *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_EVENT:
        on_event(self, event);
        break;
    case ZCHAT_GAP:
        if (self->args->is_json)
            event_json(stdout, event);
        else
            print_gap(stdout, &self->talk.style, event);
        line_note_shown(self, event->stream, event->last, is_asked_history(self, event));
        break;
    case ZCHAT_POST:
        on_post(self, event);
        break;
    case ZCHAT_LIVE:
        on_live(self, event);
        break;
    default:
        (void)talk_answer(&self->talk, event);
        break;
    }
    return cli_flush();
}

/* --- the loop --------------------------------------------------------------------- */

static bool wants_input(const struct line *self)
{
    return !self->is_over && self->talk.ask_count == 0 &&
           zchat_unanswered(self->cli.chat) < POST_WINDOW;
}

static void take_lines(struct line *self)
{
    struct span text;
    enum rc rc;

    while (wants_input(self)) {
        rc = input_line(&self->input, &text);
        if (rc == RC_END) {
            self->is_over = self->input.is_over;
            if (self->is_over)
                self->progress_ms = cli_now_ms();
            return;
        }
        if (rc == RC_TOO_BIG)
            line_remark("%s not sent: %s", style_sign(&self->talk.style, SIGN_FAILED),
                        rc_sentence(RC_TOO_BIG));
        else
            command_take(&self->talk, text);
    }
}

/* The input is over: EXIT_GO_ON while something is still to come. */
static enum exit_code check_end(struct line *self)
{
    uint64_t waited_ms = cli_now_ms() - self->progress_ms;
    size_t unanswered = zchat_unanswered(self->cli.chat);

    if (!self->is_over || self->talk.ask_count > 0)
        return EXIT_GO_ON;
    if (unanswered > 0) /* the outbox keeps them; line_mode() says so */
        return waited_ms < self->args->timeout_ms ? EXIT_GO_ON : EXIT_TIMED_OUT;
    if (own_posts_unshown(&self->talk.posts) > 0 && waited_ms < UNSHOWN_MS)
        return EXIT_GO_ON;
    return !self->is_terminal && (self->talk.is_refused || own_posts_failed(&self->talk.posts) > 0)
               ? EXIT_REFUSED
               : EXIT_DONE;
}

/* The next time at which something is to be said without an event. */
static uint64_t next_look_ms(const struct line *self)
{
    bool is_waiting =
        self->is_over || self->talk.ask_count > 0 || zchat_unanswered(self->cli.chat) > 0;

    return is_waiting ? cli_later_ms(WAITING_TOLD_MS / 4) : UINT64_MAX;
}

static enum exit_code run(struct line *self)
{
    struct zchat_event event;
    enum exit_code code;

    for (;;) {
        struct pollfd in = {.fd = self->input.fd, .events = POLLIN};
        bool is_reading;

        take_lines(self);
        tell_waiting(self);
        tell_trouble(self);
        code = cli_flush();
        if (code == EXIT_GO_ON)
            code = check_end(self);
        if (code != EXIT_GO_ON)
            return code;
        is_reading = wants_input(self) && !self->input.is_over;
        code = cli_next(&self->cli, next_look_ms(self), &in, is_reading ? 1 : 0, &event);
        if (code != EXIT_GO_ON)
            return code;
        if (is_reading && in.revents != 0 && input_fill(&self->input) != RC_OK) {
            cli_say("cannot read standard input: %s", strerror(errno));
            self->is_unreadable = true;
        }
        code = on_any(self, &event);
        if (code != EXIT_GO_ON)
            return code;
        if (self->cli.was_up)
            talk_ask_expire(&self->talk, cli_now_ms());
    }
}

/* Wait for the link. What an earlier run has left is told before. */
static enum exit_code wait_up(struct line *self)
{
    struct zchat_event event;
    enum exit_code code = EXIT_GO_ON;

    while (code == EXIT_GO_ON && !self->cli.was_up) {
        code = cli_next(&self->cli, UINT64_MAX, NULL, 0, &event);
        if (code == EXIT_GO_ON && event.kind == ZCHAT_POST)
            on_post(self, &event);
        tell_trouble(self);
    }
    return code;
}

static const char *messages(size_t count)
{
    return count == 1 ? "message" : "messages";
}

static enum exit_code begin(struct line *self)
{
    struct zchat_outbox outbox;
    uint32_t ref = 0;
    zchat_rc rc;
    enum exit_code code = wait_up(self);

    if (code != EXIT_GO_ON)
        return code;
    zchat_outbox(self->cli.chat, &outbox);
    if (self->restored > 0)
        line_remark("%zu %s from last time %s sent now", self->restored, messages(self->restored),
                    self->restored == 1 ? "is" : "are");
    if (outbox.waiting > 0)
        line_remark("%zu %s of another run %s waiting for the next start", outbox.waiting,
                    messages(outbox.waiting), outbox.waiting == 1 ? "is" : "are");
    rc = zchat_rooms(self->cli.chat, true, &ref);
    talk_ask_for(&self->talk, ASK_START, rc, ref, "");
    return EXIT_GO_ON;
}

/* What has no answer stays in the outbox. */
static void tell_left(const struct line *self)
{
    struct zchat_outbox outbox;

    if (zchat_unanswered(self->cli.chat) == 0)
        return;
    zchat_outbox(self->cli.chat, &outbox);
    if (outbox.kept > 0)
        cli_say("%zu %s %s not sent yet; %s will be at the next start", outbox.kept,
                messages(outbox.kept), outbox.kept == 1 ? "is" : "are",
                outbox.kept == 1 ? "it" : "they");
}

enum exit_code line_mode(const struct args *args)
{
    struct line self = {.args = args};
    struct zchat_event event;
    enum exit_code code = cli_open(&self.cli, args, true);

    if (code != EXIT_GO_ON)
        return code;
    self.is_terminal = isatty(STDIN_FILENO) == 1;
    talk_init(&self.talk, self.cli.chat, &face, &self);
    self.talk.style = style_for(stdout);
    self.talk.style.has_date = false;
    self.talk.style.is_verbose = args->is_verbose;
    self.talk.style.has_commands = true;
    self.talk.is_json = args->is_json;
    /* Without a deadline of their own, posts wait for a broker that is away as long as we run. */
    self.talk.post_timeout_ms = args->has_timeout ? args->timeout_ms : 0;
    self.talk.ask_timeout_ms = args->timeout_ms;
    self.cli.tells_link = true;
    input_init(&self.input, STDIN_FILENO);
    code = begin(&self);
    if (code == EXIT_GO_ON)
        code = run(&self);
    /* What was printed last counts as shown; what could not be written does not. */
    if (code == EXIT_DONE && cli_flush() == EXIT_GO_ON)
        (void)cli_next(&self.cli, cli_now_ms(), NULL, 0, &event);
    tell_trouble(&self);
    tell_left(&self);
    talk_fini(&self.talk);
    input_fini(&self.input);
    cli_close(&self.cli);
    return code == EXIT_DONE && self.is_unreadable ? EXIT_OTHER : code;
}
