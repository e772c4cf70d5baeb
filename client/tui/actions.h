/* actions.h - everything a key can do: name, default keys and help in one table.
 *
 * The key map, the card of keys, the man page and the test read it. */
#ifndef CLIENT_TUI_ACTIONS_H
#define CLIENT_TUI_ACTIONS_H

#include "shared/base/span.h"

#include <stddef.h>

enum action_group {
    ACTIONS_MOVING, /* moving, editing: editor_do() carries them out */
    ACTIONS_EDITING,
    ACTIONS_WRITING, /* sending, completing, looking back */
    ACTIONS_READING,
    ACTIONS_BUFFERS,
    ACTIONS_OTHERS,
    ACTION_GROUPS
};

/* X(symbol, group, name, default keys with spaces between them, help) */
#define ACTION_TABLE(X)                                                                            \
    X(LINE_BEGIN, MOVING, "line-begin", "C-a Home", "to the begin of the line")                    \
    X(LINE_END, MOVING, "line-end", "C-e End", "to the end of the line")                           \
    X(CHAR_BACK, MOVING, "char-back", "C-b Left", "one character back")                            \
    X(CHAR_FORWARD, MOVING, "char-forward", "C-f Right", "one character forward")                  \
    X(WORD_BACK, MOVING, "word-back", "M-b C-Left", "one word back")                               \
    X(WORD_FORWARD, MOVING, "word-forward", "M-f C-Right", "one word forward")                     \
    X(UP, MOVING, "up", "Up", "one row up; from the first row, back in what you wrote")            \
    X(DOWN, MOVING, "down", "Down", "one row down; from the last row, forward in what you wrote")  \
    X(DELETE_CHAR, EDITING, "delete-char", "C-d Delete", "delete the character at the cursor")     \
    X(DELETE_BACK, EDITING, "delete-back", "Backspace", "delete the character before the cursor")  \
    X(KILL_WORD, EDITING, "kill-word", "M-d C-Delete", "cut to the end of the word")               \
    X(KILL_WORD_BACK, EDITING, "kill-word-back", "M-Backspace", "cut to the begin of the word")    \
    X(KILL_BLANK_BACK, EDITING, "kill-blank-back", "C-w", "cut back to white space")               \
    X(KILL_END, EDITING, "kill-end", "C-k", "cut to the end of the line")                          \
    X(KILL_BEGIN, EDITING, "kill-begin", "C-u", "cut to the begin of the line")                    \
    X(YANK, EDITING, "yank", "C-y", "insert what was cut last")                                    \
    X(YANK_POP, EDITING, "yank-pop", "M-y", "after that, what was cut before it instead")          \
    X(TRANSPOSE_CHARS, EDITING, "transpose-chars", "C-t", "swap two characters")                   \
    X(TRANSPOSE_WORDS, EDITING, "transpose-words", "M-t", "swap two words")                        \
    X(UNDO, EDITING, "undo", "C-_", "undo the last change")                                        \
    X(NEWLINE, EDITING, "newline", "M-Enter C-j", "a new line within the message")                 \
    X(RECALL_PREV, EDITING, "recall-prev", "C-p C-Up", "what you wrote before")                    \
    X(RECALL_NEXT, EDITING, "recall-next", "C-n C-Down", "what you wrote after that")              \
    X(SEND, WRITING, "send", "Enter", "send the message, or run the /command")                     \
    X(COMPLETE, WRITING, "complete", "Tab", "complete a nick, #room or /command; again: the next") \
    X(COMPLETE_BACK, WRITING, "complete-back", "S-Tab", "complete with the one before")            \
    X(RECALL_SEARCH, WRITING, "recall-search", "M-r", "search in what you wrote")                  \
    X(EDIT, WRITING, "edit", "M-e", "write it in $EDITOR")                                         \
    X(CANCEL, WRITING, "cancel", "C-g Esc", "close a question, a search or a card")                \
    X(PAGE_UP, READING, "page-up", "PgUp M-v", "one page up")                                      \
    X(PAGE_DOWN, READING, "page-down", "PgDn C-v", "one page down")                                \
    X(SCROLL_UP, READING, "scroll-up", "S-Up WheelUp", "a few rows up")                            \
    X(SCROLL_DOWN, READING, "scroll-down", "S-Down WheelDown", "a few rows down")                  \
    X(SCROLL_TOP, READING, "scroll-top", "M-< C-Home", "to the oldest message")                    \
    X(SCROLL_BOTTOM, READING, "scroll-bottom", "M-> C-End", "to the newest message")               \
    X(JUMP_UNREAD, READING, "jump-unread", "M-u", "to the first unread message")                   \
    X(FIND, READING, "find", "C-r C-s", "search in this room")                                     \
    X(BUFFER_NEXT, BUFFERS, "buffer-next", "M-n M-Right C-PgDn", "the next room")                  \
    X(BUFFER_PREV, BUFFERS, "buffer-prev", "M-p M-Left C-PgUp", "the room before")                 \
    X(BUFFER_ACTIVE, BUFFERS, "buffer-active", "M-a", "the next room with something new")          \
    X(BUFFER_LAST, BUFFERS, "buffer-last", "M-/", "the room you came from")                        \
    X(BUFFER_1, BUFFERS, "buffer-1", "M-1", "room 1")                                              \
    X(BUFFER_2, BUFFERS, "buffer-2", "M-2", "room 2")                                              \
    X(BUFFER_3, BUFFERS, "buffer-3", "M-3", "room 3")                                              \
    X(BUFFER_4, BUFFERS, "buffer-4", "M-4", "room 4")                                              \
    X(BUFFER_5, BUFFERS, "buffer-5", "M-5", "room 5")                                              \
    X(BUFFER_6, BUFFERS, "buffer-6", "M-6", "room 6")                                              \
    X(BUFFER_7, BUFFERS, "buffer-7", "M-7", "room 7")                                              \
    X(BUFFER_8, BUFFERS, "buffer-8", "M-8", "room 8")                                              \
    X(BUFFER_9, BUFFERS, "buffer-9", "M-9", "room 9")                                              \
    X(BUFFER_10, BUFFERS, "buffer-10", "M-0", "room 10")                                           \
    X(HELP, OTHERS, "help", "F1", "the card of keys")                                              \
    X(PEOPLE, OTHERS, "people", "F2", "show or hide the people of the room")                       \
    X(REDRAW, OTHERS, "redraw", "C-l", "draw the screen anew")                                     \
    X(SUSPEND, OTHERS, "suspend", "C-z", "back to the shell; fg returns")                          \
    X(INTERRUPT, OTHERS, "interrupt", "C-c", "clear the line; twice on an empty line: quit")

enum action {
    ACTION_NONE, /* the key is not bound */
#define X(symbol, group, name, keys, help) ACTION_##symbol,
    ACTION_TABLE(X)
#undef X
        ACTIONS
};

struct action_row {
    const char *name, *keys, *help;
    enum action_group group;
};

/* The row of an action between ACTION_NONE and ACTIONS; static. */
const struct action_row *action_row(enum action action);

/* "moving", "editing" ...: the heading of a group on the card and in the man page. */
const char *action_group_name(enum action_group group);

/* ACTION_NONE: there is none of that name. */
enum action action_of_name(struct span name);

#endif
