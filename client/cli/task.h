/* task.h - a message that a program is run for, from its arrival to the place of the answer. */
#ifndef CLIENT_CLI_TASK_H
#define CLIENT_CLI_TASK_H

#include "client/cli/child.h"
#include "client/lib/zchat.h"
#include "shared/base/rc.h"

enum task_state {
    TASK_WAITING, /* for its turn */
    TASK_RUNNING,
    TASK_RUN,    /* ended; what it wrote is not posted yet */
    TASK_POSTED, /* under `number`, without an answer */
    TASK_DONE,
};

struct task {
    enum task_state state;
    uint64_t seq;
    char *reply_to;     /* "#room", or "@nick" of who has written in private */
    char **environment; /* for the program, ended by NULL */
    char *event;        /* JSON, one line */
    size_t event_len;
    char *answer; /* NULL: there is none */
    uint32_t number;
    enum child_end end; /* how the program ended, with its exit code or signal */
    int status;
    uint64_t answer_seq; /* 0: there is none, or it was refused ... */
    enum rc refusal;     /* ... for this */
    struct child child;
};

/* Copy what a program needs of the event; `chat` says who we are and where, `home` is --home, or NULL. */
struct task *task_new(const struct zchat *chat, const char *home, const struct zchat_event *event);
void task_destroy(struct task **self_p);

/* What the program has written becomes the answer; how it ended, and what it wrote to standard error, is told on
 * ours, behind `about` ("#room 18"). What a program wrote whose time was over, or that a signal ended, is not an answer. */
void task_take_result(struct task *self, const char *about, bool is_verbose);

/* One line of JSON about what became of it. */
void task_print(const struct task *self, const char *stream);

#endif
