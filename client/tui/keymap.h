/* keymap.h - which key does what.
 *
 * Begins with the keys of actions.h. A binding is `KEY = ACTION`; `KEY = none` takes the key away. Rules: a key does one
 * thing, and a binding takes it from the action that had it by default; two bindings of one key to different actions are an error, and so
 * is one that leaves `send` without a key. Keys that type text cannot be bound. */
#ifndef CLIENT_TUI_KEYMAP_H
#define CLIENT_TUI_KEYMAP_H

#include "client/tui/actions.h"
#include "client/tui/keyname.h"

#define KEYMAP_KEYS_MAX  256 /* bound at a time */
#define KEYMAP_WHY_BYTES 256

struct keymap;

struct keymap *keymap_new(void);
void keymap_destroy(struct keymap **self_p);

/* The action of a key as keys.h names it; ACTION_NONE: not bound. */
enum action keymap_find(const struct keymap *self, const char *key);

/* `binding` is "KEY = ACTION". RC_CONFIG: nothing changed, and `why` names what was wrong and what was expected. */
enum rc keymap_bind(struct keymap *self, struct span binding,
                    char why[static KEYMAP_WHY_BYTES]) MUST_CHECK;

/* The keys of an action, with spaces between them, its default keys first; "" when it has none. Cut at a key. */
void keymap_keys(const struct keymap *self, enum action action, char *buf, size_t capacity);

#endif
