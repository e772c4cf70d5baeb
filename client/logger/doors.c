#include "client/logger/doors.h"

#include "shared/base/log.h"
#include "shared/base/rc.h"

#include <string.h>

#define ASK_EVERY_MS 15000

const char *doors_need(zchat_rc rc)
{
    switch (rc) {
    case RC_PRIVATE:
    case RC_NOT_MEMBER:
        return "an operator of the room invites the logger's nick";
    case RC_BANNED:
        return "an operator lifts the ban";
    case RC_DENIED:
        return "only its own person may read it: a logger with that --nick and its key";
    case RC_NO_SUCH_ROOM:
        return "somebody makes the room";
    default:
        return "nothing: it is tried again";
    }
}

void doors_init(struct doors *self, const struct patterns *patterns, const char *nick)
{
    *self = (struct doors){.patterns = patterns, .nick = nick};
    for (size_t i = 0; i < patterns->count; i++) {
        const struct pattern *pattern = &patterns->item[i];

        if (!pattern->is_name || pattern->is_exclude || pattern->text[0] != '@' ||
            strcmp(pattern->text + 1, nick) == 0)
            continue;
        self->told[i] = RC_DENIED;
        log_warn("stream.closed", "stream=%s why=\"%s\" need=\"%s\" action=\"%s\"", pattern->text,
                 zchat_strerror(RC_DENIED), doors_need(RC_DENIED), "the others go on");
    }
}

bool doors_may_list(struct doors *self, const char *stream, bool is_private)
{
    if (!patterns_match(self->patterns, stream))
        return false;
    if (!is_private || self->patterns->count > 0)
        return true;
    if (!self->has_told_private)
        log_info("stream.private", "stream=%s what=\"%s\"", stream,
                 "private rooms are archived only when --streams asks for them");
    self->has_told_private = true;
    return false;
}

void doors_on_own(struct doors *self, const struct zchat_event *event)
{
    if (strcmp(event->type, "invite") != 0 || self->patterns->count == 0 ||
        !patterns_match(self->patterns, event->room) || strlen(event->room) > STREAM_BYTES_MAX)
        return;
    for (size_t i = 0; i < self->invited_count; i++)
        if (strcmp(self->invited[i], event->room) == 0)
            return;
    if (self->invited_count == DOORS_INVITED_MAX)
        return; /* it can be invited again */
    memcpy(self->invited[self->invited_count++], event->room, strlen(event->room) + 1);
}

static void take_up_invitations(struct doors *self, struct zchat *chat,
                                const struct streams *streams)
{
    for (size_t i = 0; i < self->invited_count; i++) {
        const char *room = self->invited[i];
        const struct stream *stream = streams_find(streams, room);
        uint32_t ref;

        if (stream != NULL && stream->is_followed)
            continue;
        if (zchat_join(chat, room, false, &ref) == 0)
            log_info("stream.invited", "stream=%s action=\"joining\"", room);
    }
    self->invited_count = 0;
}

void doors_listed(struct doors *self, struct zchat *chat, const struct streams *streams,
                  uint64_t now_ms)
{
    const struct zchat_place head = {ZCHAT_FROM_HEAD, 0};

    take_up_invitations(self, chat, streams);
    if (now_ms < self->ask_at_ms)
        return;
    self->ask_at_ms = now_ms + ASK_EVERY_MS;
    for (size_t i = 0; i < self->patterns->count; i++) {
        const struct pattern *pattern = &self->patterns->item[i];

        if (!pattern->is_name || pattern->is_exclude || pattern->text[0] != '#' ||
            self->is_asked[i] || streams_find(streams, pattern->text) != NULL ||
            !patterns_match(self->patterns, pattern->text))
            continue;
        self->is_asked[i] = zchat_follow(chat, pattern->text, head, 0) == 0;
    }
}

void doors_answered(struct doors *self, struct zchat *chat, const struct zchat_event *event)
{
    for (size_t i = 0; i < self->patterns->count; i++) {
        const struct pattern *pattern = &self->patterns->item[i];

        if (!self->is_asked[i] || strcmp(pattern->text, event->stream) != 0)
            continue;
        self->is_asked[i] = false;
        if (event->kind == ZCHAT_LIVE) { /* the next listing has it */
            zchat_unfollow(chat, pattern->text);
            self->told[i] = 0;
        } else if (event->rc != self->told[i]) {
            self->told[i] = event->rc;
            log_warn("stream.closed", "stream=%s why=\"%s\" need=\"%s\" action=\"%s\"",
                     pattern->text, zchat_strerror(event->rc), doors_need(event->rc),
                     "asking again; the others go on");
        }
    }
}
