/* pattern.h - regular expressions over texts of strangers, with bounded work.
 *
 * The pattern is the user's, the text anybody's: no text may keep us busy for long. */
#ifndef CLIENT_CLI_PATTERN_H
#define CLIENT_CLI_PATTERN_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>

struct pattern;

enum pattern_result {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_GAVE_UP, /* the work was more than is allowed for one text */
};

/* Compile a Perl-compatible regular expression (PCRE2), Unicode aware; ^ and $ match at every line. RC_CONFIG: it is
 * none; `why` is one sentence, with the place. pattern_destroy() takes *self_p NULL, leaves it NULL. */
#define PATTERN_WHY_BYTES 256
enum rc pattern_new(const char *regex, bool ignores_case, struct pattern **ret,
                    char why[static PATTERN_WHY_BYTES]) MUST_CHECK;
void pattern_destroy(struct pattern **self_p);

/* Does it match anywhere in the text? */
enum pattern_result pattern_match(struct pattern *self, struct span text);

#endif
