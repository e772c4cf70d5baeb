/* talk.h - what both faces of the chat have in common: rooms, the target, requests, own posts.
 *
 * Line mode and the full-screen client show the same session in different ways: each gives a `struct talk_face`.
 * The commands (command.h) know this struct alone. */
#ifndef CLIENT_CLI_TALK_H
#define CLIENT_CLI_TALK_H

#include "client/cli/lists.h"
#include "client/cli/own_posts.h"
#include "client/cli/print.h"
#include "client/lib/zchat.h"

#include "shared/base/limits.h"
#include "shared/base/span.h"

#define TALK_ASKS_MAX    16
#define TALK_IGNORED_MAX 256

/* What a request was about. */
enum talk_ask_kind {
    ASK_NOTHING,
    ASK_START, /* the rooms this person is in */
    ASK_LIVE,  /* no request: streams are not read to their end yet */
    ASK_JOIN,
    ASK_LEAVE,
    ASK_WHO,
    ASK_ROOMS,
    ASK_BANS,
    ASK_ORDER,
    ASK_INVITE,
    ASK_HISTORY, /* no request either: a history is read */
    ASK_SEARCH,
};

struct talk_ask {
    enum talk_ask_kind kind;
    uint32_t ref;                      /* 0: has no answer of its own */
    char stream[STREAM_BYTES_MAX + 3]; /* or whom it is about */
    uint64_t until_ms;
};

/* A room that this person is in. */
struct talk_room {
    char name[STREAM_BYTES_MAX + 1];
    uint64_t head; /* its last event when that was heard */
    char topic[SUBJECT_BYTES_MAX + 1];
};

struct talk;

/* How things are shown. All must be there. */
struct talk_face {
    /* A remark of the program; the text is clean, and may have several lines. */
    void (*remark)(struct talk *self, const char *text);
    void (*target)(struct talk *self); /* talk->target has changed */
    void (*posted)(struct talk *self, uint32_t number, const char *target, struct span text);
    void (*retried)(struct talk *self, uint32_t old_number, uint32_t number);
    /* Follow a stream; `head` is its last event as far as known. */
    void (*follow)(struct talk *self, const char *stream, uint64_t head);
    void (*joined)(struct talk *self, const struct zchat_event *answer); /* before follow() */
    void (*started)(struct talk *self); /* the rooms of this person are known and followed */
    /* It is no longer followed; `is_lost`: this person was put out. */
    void (*left)(struct talk *self, const char *room, bool is_lost);
    void (*history)(struct talk *self, uint64_t count);
    /* Rows of a list are printed between these two. */
    FILE *(*list_begin)(struct talk *self);
    void (*list_end)(struct talk *self);
    void (*help)(struct talk *self);
    void (*quit)(struct talk *self);
};

struct talk {
    struct zchat *chat;
    const struct talk_face *face;
    void *face_self;
    struct style style;
    bool is_json;
    uint32_t post_timeout_ms; /* 0: posts wait as long as we run */
    uint32_t ask_timeout_ms;

    char own[STREAM_BYTES_MAX + 1];
    char target[STREAM_BYTES_MAX + 1]; /* where a line goes; "": nowhere yet */
    char lost[STREAM_BYTES_MAX + 1];   /* lines went there until this person was put out; "": no */
    bool is_refused;                   /* a line went nowhere */

    struct talk_room *room;
    size_t room_count;
    struct own_posts posts;
    struct people people;
    size_t found; /* by the search that runs */
    struct talk_ask ask[TALK_ASKS_MAX];
    size_t ask_count;

    char (*ignored)[NAME_BYTES_MAX + 1]; /* nicks whose messages are not shown in this run */
    size_t ignored_count;
};

/* `chat` is borrowed. */
void talk_init(struct talk *self, struct zchat *chat, const struct talk_face *face,
               void *face_self);
void talk_fini(struct talk *self);

void talk_remark(struct talk *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void talk_set_target(struct talk *self, const char *target);
/* Say something; what cannot be taken is told. */
void talk_post(struct talk *self, const char *target, struct span text);

/* Requests. asking: `rc` is of the request, and a failure is told. */
void talk_ask_for(struct talk *self, enum talk_ask_kind kind, zchat_rc rc, uint32_t ref,
                  const char *stream);
bool talk_is_asking(const struct talk *self, enum talk_ask_kind kind);
/* The one of this kind about this stream (NULL: any), or NULL. */
struct talk_ask *talk_ask_find(struct talk *self, enum talk_ask_kind kind, const char *stream);
void talk_ask_done(struct talk *self, struct talk_ask *ask);
/* The link is back: from now on they have all their time again. */
void talk_ask_renew(struct talk *self);
/* Requests without an answer in time are given up, with a remark. */
void talk_ask_expire(struct talk *self, uint64_t now_ms);

/* /search: ask; a ZCHAT_FOUND; the end of it, which went well. */
void talk_search(struct talk *self, const char *words);
void talk_found(struct talk *self, const struct zchat_event *event);
void talk_searched(struct talk *self, const struct zchat_event *answer);

/* ZCHAT_ANSWER, ZCHAT_FOUND, ZCHAT_ROOM, ZCHAT_PERSON, ZCHAT_BAN; false: another kind of event. */
bool talk_answer(struct talk *self, const struct zchat_event *event);

/* Nicks that are not to be heard: putting in (false: there are too many), taking out (false: it was not there). */
bool talk_ignore(struct talk *self, const char *nick);
bool talk_unignore(struct talk *self, const char *nick);
bool talk_is_ignored(const struct talk *self, const char *nick);

/* The rooms. losing is told, exiting is not. talk_room_event() takes note of an event that was
 * shown, and loses the room when it says so, as talk_room_is_put_out() tells. */
struct talk_room *talk_room_find(const struct talk *self, const char *stream);
void talk_room_enter(struct talk *self, const struct zchat_event *event);
void talk_room_exit(struct talk *self, const char *stream, bool is_lost);
void talk_room_lose(struct talk *self, const char *stream);
bool talk_room_is_put_out(const struct talk *self, const struct zchat_event *event);
void talk_room_event(struct talk *self, const struct zchat_event *event);

#endif
