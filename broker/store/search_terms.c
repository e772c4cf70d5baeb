#include "broker/store/search_terms.h"

#include "shared/text/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t point)
{
    for (size_t i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

/* Written without spaces between words, or, Korean, with endings that stick to them. */
static bool is_single(uint32_t point)
{
    static const struct range ranges[] = {
        {0x0e01, 0x0eff},   /* Thai, Lao */
        {0x1000, 0x109f},   /* Myanmar */
        {0x1100, 0x11ff},   /* Hangul, in parts */
        {0x1780, 0x17ff},   /* Khmer */
        {0x3005, 0x3007},   /* marks that stand for characters */
        {0x3041, 0x31ff},   /* kana, bopomofo, Hangul for compatibility */
        {0x3400, 0x9fff},   /* Han */
        {0xa960, 0xa97f},   /* Hangul, in parts */
        {0xac00, 0xd7ff},   /* Hangul */
        {0xf900, 0xfaff},   /* Han for compatibility */
        {0xff66, 0xffdc},   /* narrow kana and Hangul */
        {0x1b000, 0x1b16f}, /* kana */
        {0x20000, 0x3ffff}, /* Han */
    };

    return point >= 0x0e01 && is_in(ranges, sizeof(ranges) / sizeof(ranges[0]), point);
}

/* Part of a word, not a sign between words. Where this is not as the tokenizer sees it, a word is asked for that
 * is nowhere, so it must not be too narrow. */
static bool is_of_word(uint32_t point)
{
    static const struct range signs[] = {
        {0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},      {0xb6, 0xb8},     {0xbb, 0xbb},
        {0xbf, 0xbf},     {0xd7, 0xd7},     {0xf7, 0xf7},      {0x2000, 0x206f}, {0x20a0, 0x20cf},
        {0x2190, 0x245f}, {0x2500, 0x2bff}, {0x2e00, 0x2e7f},  {0x3000, 0x3004}, {0x3008, 0x3020},
        {0x3030, 0x3030}, {0xfe00, 0xfe6f}, {0xff01, 0xff0f},  {0xff1a, 0xff20}, {0xff3b, 0xff40},
        {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1f000, 0x1faff}};

    if (point == UTF8_ILL)
        return false;
    if (point < 0x80)
        return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
               (point >= 'A' && point <= 'Z');
    return !is_in(signs, sizeof(signs) / sizeof(signs[0]), point);
}

size_t search_terms_cut(struct span text, char *buf)
{
    size_t len = 0;
    bool is_cut = false; /* behind a single one */

    while (text.len > 0) {
        uint32_t point;
        const size_t bytes = utf8_next(text, &point);
        const bool is_one = is_single(point);

        if ((is_one || is_cut) && len > 0 && buf[len - 1] != ' ' && text.ptr[0] != ' ')
            buf[len++] = ' ';
        memcpy(buf + len, text.ptr, bytes);
        len += bytes;
        is_cut = is_one;
        text = (struct span){text.ptr + bytes, text.len - bytes};
    }
    return len;
}

static bool has_word(struct span text)
{
    while (text.len > 0) {
        uint32_t point;
        const size_t bytes = utf8_next(text, &point);

        if (is_of_word(point))
            return true;
        text = (struct span){text.ptr + bytes, text.len - bytes};
    }
    return false;
}

static bool is_space(char c)
{
    return (c >= '\t' && c <= '\r') || c == ' ';
}

/* Take the next term off the front: what stands between quotes (the last pair may lack its second) or spaces. False: there
 * is none. It holds no quote. */
static bool take_term(struct span *words, struct span *ret, bool *ret_is_beginning)
{
    const char *at = words->ptr, *end = words->len == 0 ? at : at + words->len;
    bool is_phrase;

    while (at < end && is_space(*at))
        at++;
    if (at == end)
        return false;
    is_phrase = *at == '"';
    if (is_phrase)
        at++;
    ret->ptr = at;
    while (at < end && *at != '"' && *at != '\0' && (is_phrase || !is_space(*at)))
        at++;
    ret->len = (size_t)(at - ret->ptr);
    if (at < end && *at == '\0')
        at++;
    else if (is_phrase && at < end)
        at++;
    *ret_is_beginning =
        is_phrase ? at < end && *at == '*' : ret->len > 0 && ret->ptr[ret->len - 1] == '*';
    if (*ret_is_beginning && is_phrase)
        at++;
    else if (*ret_is_beginning)
        ret->len--;
    *words = (struct span){at, (size_t)(end - at)};
    return true;
}

enum rc search_terms_match(struct span words, char buf[static SEARCH_MATCH_BYTES], size_t *ret_len)
{
    size_t len = 0, count = 0;
    struct span term;
    bool is_beginning;

    if (words.len > SEARCH_BYTES_MAX)
        return RC_TOO_BIG;
    while (take_term(&words, &term, &is_beginning)) {
        if (!has_word(term))
            continue;
        if (count++ == SEARCH_TERMS_MAX)
            return RC_TOO_BIG;
        if (len > 0) {
            memcpy(buf + len, " AND ", 5);
            len += 5;
        }
        buf[len++] = '"';
        len += search_terms_cut(term, buf + len);
        buf[len++] = '"';
        if (is_beginning)
            buf[len++] = '*';
    }
    *ret_len = len;
    return RC_OK;
}

size_t search_terms_tag(char mark, struct span name, char *buf)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;

    buf[len++] = mark;
    for (size_t i = 0; i < name.len; i++) {
        buf[len++] = digits[(unsigned char)name.ptr[i] >> 4];
        buf[len++] = digits[(unsigned char)name.ptr[i] & 15];
    }
    return len;
}

size_t search_terms_stream_tag(uint32_t stream, char buf[static 16])
{
    return (size_t)snprintf(buf, 16, "s%x", stream);
}
