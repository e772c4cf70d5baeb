#include "client/tui/mention.h"

#include "shared/text/utf8.h"

#include <stdint.h>
#include <wctype.h>

#define IDEOGRAPHS_FROM 0x2e80 /* radicals; kana, Han, Hangul and their punctuation follow */

static uint32_t folded(uint32_t point)
{
    if (point >= 0xff01 && point <= 0xff5e) /* the wide forms of ASCII */
        point -= 0xff01 - '!';
    return (uint32_t)towlower((wint_t)point);
}

static bool is_word(uint32_t point)
{
    return point != UTF8_ILL && (point == '_' || point == '-' || iswalnum((wint_t)point) ||
                                 (point >= 0x300 && point < 0x370)); /* accents */
}

static bool is_ideograph(uint32_t point)
{
    return point != UTF8_ILL && point >= IDEOGRAPHS_FROM && !(point >= 0xff01 && point <= 0xff5e);
}

/* Two characters beside each other that belong to one word. */
static bool is_joined(uint32_t left, uint32_t right)
{
    return is_word(left) && is_word(right) && is_ideograph(left) == is_ideograph(right) &&
           !is_ideograph(left);
}

static uint32_t point_at(struct span text, size_t at, size_t *ret_len)
{
    uint32_t point;

    *ret_len = utf8_next((struct span){text.ptr + at, text.len - at}, &point);
    return point;
}

/* The name begins at `at`: where it ends, or 0. */
static size_t match(struct span text, size_t at, struct span nick, uint32_t *ret_last)
{
    size_t from = 0, len;

    while (from < nick.len) {
        uint32_t want, have;

        if (at >= text.len)
            return 0;
        want = point_at(nick, from, &len);
        from += len;
        have = point_at(text, at, &len);
        at += len;
        if (have == UTF8_ILL || folded(have) != folded(want))
            return 0;
        *ret_last = have;
    }
    return at;
}

/* "bob-" and "bob--" are bob; "bob-the-builder" is somebody else. */
static uint32_t word_behind(struct span text, size_t at)
{
    size_t len;

    while (at < text.len) {
        const uint32_t point = point_at(text, at, &len);

        if (point != '-')
            return point;
        at += len;
    }
    return ' ';
}

bool mention_find(struct span text, struct span nick)
{
    uint32_t before = ' ';
    size_t len;

    if (nick.len == 0)
        return false;
    for (size_t at = 0; at < text.len; at += len) {
        const uint32_t first = point_at(text, at, &len);
        uint32_t last = 0;
        const size_t end = match(text, at, nick, &last);

        if (end > 0 && !is_joined(before, first) && !is_joined(last, word_behind(text, end)))
            return true;
        before = first;
    }
    return false;
}
