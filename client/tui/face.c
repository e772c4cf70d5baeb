/* face.c - how the full-screen client shows what the commands and their answers say. */
#include "client/cli/command.h"
#include "client/tui/session.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/text/clean.h"

#include <stdlib.h>
#include <string.h>

static struct session *session_of(struct talk *talk)
{
    return talk->face_self;
}

static void face_remark(struct talk *talk, const char *text)
{
    struct desk *desk = &session_of(talk)->desk;

    desk_remark(desk, desk_current(desk), text);
}

void session_sync_target(struct session *self)
{
    const struct buffer *buffer = desk_current(&self->desk);
    const bool is_open =
        buffer->kind == BUFFER_PERSON || (buffer->kind == BUFFER_ROOM && buffer->is_member);

    snprintf(self->talk.target, sizeof(self->talk.target), "%s", is_open ? buffer->name : "");
    snprintf(self->talk.lost, sizeof(self->talk.lost), "%s",
             buffer->kind == BUFFER_ROOM && !is_open ? buffer->name : "");
}

void session_show(struct session *self, size_t index)
{
    desk_show(&self->desk, index);
    session_sync_target(self);
    self->is_dirty = true;
}

void session_shown(struct session *self)
{
    const struct buffer *buffer = desk_current(&self->desk);
    const struct backlog *backlog = session_backlog(self, buffer->name);

    for (size_t i = 0; i < self->unshown.count; i++)
        zchat_confirm(self->talk.chat, self->unshown.range[i].first, self->unshown.range[i].last);
    self->unshown.count = 0;
    if (backlog != NULL && buffer->anchor_id == 0 &&
        backlog->last > zchat_place(self->talk.chat, buffer->name))
        zchat_set_place(self->talk.chat, buffer->name, backlog->last);
}

static void face_target(struct talk *talk)
{
    struct session *self = session_of(talk);

    session_show(self, desk_index_of(&self->desk, desk_open(&self->desk, talk->target)));
}

static void face_posted(struct talk *talk, uint32_t number, const char *target, struct span text)
{
    struct session *self = session_of(talk);
    struct buffer *buffer = desk_open(&self->desk, target);

    buffer_add(buffer, &(struct item_given){.kind = ITEM_MESSAGE,
                                            .state = ITEM_WAITING,
                                            .ts_ms = self->desk.now_ms,
                                            .number = number,
                                            .is_own = true,
                                            .from = self->desk.nick,
                                            .text = text});
    if (buffer == desk_current(&self->desk))
        buffer_clear_line(buffer);
    buffer->anchor_id = 0;
    self->is_dirty = true;
}

static void face_retried(struct talk *talk, uint32_t old_number, uint32_t number)
{
    struct session *self = session_of(talk);

    for (size_t i = 0; i < self->desk.count; i++) {
        struct item *item = buffer_find_number(self->desk.buffer[i], old_number);

        if (item == NULL || item->state != ITEM_FAILED)
            continue;
        item->number = number;
        item->state = ITEM_WAITING;
    }
}

static void face_follow(struct talk *talk, const char *stream, uint64_t head)
{
    struct session *self = session_of(talk);
    const struct talk_room *room = talk_room_find(talk, stream);
    struct buffer *buffer;

    session_follow(self, stream, head);
    if (stream[0] != '#')
        return;
    buffer = desk_open(&self->desk, stream);
    buffer->is_member = true;
    if (room != NULL)
        clean_copy(buffer->topic, sizeof(buffer->topic), span_of(room->topic));
    session_ask_people(self, buffer);
}

static void face_joined(struct talk *talk, const struct zchat_event *answer)
{
    struct session *self = session_of(talk);
    struct buffer *buffer = desk_open(&self->desk, answer->stream);

    buffer->is_member = true;
    buffer->people = answer->people;
    session_show(self, desk_index_of(&self->desk, buffer));
}

/* Back where one was: the first room with something new, else the first one. */
static void face_started(struct talk *talk)
{
    struct session *self = session_of(talk);

    session_follow(self, talk->own, 0);
    if (talk->room_count == 0)
        face_remark(talk, "you are in no room yet: /join #lobby makes one or comes into it");
    else if (self->desk.current == 0)
        session_show(self, 1);
    session_sync_target(self);
}

static void face_left(struct talk *talk, const char *room, bool is_lost)
{
    struct session *self = session_of(talk);
    struct buffer *buffer = desk_find(&self->desk, room);

    session_unfollow(self, room);
    if (buffer == NULL)
        return;
    buffer->is_member = false;
    if (!is_lost)
        desk_close(&self->desk, buffer);
    session_sync_target(self);
}

static void face_history(struct talk *talk, uint64_t count)
{
    session_look_back(session_of(talk), count);
}

/* --- lists ------------------------------------------------------------------------ */

static FILE *face_list_begin(struct talk *talk)
{
    struct session *self = session_of(talk);

    self->list = open_memstream(&self->list_text, &self->list_len);
    return self->list != NULL ? self->list : stderr;
}

static void face_list_end(struct talk *talk)
{
    struct session *self = session_of(talk);

    if (self->list == NULL)
        return;
    fclose(self->list);
    self->list = NULL;
    if (self->list_len > 0 && self->list_text[self->list_len - 1] == '\n')
        self->list_text[self->list_len - 1] = '\0';
    face_remark(talk, self->list_text);
    free(self->list_text);
    self->list_text = NULL;
}

static void face_help(struct talk *talk)
{
    const struct command_help *command;
    FILE *out = face_list_begin(talk);

    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        fprintf(out, "/%s %s%s- %s\n", command->name, command->usage,
                command->usage[0] == '\0' ? "" : " ", command->does);
    }
    fputs("F1 shows the keys; // in front of a message that begins with /\n", out);
    face_list_end(talk);
}

static void face_quit(struct talk *talk)
{
    session_of(talk)->is_over = true;
}

const struct talk_face session_face = {
    .remark = face_remark,
    .target = face_target,
    .posted = face_posted,
    .retried = face_retried,
    .follow = face_follow,
    .joined = face_joined,
    .started = face_started,
    .left = face_left,
    .history = face_history,
    .list_begin = face_list_begin,
    .list_end = face_list_end,
    .help = face_help,
    .quit = face_quit,
};
