#include "client/tui/keyname.h"

#include "shared/text/clean.h"
#include "shared/text/utf8.h"

#include <stdio.h>
#include <strings.h>

static const char *const names[] = {"Up",    "Down", "Left",   "Right",   "Home",      "End",
                                    "PgUp",  "PgDn", "Insert", "Delete",  "Backspace", "Tab",
                                    "Enter", "Esc",  "Space",  "WheelUp", "WheelDown"};
#define NAMES (sizeof names / sizeof *names)

/* Control keys that have a key of their own on the keyboard. */
static const struct {
    char control;
    const char *key;
    unsigned mods; /* that stay */
} alike[] = {{'i', "Tab", 0},
             {'m', "Enter", 0},
             {'[', "Esc", 0},
             {'h', "Backspace", 0},
             {'@', "Space", KEYNAME_CONTROL},
             {'?', "Backspace", 0}};

void keyname_of_key(const char *key, unsigned mods, char buf[static KEYNAME_BYTES])
{
    snprintf(buf, KEYNAME_BYTES, "%s%s%s%s", (mods & KEYNAME_CONTROL) != 0 ? "C-" : "",
             (mods & KEYNAME_META) != 0 ? "M-" : "", (mods & KEYNAME_SHIFT) != 0 ? "S-" : "", key);
}

size_t keyname_encode(uint32_t point, char at[static 4])
{
    if (point < 0x80) {
        at[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        at[0] = (char)(0xC0 | point >> 6);
        at[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        at[0] = (char)(0xE0 | point >> 12);
        at[1] = (char)(0x80 | (point >> 6 & 0x3F));
        at[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    at[0] = (char)(0xF0 | point >> 18);
    at[1] = (char)(0x80 | (point >> 12 & 0x3F));
    at[2] = (char)(0x80 | (point >> 6 & 0x3F));
    at[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

bool keyname_of_char(uint32_t point, unsigned mods, char buf[static KEYNAME_BYTES])
{
    unsigned kept = mods & ~(unsigned)KEYNAME_SHIFT;
    char key[8] = "";

    if (point == ' ') {
        keyname_of_key("Space", mods, buf);
        return true;
    }
    if (utf8_is_unsafe(point) || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return false;
    if ((kept & KEYNAME_CONTROL) != 0) {
        if (point >= 'A' && point <= 'Z')
            point += 'a' - 'A';
        for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
            if (point == (unsigned char)alike[i].control) {
                kept &= ~(unsigned)KEYNAME_CONTROL;
                keyname_of_key(alike[i].key, kept | alike[i].mods, buf);
                return true;
            }
        }
    }
    key[keyname_encode(point, key)] = '\0';
    keyname_of_key(key, kept, buf);
    return true;
}

/* --- what people write ------------------------------------------------------------------- */

static const struct {
    const char *prefix;
    unsigned mod;
} prefixes[] = {{"C-", KEYNAME_CONTROL}, {"Ctrl-", KEYNAME_CONTROL}, {"Control-", KEYNAME_CONTROL},
                {"M-", KEYNAME_META},    {"A-", KEYNAME_META},       {"Alt-", KEYNAME_META},
                {"Meta-", KEYNAME_META}, {"S-", KEYNAME_SHIFT},      {"Shift-", KEYNAME_SHIFT},
                {"^", KEYNAME_CONTROL}};

/* Take one modifier off the front; 0: there is none. A `-` or `^` by itself is a character. */
static unsigned take_mod(struct span *rest)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const size_t len = strlen(prefixes[i].prefix);

        if (rest->len > len && strncasecmp(rest->ptr, prefixes[i].prefix, len) == 0) {
            *rest = (struct span){rest->ptr + len, rest->len - len};
            return prefixes[i].mod;
        }
    }
    return 0;
}

static bool is_key(struct span given, const char *name)
{
    return given.len == strlen(name) && strncasecmp(given.ptr, name, given.len) == 0;
}

/* Other words for the same keys. */
static const struct {
    const char *word, *name;
} words[] = {{"PageUp", "PgUp"}, {"PageDown", "PgDn"}, {"Return", "Enter"}, {"Escape", "Esc"},
             {"Del", "Delete"},  {"Ins", "Insert"},    {"BS", "Backspace"}};

static const char *find_name(struct span given, char buf[static KEYNAME_BYTES])
{
    for (size_t i = 0; i < NAMES; i++) {
        if (is_key(given, names[i]))
            return names[i];
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_key(given, words[i].word))
            return words[i].name;
    }
    for (unsigned number = 1; number <= 24; number++) {
        snprintf(buf, KEYNAME_BYTES, "F%u", number);
        if (is_key(given, buf))
            return buf;
    }
    return NULL;
}

static enum rc refuse(struct span given, const char *what, char why[static KEYNAME_WHY_BYTES])
{
    char shown[40];

    clean_copy(shown, sizeof shown, given);
    snprintf(why, KEYNAME_WHY_BYTES, "'%s' %s", shown, what);
    return RC_CONFIG;
}

enum rc keyname_parse(struct span given, char buf[static KEYNAME_BYTES],
                      char why[static KEYNAME_WHY_BYTES])
{
    struct span rest = given;
    unsigned mods = 0, mod;
    char numbered[KEYNAME_BYTES];
    const char *name;
    uint32_t point;

    while ((mod = take_mod(&rest)) != 0)
        mods |= mod;
    name = find_name(rest, numbered);
    if (name != NULL && strcmp(name, "Space") == 0 && (mods & ~(unsigned)KEYNAME_SHIFT) == 0)
        return refuse(given, "types text and cannot be bound", why);
    if (name != NULL) {
        keyname_of_key(name, mods, buf);
        return RC_OK;
    }
    if (rest.len == 0 || utf8_next(rest, &point) != rest.len || point == UTF8_ILL || point == ' ')
        return refuse(given, "is no key; keys are C-x, M-x, C-M-x, S-Tab, PgUp, F1 and the like",
                      why);
    if ((mods & ~(unsigned)KEYNAME_SHIFT) == 0)
        return refuse(given, "types text and cannot be bound; put C- or M- before it", why);
    if (!keyname_of_char(point, mods, buf))
        return refuse(given, "is no key that can be printed", why);
    return RC_OK;
}
