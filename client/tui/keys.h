/* keys.h - a terminal's bytes become keys, text and pastes.
 *
 * For xterm and its likes, rxvt, tmux, screen, the Linux console, and the forms `CSI u` and modifyOtherKeys. Bytes
 * may be cut anywhere. What is not known is swallowed, never typed as text: answers of the terminal, focus
 * events, mouse clicks, ill-formed UTF-8. The caller reads the terminal itself (not through getch()).
 *
 *     while (keys_next(keys, &bytes, &key))
 *         ...
 *     if (keys_is_waiting(keys)) after KEYS_WAIT_MS without a byte: if (keys_timeout(keys, &key)) ... */
#ifndef CLIENT_TUI_KEYS_H
#define CLIENT_TUI_KEYS_H

#include "client/tui/keyname.h"

#include <stdbool.h>

#define KEYS_WAIT_MS 50
#define KEYS_SEQUENCE_BYTES \
    64 /* of an escape sequence that are looked at; longer ones are swallowed */

enum keys_kind {
    KEYS_KEY,         /* `name`; also M- and a character */
    KEYS_TEXT,        /* `bytes`: one printable character, UTF-8 */
    KEYS_PASTE_BEGIN, /* ESC [ 200 ~ */
    KEYS_PASTED,      /* `bytes`: some of the paste as it came, not cleaned; see paste.h */
    KEYS_PASTE_END
};

struct key {
    enum keys_kind kind;
    char name[KEYNAME_BYTES]; /* KEYS_KEY; else "" */
    struct span bytes;        /* until the next call, or until the input is given back */
};

struct keys;

struct keys *keys_new(void);
void keys_destroy(struct keys **self_p);

/* Take bytes off the front of *input until there is a key. False: all are taken, and nothing is whole. */
bool keys_next(struct keys *self, struct span *input, struct key *ret);

/* True after an ESC that may be a key by itself or the begin of more. */
bool keys_is_waiting(const struct keys *self);

/* Nothing more came: what was waited for is over. True: it was a key (Esc, M-[ ...). */
bool keys_timeout(struct keys *self, struct key *ret);

#endif
