/* keyname.h - how keys are called: "C-a", "M-1", "C-M-x", "S-Tab", "PgUp", "F1".
 *
 * The modifiers C- (control), M- (alt, meta) and S- (shift) stand in this order before a character or one of:
 * Up Down Left Right Home End PgUp PgDn Insert Delete Backspace Tab Enter Esc Space F1..F24 WheelUp WheelDown.
 * Keys that terminals send alike have one name: C-i is Tab, C-m Enter, C-[ Esc, C-h Backspace, C-@ C-Space. */
#ifndef CLIENT_TUI_KEYNAME_H
#define CLIENT_TUI_KEYNAME_H

#include "shared/base/rc.h"
#include "shared/base/span.h"

#include <stdint.h>

#define KEYNAME_BYTES     24 /* with the NUL */
#define KEYNAME_WHY_BYTES 160

enum keyname_mods { KEYNAME_SHIFT = 1, KEYNAME_META = 2, KEYNAME_CONTROL = 4 };

/* The name of a character with modifiers. Control takes the letter's small form; shift is dropped for characters.
 * False: it has none (not printable). */
bool keyname_of_char(uint32_t point, unsigned mods, char buf[static KEYNAME_BYTES]);

/* The character as UTF-8, which must be one: 1 to 4 bytes. */
size_t keyname_encode(uint32_t point, char at[static 4]);

/* The same of a key with a name, as listed above. */
void keyname_of_key(const char *key, unsigned mods, char buf[static KEYNAME_BYTES]);

/* What a person wrote, as its one name: names in any case, also Ctrl- Alt- Meta- Shift- and ^X. RC_CONFIG: it is no key, or
 * one that types text; `why` says which and what was expected. */
enum rc keyname_parse(struct span given, char buf[static KEYNAME_BYTES],
                      char why[static KEYNAME_WHY_BYTES]) MUST_CHECK;

#endif
