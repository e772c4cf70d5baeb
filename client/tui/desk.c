#include "client/tui/desk.h"

#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What its own setting says, else the one of all rooms; a person always calls. */
static enum settings_notify level_of(const struct desk *self, const char *name)
{
    const struct client_settings *settings = self->settings;
    const struct settings_room *room =
        conf_named(settings->room, settings->room_count, sizeof(settings->room[0]), name);

    if (room != NULL)
        return (enum settings_notify)room->notify;
    return name[0] == '#' ? (enum settings_notify)settings->notify_rooms : NOTIFY_ALL;
}

static struct buffer *make_buffer(struct desk *self, const char *name)
{
    struct buffer *buffer = buffer_new(name, self->settings->scrollback);

    buffer->level = level_of(self, name);
    buffer->recall = recall_new();
    buffer->editor = editor_new(self->kills, buffer->recall);
    return buffer;
}

static void free_buffer(struct buffer **buffer_p)
{
    editor_destroy(&(*buffer_p)->editor);
    recall_destroy(&(*buffer_p)->recall);
    buffer_destroy(buffer_p);
}

void desk_init(struct desk *self, const struct client_settings *settings, const char *nick)
{
    *self = (struct desk){.settings = settings, .has_focus = true, .is_utf8 = true};
    snprintf(self->nick, sizeof(self->nick), "%s", nick);
    self->kills = kills_new();
    self->keymap = keymap_new();
    self->find = editor_new(self->kills, NULL);
    desk_open(self, DESK_PROGRAM);
}

void desk_fini(struct desk *self)
{
    for (size_t i = 0; i < self->count; i++)
        free_buffer(&self->buffer[i]);
    free(self->buffer);
    editor_destroy(&self->find);
    keymap_destroy(&self->keymap);
    kills_destroy(&self->kills);
    *self = (struct desk){0};
}

struct buffer *desk_current(const struct desk *self)
{
    return self->buffer[self->current];
}

struct buffer *desk_find(const struct desk *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->buffer[i]->name, name) == 0)
            return self->buffer[i];
    }
    return NULL;
}

size_t desk_index_of(const struct desk *self, const struct buffer *buffer)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->buffer[i] == buffer)
            return i;
    }
    return 0;
}

static bool is_before(const struct buffer *a, const struct buffer *b)
{
    static const int order[] = {[BUFFER_PROGRAM] = 0, [BUFFER_ROOM] = 1, [BUFFER_PERSON] = 2};

    if (a->kind != b->kind)
        return order[a->kind] < order[b->kind];
    return strcmp(a->name, b->name) < 0;
}

struct buffer *desk_open(struct desk *self, const char *name)
{
    struct buffer *buffer = desk_find(self, name);
    size_t at;

    if (buffer != NULL)
        return buffer;
    buffer = make_buffer(self, name);
    self->buffer = x_realloc(self->buffer, self->count + 1, sizeof(struct buffer *));
    for (at = self->count; at > 0 && is_before(buffer, self->buffer[at - 1]); at--)
        self->buffer[at] = self->buffer[at - 1];
    self->buffer[at] = buffer;
    self->count++;
    if (self->count == 1)
        return buffer;
    self->current += at <= self->current;
    self->last += at <= self->last;
    return buffer;
}

void desk_close(struct desk *self, struct buffer *buffer)
{
    const size_t at = desk_index_of(self, buffer);

    if (at == 0)
        return;
    if (at == self->current)
        desk_show(self, self->last != at ? self->last : at - 1);
    self->count--;
    memmove(&self->buffer[at], &self->buffer[at + 1], (self->count - at) * sizeof(struct buffer *));
    if (self->current > at)
        self->current--;
    if (self->last >= at && self->last > 0)
        self->last--;
    free_buffer(&buffer);
}

void desk_show(struct desk *self, size_t index)
{
    if (index >= self->count)
        return;
    if (index != self->current) {
        buffer_clear_line(desk_current(self)); /* it was read when it is left */
        desk_current(self)->anchor_id = 0;
        buffer_trim(desk_current(self));
        self->last = self->current;
        self->current = index;
        self->is_finding = false;
        self->found_id = 0;
    }
    buffer_note_shown(desk_current(self));
}

void desk_show_buffer(struct desk *self, struct buffer *buffer)
{
    desk_show(self, desk_index_of(self, buffer));
}

static int weight(const struct buffer *buffer)
{
    if (buffer->unread == 0)
        return 0;
    return buffer->mentions > 0 || buffer->kind == BUFFER_PERSON ? 2 : 1;
}

size_t desk_next_active(const struct desk *self)
{
    size_t best = self->current;
    int most = 0;

    for (size_t step = 1; step < self->count; step++) {
        const size_t at = (self->current + step) % self->count;

        if (weight(self->buffer[at]) > most) {
            most = weight(self->buffer[at]);
            best = at;
        }
    }
    return best;
}

void desk_note_new(struct desk *self, struct buffer *buffer, const struct item *item,
                   bool is_missed)
{
    const bool is_seen = buffer == desk_current(self) && self->has_focus && !is_missed;

    if (item->is_own)
        return;
    buffer->last_active_ms = self->now_ms;
    if (item->kind != ITEM_MESSAGE && item->kind != ITEM_NOTICE)
        return;
    if (!is_seen)
        buffer_note_unread(buffer, item);
    if (buffer == desk_current(self))
        buffer_note_shown(buffer);
}

void desk_remark(struct desk *self, struct buffer *buffer, const char *text)
{
    buffer_add(buffer, &(struct item_given){
                           .kind = ITEM_REMARK, .ts_ms = self->now_ms, .text = span_of(text)});
}
