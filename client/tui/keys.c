#include "client/tui/keys.h"

#include "client/tui/keys_decode.h"
#include "shared/base/alloc.h"
#include "shared/text/utf8.h"

#include <stdlib.h>
#include <string.h>

#define ESC           0x1B
#define BEL           0x07
#define MOUSE_BYTES   3 /* behind CSI M, the old form */
#define PASTE_END     "\033[201~"
#define PASTE_END_LEN (sizeof PASTE_END - 1)

enum state {
    GROUND,
    UTF8,       /* within a character */
    ESCAPED,    /* ESC */
    CSI,        /* ESC [ */
    SS3,        /* ESC O */
    LINUX,      /* ESC [ [: function keys of the Linux console */
    STRING,     /* ESC ] and its likes: an answer of the terminal, until BEL or ESC \ */
    STRING_END, /* ESC within */
    MOUSE,      /* CSI M and three bytes */
    PASTE
};

struct keys {
    enum state state;
    unsigned mods;   /* KEYNAME_META: an ESC stood before */
    char introducer; /* of the string */
    char sequence[KEYS_SEQUENCE_BYTES];
    size_t sequence_len; /* all of it; what is beyond the buffer is not kept */
    char point[4];
    size_t point_len, point_need;
    size_t held; /* bytes of PASTE_END that were seen */
};

enum taken { TAKEN, IS_KEY, AGAIN /* the byte was not taken, the state is another */ };

struct keys *keys_new(void)
{
    return x_alloc(1, sizeof(struct keys));
}

void keys_destroy(struct keys **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static void enter(struct keys *self, enum state state)
{
    self->state = state;
    self->sequence_len = 0;
    if (state == GROUND)
        self->mods = 0;
}

/* --- what is given ------------------------------------------------------------------------ */

static enum taken give_text(struct keys *self, struct key *ret)
{
    ret->kind = KEYS_TEXT;
    ret->name[0] = '\0';
    ret->bytes = (struct span){self->point, self->point_len};
    return IS_KEY;
}

static enum taken give_char(struct keys *self, uint32_t point, unsigned mods, struct key *ret)
{
    ret->kind = KEYS_KEY;
    ret->bytes = (struct span){NULL, 0};
    enter(self, GROUND);
    return keyname_of_char(point, mods, ret->name) ? IS_KEY : TAKEN;
}

static enum taken give_key(struct keys *self, const char *key, unsigned mods, struct key *ret)
{
    ret->kind = KEYS_KEY;
    ret->bytes = (struct span){NULL, 0};
    keyname_of_key(key, mods, ret->name);
    enter(self, GROUND);
    return IS_KEY;
}

static enum taken give_control(struct keys *self, unsigned char byte, struct key *ret)
{
    const unsigned mods = self->mods | KEYNAME_CONTROL;

    if (byte == 0x7F)
        return give_key(self, "Backspace", self->mods, ret);
    return give_char(self, byte >= 1 && byte <= 26 ? byte + 'a' - 1U : byte + 0x40U, mods, ret);
}

static enum taken give_meaning(struct keys *self, enum keys_meaning meaning,
                               const struct keys_found *found, struct key *ret)
{
    enter(self, GROUND);
    switch (meaning) {
    case MEANS_KEY:
        ret->kind = KEYS_KEY;
        ret->bytes = (struct span){NULL, 0};
        memcpy(ret->name, found->name, sizeof ret->name);
        return IS_KEY;
    case MEANS_TEXT:
        self->point_len = keyname_encode(found->point, self->point);
        return give_text(self, ret);
    case MEANS_PASTE:
        ret->kind = KEYS_PASTE_BEGIN;
        ret->name[0] = '\0';
        ret->bytes = (struct span){NULL, 0};
        enter(self, PASTE);
        self->held = 0;
        return IS_KEY;
    default:
        return TAKEN;
    }
}

/* --- one byte in each state ------------------------------------------------------------------ */

static size_t point_need(unsigned char lead)
{
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* A character's first byte, or a whole one of ASCII. */
static enum taken begin_point(struct keys *self, unsigned char byte, struct key *ret)
{
    self->point[0] = (char)byte;
    self->point_len = 1;
    if (byte < 0x80) {
        if (self->mods != 0)
            return give_char(self, byte, self->mods, ret);
        return give_text(self, ret);
    }
    self->point_need = point_need(byte);
    self->state = self->point_need == 0 ? GROUND : UTF8;
    return TAKEN;
}

static enum taken on_ground(struct keys *self, unsigned char byte, struct key *ret)
{
    self->mods = 0;
    if (byte == ESC) {
        enter(self, ESCAPED);
        return TAKEN;
    }
    if (byte < 0x20 || byte == 0x7F)
        return give_control(self, byte, ret);
    return begin_point(self, byte, ret);
}

static enum taken on_utf8(struct keys *self, unsigned char byte, struct key *ret)
{
    uint32_t point;

    if ((byte & 0xC0) != 0x80) { /* the character is broken; the byte is not */
        enter(self, GROUND);
        return AGAIN;
    }
    self->point[self->point_len++] = (char)byte;
    if (self->point_len < self->point_need)
        return TAKEN;
    utf8_next((struct span){self->point, self->point_len}, &point);
    if (self->mods != 0 && !utf8_is_unsafe(point))
        return give_char(self, point, self->mods, ret);
    enter(self, GROUND);
    return utf8_is_unsafe(point) ? TAKEN : give_text(self, ret);
}

static enum taken on_escaped(struct keys *self, unsigned char byte, struct key *ret)
{
    switch (byte) {
    case ESC: /* before a sequence it is rxvt's alt */
        if (self->mods != 0) {
            give_key(self, "Esc", KEYNAME_META, ret);
            enter(self, ESCAPED);
            return IS_KEY;
        }
        self->mods = KEYNAME_META;
        return TAKEN;
    case '[':
        enter(self, CSI);
        return TAKEN;
    case 'O':
        enter(self, SS3);
        return TAKEN;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        self->introducer = (char)byte;
        enter(self, STRING);
        return TAKEN;
    default:
        self->mods = KEYNAME_META;
        if (byte < 0x20 || byte == 0x7F)
            return give_control(self, byte, ret);
        return begin_point(self, byte, ret);
    }
}

static void keep(struct keys *self, unsigned char byte)
{
    if (self->sequence_len < sizeof self->sequence)
        self->sequence[self->sequence_len] = (char)byte;
    self->sequence_len++;
}

/* rxvt ends `CSI 5 $` with what is otherwise an intermediate byte; answers of terminals have a `;` or `?` before it. */
static bool is_rxvt_shift(const struct keys *self, unsigned char byte)
{
    if (byte != '$' || self->sequence_len == 0 || self->sequence_len > 2)
        return false;
    for (size_t i = 0; i < self->sequence_len; i++) {
        if (self->sequence[i] < '0' || self->sequence[i] > '9')
            return false;
    }
    return true;
}

/* A byte that no sequence holds: it is broken off. */
static enum taken break_off(struct keys *self, unsigned char byte)
{
    enter(self, GROUND);
    return byte < 0x20 ? AGAIN : TAKEN;
}

static enum taken on_csi(struct keys *self, unsigned char byte, struct key *ret)
{
    struct keys_found found;

    if (byte < 0x20 || byte > 0x7E)
        return break_off(self, byte);
    if (self->sequence_len == 0 && (byte == '[' || byte == 'M')) {
        enter(self, byte == '[' ? LINUX : MOUSE);
        return TAKEN;
    }
    if (byte < 0x40 && !is_rxvt_shift(self, byte)) {
        keep(self, byte);
        return TAKEN;
    }
    if (self->sequence_len > sizeof self->sequence) {
        enter(self, GROUND);
        return TAKEN;
    }
    const enum keys_meaning meaning = keys_decode_csi(
        (struct span){self->sequence, self->sequence_len}, (char)byte, self->mods, &found);

    return give_meaning(self, meaning, &found, ret);
}

static enum taken on_ss3(struct keys *self, unsigned char byte, struct key *ret)
{
    struct keys_found found;

    if (byte < 0x20 || byte > 0x7E)
        return break_off(self, byte);
    if (((byte >= '0' && byte <= '9') || byte == ';') &&
        self->sequence_len < sizeof self->sequence) {
        keep(self, byte);
        return TAKEN;
    }
    const enum keys_meaning meaning = keys_decode_ss3(
        (struct span){self->sequence, self->sequence_len}, (char)byte, self->mods, &found);

    return give_meaning(self, meaning, &found, ret);
}

static enum taken on_linux(struct keys *self, unsigned char byte, struct key *ret)
{
    static const char *const keys[] = {"F1", "F2", "F3", "F4", "F5"};

    if (byte < 0x20)
        return break_off(self, byte);
    if (byte >= 'A' && byte <= 'E')
        return give_key(self, keys[byte - 'A'], self->mods, ret);
    enter(self, GROUND);
    return TAKEN;
}

static enum taken on_string(struct keys *self, unsigned char byte)
{
    if (byte == ESC) {
        enter(self, STRING_END);
        return TAKEN;
    }
    if (byte == BEL) {
        enter(self, GROUND);
        return TAKEN;
    }
    if (byte < 0x20) /* no answer holds it: somebody typed M-] and went on */
        return break_off(self, byte);
    self->sequence_len++;
    return TAKEN;
}

static enum taken on_string_end(struct keys *self, unsigned char byte)
{
    enter(self, byte == '\\' ? GROUND : ESCAPED);
    return byte == '\\' ? TAKEN : AGAIN;
}

static enum taken on_mouse(struct keys *self)
{
    if (++self->sequence_len == MOUSE_BYTES)
        enter(self, GROUND);
    return TAKEN;
}

static enum taken on_byte(struct keys *self, unsigned char byte, struct key *ret)
{
    switch (self->state) {
    case UTF8:
        return on_utf8(self, byte, ret);
    case ESCAPED:
        return on_escaped(self, byte, ret);
    case CSI:
        return on_csi(self, byte, ret);
    case SS3:
        return on_ss3(self, byte, ret);
    case LINUX:
        return on_linux(self, byte, ret);
    case STRING:
        return on_string(self, byte);
    case STRING_END:
        return on_string_end(self, byte);
    case MOUSE:
        return on_mouse(self);
    default:
        return on_ground(self, byte, ret);
    }
}

/* --- pastes ------------------------------------------------------------------------------- */

static void skip(struct span *input, size_t len)
{
    *input = (struct span){input->ptr + len, input->len - len};
}

/* False: all is taken; perhaps the begin of PASTE_END is held. */
static bool next_pasted(struct keys *self, struct span *input, struct key *ret)
{
    *ret = (struct key){.kind = KEYS_PASTED};
    while (input->len > 0) {
        if (*input->ptr == PASTE_END[self->held]) {
            skip(input, 1);
            if (++self->held < PASTE_END_LEN)
                continue;
            enter(self, GROUND);
            ret->kind = KEYS_PASTE_END;
            return true;
        }
        if (self->held > 0) { /* it was no end, but text */
            ret->bytes = (struct span){PASTE_END, self->held};
            self->held = 0;
            return true;
        }
        const char *esc = memchr(input->ptr, ESC, input->len);

        ret->bytes =
            (struct span){input->ptr, esc == NULL ? input->len : (size_t)(esc - input->ptr)};
        skip(input, ret->bytes.len);
        return true;
    }
    return false;
}

bool keys_next(struct keys *self, struct span *input, struct key *ret)
{
    while (input->len > 0) {
        enum taken taken;

        if (self->state == PASTE)
            return next_pasted(self, input, ret);
        taken = on_byte(self, (unsigned char)*input->ptr, ret);
        if (taken != AGAIN)
            skip(input, 1);
        if (taken == IS_KEY)
            return true;
    }
    return false;
}

bool keys_is_waiting(const struct keys *self)
{
    switch (self->state) {
    case ESCAPED:
    case STRING_END:
        return true;
    case CSI:
    case SS3:
    case STRING: /* with more behind it, it is no key: the rest must not be typed as text, however late it comes */
        return self->sequence_len == 0;
    default:
        return false;
    }
}

bool keys_timeout(struct keys *self, struct key *ret)
{
    if (!keys_is_waiting(self))
        return false;
    switch (self->state) {
    case ESCAPED:
        return give_key(self, "Esc", self->mods, ret) == IS_KEY;
    case CSI:
        return give_char(self, '[', KEYNAME_META, ret) == IS_KEY;
    case SS3:
        return give_char(self, 'O', KEYNAME_META, ret) == IS_KEY;
    case STRING:
        return give_char(self, (unsigned char)self->introducer, KEYNAME_META, ret) == IS_KEY;
    default:
        enter(self, GROUND);
        return false;
    }
}
