/* people.c - who is in which room: asked once, then kept up with joins and leaves. */
#include "client/tui/session.h"

void session_ask_people(struct session *self, struct buffer *buffer)
{
    nicks_fini(&buffer->members);
    if (zchat_who(self->talk.chat, buffer->name, &buffer->members.ref) != 0)
        buffer->members.ref = 0;
}

static void count_people(struct buffer *buffer)
{
    if (buffer->members.is_known && buffer->members.count < NICKS_MAX)
        buffer->people = (uint32_t)buffer->members.count;
}

bool session_take_person(struct session *self, const struct zchat_event *event)
{
    for (size_t i = 0; i < self->desk.count; i++) {
        struct buffer *buffer = self->desk.buffer[i];

        if (event->ref == 0 || buffer->members.ref != event->ref)
            continue;
        if (event->kind == ZCHAT_PERSON) {
            nicks_put(&buffer->members, event->from);
        } else {
            buffer->members.ref = 0;
            buffer->members.is_known = event->rc == 0;
            count_people(buffer);
        }
        return true;
    }
    return false;
}

void session_person(struct session *self, const char *room, const char *nick, bool is_in)
{
    struct buffer *buffer = desk_find(&self->desk, room);

    if (buffer == NULL)
        return;
    if (is_in)
        nicks_put(&buffer->members, nick);
    else
        nicks_drop(&buffer->members, nick);
    count_people(buffer);
}
