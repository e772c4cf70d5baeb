/* history.c - which streams are followed, and looking further back in them. */
#include "client/tui/session.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXT_SHOWN 50   /* read events before the unread ones */
#define MISSED_SHOWN  1000 /* unread ones that are fetched at once */
#define OWN_SHOWN     200  /* private messages of before */

struct backlog *session_backlog(struct session *self, const char *stream)
{
    for (size_t i = 0; i < self->backlog_count; i++) {
        if (strcmp(self->backlog[i].name, stream) == 0)
            return &self->backlog[i];
    }
    return NULL;
}

static struct backlog *add(struct session *self, const char *stream)
{
    struct backlog *backlog = session_backlog(self, stream);

    if (backlog == NULL) {
        self->backlog = x_realloc(self->backlog, self->backlog_count + 1, sizeof(*self->backlog));
        backlog = &self->backlog[self->backlog_count++];
    }
    *backlog = (struct backlog){0};
    snprintf(backlog->name, sizeof(backlog->name), "%s", stream);
    return backlog;
}

/* Unread events, and some before them, so that they can be understood. */
static struct zchat_place place_in_room(struct session *self, struct backlog *backlog,
                                        uint64_t head)
{
    uint64_t shown = zchat_place(self->talk.chat, backlog->name);

    if (shown > head) { /* the broker was set back to an old copy */
        zchat_set_place(self->talk.chat, backlog->name, 0);
        shown = 0;
    }
    backlog->head = head;
    backlog->read = shown == 0 ? head : shown;
    if (head - backlog->read > MISSED_SHOWN)
        return (struct zchat_place){ZCHAT_FROM_LAST, MISSED_SHOWN};
    backlog->first = backlog->read > CONTEXT_SHOWN ? backlog->read - CONTEXT_SHOWN + 1 : 1;
    return (struct zchat_place){ZCHAT_FROM_SEQ, backlog->first};
}

void session_follow(struct session *self, const char *stream, uint64_t head)
{
    struct backlog *backlog;
    struct zchat_place from = {ZCHAT_FROM_CONFIRMED, 0};

    if (session_backlog(self, stream) != NULL)
        return;
    backlog = add(self, stream);
    if (stream[0] == '#')
        from = place_in_room(self, backlog, head);
    (void)zchat_follow(self->talk.chat, stream, from, 0);
}

void session_unfollow(struct session *self, const char *stream)
{
    struct backlog *backlog = session_backlog(self, stream);

    if (backlog != NULL)
        *backlog = self->backlog[--self->backlog_count];
}

const char *session_stream_of(const struct session *self, const struct buffer *buffer)
{
    return buffer->kind == BUFFER_ROOM     ? buffer->name
           : buffer->kind == BUFFER_PERSON ? self->talk.own
                                           : "";
}

void session_look_back(struct session *self, uint64_t count)
{
    const struct buffer *buffer = desk_current(&self->desk);
    struct backlog *backlog = session_backlog(self, session_stream_of(self, buffer));
    uint64_t from;

    if (backlog == NULL || backlog->asked != 0)
        return;
    if (backlog->first <= 1 || backlog->is_beginning) {
        if (backlog->is_live)
            session_hint(self, "this is the beginning");
        return;
    }
    from = backlog->first > count ? backlog->first - count : 1;
    if (zchat_follow(self->talk.chat, backlog->name, (struct zchat_place){ZCHAT_FROM_SEQ, from},
                     backlog->first - 1) == 0) {
        backlog->asked = from;
        session_hint(self, self->desk.link == DESK_UP
                               ? "fetching older messages"
                               : "older messages come when the link is back");
    }
}

/* Private messages of before, so that conversations can be gone on with. */
void session_own_is_live(struct session *self, struct backlog *backlog)
{
    const uint64_t from = backlog->first > OWN_SHOWN ? backlog->first - OWN_SHOWN : 1;

    if (backlog->first > 1 &&
        zchat_follow(self->talk.chat, backlog->name, (struct zchat_place){ZCHAT_FROM_SEQ, from},
                     backlog->first - 1) == 0)
        backlog->asked = from;
}

void session_stop_looking(struct session *self, const char *stream)
{
    struct backlog *backlog = session_backlog(self, stream);

    if (backlog != NULL)
        backlog->asked = 0;
}
