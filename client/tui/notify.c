#include "client/tui/notify.h"

#include "client/tui/text.h"

#include "shared/base/alloc.h"
#include "shared/text/clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS_MAX 32

bool notify_is_quiet(const struct client_settings *settings, int minute)
{
    int from, until;

    if (!settings_quiet(settings->quiet, &from, &until) || from == until)
        return false;
    return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

static int minute_of_day(uint64_t now_ms)
{
    const time_t seconds = (time_t)(now_ms / 1000);
    struct tm when;

    return localtime_r(&seconds, &when) != NULL ? when.tm_hour * 60 + when.tm_min : 0;
}

bool notify_is_due(const struct desk *desk, const struct buffer *buffer, const struct item *item,
                   bool is_away)
{
    if (item->is_own || buffer->level == NOTIFY_NONE ||
        notify_is_quiet(desk->settings, minute_of_day(desk->now_ms)))
        return false;
    if (buffer->kind == BUFFER_ROOM && buffer->level == NOTIFY_MENTIONS && !item->is_mention)
        return false;
    return is_away || buffer != desk_current(desk) || buffer->anchor_id != 0;
}

void notify_add(struct notices *self, const struct buffer *buffer, const struct item *item)
{
    char text[NOTICE_BYTES];

    self->count++;
    snprintf(self->title, sizeof(self->title), "%s", buffer->name);
    clean_copy(text, sizeof(text), span_of(item->text));
    snprintf(self->body, sizeof(self->body), "%s%s%.*s", item->from,
             item->from[0] == '\0' ? "" : ": ", 150, text);
}

/* In OSC 777 a semicolon parts title and body. */
static void put_part(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(*text == ';' ? ',' : *text, out);
}

void notify_terminal(const struct notices *self, const struct client_settings *settings, char *buf,
                     size_t capacity)
{
    FILE *out;

    buf[0] = '\0';
    if (self->count == 0)
        return;
    out = fmemopen(buf, capacity, "w");
    if (out == NULL)
        return;
    if (settings->has_terminal) {
        fprintf(out, "\x1b]9;%s %s\x1b\\", self->title, self->body);
        fputs("\x1b]777;notify;", out);
        put_part(out, self->title);
        fputc(';', out);
        put_part(out, self->body);
        fputs("\x1b\\", out);
    }
    if (settings->has_bell)
        fputc('\a', out);
    fclose(out);
    buf[capacity - 1] = '\0';
}

static size_t put_word(char *at, const char *word, size_t len, const struct notices *self)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        const char *value = NULL;

        if (word[i] == '%' && i + 1 < len)
            value = word[i + 1] == 't' ? self->title : word[i + 1] == 'b' ? self->body : NULL;
        if (value != NULL) {
            memcpy(at + used, value, strlen(value));
            used += strlen(value);
            i++;
        } else {
            at[used++] = word[i];
        }
    }
    at[used] = '\0';
    return used + 1;
}

/* Every place-holder, two bytes, may become a title or a body. */
static size_t room_for(const char *command)
{
    return strlen(command) + WORDS_MAX +
           (strlen(command) / 2 + 1) * (NOTICE_BYTES + STREAM_BYTES_MAX);
}

char **notify_argv(const struct notices *self, const struct client_settings *settings)
{
    const char *at = settings->notify_command;
    size_t count = 0;
    char **argv, *bytes;

    at += strspn(at, " ");
    if (*at == '\0' || self->count == 0)
        return NULL;
    argv = x_alloc(1, (WORDS_MAX + 1) * sizeof(*argv) + room_for(at));
    bytes = (char *)(argv + WORDS_MAX + 1);
    while (*at != '\0' && count < WORDS_MAX) {
        const size_t len = strcspn(at, " ");

        argv[count++] = bytes;
        bytes += put_word(bytes, at, len, self);
        at += len;
        at += strspn(at, " ");
    }
    return argv;
}
