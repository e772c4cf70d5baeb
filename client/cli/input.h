/* input.h - standard input in lines, read when poll() says so, bounded. */
#ifndef CLIENT_CLI_INPUT_H
#define CLIENT_CLI_INPUT_H

#include "shared/base/limits.h"
#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>

#define INPUT_BYTES_MAX (4 * TEXT_BYTES_MAX) /* a longer line is told as too big */

struct input {
    int fd;
    char *buf;
    size_t start, end; /* what is not taken yet */
    bool is_over;      /* end of file, or it cannot be read */
    bool is_skipping;  /* within a line that was too big */
};

void input_init(struct input *self, int fd);
void input_fini(struct input *self);

/* Read once; blocks when nothing is there. RC_SYSTEM: it cannot be read (errno); it is over then. */
enum rc input_fill(struct input *self) MUST_CHECK;

/* Take the next line, without its end (LF or CRLF); it lives until the next call. At the end of input a
 * last line needs no LF. RC_END: no whole line is there now. RC_TOO_BIG: one that does not fit; it is left out. */
enum rc input_line(struct input *self, struct span *ret) MUST_CHECK;

/* Read to the end. RC_TOO_BIG: more than TEXT_BYTES_MAX, not counting one LF or CRLF at the end,
 * which is left away. */
enum rc input_all(struct input *self, struct span *ret) MUST_CHECK;

#endif
