/* answer.h - what a program wrote, as a message. */
#ifndef CLIENT_CLI_ANSWER_H
#define CLIENT_CLI_ANSWER_H

#include "shared/base/span.h"

/* The text to post: ill-formed bytes and what must not reach a terminal become U+FFFD (line feeds and tabs stay), CRLF
 * becomes LF, blank lines at the end go, and what is larger than a message ends in "…". NUL-terminated, and the
 * caller frees it; NULL: nothing is left to say. */
char *answer_text(struct span written);

#endif
