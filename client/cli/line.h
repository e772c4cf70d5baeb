/* line.h - line mode: a line is a message, /command a command.
 *
 * Input is taken one line at a time: while a command waits for its answer no further line is read, so
 * that a script may join a room and talk in it. */
#ifndef CLIENT_CLI_LINE_H
#define CLIENT_CLI_LINE_H

#include "client/cli/cli.h"
#include "client/cli/input.h"
#include "client/cli/lists.h"
#include "client/cli/own_posts.h"
#include "client/cli/print.h"
#include "client/cli/verbs.h"

#include "shared/text/clean.h"
#include "shared/text/name.h"

/* What input waits for. */
enum line_ask {
    ASK_NOTHING,
    ASK_START,
    ASK_LIVE,
    ASK_JOIN,
    ASK_LEAVE,
    ASK_WHO,
    ASK_ROOMS,
    ASK_BANS,
    ASK_ORDER,
    ASK_INVITE,
    ASK_HISTORY
};

/* A room that this person is in. */
struct line_room {
    char name[STREAM_BYTES_MAX + 1];
    uint64_t head; /* its last event when that was heard */
    char topic[SUBJECT_BYTES_MAX + 1];
};

struct line {
    struct cli cli;
    const struct args *args;
    struct style style;
    struct input input;
    struct own_posts posts;
    struct people people;
    bool is_terminal;   /* somebody types */
    bool is_over;       /* end of input, or /quit */
    bool is_unreadable; /* the input broke off */

    char own[STREAM_BYTES_MAX + 1];
    char target[STREAM_BYTES_MAX + 1]; /* where a line goes; "": nowhere yet */

    char lost[STREAM_BYTES_MAX + 1]; /* lines went there until this person was put out; "": no */
    struct line_room *room;
    size_t room_count;
    bool is_refused; /* a line went nowhere */

    enum line_ask ask;
    uint32_t ask_ref;
    char ask_stream[STREAM_BYTES_MAX + 1];
    uint64_t ask_until_ms;
    size_t live_missing; /* at the start: streams that are not read to their end yet */
    size_t restored;     /* posts of an earlier run */
    char trouble[1024];  /* of the outbox, as it was told last */

    uint64_t progress_ms;
};

/* Do what one line says. */
void line_take(struct line *self, struct span text);

/* The first word into buf (cut when longer); returns what stands behind it. */
const char *line_next_word(const char *at, char *buf, size_t capacity);

/* Run the room that lines go to: "kick", "mode" ... with the words behind the command. */
void line_order(struct line *self, const char *what, const char *words);

/* The rooms. entering: a ZCHAT_ROOM or the answer to a join; losing is told, exiting is not. line_room_event()
 * takes note of an event that was shown, and loses the room when it says so, as line_room_is_put_out() tells. */
struct line_room *line_room_find(struct line *self, const char *stream);
void line_room_enter(struct line *self, const struct zchat_event *event);
void line_room_exit(struct line *self, const char *stream);
void line_room_lose(struct line *self, const char *stream);
bool line_room_is_put_out(struct line *self, const struct zchat_event *event);
void line_room_event(struct line *self, const struct zchat_event *event);

/* Wait for an answer; its request was `rc`. */
void line_ask_for(struct line *self, enum line_ask ask, zchat_rc rc, uint32_t ref,
                  const char *stream);
/* Follow a room or the own stream from where it was shown to; `head` is the room's last event. */
void line_follow(struct line *self, const char *stream, uint64_t head);
/* An event or a gap up to `seq` was shown; `is_asked`: perhaps because somebody looked back. */
void line_note_shown(struct line *self, const char *stream, uint64_t seq, bool is_asked);
void line_set_target(struct line *self, const char *target);
void line_post(struct line *self, const char *target, struct span text);
/* A remark of the program: "* ..." on stderr. */
void line_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A row or a state as one JSON line of type "post". */
void line_post_json(const struct line *self, const struct zchat_event *event);

#endif
