#include "client/tui/keys_decode.h"

#include "shared/text/utf8.h"

#include <stdio.h>
#include <string.h>

#define NUMBERS     3
#define NUMBER_MAX  0x10FFFF
#define RELEASED    3 /* kind of event in `CSI u` */
#define PASTE_BEGIN 200
#define OTHER_KEYS  27 /* modifyOtherKeys: CSI 27 ; mods ; code ~ */

/* --- tables ------------------------------------------------------------------------------ */

struct letter {
    char final;
    const char *key;
    unsigned mods;
};

static const struct letter csi_letters[] = {
    {'A', "Up", 0},
    {'B', "Down", 0},
    {'C', "Right", 0},
    {'D', "Left", 0},
    {'F', "End", 0},
    {'H', "Home", 0},
    {'P', "F1", 0},
    {'Q', "F2", 0},
    {'R', "F3", 0},
    {'S', "F4", 0},
    {'Z', "Tab", KEYNAME_SHIFT},
    {'a', "Up", KEYNAME_SHIFT}, /* rxvt */
    {'b', "Down", KEYNAME_SHIFT},
    {'c', "Right", KEYNAME_SHIFT},
    {'d', "Left", KEYNAME_SHIFT},
};

static const struct letter ss3_letters[] = {
    {'A', "Up", 0},
    {'B', "Down", 0},
    {'C', "Right", 0},
    {'D', "Left", 0},
    {'F', "End", 0},
    {'H', "Home", 0},
    {'P', "F1", 0},
    {'Q', "F2", 0},
    {'R', "F3", 0},
    {'S', "F4", 0},
    {'M', "Enter", 0}, /* of the keypad */
    {'I', "Tab", 0},
    {'a', "Up", KEYNAME_CONTROL}, /* rxvt */
    {'b', "Down", KEYNAME_CONTROL},
    {'c', "Right", KEYNAME_CONTROL},
    {'d', "Left", KEYNAME_CONTROL},
};

/* CSI number ~ */
static const struct {
    uint32_t number;
    const char *key;
} numbered[] = {
    {1, "Home"}, {2, "Insert"}, {3, "Delete"}, {4, "End"},  {5, "PgUp"}, {6, "PgDn"}, {7, "Home"},
    {8, "End"},  {11, "F1"},    {12, "F2"},    {13, "F3"},  {14, "F4"},  {15, "F5"},  {17, "F6"},
    {18, "F7"},  {19, "F8"},    {20, "F9"},    {21, "F10"}, {23, "F11"}, {24, "F12"}, {25, "F13"},
    {26, "F14"}, {28, "F15"},   {29, "F16"},   {31, "F17"}, {32, "F18"}, {33, "F19"}, {34, "F20"},
};

/* Keys that `CSI u` calls by the control character they have always sent. */
static const struct {
    uint32_t code;
    const char *key;
} coded[] = {{8, "Backspace"}, {9, "Tab"}, {13, "Enter"}, {27, "Esc"}, {127, "Backspace"}};

/* --- parameters -------------------------------------------------------------------------- */

struct parameters {
    char prefix;              /* '<', '=', '>', '?', or 0 */
    uint32_t number[NUMBERS]; /* 0: left out */
    uint32_t event;           /* of the second number: `2:3` */
    bool is_odd;              /* with intermediate bytes */
};

static void add_digit(uint32_t *number, char digit)
{
    if (*number <= NUMBER_MAX)
        *number = *number * 10 + (uint32_t)(digit - '0');
}

static struct parameters parameters_of(struct span text)
{
    struct parameters self = {0};
    size_t index = 0, sub = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];

        if (c >= '<' && c <= '?' && i == 0) {
            self.prefix = c;
        } else if (c == ';') {
            index++;
            sub = 0;
        } else if (c == ':') {
            sub++;
        } else if (c < '0' || c > '9') {
            self.is_odd = true;
        } else if (sub == 0 && index < NUMBERS) {
            add_digit(&self.number[index], c);
        } else if (sub == 1 && index == 1) {
            add_digit(&self.event, c);
        }
    }
    return self;
}

/* xterm's 1 + shift + 2 alt + 4 control; locks and the like say nothing. */
static unsigned mods_of(uint32_t number)
{
    return number == 0 ? 0 : (number - 1) & (KEYNAME_SHIFT | KEYNAME_META | KEYNAME_CONTROL);
}

/* --- keys --------------------------------------------------------------------------------- */

static enum keys_meaning a_key(const char *key, unsigned mods, struct keys_found *ret)
{
    keyname_of_key(key, mods, ret->name);
    return MEANS_KEY;
}

static enum keys_meaning a_letter(const struct letter *letters, size_t count, char final,
                                  unsigned mods, struct keys_found *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (letters[i].final == final)
            return a_key(letters[i].key, mods | letters[i].mods, ret);
    }
    return MEANS_NOTHING;
}

static enum keys_meaning a_code(uint32_t code, unsigned mods, struct keys_found *ret)
{
    for (size_t i = 0; i < sizeof coded / sizeof *coded; i++) {
        if (coded[i].code == code)
            return a_key(coded[i].key, mods, ret);
    }
    if (code >= 0xE000 && code <= 0xF8FF) /* keys of kitty that have no name here */
        return MEANS_NOTHING;
    if ((mods & (KEYNAME_META | KEYNAME_CONTROL)) != 0)
        return keyname_of_char(code, mods, ret->name) ? MEANS_KEY : MEANS_NOTHING;
    if (utf8_is_unsafe(code) || code > NUMBER_MAX || (code >= 0xD800 && code <= 0xDFFF))
        return MEANS_NOTHING;
    ret->point =
        (mods & KEYNAME_SHIFT) != 0 && code >= 'a' && code <= 'z' ? code - 'a' + 'A' : code;
    return MEANS_TEXT;
}

static enum keys_meaning a_number(const struct parameters *parameters, unsigned mods,
                                  struct keys_found *ret)
{
    const uint32_t number = parameters->number[0];

    if (number == PASTE_BEGIN)
        return MEANS_PASTE;
    if (number == OTHER_KEYS)
        return a_code(parameters->number[2], mods, ret);
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        if (numbered[i].number == number)
            return a_key(numbered[i].key, mods, ret);
    }
    return MEANS_NOTHING;
}

/* The form of SGR: the wheel is buttons 64 and 65, with shift 4, alt 8, control 16. */
static enum keys_meaning a_mouse(uint32_t button, char final, struct keys_found *ret)
{
    const unsigned mods = ((button & 4) != 0 ? KEYNAME_SHIFT : 0) |
                          ((button & 8) != 0 ? KEYNAME_META : 0) |
                          ((button & 16) != 0 ? KEYNAME_CONTROL : 0);
    const uint32_t plain = button & ~(uint32_t)(4 | 8 | 16);

    if (final != 'M' || (plain != 64 && plain != 65))
        return MEANS_NOTHING;
    return a_key(plain == 64 ? "WheelUp" : "WheelDown", mods, ret);
}

/* rxvt's forms of CSI number ~ with modifiers. */
static unsigned mods_of_final(char final)
{
    switch (final) {
    case '^':
        return KEYNAME_CONTROL;
    case '$':
        return KEYNAME_SHIFT;
    case '@':
        return KEYNAME_CONTROL | KEYNAME_SHIFT;
    default:
        return 0;
    }
}

enum keys_meaning keys_decode_csi(struct span parameters, char final, unsigned mods,
                                  struct keys_found *ret)
{
    const struct parameters given = parameters_of(parameters);
    const unsigned all = mods | mods_of(given.number[1]) | mods_of_final(final);

    if (given.prefix == '<' && (final == 'M' || final == 'm'))
        return a_mouse(given.number[0], final, ret);
    if (given.prefix != 0 || given.is_odd || given.event == RELEASED)
        return MEANS_NOTHING;
    switch (final) {
    case '~':
    case '^':
    case '$':
    case '@':
        return a_number(&given, all, ret);
    case 'u':
        return a_code(given.number[0], all, ret);
    default: /* a place on the screen looks like F3 with a row */
        if (given.number[0] > 1)
            return MEANS_NOTHING;
        return a_letter(csi_letters, sizeof csi_letters / sizeof *csi_letters, final, all, ret);
    }
}

enum keys_meaning keys_decode_ss3(struct span parameters, char final, unsigned mods,
                                  struct keys_found *ret)
{
    const struct parameters given = parameters_of(parameters);
    const uint32_t last = given.number[1] != 0 ? given.number[1] : given.number[0];

    if (final >= 'j' && final <= 'y') { /* * + , - . / 0 ... 9 of the keypad */
        ret->point = (uint32_t)('*' + (final - 'j'));
        return MEANS_TEXT;
    }
    return a_letter(ss3_letters, sizeof ss3_letters / sizeof *ss3_letters, final,
                    mods | mods_of(last), ret);
}
