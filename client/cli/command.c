/* command.c - what a line of input says: a message, or one of the commands. */
#include "client/cli/command.h"

#include "client/cli/cli.h"
#include "client/cli/when.h"

#include "shared/base/alloc.h"
#include "shared/text/name.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_DEFAULT 20

typedef void command_function(struct talk *self, const char *words);

static command_function do_join, do_leave, do_msg, do_who, do_rooms, do_history, do_retry, do_away,
    do_bans, do_ignore, do_unignore, do_help, do_quit;

static const struct {
    struct command_help help;
    command_function *run; /* NULL: about the room, see command_order() */
} commands[] = {
    {{"join", "#room", "become a member, make the room when it is new"}, do_join},
    {{"leave", "[#room]", "cease to be a member"}, do_leave},
    {{"msg", "@nick [text]", "say something in private; without text: all lines from now on"},
     do_msg},
    {{"query", "@nick", "lines go there from now on"}, do_msg},
    {{"who", "[#room]", "people"}, do_who},
    {{"rooms", "", "rooms"}, do_rooms},
    {{"history", "[n]", "what was said here"}, do_history},
    {{"search", "words", "what was said anywhere; also from:nick in:#room before:1d after:1d"},
     talk_search},
    {{"topic", "[text|-]", "what this room is about; -: nothing"}, NULL},
    {{"invite", "nick", "let somebody into this room"}, NULL},
    {{"kick", "nick [reason]", "put somebody out"}, NULL},
    {{"ban", "nick [1h] [reason]", "put somebody out, and keep them out"}, NULL},
    {{"unban", "nick", "a ban ends"}, NULL},
    {{"mute", "nick [1h] [reason]", "may read, and not write"}, NULL},
    {{"unmute", "nick", "may write again"}, NULL},
    {{"op", "nick", "make somebody an operator of this room"}, NULL},
    {{"deop", "nick", "an operator no longer"}, NULL},
    {{"mode", "private|public|persistent|passing", "who may come in; what stays"}, NULL},
    {{"bans", "", "bans, mutes and invitations of this room"}, do_bans},
    {{"away", "[off]", "others see that you are away; off: you are back"}, do_away},
    {{"retry", "[number]", "send again what failed"}, do_retry},
    {{"ignore", "[nick]",
      "do not show what somebody says, until you quit; without nick: who that is"},
     do_ignore},
    {{"unignore", "nick", "show it again"}, do_unignore},
    {{"help", "", "this"}, do_help},
    {{"quit", "", "leave; memberships stay"}, do_quit},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const char *command_next_word(const char *at, char *buf, size_t capacity)
{
    size_t len;

    at += strspn(at, " \t");
    len = strcspn(at, " \t");
    snprintf(buf, capacity, "%.*s", (int)len, at);
    at += len;
    return at + strspn(at, " \t");
}

static void do_join(struct talk *self, const char *words)
{
    char room[STREAM_BYTES_MAX + 2];
    uint32_t ref = 0;
    zchat_rc rc;

    command_next_word(words, room, sizeof(room));
    if (room[0] == '\0') {
        talk_remark(self, "which room? /join #lobby");
        return;
    }
    rc = zchat_join(self->chat, room, true, &ref);
    talk_ask_for(self, ASK_JOIN, rc, ref, room);
}

static void do_leave(struct talk *self, const char *words)
{
    char room[STREAM_BYTES_MAX + 2];
    uint32_t ref = 0;
    zchat_rc rc;

    command_next_word(words, room, sizeof(room));
    if (room[0] == '\0')
        snprintf(room, sizeof(room), "%s", self->target);
    rc = zchat_leave(self->chat, room, &ref);
    talk_ask_for(self, ASK_LEAVE, rc, ref, room);
}

static void do_msg(struct talk *self, const char *words)
{
    char given[STREAM_BYTES_MAX + 2], target[STREAM_BYTES_MAX + 3];
    struct stream_name name;
    const char *text = command_next_word(words, given, sizeof(given));

    snprintf(target, sizeof(target), "%s%s", given[0] == '@' || given[0] == '#' ? "" : "@", given);
    if (stream_name_parse(span_of(target), &name) != RC_OK)
        talk_remark(self, "to whom? /msg @nick text");
    else if (text[0] == '\0')
        talk_set_target(self, name.text);
    else
        talk_post(self, name.text, span_of(text));
}

static void do_who(struct talk *self, const char *words)
{
    char room[STREAM_BYTES_MAX + 2];
    uint32_t ref = 0;
    zchat_rc rc;

    command_next_word(words, room, sizeof(room));
    rc = zchat_who(self->chat, room[0] == '\0' ? NULL : room, &ref);
    talk_ask_for(self, ASK_WHO, rc, ref, room);
}

static void do_away(struct talk *self, const char *words)
{
    const bool is_away = strcmp(words, "off") != 0;

    zchat_set_away(self->chat, is_away);
    talk_remark(self,
                is_away ? "you are shown as away; /away off when you are back" : "you are back");
}

static void do_rooms(struct talk *self, const char *words)
{
    uint32_t ref = 0;
    zchat_rc rc = zchat_rooms(self->chat, false, &ref);

    (void)words;
    talk_ask_for(self, ASK_ROOMS, rc, ref, "");
}

static void do_bans(struct talk *self, const char *words)
{
    uint32_t ref = 0;
    zchat_rc rc;

    (void)words;
    if (self->target[0] != '#') {
        talk_remark(self, "this is about the room you are in: /join one first");
        return;
    }
    rc = zchat_bans(self->chat, self->target, &ref);
    talk_ask_for(self, ASK_BANS, rc, ref, self->target);
}

static void do_history(struct talk *self, const char *words)
{
    uint64_t count = HISTORY_DEFAULT;
    char number[24];

    command_next_word(words, number, sizeof(number));
    if (number[0] != '\0' && when_number(number, 100000, &count) != RC_OK)
        talk_remark(self, "how many? /history 50");
    else
        self->face->history(self, count);
}

static void do_retry(struct talk *self, const char *words)
{
    struct own_post *post;
    uint32_t number;
    uint64_t given;
    char word[24];
    zchat_rc rc;

    command_next_word(words, word, sizeof(word));
    if (word[0] == '\0')
        post = own_posts_last_failed(&self->posts);
    else
        post = when_number(word, UINT32_MAX, &given) == RC_OK
                   ? own_posts_find(&self->posts, (uint32_t)given)
                   : NULL;
    if (post == NULL || (post->state != ZCHAT_FAILED && post->state != ZCHAT_UNKNOWN)) {
        talk_remark(self, "there is nothing to send again");
        return;
    }
    rc = zchat_retry(self->chat, post->number, self->post_timeout_ms, &number);
    if (rc != 0) {
        talk_remark(self, "cannot send it again: %s",
                    rc == RC_SYSTEM ? zchat_outbox_trouble(self->chat) : zchat_strerror(rc));
        return;
    }
    self->face->retried(self, post->number, number);
    post->number = number;
    post->state = ZCHAT_WAITING;
    post->is_told_waiting = false;
    post->posted_at_ms = cli_now_ms();
}

/* False, with a word to the user, when it is no nick. */
static bool take_nick(struct talk *self, const char *words, const char *command, struct name *ret)
{
    char given[NAME_BYTES_MAX + 2];
    const char *nick = given;

    command_next_word(words, given, sizeof(given));
    nick += given[0] == '@';
    if (name_parse(span_of(nick), ret) == RC_OK)
        return true;
    talk_remark(self, "whom? /%s NICK", command);
    return false;
}

static void list_ignored(struct talk *self)
{
    if (self->ignored_count == 0)
        talk_remark(self, "everybody is heard; /ignore NICK changes that");
    for (size_t i = 0; i < self->ignored_count; i++)
        talk_remark(self, "%s is not heard", self->ignored[i]);
}

static void do_ignore(struct talk *self, const char *words)
{
    struct name nick;

    if (words[0] == '\0')
        list_ignored(self);
    else if (!take_nick(self, words, "ignore", &nick))
        return;
    else if (strcmp(nick.text, self->own + 1) == 0)
        talk_remark(self, "that is you");
    else if (talk_ignore(self, nick.text))
        talk_remark(self, "%s is not heard until you quit; /unignore %s", nick.text, nick.text);
    else
        talk_remark(self, "%d are not heard already; /unignore one first", TALK_IGNORED_MAX);
}

static void do_unignore(struct talk *self, const char *words)
{
    struct name nick;

    if (!take_nick(self, words, "unignore", &nick))
        return;
    talk_remark(self, talk_unignore(self, nick.text) ? "%s is heard again" : "%s was heard already",
                nick.text);
}

static void do_help(struct talk *self, const char *words)
{
    (void)words;
    self->face->help(self);
}

static void do_quit(struct talk *self, const char *words)
{
    (void)words;
    self->face->quit(self);
}

static void run_command(struct talk *self, const char *words)
{
    char name[16];
    const char *rest = command_next_word(words, name, sizeof(name));

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].help.name, name) != 0)
            continue;
        if (commands[i].run == NULL)
            command_order(self, name, rest);
        else
            commands[i].run(self, rest);
        return;
    }
    talk_remark(
        self, "there is no such command; /help lists them, and // sends a line that begins with /");
}

const struct command_help *command_at(size_t index)
{
    return index < COMMAND_COUNT ? &commands[index].help : NULL;
}

void command_take(struct talk *self, struct span line)
{
    char *command;

    if (line.len == 0)
        return;
    if (line.ptr[0] == '/' && !(line.len > 1 && line.ptr[1] == '/')) {
        command = x_spandup((struct span){line.ptr + 1, line.len - 1});
        run_command(self, command);
        free(command);
        return;
    }
    if (line.ptr[0] == '/') {
        line.ptr++;
        line.len--;
    }
    if (self->target[0] != '\0') {
        talk_post(self, self->target, line);
        return;
    }
    self->is_refused = true;
    if (self->lost[0] != '\0')
        talk_remark(self, "not sent: you are no longer in %s; /join a room, or /query @nick",
                    self->lost);
    else
        talk_remark(self, "to which room? /join #lobby");
}
