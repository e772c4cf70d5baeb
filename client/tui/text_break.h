/* text_break.h - may a row end there? A part of text.c; clusters and words stand in text_break.c too. */
#ifndef CLIENT_TUI_TEXT_BREAK_H
#define CLIENT_TUI_TEXT_BREAK_H

#include "shared/base/span.h"

/* Between the clusters that begin at `before` and, right behind it, at `at`: behind blanks and hyphens, and beside
 * ideographs where UAX 14 does not keep their punctuation together. */
bool text_may_break(struct span text, size_t before, size_t at);

#endif
