/* mention.h - does a text speak of somebody? */
#ifndef SHARED_TEXT_MENTION_H
#define SHARED_TEXT_MENTION_H

#include "shared/base/span.h"

/* True when `nick` (canonical, without @) stands in `text` as a word of its own, in any case and width, with or
 * without @ before it: "bob", "@Bob:", "BOB's", but not "bobby" or "x@bob". Scripts that put no spaces between words
 * (Han, Kana, Thai ...) end no word, so a nick may touch them: "小明你好" speaks of 小明. Safe for many threads. */
bool mention_is_in(struct span text, struct span nick);

#endif
