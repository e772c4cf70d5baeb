/* line.h - line mode: a line is a message, /command a command.
 *
 * Input is taken one line at a time: while a command waits for its answer no further line is read, so
 * that a script may join a room and talk in it. */
#ifndef CLIENT_CLI_LINE_H
#define CLIENT_CLI_LINE_H

#include "client/cli/cli.h"
#include "client/cli/input.h"
#include "client/cli/talk.h"
#include "client/cli/verbs.h"

#include "shared/text/clean.h"
#include "shared/text/name.h"

struct line {
    struct cli cli;
    struct talk talk;
    const struct args *args;
    struct input input;
    bool is_terminal;   /* somebody types */
    bool is_over;       /* end of input, or /quit */
    bool is_unreadable; /* the input broke off */

    size_t live_missing; /* at the start: streams that are not read to their end yet */
    size_t restored;     /* posts of an earlier run */
    char trouble[1024];  /* of the outbox, as it was told last */

    uint64_t progress_ms;
};

/* Follow a room or the own stream from where it was shown to; `head` is the room's last event. */
void line_follow(struct line *self, const char *stream, uint64_t head);
/* An event or a gap up to `seq` was shown; `is_asked`: perhaps because somebody looked back. */
void line_note_shown(struct line *self, const char *stream, uint64_t seq, bool is_asked);
/* A remark of the program: "* ..." on stderr. */
void line_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A row or a state as one JSON line of type "post". */
void line_post_json(const struct line *self, const struct zchat_event *event);

#endif
