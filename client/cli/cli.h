/* cli.h - what all verbs share: the handle, waiting with signals and deadlines, and how trouble is told. */
#ifndef CLIENT_CLI_CLI_H
#define CLIENT_CLI_CLI_H

#include "client/cli/args.h"
#include "client/cli/exit_code.h"
#include "client/lib/zchat.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define CLI_EXTRA_MAX 4

struct cli {
    const struct args *args;
    struct zchat *chat;
    int signal_fd;       /* readable when a signal came */
    uint64_t give_up_ms; /* no link by then: exit 5; UINT64_MAX: it was up */
    uint32_t link_wait_ms;
    bool is_up;
    bool was_up;
    bool tells_link;      /* says on stderr when a link goes or comes back (tail, line mode) */
    bool is_wrong_told;   /* that another key answers, since the link went down */
    bool outlives_reader; /* a stdout that nobody reads any more ends nothing: it is muted */
    bool is_muted;
    bool is_patient;   /* cli_answer() waits as long as it takes, unless a time was given */
    const char *about; /* what cli_answer() says was refused; NULL: the stream of the answer */
};

/* Open the handle and catch SIGINT and SIGTERM. EXIT_GO_ON, or the exit code after saying why. */
enum exit_code cli_open(struct cli *self, const struct args *args, bool is_inbox);
/* The same for a verb that confirms its own messages itself, by zchat_confirm(). */
enum exit_code cli_open_late(struct cli *self, const struct args *args, bool is_inbox);
int cli_signal(void); /* the one that asked us to end; 0: none */
void cli_close(struct cli *self);
/* A signal ended the work; what is left to do may still wait. A second signal kills. */
void cli_forget_signal(struct cli *self);
/* As cli_forget_signal(), but the second signal is told like the first. */
void cli_await_signal(struct cli *self);

/* Wait until until_ms (monotonic, UINT64_MAX: for ever) for the next event; ZCHAT_NONE: time is over, or one of
 * `extra` (at most CLI_EXTRA_MAX) is ready. Deals with the link, signals and a closed stdout: then
 * the result is the exit code, and what is to be said was said. */
enum exit_code cli_next(struct cli *self, uint64_t until_ms, struct pollfd *extra,
                        size_t extra_count, struct zchat_event *ret);

/* Wait for the link. */
enum exit_code cli_wait_up(struct cli *self);

/* Wait for the answer to `ref`; rows of a list go to on_row (may be NULL). A refusal or no answer within the
 * timeout ends with its exit code. */
typedef void cli_row_function(void *context, const struct zchat_event *row);
enum exit_code cli_answer(struct cli *self, uint32_t ref, cli_row_function *on_row, void *context,
                          struct zchat_event *ret);

/* Say on stderr what went wrong, with the code's name, and return its exit code. `about` (peer text is cleaned)
 * is what it went wrong with; may be "". */
enum exit_code cli_fail(enum rc rc, const char *about);
enum exit_code cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "zchat: ..." on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Flush stdout. EXIT_GO_ON; EXIT_DONE when nobody reads it any more; EXIT_OTHER, with a word, when it is full. */
enum exit_code cli_flush(void);

/* Nobody reads stdout: what is printed from now on goes nowhere. */
void cli_mute(struct cli *self);

/* This moment on the clock that deadlines use; and `delay_ms` later. */
uint64_t cli_now_ms(void);
uint64_t cli_later_ms(uint64_t delay_ms);

#endif
