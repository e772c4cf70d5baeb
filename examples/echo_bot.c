/* echo_bot.c - answers messages to it, and lines that begin with !echo in a room, with a notice.
 *
 *   cc -o echo_bot echo_bot.c $(pkg-config --cflags --libs zchat)
 *   ./echo_bot echo '#lobby' */
#include <stdio.h>
#include <string.h>
#include <zchat.h>

#define COMMAND "!echo "
static void on_event(struct zchat *chat, const struct zchat_event *event)
{
    const char *text = event->text;
    const char *target = event->stream;
    char person[256];

    /* Notices come from programs: who answers them may talk for ever. */
    if (strcmp(event->type, "message") != 0 || strcmp(event->message_kind, "notice") == 0)
        return;
    if (event->to[0] != '\0') {
        if (strcmp(event->from, zchat_nick(chat)) == 0)
            return; /* the copy of what we have said ourselves */
        snprintf(person, sizeof(person), "@%s", event->from);
        target = person;
    } else if (strncmp(text, COMMAND, strlen(COMMAND)) == 0) {
        text += strlen(COMMAND);
    } else {
        return;
    }
    if (zchat_post(chat, target, "notice", text, strlen(text), 0, NULL) != 0)
        fprintf(stderr, "cannot answer %s\n", target);
}

int main(int argc, char **argv)
{
    struct zchat_options options = {.nick = argc > 1 ? argv[1] : "echo", .is_inbox = true};
    struct zchat_event event;
    struct zchat *chat;
    const char *why = "";
    char own[256];

    if (zchat_open(&options, &chat, &why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    snprintf(own, sizeof(own), "@%s", zchat_nick(chat));
    zchat_follow(chat, own, (struct zchat_place){ZCHAT_FROM_CONFIRMED, 0}, 0);
    for (int i = 2; i < argc; i++) { /* requests wait for the link by themselves */
        zchat_join(chat, argv[i], true, NULL);
        zchat_follow(chat, argv[i], (struct zchat_place){ZCHAT_FROM_HEAD, 0}, 0);
    }
    while (zchat_next(chat, -1, NULL, 0, &event) == 0) {
        if (event.kind == ZCHAT_EVENT)
            on_event(chat, &event);
        else if (event.kind == ZCHAT_LINK && event.link == ZCHAT_LINK_REFUSED)
            break;
    }
    fprintf(stderr, "%s\n", zchat_strerror(event.rc));
    zchat_close(&chat);
}
