/* session.h - the full-screen client at work: what the desk shows, the handle behind it, the terminal before it.
 *
 * The parts: events.c (what the broker tells), face.c (what the commands want shown), history.c (looking back),
 * typing.c (what keys do), tui.c (the loop). */
#ifndef CLIENT_TUI_SESSION_H
#define CLIENT_TUI_SESSION_H

#include "client/cli/cli.h"
#include "client/cli/talk.h"
#include "client/tui/complete.h"
#include "client/tui/desk.h"
#include "client/tui/keys.h"
#include "client/tui/notify.h"
#include "client/tui/paste.h"
#include "client/tui/unshown.h"

/* A followed stream, and how far back it is known. */
struct backlog {
    char name[STREAM_BYTES_MAX + 1];
    uint64_t first; /* from here on everything was told; 0: not known yet */
    uint64_t read;  /* shown before, when following began */
    uint64_t last;  /* the newest that came */
    uint64_t head;  /* of a room: the newest when following began; what is above came in this run */
    uint64_t asked; /* a page from here to first - 1 is on its way; 0: none */
    bool is_live;
    bool is_beginning; /* there is nothing older */
};

enum session_ask { ASK_OF_NONE, ASK_OF_PASTE };

struct session {
    const struct args *args;
    struct cli cli;
    struct talk talk;
    struct desk desk;

    struct backlog *backlog;
    size_t backlog_count;

    struct keys *keys;
    struct paste *paste;
    bool is_pasting;
    struct complete *complete;
    struct unshown unshown;
    struct notices notices;
    bool is_away_from_keys; /* nobody has typed for a while */
    enum session_ask asks;  /* what the question on the screen is about */
    FILE *list;             /* between list_begin() and list_end() */
    char *list_text;
    size_t list_len;

    bool is_over, is_dirty;
    bool is_suspending, is_editing_outside; /* the loop does these */
    bool is_interrupted;                    /* one C-c on an empty line */
    bool is_prefixed;                       /* C-x was pressed */
    uint64_t drawn_ms, typed_ms;
    uint64_t ping_ms; /* when to ask for the round trip again */
    uint32_t ping_ref;
    size_t restored;
    char outbox_trouble[1024];
    int rows, columns; /* of the screen */
};

/* events.c: one thing that zchat_next() told. */
void session_event(struct session *self, const struct zchat_event *event);
/* face.c */
extern const struct talk_face session_face;
/* After the desk shows another buffer: lines go there. */
void session_sync_target(struct session *self);
void session_show(struct session *self, size_t index);
/* What is on the screen now was shown. */
void session_shown(struct session *self);

/* history.c */
struct backlog *session_backlog(struct session *self, const char *stream);
void session_follow(struct session *self, const char *stream, uint64_t head);
void session_unfollow(struct session *self, const char *stream);
/* The stream that a buffer is part of: a person's is the own one. */
const char *session_stream_of(const struct session *self, const struct buffer *buffer);
/* The own stream is read to its end: what was said before is fetched. */
void session_own_is_live(struct session *self, struct backlog *backlog);
/* Fetch `count` older events of the current buffer; says so when there are none. */
void session_look_back(struct session *self, uint64_t count);
/* That was refused. */
void session_stop_looking(struct session *self, const char *stream);

/* people.c: asks who is in a room; takes a row or the end of an answer (true: it was one); somebody came or went. */
void session_ask_people(struct session *self, struct buffer *buffer);
bool session_take_person(struct session *self, const struct zchat_event *event);
void session_person(struct session *self, const char *room, const char *nick, bool is_in);

/* typing.c */
void session_key(struct session *self, const struct key *key);
void session_hint(struct session *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
