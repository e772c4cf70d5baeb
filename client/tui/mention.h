/* mention.h - is somebody spoken of? Pure. */
#ifndef CLIENT_TUI_MENTION_H
#define CLIENT_TUI_MENTION_H

#include "shared/base/span.h"

#include <stdbool.h>

/* True when `nick` (canonical) stands in the text as a word, whatever its case. Where words are not parted by spaces, as in
 * Chinese, an ideograph beside it is no part of the word. */
bool mention_find(struct span text, struct span nick);

#endif
