/* echo_bot.c - answers messages to it, and lines that begin with !echo in a room, with a notice.
 *
 *   cc -o echo_bot echo_bot.c $(pkg-config --cflags --libs zchat)
 *   ./echo_bot echo '#lobby'
 *
 * The library reconnects, retries and repairs gaps. What is left to do: answer, and confirm a private message only
 * when its answer is stored, so that none is lost when the bot is killed. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <zchat.h>

#define COMMAND "!echo "

struct bot {
    struct zchat *chat;
    char own[256];            /* "@echo" */
    uint64_t told, confirmed; /* of the own stream */
};

static void on_message(struct bot *self, const struct zchat_event *event)
{
    const char *text = event->text, *target = event->stream;
    size_t len = event->text_len;
    char person[256];

    /* Notices come from programs: who answers them may talk for ever. So may who answers itself. */
    if (strcmp(event->message_kind, "notice") == 0 ||
        strcmp(event->from, zchat_nick(self->chat)) == 0)
        return;
    if (event->stream[0] == '@') {
        snprintf(person, sizeof(person), "@%s", event->from);
        target = person;
    } else if (strncmp(text, COMMAND, strlen(COMMAND)) == 0) {
        text += strlen(COMMAND);
        len -= strlen(COMMAND);
    } else {
        return;
    }
    zchat_rc rc = len == 0 ? 0 : zchat_post(self->chat, target, "notice", text, len, 0, NULL);

    if (rc != 0)
        fprintf(stderr, "cannot answer %s: %s\n", event->from, zchat_strerror(rc));
}

/* False: it is over. */
static bool on_event(struct bot *self, const struct zchat_event *event)
{
    switch (event->kind) {
    case ZCHAT_EVENT:
        if (strcmp(event->type, "message") == 0)
            on_message(self, event);
        if (strcmp(event->stream, self->own) == 0)
            self->told = event->seq;
        break;
    case ZCHAT_POST:
        if (event->post == ZCHAT_FAILED)
            fprintf(stderr, "an answer was refused: %s\n", zchat_strerror(event->rc));
        break;
    case ZCHAT_ANSWER:
        if (event->rc != 0)
            fprintf(stderr, "%s: %s\n", event->stream, zchat_strerror(event->rc));
        break;
    case ZCHAT_LINK:
        if (event->link == ZCHAT_LINK_REFUSED) {
            fprintf(stderr, "not let in: %s\n", event->text);
            return false;
        }
        break;
    default:
        break;
    }
    if (self->told > self->confirmed && zchat_unanswered(self->chat) == 0) {
        zchat_confirm(self->chat, 1, self->told);
        self->confirmed = self->told;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct zchat_options options = {
        .nick = argc > 1 ? argv[1] : "echo", .is_inbox = true, .confirms_late = true};
    struct zchat_event event;
    struct bot bot = {0};
    struct pollfd stop = {.events = POLLIN};
    const char *why = "";
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before the library makes its threads */
    stop.fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (zchat_open(&options, &bot.chat, &why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    snprintf(bot.own, sizeof(bot.own), "@%s", zchat_nick(bot.chat));
    zchat_follow(bot.chat, bot.own, (struct zchat_place){ZCHAT_FROM_CONFIRMED, 0}, 0);
    for (int i = 2; i < argc; i++) { /* requests wait for the link by themselves */
        zchat_join(bot.chat, argv[i], true, NULL);
        zchat_follow(bot.chat, argv[i], (struct zchat_place){ZCHAT_FROM_HEAD, 0}, 0);
    }
    do {
        zchat_next(bot.chat, -1, &stop, 1, &event);
    } while (on_event(&bot, &event) && stop.revents == 0);
    zchat_close(&bot.chat);
    return stop.revents == 0; /* 0 when a signal asked for the end */
}
