/* kills.h - what was cut, newest first: the ring that C-y and M-y insert from. One for all editors. */
#ifndef CLIENT_TUI_KILLS_H
#define CLIENT_TUI_KILLS_H

#include "shared/base/span.h"

#include <stdbool.h>

#define KILLS_MAX 32

struct kills;

struct kills *kills_new(void);
void kills_destroy(struct kills **self_p);

/* A new entry; the oldest goes when there are KILLS_MAX. Empty text is no entry. */
void kills_push(struct kills *self, struct span text);
/* Add to the newest entry, at its end or begin: cutting goes on. Its size stays below TEXT_BYTES_MAX; false: it would not, and a
 * new entry was made. */
bool kills_join(struct kills *self, struct span text, bool at_begin);

/* Entry `index`, 0 the newest, modulo their count; empty when there is none. Until the next change. */
struct span kills_get(const struct kills *self, size_t index);

#endif
