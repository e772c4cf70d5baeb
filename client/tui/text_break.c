/* text_break.c - where clusters, words and rows may end. */
#include "client/tui/text_break.h"

#include "client/tui/text.h"
#include "shared/text/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>

/* --- characters ---------------------------------------------------------------------- */

static bool is_ascii_at(struct span text, size_t at)
{
    return (unsigned char)text.ptr[at] < 0x80;
}

static size_t point_at(struct span text, size_t at, uint32_t *ret_point)
{
    return utf8_next((struct span){text.ptr + at, text.len - at}, ret_point);
}

/* The begin of the character before `at`; an ill-formed byte counts by itself, as for utf8_next(). */
static size_t point_before(struct span text, size_t at, uint32_t *ret_point)
{
    for (size_t len = 1; len <= 4 && len <= at; len++) {
        if (utf8_next((struct span){text.ptr + at - len, len}, ret_point) == len &&
            *ret_point != UTF8_ILL)
            return at - len;
    }
    *ret_point = UTF8_ILL;
    return at - 1;
}

/* --- clusters: the rules of UAX 29 over ICU's properties ------------------------------ */

static int class_of(uint32_t point)
{
    if (point == UTF8_ILL)
        return U_GCB_CONTROL;
    return u_getIntPropertyValue((UChar32)point, UCHAR_GRAPHEME_CLUSTER_BREAK);
}

static bool is_picture(uint32_t point)
{
    return point != UTF8_ILL && u_hasBinaryProperty((UChar32)point, UCHAR_EXTENDED_PICTOGRAPHIC);
}

/* In these scripts a virama between two consonants makes them one cluster (GB9c). */
static bool has_conjuncts(uint32_t point)
{
    UErrorCode error = U_ZERO_ERROR;

    switch (uscript_getScript((UChar32)point, &error)) {
    case USCRIPT_BENGALI:
    case USCRIPT_DEVANAGARI:
    case USCRIPT_GUJARATI:
    case USCRIPT_MALAYALAM:
    case USCRIPT_ORIYA:
    case USCRIPT_TELUGU:
        return true;
    default:
        return false;
    }
}

static bool is_syllabic(uint32_t point, int category)
{
    return point >= 0x900 && point != UTF8_ILL &&
           u_getIntPropertyValue((UChar32)point, UCHAR_INDIC_SYLLABIC_CATEGORY) == category &&
           has_conjuncts(point);
}

enum conjunct { CONJUNCT_NONE, CONJUNCT_BEGUN, CONJUNCT_LINKED };

static enum conjunct conjunct_after(enum conjunct before, uint32_t point, int class)
{
    if (is_syllabic(point, U_INSC_CONSONANT))
        return CONJUNCT_BEGUN;
    if (before == CONJUNCT_NONE)
        return before;
    if (is_syllabic(point, U_INSC_VIRAMA))
        return CONJUNCT_LINKED;
    if (class == U_GCB_ZWJ || (class == U_GCB_EXTEND && u_getCombiningClass((UChar32)point) != 0))
        return before;
    return CONJUNCT_NONE;
}

struct cluster_scan {
    int class;             /* of the last character */
    bool is_picture;       /* a picture, and perhaps extending characters behind it */
    bool is_picture_joint; /* the same, and ZWJ is the last */
    size_t flags;          /* regional indicators in a row */
    enum conjunct conjunct;
};

static void scan_add(struct cluster_scan *self, uint32_t point)
{
    const int class = class_of(point);

    self->is_picture_joint = self->is_picture && class == U_GCB_ZWJ;
    self->is_picture = is_picture(point) || (self->is_picture && class == U_GCB_EXTEND);
    self->flags = class == U_GCB_REGIONAL_INDICATOR ? self->flags + 1 : 0;
    self->conjunct = conjunct_after(self->conjunct, point, class);
    self->class = class;
}

static bool is_control_class(int class)
{
    return class == U_GCB_CONTROL || class == U_GCB_CR || class == U_GCB_LF;
}

static bool joins_hangul(int before, int class)
{
    switch (before) {
    case U_GCB_L:
        return class == U_GCB_L || class == U_GCB_V || class == U_GCB_LV || class == U_GCB_LVT;
    case U_GCB_LV:
    case U_GCB_V:
        return class == U_GCB_V || class == U_GCB_T;
    case U_GCB_LVT:
    case U_GCB_T:
        return class == U_GCB_T;
    default:
        return false;
    }
}

/* Does the next character belong to the cluster that was scanned? (GB3 to GB13) */
static bool scan_goes_on(const struct cluster_scan *self, uint32_t point)
{
    const int class = class_of(point);

    if (self->class == U_GCB_CR && class == U_GCB_LF)
        return true;
    if (is_control_class(self->class) || is_control_class(class))
        return false;
    if (class == U_GCB_EXTEND || class == U_GCB_ZWJ || class == U_GCB_SPACING_MARK)
        return true;
    if (self->class == U_GCB_PREPEND || joins_hangul(self->class, class))
        return true;
    if (self->is_picture_joint && is_picture(point))
        return true;
    if (self->conjunct == CONJUNCT_LINKED && is_syllabic(point, U_INSC_CONSONANT))
        return true;
    return class == U_GCB_REGIONAL_INDICATOR && self->flags % 2 == 1;
}

size_t text_next(struct span text, size_t at)
{
    struct cluster_scan scan = {0};
    uint32_t point;
    size_t len;

    if (is_ascii_at(text, at) && text.ptr[at] != '\r' &&
        (at + 1 == text.len || is_ascii_at(text, at + 1)))
        return at + 1;
    for (len = point_at(text, at, &point); at + len < text.len;
         len += point_at(text, at + len, &point)) {
        uint32_t following;

        scan_add(&scan, point);
        point_at(text, at + len, &following);
        if (!scan_goes_on(&scan, following))
            break;
    }
    return at + len;
}

/* Whatever stands further before: between these two a cluster ends. */
static bool is_sure_end(uint32_t before, uint32_t point)
{
    const int left = class_of(before), class = class_of(point);

    if (left == U_GCB_PREPEND || left == U_GCB_ZWJ)
        return false;
    switch (class) {
    case U_GCB_EXTEND:
    case U_GCB_ZWJ:
    case U_GCB_SPACING_MARK:
    case U_GCB_V:
    case U_GCB_T:
    case U_GCB_LF:
        return false;
    case U_GCB_REGIONAL_INDICATOR:
        return left != U_GCB_REGIONAL_INDICATOR;
    default:
        return left != U_GCB_L && (left != U_GCB_EXTEND || !is_syllabic(point, U_INSC_CONSONANT));
    }
}

size_t text_prev(struct span text, size_t at)
{
    uint32_t point, before;
    size_t begin = point_before(text, at, &point), next;

    /* Back to where a cluster begins in any case, then forward by the rules. */
    while (begin > 0) {
        const size_t further = point_before(text, begin, &before);

        if (is_sure_end(before, point))
            break;
        begin = further;
        point = before;
    }
    for (next = text_next(text, begin); next < at; next = text_next(text, next))
        begin = next;
    return begin;
}

/* --- rows ----------------------------------------------------------------------------- */

static bool is_ideograph(int class)
{
    switch (class) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_E_BASE:
    case U_LB_H2:
    case U_LB_H3:
    case U_LB_JL:
        return true;
    default:
        return false;
    }
}

static bool may_begin_row(int class)
{
    switch (class) {
    case U_LB_CLOSE_PUNCTUATION:
    case U_LB_CLOSE_PARENTHESIS:
    case U_LB_EXCLAMATION:
    case U_LB_NONSTARTER:
    case U_LB_INFIX_NUMERIC:
    case U_LB_BREAK_SYMBOLS:
    case U_LB_QUOTATION:
    case U_LB_GLUE:
    case U_LB_WORD_JOINER:
    case U_LB_POSTFIX_NUMERIC:
        return false;
    default:
        return true;
    }
}

static bool may_end_row(int class)
{
    return class != U_LB_OPEN_PUNCTUATION && class != U_LB_QUOTATION && class != U_LB_GLUE &&
           class != U_LB_WORD_JOINER && class != U_LB_PREFIX_NUMERIC;
}

static int row_class(uint32_t point)
{
    if (point == UTF8_ILL)
        return U_LB_ALPHABETIC;
    return u_getIntPropertyValue((UChar32)point, UCHAR_LINE_BREAK);
}

bool text_may_break(struct span text, size_t before, size_t at)
{
    const char left = text.ptr[at - 1], right = text.ptr[at];
    uint32_t point;
    int ends, begins;

    if (left == ' ' || left == '\t')
        return right != ' ' && right != '\t';
    if (left == '-')
        return at >= 2 && text.ptr[at - 2] != ' ' && text.ptr[at - 2] != '-' && right != ' ';
    if (is_ascii_at(text, at - 1) && is_ascii_at(text, at))
        return false;
    point_at(text, before, &point);
    ends = row_class(point);
    point_at(text, at, &point);
    begins = row_class(point);
    if (right == ' ' || right == '\t' || !may_begin_row(begins) || !may_end_row(ends))
        return false;
    /* Behind ideographic punctuation, too: it closes what came before. */
    return is_ideograph(ends) || is_ideograph(begins) ||
           (!is_ascii_at(text, at - 1) && ends == U_LB_CLOSE_PUNCTUATION);
}

/* --- words ---------------------------------------------------------------------------- */

/* Opening one takes long; so they stay. */
static UBreakIterator *iterator;
static UText *over;

static void words_close(void)
{
    ubrk_close(iterator);
    iterator = NULL;
    over = utext_close(over);
}

/* NULL: ICU's data is missing; then the whole text is one word. */
static UBreakIterator *words_of(struct span text)
{
    UErrorCode error = U_ZERO_ERROR;

    if (iterator == NULL) {
        iterator = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
        atexit(words_close);
    }
    over = utext_openUTF8(over, text.ptr == NULL ? "" : text.ptr, (int64_t)text.len, &error);
    if (iterator != NULL)
        ubrk_setUText(iterator, over, &error);
    return U_FAILURE(error) ? NULL : iterator;
}

static bool is_word(UBreakIterator *words)
{
    return ubrk_getRuleStatus(words) >= UBRK_WORD_NONE_LIMIT;
}

size_t text_word_next(struct span text, size_t at)
{
    UBreakIterator *words = words_of(text);

    if (words == NULL)
        return text.len;
    for (int32_t end = ubrk_following(words, (int32_t)at); end != UBRK_DONE;
         end = ubrk_next(words)) {
        if (is_word(words))
            return (size_t)end;
    }
    return text.len;
}

size_t text_word_prev(struct span text, size_t at)
{
    UBreakIterator *words = words_of(text);
    int32_t begin;

    if (words == NULL || at == 0)
        return 0;
    begin = ubrk_preceding(words, (int32_t)at);
    while (begin != UBRK_DONE && begin > 0) {
        ubrk_following(words, begin);
        if (is_word(words))
            break;
        begin = ubrk_preceding(words, begin);
    }
    return begin == UBRK_DONE ? 0 : (size_t)begin;
}
