/* paste.h - gathers a bracketed paste and makes it fit to be a message. */
#ifndef CLIENT_TUI_PASTE_H
#define CLIENT_TUI_PASTE_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define PASTE_BYTES_MAX         1048576
#define PASTE_ASK_LINES_DEFAULT 1 /* more lines than this are asked about */

struct paste;

struct paste *paste_new(void);
void paste_destroy(struct paste **self_p);

/* Forget what was gathered before. */
void paste_begin(struct paste *self);
void paste_add(struct paste *self, struct span bytes);

/* The paste is whole: CR LF and CR become LF, line ends at the end go, ill-formed bytes become U+FFFD, and
 * what every reader would see as U+FFFD (controls but LF and TAB; see utf8_is_unsafe()) goes.
 * RC_TOO_BIG: more than PASTE_BYTES_MAX came, nothing is kept. RC_BAD_TEXT: nothing is left of it. */
enum rc paste_end(struct paste *self) MUST_CHECK;

/* After paste_end() was RC_OK, until paste_begin(): valid UTF-8; 1 line or more. */
struct span paste_text(const struct paste *self);
size_t paste_lines(const struct paste *self);

/* All that came, in bytes, also beyond the limit. */
size_t paste_bytes_seen(const struct paste *self);

/* True: ask before it is inserted. */
bool paste_asks(const struct paste *self, size_t ask_lines);

#endif
