#include "shared/wire/wire.h"

#define ASCII_MASK UINT64_C(0x8080808080808080)

/* Length of the well-formed character at `at`, or 0 (Unicode table 3-7). */
static size_t sequence_len(const unsigned char *at, size_t room)
{
    unsigned char lead = at[0];
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t len;

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2) /* a continuation, or an overlong form */
        return 0;
    if (lead < 0xe0) {
        len = 2;
    } else if (lead < 0xf0) {
        len = 3;
        if (lead == 0xe0)
            low = 0xa0; /* overlong below */
        else if (lead == 0xed)
            high = 0x9f; /* surrogates above */
    } else if (lead < 0xf5) {
        len = 4;
        if (lead == 0xf0)
            low = 0x90; /* overlong below */
        else if (lead == 0xf4)
            high = 0x8f; /* U+10FFFF is the last */
    } else {
        return 0;
    }
    if (room < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

bool wire_is_utf8(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t rest = text.len;

    while (rest > 0) {
        uint64_t eight;

        /* Most text is ASCII: eight bytes a step. */
        if (rest >= sizeof(eight)) {
            memcpy(&eight, at, sizeof(eight));
            if ((eight & ASCII_MASK) == 0) {
                at += sizeof(eight);
                rest -= sizeof(eight);
                continue;
            }
        }

        size_t len = sequence_len(at, rest);

        if (len == 0)
            return false;
        at += len;
        rest -= len;
    }
    return true;
}
