#include "client/cli/cli.h"

#include "shared/base/clock.h"
#include "shared/base/rc.h"
#include "shared/text/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS 200 /* how often to look why there is no link yet */

static volatile sig_atomic_t signal_number;
static int signal_fd = -1;

static void on_signal(int number)
{
    const uint64_t one = 1;
    int saved = errno;

    signal_number = number;
    if (write(signal_fd, &one, sizeof(one)) < 0) {
        /* it is readable already */
    }
    errno = saved;
}

/* Once: the second signal ends us without ceremony, should we hang. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

uint64_t cli_now_ms(void)
{
    return clock_mono_ms();
}

uint64_t cli_later_ms(uint64_t delay_ms)
{
    return clock_mono_ms() + delay_ms;
}

void cli_say(const char *format, ...)
{
    va_list args;

    fputs("zchat: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

enum exit_code cli_usage(const char *format, ...)
{
    va_list args;

    fputs("zchat: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

enum exit_code cli_fail(enum rc rc, const char *about)
{
    fputs("zchat: ", stderr);
    clean_write(stderr, span_of(about), false, "");
    fprintf(stderr, "%s%s (%s)\n", about[0] == '\0' ? "" : ": ", rc_sentence(rc), rc_name(rc));
    return exit_code_of(rc);
}

/* A write that failed before the last flush has left no errno; the pipe itself still tells. */
static bool is_reader_gone(int problem)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return problem == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0);
}

enum exit_code cli_flush(void)
{
    int problem;

    /* The failure may be of a flush before this one: then errno still is of that one. */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_GO_ON;
    problem = errno;
    if (signal_number != 0)
        return (enum exit_code)(EXIT_SIGNALLED + signal_number); /* stdio has dropped it */
    if (is_reader_gone(problem))
        return EXIT_DONE; /* `| head` has what it wanted */
    cli_say("cannot write to standard output: %s", problem != 0 ? strerror(problem) : "it failed");
    return EXIT_OTHER;
}

void cli_mute(struct cli *self)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    self->is_muted = true;
    if (nowhere < 0)
        return;
    (void)dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
    clearerr(stdout);
}

static enum exit_code open_handle(struct cli *self, const struct args *args, bool is_inbox,
                                  bool confirms_late)
{
    const struct zchat_options options = {
        .broker = args->broker,
        .nick = args->nick,
        .home = args->home,
        .history = args->history,
        .agent = "zchat/" ZCHAT_VERSION,
        .is_inbox = is_inbox,
        .confirms_late = confirms_late,
        .session = args->session,
        .keeps_outbox = args->verb == NULL, /* the chat itself */
        .keeps_places = args->verb == NULL,
    };
    const char *why = "";
    zchat_rc rc;

    *self = (struct cli){.args = args, .signal_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit is told like any other that fails */
    rc = zchat_open(&options, &self->chat, &why);
    if (rc != 0) {
        cli_say("%s (%s)", why, zchat_errname(rc));
        return rc == RC_BAD_NAME ? EXIT_USAGE : exit_code_of((enum rc)rc);
    }
    signal_number = 0;
    self->signal_fd = signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signal_fd >= 0) /* else signals do what they always did */
        catch_signals();
    self->link_wait_ms = args->timeout_ms;
    self->give_up_ms = cli_later_ms(self->link_wait_ms);
    return EXIT_GO_ON;
}

enum exit_code cli_open(struct cli *self, const struct args *args, bool is_inbox)
{
    return open_handle(self, args, is_inbox, false);
}

enum exit_code cli_open_late(struct cli *self, const struct args *args, bool is_inbox)
{
    return open_handle(self, args, is_inbox, true);
}

void cli_close(struct cli *self)
{
    zchat_close(&self->chat);
    if (self->signal_fd >= 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        close(self->signal_fd);
        self->signal_fd = signal_fd = -1;
    }
}

int cli_signal(void)
{
    return signal_number;
}

void cli_forget_signal(struct cli *self)
{
    uint64_t count;

    signal_number = 0;
    if (self->signal_fd >= 0 && read(self->signal_fd, &count, sizeof(count)) < 0) {
        /* there was none */
    }
}

void cli_await_signal(struct cli *self)
{
    cli_forget_signal(self);
    if (self->signal_fd >= 0)
        catch_signals();
}

static void on_link(struct cli *self, const struct zchat_event *event)
{
    if (event->link == ZCHAT_LINK_UP) {
        if (self->was_up && !self->is_up && self->tells_link)
            cli_say(event->text[0] == '\0' ? "the link is back"
                                           : "the link is back (another broker: %s)",
                    event->text);
        self->is_up = self->was_up = true;
        self->give_up_ms = UINT64_MAX;
        return;
    }
    if (event->link == ZCHAT_LINK_DOWN && event->rc != 0)
        cli_say("not let in yet: %s (%s); trying again", rc_sentence((enum rc)event->rc),
                rc_name((enum rc)event->rc));
    else if (self->is_up && self->tells_link)
        cli_say("the link is down: %s; trying again", event->text);
    self->is_up = false;
}

/* Behind a link that was up somebody may listen who is not the broker: said once, since it may pass. */
static void tell_trouble(struct cli *self)
{
    const char *why;

    if (self->is_up)
        self->is_wrong_told = false;
    else if (self->tells_link && !self->is_wrong_told &&
             zchat_trouble(self->chat, &why) == RC_WRONG_BROKER) {
        self->is_wrong_told = true;
        cli_say("%s (%s); trying again", why, rc_name(RC_WRONG_BROKER));
    }
}

/* A refusal does not go away by itself, and neither does a wrong key. */
static enum exit_code check_entry(struct cli *self, const struct zchat_event *event)
{
    const char *why;

    if (event->kind == ZCHAT_LINK && event->link == ZCHAT_LINK_REFUSED) {
        char text[512];

        clean_copy(text, sizeof(text), span_of(event->text));
        cli_say("not let in as %s: %s (%s)", zchat_nick(self->chat),
                text[0] != '\0' ? text : rc_sentence((enum rc)event->rc),
                rc_name((enum rc)event->rc));
        return EXIT_NO_LINK;
    }
    if (self->was_up) {
        tell_trouble(self);
        return EXIT_GO_ON;
    }
    if (zchat_trouble(self->chat, &why) == RC_WRONG_BROKER) {
        cli_say("%s (%s)", why, rc_name(RC_WRONG_BROKER));
        return EXIT_NO_LINK;
    }
    if (cli_now_ms() >= self->give_up_ms) {
        enum rc rc = (enum rc)zchat_trouble(self->chat, &why);

        cli_say("%s (%s, tried for %.3g s)", why, rc_name(rc), self->link_wait_ms / 1000.0);
        return EXIT_NO_LINK;
    }
    return EXIT_GO_ON;
}

static int time_until(uint64_t until_ms, uint64_t now_ms)
{
    if (until_ms == UINT64_MAX)
        return -1;
    if (until_ms <= now_ms)
        return 0;
    return until_ms - now_ms > 3600000 ? 3600000 : (int)(until_ms - now_ms);
}

enum exit_code cli_next(struct cli *self, uint64_t until_ms, struct pollfd *extra,
                        size_t extra_count, struct zchat_event *ret)
{
    struct pollfd fds[2 + CLI_EXTRA_MAX] = {
        {.fd = self->signal_fd, .events = POLLIN},
        {.fd = STDOUT_FILENO}, /* tells when the reader of a pipe has gone */
    };
    struct pollfd *first = self->signal_fd >= 0 ? fds : fds + 1;
    size_t own_count = (size_t)(fds + 2 - first);

    for (size_t i = 0; i < extra_count; i++)
        fds[2 + i] = extra[i];
    for (;;) {
        uint64_t now_ms = cli_now_ms();
        uint64_t wake_ms = until_ms;
        enum exit_code code;

        if (!self->is_up && now_ms + LOOK_MS < wake_ms)
            wake_ms = now_ms + LOOK_MS;
        if (signal_number != 0)
            return (enum exit_code)(EXIT_SIGNALLED + signal_number);
        zchat_next(self->chat, time_until(wake_ms, now_ms), first, own_count + extra_count, ret);
        for (size_t i = 0; i < extra_count; i++)
            extra[i].revents = fds[2 + i].revents;
        /* An event in hand goes first: with the next call the library takes it for shown. */
        if (signal_number != 0 && ret->kind == ZCHAT_NONE)
            return (enum exit_code)(EXIT_SIGNALLED + signal_number);
        if ((fds[1].revents & (POLLERR | POLLNVAL)) != 0) {
            if (!self->outlives_reader)
                return EXIT_DONE;
            cli_mute(self);
        }
        if (ret->kind == ZCHAT_LINK)
            on_link(self, ret);
        code = check_entry(self, ret);
        if (code != EXIT_GO_ON)
            return code;
        if (ret->kind != ZCHAT_NONE)
            return EXIT_GO_ON;
        for (size_t i = 0; i < extra_count; i++) {
            if (extra[i].revents != 0)
                return EXIT_GO_ON;
        }
        if (cli_now_ms() >= until_ms)
            return EXIT_GO_ON;
    }
}

enum exit_code cli_wait_up(struct cli *self)
{
    struct zchat_event event;
    enum exit_code code = EXIT_GO_ON;

    while (code == EXIT_GO_ON && !self->was_up)
        code = cli_next(self, UINT64_MAX, NULL, 0, &event);
    return code;
}

static bool is_row(const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_PERSON:
    case ZCHAT_ROOM:
    case ZCHAT_DEVICE:
    case ZCHAT_SESSION:
    case ZCHAT_STAT:
    case ZCHAT_BAN:
    case ZCHAT_FOUND:
    case ZCHAT_BROKER:
        return true;
    default:
        return false;
    }
}

enum exit_code cli_answer(struct cli *self, uint32_t ref, cli_row_function *on_row, void *context,
                          struct zchat_event *ret)
{
    uint64_t until_ms = UINT64_MAX;

    for (;;) {
        enum exit_code code;

        if (self->was_up && until_ms == UINT64_MAX &&
            !(self->is_patient && !self->args->has_timeout))
            until_ms = cli_later_ms(self->args->timeout_ms);
        code = cli_next(self, until_ms, NULL, 0, ret);
        if (code != EXIT_GO_ON)
            return code;
        if (ret->kind == ZCHAT_ANSWER && ret->ref == ref)
            return ret->rc == 0 ? EXIT_GO_ON
                                : cli_fail((enum rc)ret->rc,
                                           self->about != NULL ? self->about : ret->stream);
        if (ret->kind == ZCHAT_NONE && cli_now_ms() >= until_ms)
            return cli_fail(RC_TIMEOUT, self->about != NULL ? self->about : "");
        if (is_row(ret) && ret->ref == ref && on_row != NULL)
            on_row(context, ret);
    }
}
