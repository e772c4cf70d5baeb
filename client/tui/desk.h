/* desk.h - everything the full-screen client shows, as one pure model; view.h makes cells of it. */
#ifndef CLIENT_TUI_DESK_H
#define CLIENT_TUI_DESK_H

#include "client/tui/buffer.h"
#include "client/tui/editor.h"
#include "client/tui/keymap.h"
#include "client/conf/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESK_PROGRAM "zchat" /* the buffer of the program itself, always the first */

enum desk_link { DESK_CONNECTING, DESK_UP, DESK_DOWN, DESK_REFUSED };

enum desk_card { CARD_NONE, CARD_KEYS, CARD_QUESTION };

struct desk {
    const struct client_settings *settings; /* borrowed */
    bool is_utf8;
    bool has_focus; /* the terminal is looked at, as far as known */
    char nick[STREAM_BYTES_MAX + 1];

    struct buffer **buffer;
    size_t count, current, last;
    struct kills *kills;
    struct keymap *keymap;

    enum desk_link link;
    char trouble[512]; /* why there is no link; cleaned */
    bool has_round_trip;
    uint32_t round_trip_ms;
    size_t unsent;
    uint64_t now_ms; /* wall clock */

    bool shows_people; /* those of the room, beside it */
    enum desk_card card;
    char question[512]; /* CARD_QUESTION: cleaned */
    char hint[512];     /* in place of the status line, until the next key; cleaned */

    bool is_finding; /* the input line holds what is searched for */
    struct editor *find;
    uint64_t found_id; /* item that is shown as found */
};

void desk_init(struct desk *self, const struct client_settings *settings, const char *nick);
void desk_fini(struct desk *self);

struct buffer *desk_current(const struct desk *self);
struct buffer *desk_find(const struct desk *self, const char *name);
/* Find or make; rooms stand before persons, each by name. */
struct buffer *desk_open(struct desk *self, const char *name);
/* Not the program's. */
void desk_close(struct desk *self, struct buffer *buffer);

/* Look at another one: what it has is read now. */
void desk_show(struct desk *self, size_t index);
void desk_show_buffer(struct desk *self, struct buffer *buffer);
size_t desk_index_of(const struct desk *self, const struct buffer *buffer);
/* The next one that has something new, mentions and persons first; the current one's index when there is none. */
size_t desk_next_active(const struct desk *self);

/* Something came: unread when the buffer is not looked at, or when it was said before this run (`is_missed`). */
void desk_note_new(struct desk *self, struct buffer *buffer, const struct item *item,
                   bool is_missed);
/* A remark of the program in the buffer that is looked at; lines stay lines. */
void desk_remark(struct desk *self, struct buffer *buffer, const char *text);

#endif
