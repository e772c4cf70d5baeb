#include "shared/text/mention.h"

#include "shared/base/alloc.h"

#include <limits.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* A text as names are compared (protocol 4.1): NFKC, case folded. */
struct folded {
    UChar *ptr; /* ours */
    int32_t len;
};

static bool fold(struct span text, struct folded *ret)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *nfkc = unorm2_getNFKCCasefoldInstance(&error);
    UChar *wide;
    int32_t len = 0;

    *ret = (struct folded){0};
    if (U_FAILURE(error) || text.len > INT_MAX / 2)
        return false;
    wide = x_alloc(text.len + 1, sizeof(*wide)); /* never more units than bytes */
    u_strFromUTF8WithSub(wide, (int32_t)text.len + 1, &len, text.ptr, (int32_t)text.len, 0xFFFD,
                         NULL, &error);
    ret->len = unorm2_normalize(nfkc, wide, len, NULL, 0, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR)
        error = U_ZERO_ERROR;
    ret->ptr = x_alloc((size_t)ret->len + 1, sizeof(*ret->ptr));
    ret->len = unorm2_normalize(nfkc, wide, len, ret->ptr, ret->len + 1, &error);
    free(wide);
    return U_SUCCESS(error);
}

static bool is_letter(UChar32 point)
{
    return (U_MASK(u_charType(point)) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK)) != 0;
}

/* Written without spaces between words. */
static bool is_unspaced(UChar32 point)
{
    switch (u_getIntPropertyValue(point, UCHAR_LINE_BREAK)) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_NONSTARTER:
    case U_LB_COMPLEX_CONTEXT:
        return true;
    default:
        return false;
    }
}

/* Does the word go on from `edge`, the nick's last character on this side, to `next`, and behind it `beyond`? (0: the
 * text ends.) A hyphen belongs to a name only when more of it follows. */
static bool is_going_on(UChar32 edge, UChar32 next, UChar32 beyond)
{
    if (next == '-' || next == '_')
        return is_letter(beyond) || beyond == '-' || beyond == '_';
    return is_letter(next) && !is_unspaced(edge) && !is_unspaced(next);
}

/* The character before `*at`, which moves to it; 0 at the begin. */
static UChar32 before(const struct folded *text, int32_t *at)
{
    UChar32 point = 0;

    if (*at > 0)
        U16_PREV(text->ptr, 0, *at, point);
    return point;
}

static UChar32 behind(const struct folded *text, int32_t *at)
{
    UChar32 point = 0;

    if (*at < text->len)
        U16_NEXT(text->ptr, *at, text->len, point);
    return point;
}

static bool is_word(const struct folded *text, int32_t begin, int32_t end)
{
    int32_t at = begin;
    const UChar32 first = behind(text, &at);
    int32_t left = begin, right = end;
    UChar32 prior = before(text, &left), prior2 = before(text, &left);
    UChar32 last, next, next2;

    at = end;
    last = before(text, &at);
    next = behind(text, &right);
    next2 = behind(text, &right);
    if (prior == '@') { /* but in x@bob it is no sign for a person */
        if (is_letter(prior2) && !is_unspaced(prior2))
            return false;
    } else if (is_going_on(first, prior, prior2)) {
        return false;
    }
    return !is_going_on(last, next, next2);
}

bool mention_is_in(struct span text, struct span nick)
{
    struct folded haystack, needle = {0};
    bool is_found = false;

    if (fold(text, &haystack) && fold(nick, &needle) && needle.len > 0) {
        const UChar *at = haystack.ptr;
        const UChar *end = haystack.ptr + haystack.len;

        while (!is_found &&
               (at = u_strFindFirst(at, (int32_t)(end - at), needle.ptr, needle.len)) != NULL) {
            const int32_t begin = (int32_t)(at - haystack.ptr);

            is_found = is_word(&haystack, begin, begin + needle.len);
            at++;
        }
    }
    free(haystack.ptr);
    free(needle.ptr);
    return is_found;
}
