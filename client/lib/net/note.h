/* note.h - the history that a handle keeps when it is asked to (shared/text/history.h). */
#ifndef CLIENT_LIB_NET_NOTE_H
#define CLIENT_LIB_NET_NOTE_H

#include "client/lib/net/why.h"
#include "client/lib/zchat.h"
#include "shared/text/history.h"

/* All zero keeps nothing. */
struct note {
    struct history *history;
    struct span nick; /* borrowed */
    uint64_t run;     /* the session */
    uint64_t
        viewer; /* whom events are shown to: not the run when it goes on with the session of one before */
};

/* `path` may be NULL: nothing is kept. RC_SYSTEM: `why` names the file. */
enum rc note_open(struct note *self, const char *path, struct why *why) MUST_CHECK;
void note_close(struct note *self);

void note_post(struct note *self, uint32_t number, struct span target, struct span text);
/* The post `number` is tried again under the new number `given`. */
void note_retry(struct note *self, uint32_t given, uint32_t number);
/* A stream is followed from now on. */
void note_follow(struct note *self, struct span stream);
/* What the application is told counts as shown: it shows it next. */
void note_told(struct note *self, const struct zchat_event *event);

#endif
