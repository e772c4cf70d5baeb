#include "shared/text/utf8.h"

/* What a lead byte promises: how many bytes, and the smallest character that needs so many. */
struct lead {
    unsigned char mask, bits, len;
    uint32_t least;
};

static const struct lead leads[] = {
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
};

static uint32_t decode(const struct lead *lead, const unsigned char *bytes)
{
    uint32_t point = bytes[0] & (unsigned char)~lead->mask;

    for (size_t i = 1; i < lead->len; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return UTF8_ILL;
        point = point << 6 | (bytes[i] & 0x3F);
    }
    if (point < lead->least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return UTF8_ILL;
    return point;
}

size_t utf8_next(struct span text, uint32_t *ret_point)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;

    *ret_point = bytes[0] < 0x80 ? bytes[0] : UTF8_ILL;
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        const struct lead *lead = &leads[i];

        if ((bytes[0] & lead->mask) != lead->bits || text.len < lead->len)
            continue;
        *ret_point = decode(lead, bytes);
        return *ret_point == UTF8_ILL ? 1 : lead->len;
    }
    return 1;
}

bool utf8_is_unsafe(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } unsafe[] = {
        {0x0000, 0x001F},   /* C0 */
        {0x007F, 0x009F},   /* DEL, C1 */
        {0x061C, 0x061C},   /* Arabic letter mark */
        {0x180E, 0x180E},   /* Mongolian vowel separator */
        {0x200E, 0x200F},   /* left-to-right, right-to-left mark */
        {0x2028, 0x202E},   /* line and paragraph separator, bidi embeddings and overrides */
        {0x2061, 0x2064},   /* invisible operators */
        {0x2066, 0x206F},   /* bidi isolates, deprecated format controls */
        {0xFEFF, 0xFEFF},   /* byte-order mark */
        {0xFFF9, 0xFFFB},   /* interlinear annotations */
        {0x1BCA0, 0x1BCA3}, /* shorthand format controls */
        {0x1D173, 0x1D17A}, /* musical format controls */
        {0xE0000, 0xE00FF}, /* tags */
        {0xE01F0, 0xE0FFF}, /* unassigned and invisible; E0100 to E01EF are variation selectors */
    };

    if (point >= 0x20 && point < 0x7F)
        return false;
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe && point >= unsafe[i].first; i++) {
        if (point <= unsafe[i].last)
            return true;
    }
    return point == UTF8_ILL;
}
