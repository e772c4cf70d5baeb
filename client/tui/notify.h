/* notify.h - who is told by bell, terminal or program that something came. The decision is pure. */
#ifndef CLIENT_TUI_NOTIFY_H
#define CLIENT_TUI_NOTIFY_H

#include "client/tui/desk.h"

#define NOTICE_BYTES 240

/* What is to be told, gathered over one turn of the loop: many messages are one notice. */
struct notices {
    size_t count;
    char title[STREAM_BYTES_MAX + 1]; /* of the newest */
    char body[NOTICE_BYTES];          /* likewise: "bob: hello", cut, in one line */
};

/* True when the settings want this item to be told: by the buffer's level, not in quiet hours, and not when it
 * is being looked at. */
bool notify_is_due(const struct desk *desk, const struct buffer *buffer, const struct item *item,
                   bool is_away);
void notify_add(struct notices *self, const struct buffer *buffer, const struct item *item);

/* `minute` of the day lies in the quiet hours; they may go over midnight. */
bool notify_is_quiet(const struct client_settings *settings, int minute);

/* The bytes for the terminal (OSC 9 and 777, the bell), into a buffer. */
void notify_terminal(const struct notices *self, const struct client_settings *settings, char *buf,
                     size_t capacity);

/* The words of notify_command, with %t and %b replaced by title and body, as a NULL-terminated argv in
 * one allocation; NULL: there is none. The caller frees it. */
char **notify_argv(const struct notices *self, const struct client_settings *settings);

#endif
