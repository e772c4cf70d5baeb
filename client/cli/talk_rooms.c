/* talk_rooms.c - the rooms that this person is in, and what happens when one is put out of one. */
#include "client/cli/talk.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct talk_room *talk_room_find(const struct talk *self, const char *stream)
{
    for (size_t i = 0; i < self->room_count; i++) {
        if (strcmp(self->room[i].name, stream) == 0)
            return &self->room[i];
    }
    return NULL;
}

void talk_room_enter(struct talk *self, const struct zchat_event *event)
{
    struct talk_room *room = talk_room_find(self, event->stream);

    if (room == NULL) {
        self->room = x_realloc(self->room, self->room_count + 1, sizeof(*self->room));
        room = &self->room[self->room_count++];
    }
    *room = (struct talk_room){.head = event->seq};
    snprintf(room->name, sizeof(room->name), "%s", event->stream);
    snprintf(room->topic, sizeof(room->topic), "%s", event->topic);
}

void talk_room_exit(struct talk *self, const char *stream, bool is_lost)
{
    struct talk_room *room = talk_room_find(self, stream);

    zchat_unfollow(self->chat, stream);
    zchat_set_place(self->chat, stream, 0);
    if (strcmp(self->target, stream) == 0)
        self->target[0] = '\0';
    if (room != NULL)
        *room = self->room[--self->room_count];
    self->face->left(self, stream, is_lost);
}

void talk_room_lose(struct talk *self, const char *stream)
{
    const bool is_target = strcmp(self->target, stream) == 0;
    char name[STREAM_BYTES_MAX + 1];

    if (talk_room_find(self, stream) == NULL)
        return; /* that is known already */
    snprintf(name, sizeof(name), "%s", stream);
    talk_room_exit(self, name, true);
    if (is_target)
        snprintf(self->lost, sizeof(self->lost), "%s", name);
    talk_remark(self, "you are no longer in %s", name);
}

/* Somebody put this person out, since it came in: an older one, read again, was overtaken by coming in again. */
static bool is_put_out(const struct talk *self, const struct talk_room *room,
                       const struct zchat_event *event)
{
    return (strcmp(event->type, "kick") == 0 || strcmp(event->type, "ban") == 0) &&
           event->seq > room->head && strcmp(event->to, self->own + 1) == 0;
}

bool talk_room_is_put_out(const struct talk *self, const struct zchat_event *event)
{
    const struct talk_room *room = talk_room_find(self, event->stream);

    return room != NULL && is_put_out(self, room, event);
}

void talk_room_event(struct talk *self, const struct zchat_event *event)
{
    struct talk_room *room = talk_room_find(self, event->stream);

    if (room == NULL)
        return;
    if (is_put_out(self, room, event))
        talk_room_lose(self, event->stream);
    else if (strcmp(event->type, "topic") == 0 && event->seq > room->head)
        snprintf(room->topic, sizeof(room->topic), "%s", event->text);
}
