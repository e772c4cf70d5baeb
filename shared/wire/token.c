#include "shared/wire/token.h"

#include "shared/base/limits.h"

#include <endian.h>
#include <string.h>

/* The big-endian number of 1, 2, 4 or 8 bytes. */
static uint64_t number_at(const unsigned char *at, size_t width)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (width) {
    case 1:
        return at[0];
    case 2:
        memcpy(&two, at, sizeof(two));
        return be16toh(two);
    case 4:
        memcpy(&four, at, sizeof(four));
        return be32toh(four);
    default:
        memcpy(&eight, at, sizeof(eight));
        return be64toh(eight);
    }
}

/* A number of `width` bytes that follows the lead byte. */
static bool read_number(const unsigned char **at_p, const unsigned char *end, size_t width,
                        enum token_kind kind, struct token *ret)
{
    if ((size_t)(end - *at_p) < width)
        return false;
    ret->kind = kind;
    ret->number = number_at(*at_p, width);
    *at_p += width;
    return true;
}

static bool read_signed(const unsigned char **at_p, const unsigned char *end, size_t width,
                        struct token *ret)
{
    if (!read_number(at_p, end, width, TOKEN_UINT, ret))
        return false;
    if (ret->number >> (width * 8 - 1) != 0)
        ret->kind = TOKEN_OTHER; /* negative */
    return true;
}

static bool take_bytes(const unsigned char **at_p, const unsigned char *end, uint64_t len,
                       enum token_kind kind, struct token *ret)
{
    if ((uint64_t)(end - *at_p) < len)
        return false;
    ret->kind = kind;
    ret->number = len;
    ret->bytes = *at_p;
    *at_p += len;
    return true;
}

/* Bytes behind a length of `width` bytes; `more` stand between them and are not counted in it. */
static bool read_bytes(const unsigned char **at_p, const unsigned char *end, size_t width,
                       size_t more, enum token_kind kind, struct token *ret)
{
    return read_number(at_p, end, width, kind, ret) &&
           take_bytes(at_p, end, ret->number + more, kind, ret);
}

static bool read_long(unsigned char lead, const unsigned char **at_p, const unsigned char *end,
                      struct token *ret)
{
    /* Widths of one family stand in a row: 1, 2, 4 and 8 bytes. */
    switch (lead) {
    case 0xc0: /* nil */
        ret->kind = TOKEN_OTHER;
        return true;
    case 0xc2:
    case 0xc3:
        ret->kind = TOKEN_FLAG;
        ret->number = lead & 1;
        return true;
    case 0xc4 ... 0xc6:
        return read_bytes(at_p, end, (size_t)1 << (lead - 0xc4), 0, TOKEN_BYTES, ret);
    case 0xc7 ... 0xc9: /* extension: its type is one more byte */
        return read_bytes(at_p, end, (size_t)1 << (lead - 0xc7), 1, TOKEN_OTHER, ret);
    case 0xca ... 0xcb: /* float, double */
        return take_bytes(at_p, end, (uint64_t)4 << (lead - 0xca), TOKEN_OTHER, ret);
    case 0xcc ... 0xcf:
        return read_number(at_p, end, (size_t)1 << (lead - 0xcc), TOKEN_UINT, ret);
    case 0xd0 ... 0xd3:
        return read_signed(at_p, end, (size_t)1 << (lead - 0xd0), ret);
    case 0xd4 ... 0xd8: /* extension of 1 to 16 bytes, and its type */
        return take_bytes(at_p, end, ((uint64_t)1 << (lead - 0xd4)) + 1, TOKEN_OTHER, ret);
    case 0xd9 ... 0xdb:
        return read_bytes(at_p, end, (size_t)1 << (lead - 0xd9), 0, TOKEN_TEXT, ret);
    case 0xdc ... 0xdd:
        return read_number(at_p, end, (size_t)2 << (lead - 0xdc), TOKEN_ARRAY, ret);
    case 0xde ... 0xdf:
        return read_number(at_p, end, (size_t)2 << (lead - 0xde), TOKEN_MAP, ret);
    default: /* 0xc1 is never used */
        return false;
    }
}

bool token_read(const unsigned char **at_p, const unsigned char *end, struct token *ret)
{
    if (*at_p == end)
        return false;

    unsigned char lead = *(*at_p)++;

    if (lead >= 0xa0 && lead <= 0xbf)
        return take_bytes(at_p, end, lead & 0x1f, TOKEN_TEXT, ret);
    if (lead >= 0xc0 && lead <= 0xdf)
        return read_long(lead, at_p, end, ret);
    if (lead < 0x80) {
        ret->kind = TOKEN_UINT;
        ret->number = lead;
    } else if (lead < 0xa0) {
        ret->kind = lead < 0x90 ? TOKEN_MAP : TOKEN_ARRAY;
        ret->number = lead & 0x0f;
    } else {
        ret->kind = TOKEN_OTHER; /* -1 to -32 */
    }
    return true;
}

bool token_skip_items(const unsigned char **at_p, const unsigned char *end,
                      const struct token *head)
{
    uint64_t rest[SKIP_DEPTH_MAX]; /* items still to come, at each depth */
    size_t depth = 0;
    uint64_t items = 0;
    struct token token = *head;

    for (;;) {
        if (token.kind == TOKEN_ARRAY || token.kind == TOKEN_MAP) {
            uint64_t count = token.kind == TOKEN_MAP ? 2 * token.number : token.number;

            items += count;
            if (depth == SKIP_DEPTH_MAX || items > SKIP_ITEMS_MAX)
                return false;
            rest[depth++] = count;
        }
        while (depth > 0 && rest[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return true;
        rest[depth - 1]--;
        if (!token_read(at_p, end, &token))
            return false;
    }
}
