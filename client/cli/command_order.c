/* command_order.c - the commands that run the room one is in: /topic, /kick, /ban ... */
#include "client/cli/command.h"

#include "client/cli/when.h"
#include "shared/text/clean.h"

#include <string.h>

/* "1h" is how long; "10 times warned" begins a reason. */
static bool take_duration(const char *word, uint32_t *ret_s)
{
    const size_t len = strlen(word);

    return len > 1 && strchr("smhd", word[len - 1]) != NULL &&
           when_seconds(word, 1, INVITE_SECONDS_MAX, ret_s) == RC_OK;
}

static bool is_mode(const char *word)
{
    return strcmp(word, "private") == 0 || strcmp(word, "public") == 0 ||
           strcmp(word, "persistent") == 0 || strcmp(word, "passing") == 0;
}

static void give(struct talk *self, const struct zchat_order *order)
{
    uint32_t ref = 0;
    zchat_rc rc = zchat_order(self->chat, order, &ref);

    talk_ask_for(self, strcmp(order->what, "invite") == 0 ? ASK_INVITE : ASK_ORDER, rc, ref,
                 order->nick != NULL ? order->nick : order->room);
}

static void order_topic(struct talk *self, const char *words)
{
    const struct talk_room *room = talk_room_find(self, self->target);
    char topic[2 * SUBJECT_BYTES_MAX];

    if (words[0] != '\0') {
        give(self, &(struct zchat_order){.what = "topic",
                                         .room = self->target,
                                         .text = strcmp(words, "-") == 0 ? "" : words});
        return;
    }
    clean_copy(topic, sizeof(topic), span_of(room == NULL ? "" : room->topic));
    if (topic[0] == '\0')
        talk_remark(self, "%s has no topic; /topic TEXT sets one", self->target);
    else
        talk_remark(self, "%s: %s", self->target, topic);
}

static void order_mode(struct talk *self, const char *words)
{
    if (!is_mode(words))
        talk_remark(self, "which? /mode private, public, persistent or passing");
    else
        give(self, &(struct zchat_order){.what = words, .room = self->target});
}

static void order_person(struct talk *self, const char *what, const char *words)
{
    const bool has_end = strcmp(what, "ban") == 0 || strcmp(what, "mute") == 0;
    char nick[STREAM_BYTES_MAX + 2], word[24];
    struct zchat_order order = {.what = what, .room = self->target};
    const char *rest = command_next_word(words, nick, sizeof(nick));
    const char *behind = command_next_word(rest, word, sizeof(word));

    if (nick[0] == '\0' || nick[0] == '#') {
        talk_remark(self, "whom? /%s NICK%s", what, has_end ? " [1h] [reason]" : "");
        return;
    }
    if (has_end && take_duration(word, &order.seconds))
        rest = behind;
    order.nick = nick[0] == '@' ? nick + 1 : nick;
    order.text = rest[0] == '\0' ? NULL : rest;
    give(self, &order);
}

void command_order(struct talk *self, const char *what, const char *words)
{
    if (self->target[0] != '#')
        talk_remark(self, "this is about the room you are in: /join one first");
    else if (strcmp(what, "topic") == 0)
        order_topic(self, words);
    else if (strcmp(what, "mode") == 0)
        order_mode(self, words);
    else
        order_person(self, what, words);
}
