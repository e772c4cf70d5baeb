/* members.c - who is in which room: asked once, then kept up with joins and leaves. */
#include "client/tui/session.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 5000 /* of a room that are kept */

static struct members *find(const struct session *self, const char *room)
{
    for (size_t i = 0; i < self->members_count; i++) {
        if (strcmp(self->members[i].room, room) == 0)
            return &self->members[i];
    }
    return NULL;
}

const struct members *session_members(const struct session *self, const char *room)
{
    return find(self, room);
}

static void empty(struct members *members)
{
    for (size_t i = 0; i < members->count; i++)
        free(members->nick[i]);
    members->count = 0;
}

void session_members_fini(struct session *self)
{
    for (size_t i = 0; i < self->members_count; i++) {
        empty(&self->members[i]);
        free(self->members[i].nick);
    }
    free(self->members);
    self->members = NULL;
    self->members_count = 0;
}

void session_ask_members(struct session *self, const char *room)
{
    struct members *members = find(self, room);

    if (members == NULL) {
        self->members = x_realloc(self->members, self->members_count + 1, sizeof(*self->members));
        members = &self->members[self->members_count++];
        *members = (struct members){0};
        snprintf(members->room, sizeof(members->room), "%s", room);
    }
    empty(members);
    if (zchat_who(self->talk.chat, room, &members->ref) != 0)
        members->ref = 0;
}

static void put(struct members *members, const char *nick)
{
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->nick[i], nick) == 0)
            return;
    }
    if (members->count == MEMBERS_MAX)
        return;
    if (members->count == members->capacity) {
        members->capacity = members->capacity == 0 ? 16 : 2 * members->capacity;
        members->nick = x_realloc(members->nick, members->capacity, sizeof(*members->nick));
    }
    members->nick[members->count++] = x_strdup(nick);
}

static void put_out(struct members *members, const char *nick)
{
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->nick[i], nick) != 0)
            continue;
        free(members->nick[i]);
        members->nick[i] = members->nick[--members->count];
        return;
    }
}

static void count_people(struct session *self, const struct members *members)
{
    struct buffer *buffer = desk_find(&self->desk, members->room);

    if (buffer != NULL && members->count < MEMBERS_MAX)
        buffer->people = (uint32_t)members->count;
}

bool session_take_member(struct session *self, const struct zchat_event *event)
{
    for (size_t i = 0; i < self->members_count; i++) {
        struct members *members = &self->members[i];

        if (event->ref == 0 || members->ref != event->ref)
            continue;
        if (event->kind == ZCHAT_PERSON) {
            put(members, event->from);
        } else {
            members->ref = 0;
            count_people(self, members);
        }
        return true;
    }
    return false;
}

void session_member(struct session *self, const char *room, const char *nick, bool is_in)
{
    struct members *members = find(self, room);

    if (members == NULL)
        return;
    if (is_in)
        put(members, nick);
    else
        put_out(members, nick);
    if (members->ref == 0)
        count_people(self, members);
}
