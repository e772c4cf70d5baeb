/* format.h - events as the user's own template says (--format). Everything a peer wrote is cleaned, and stands on
 * one line: no text can look like a second event, or like a field of its own behind a tab. */
#ifndef CLIENT_CLI_FORMAT_H
#define CLIENT_CLI_FORMAT_H

#include "client/cli/print.h"

/* A template: %t time, %f from, %s stream, %q number in the stream, %m what was said or happened, %k kind (message,
 * notice, or what happened), %% a percent sign; \t \n \\ as in C. Or the name of one: "short", "long", "tsv".
 * RC_CONFIG: `given` is neither; `why` is what was wrong. */
#define FORMAT_WHY_BYTES 160
enum rc format_find(const char *given, const char **ret_template,
                    char why[static FORMAT_WHY_BYTES]) MUST_CHECK;

/* Print a ZCHAT_EVENT or ZCHAT_GAP and a newline. The template is one of format_find(). */
void format_print(FILE *out, const struct style *style, const char *template,
                  const struct zchat_event *event);

#endif
