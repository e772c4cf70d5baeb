/* exit_code.h - how zchat ends; the numbers are a contract with scripts. */
#ifndef CLIENT_CLI_EXIT_CODE_H
#define CLIENT_CLI_EXIT_CODE_H

#include "shared/base/rc.h"

enum exit_code {
    EXIT_GO_ON = -1, /* not yet: within the program only */
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_TIMED_OUT = 3,
    EXIT_REFUSED = 4,
    EXIT_NO_LINK = 5,
    EXIT_NOT_FOUND = 6,
    EXIT_NOT_DELIVERED = 7,
    EXIT_NOT_RUN = 126,    /* exec: the program is there and cannot be run */
    EXIT_NO_PROGRAM = 127, /* exec: it is not there */
    EXIT_SIGNALLED = 128,  /* plus the signal's number */
};

/* How a result ends the program. */
enum exit_code exit_code_of(enum rc rc);

#endif
