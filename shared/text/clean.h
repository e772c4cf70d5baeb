/* clean.h - peer text on its way to a terminal, a text log or a JSON line.
 *
 * Nothing a peer wrote may move a cursor, forge a line or break a record. */
#ifndef SHARED_TEXT_CLEAN_H
#define SHARED_TEXT_CLEAN_H

#include "shared/base/span.h"

#include <stdio.h>

/* Write `text` with every C0, DEL, C1, line and paragraph separator, bidi control,
 * byte-order mark and ill-formed byte replaced by U+FFFD. TAB becomes a space. With `keep_lines`, LF is
 * written as LF followed by `indent` (may be ""), otherwise as U+23CE. */
void clean_write(FILE *out, struct span text, bool keep_lines, const char *indent);

/* The same into a buffer; always NUL-terminated, cut at a character when it is too
 * small. Returns the length written without the NUL. */
size_t clean_copy(char *buf, size_t capacity, struct span text);

#endif
