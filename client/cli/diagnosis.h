/* diagnosis.h - what `zchat doctor` finds: a line for each check, and the exit code that follows. */
#ifndef CLIENT_CLI_DIAGNOSIS_H
#define CLIENT_CLI_DIAGNOSIS_H

#include "client/cli/exit_code.h"

#include <stdbool.h>

enum diagnosis_state { DIAGNOSIS_OK, DIAGNOSIS_WARN, DIAGNOSIS_FAIL };

struct diagnosis {
    bool is_json;
    enum exit_code code; /* of the first check that failed; EXIT_DONE when none did */
};

/* Print one finding: what was looked at, what was found, and (may be "") how to mend it. `code` is what a
 * DIAGNOSIS_FAIL ends the program with. What is found may come from a peer: it is cleaned. */
void diagnosis_tell(struct diagnosis *self, enum diagnosis_state state, enum exit_code code,
                    const char *check, const char *mend, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* How to mend that a broker does not let somebody in, by the code of its refusal. */
const char *diagnosis_mend(enum rc rc);

#endif
