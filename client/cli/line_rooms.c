/* line_rooms.c - the rooms that line mode is in, and what happens when one is put out of one. */
#include "client/cli/line.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct line_room *line_room_find(struct line *self, const char *stream)
{
    for (size_t i = 0; i < self->room_count; i++) {
        if (strcmp(self->room[i].name, stream) == 0)
            return &self->room[i];
    }
    return NULL;
}

void line_room_enter(struct line *self, const struct zchat_event *event)
{
    struct line_room *room = line_room_find(self, event->stream);

    if (room == NULL) {
        self->room = x_realloc(self->room, self->room_count + 1, sizeof(*self->room));
        room = &self->room[self->room_count++];
    }
    *room = (struct line_room){.head = event->seq};
    snprintf(room->name, sizeof(room->name), "%s", event->stream);
    snprintf(room->topic, sizeof(room->topic), "%s", event->topic);
}

void line_room_exit(struct line *self, const char *stream)
{
    struct line_room *room = line_room_find(self, stream);

    zchat_unfollow(self->cli.chat, stream);
    zchat_set_place(self->cli.chat, stream, 0);
    if (strcmp(self->target, stream) == 0)
        self->target[0] = '\0';
    if (room != NULL)
        *room = self->room[--self->room_count];
}

void line_room_lose(struct line *self, const char *stream)
{
    const bool is_target = strcmp(self->target, stream) == 0;
    char name[STREAM_BYTES_MAX + 1];

    if (line_room_find(self, stream) == NULL)
        return; /* that is known already */
    snprintf(name, sizeof(name), "%s", stream);
    line_room_exit(self, name);
    if (is_target)
        snprintf(self->lost, sizeof(self->lost), "%s", name);
    line_remark("you are no longer in %s", name);
}

/* Somebody put this person out, since it came in: an older one, read again, was overtaken by coming in again. */
static bool is_put_out(const struct line *self, const struct line_room *room,
                       const struct zchat_event *event)
{
    return (strcmp(event->type, "kick") == 0 || strcmp(event->type, "ban") == 0) &&
           event->seq > room->head && strcmp(event->to, self->own + 1) == 0;
}

bool line_room_is_put_out(struct line *self, const struct zchat_event *event)
{
    const struct line_room *room = line_room_find(self, event->stream);

    return room != NULL && is_put_out(self, room, event);
}

void line_room_event(struct line *self, const struct zchat_event *event)
{
    struct line_room *room = line_room_find(self, event->stream);

    if (room == NULL)
        return;
    if (is_put_out(self, room, event))
        line_room_lose(self, event->stream);
    else if (strcmp(event->type, "topic") == 0 && event->seq > room->head)
        snprintf(room->topic, sizeof(room->topic), "%s", event->text);
}
