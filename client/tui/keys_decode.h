/* keys_decode.h - what whole escape sequences mean; a part of keys.c. */
#ifndef CLIENT_TUI_KEYS_DECODE_H
#define CLIENT_TUI_KEYS_DECODE_H

#include "client/tui/keyname.h"

enum keys_meaning {
    MEANS_NOTHING, /* swallowed */
    MEANS_KEY,     /* ret->name */
    MEANS_TEXT,    /* ret->point */
    MEANS_PASTE
};

struct keys_found {
    char name[KEYNAME_BYTES];
    uint32_t point;
};

/* CSI: its parameters and intermediate bytes, and the final byte. `mods` are added (an ESC stood before). */
enum keys_meaning keys_decode_csi(struct span parameters, char final, unsigned mods,
                                  struct keys_found *ret);

/* SS3: ESC O, perhaps digits, and the final byte. */
enum keys_meaning keys_decode_ss3(struct span parameters, char final, unsigned mods,
                                  struct keys_found *ret);

#endif
