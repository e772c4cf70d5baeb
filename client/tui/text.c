#include "client/tui/text.h"

#include "client/tui/text_break.h"
#include "shared/text/utf8.h"

#include <langinfo.h>
#include <stdint.h>
#include <unicode/uchar.h>
#include <wchar.h>

#define REPLACEMENT   "\xEF\xBF\xBD" /* U+FFFD */
#define RETURN_SIGN   "\xE2\x8F\x8E" /* U+23CE */
#define DOTTED_CIRCLE "\xE2\x97\x8C" /* U+25CC: where a letter is missing */
#define ELLIPSIS      "\xE2\x80\xA6" /* U+2026 */
#define ZWJ           0x200D

static bool is_utf8_locale(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* --- what is shown of a cluster ------------------------------------------------------ */

struct shown {
    struct text_cluster *out;
    size_t len;
    size_t marks; /* on the letter that was put last */
};

static bool put(struct shown *self, struct span bytes, size_t width)
{
    if (self->out->width + width > TEXT_CLUSTER_WIDTH_MAX ||
        self->len + bytes.len >= TEXT_SHOWN_BYTES)
        return false;
    memcpy(self->out->shown + self->len, bytes.ptr, bytes.len);
    self->len += bytes.len;
    self->out->shown[self->len] = '\0';
    self->out->width += width;
    return true;
}

static void put_only(struct text_cluster *ret, struct span bytes)
{
    struct shown shown = {.out = ret};

    ret->width = 0;
    put(&shown, bytes, 1);
}

static bool is_ignorable(uint32_t point)
{
    return u_hasBinaryProperty((UChar32)point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

/* What terminals give different widths, behind the first character of a cluster. */
static bool is_left_out(uint32_t point, bool has_picture)
{
    return utf8_is_unsafe(point) || /* tags: flags of regions */
           (point == ZWJ && has_picture) ||
           u_hasBinaryProperty((UChar32)point, UCHAR_EMOJI_MODIFIER) ||
           u_hasBinaryProperty((UChar32)point, UCHAR_VARIATION_SELECTOR);
}

/* False: the rest of the cluster is not shown. */
static bool show_point(struct shown *self, struct span bytes, uint32_t point)
{
    const int width = wcwidth((wchar_t)point);

    if (width < 0)
        return true;
    if (width > 0) {
        self->marks = 0;
        return put(self, bytes, (size_t)width);
    }
    if (self->len == 0) {
        if (is_ignorable(point))
            return true;
        put(self, SPAN(DOTTED_CIRCLE), 1);
    }
    if (++self->marks <= TEXT_MARKS_MAX)
        put(self, bytes, 0);
    return true;
}

static void show_all(struct span cluster, struct text_cluster *ret)
{
    struct shown shown = {.out = ret};
    struct span rest = cluster;
    bool has_picture = false, is_first = true;

    while (rest.len > 0) {
        uint32_t point;
        const struct span bytes = {rest.ptr, utf8_next(rest, &point)};

        rest = (struct span){rest.ptr + bytes.len, rest.len - bytes.len};
        if (is_first && (utf8_is_unsafe(point) || wcwidth((wchar_t)point) < 0)) {
            put_only(ret, SPAN(REPLACEMENT));
            return;
        }
        if (is_first || !is_left_out(point, has_picture)) {
            if (!show_point(&shown, bytes, point))
                return;
        }
        has_picture =
            has_picture || u_hasBinaryProperty((UChar32)point, UCHAR_EXTENDED_PICTOGRAPHIC);
        is_first = false;
    }
}

void text_cluster_at(struct span text, size_t at, struct text_cluster *ret)
{
    const unsigned char first = (unsigned char)text.ptr[at];

    ret->len = text_next(text, at) - at;
    ret->width = 0;
    ret->shown[0] = '\0';
    if (ret->len == 1 && first >= 0x20 && first < 0x7F) {
        put_only(ret, (struct span){text.ptr + at, 1});
    } else if (first == '\t') {
        put_only(ret, SPAN(" "));
    } else if (!is_utf8_locale()) {
        put_only(ret, SPAN("?"));
    } else if (first == '\n' || (first == '\r' && ret->len == 2)) {
        put_only(ret, SPAN(RETURN_SIGN));
    } else {
        show_all((struct span){text.ptr + at, ret->len}, ret);
    }
}

/* --- widths ------------------------------------------------------------------------- */

size_t text_fit(struct span text, size_t width, size_t *ret_width)
{
    struct text_cluster cluster;
    size_t at = 0, used = 0;

    for (; at < text.len; at += cluster.len) {
        text_cluster_at(text, at, &cluster);
        if (cluster.width > width - used)
            break;
        used += cluster.width;
    }
    if (ret_width != NULL)
        *ret_width = used;
    return at;
}

size_t text_width(struct span text)
{
    size_t width;

    text_fit(text, SIZE_MAX, &width);
    return width;
}

size_t text_cut(char *buf, size_t capacity, struct span text, size_t width)
{
    const struct span end = is_utf8_locale() ? SPAN(ELLIPSIS) : SPAN("~");
    const bool is_cut = text_fit(text, width, NULL) < text.len;
    const size_t room = is_cut && width > 0 ? width - 1 : width;
    const size_t last = text_fit(text, room, NULL);
    struct text_cluster cluster;
    size_t len = 0, used = 0;

    if (capacity == 0)
        return 0;
    for (size_t at = 0; at < last; at += cluster.len) {
        text_cluster_at(text, at, &cluster);
        const size_t shown_len = strlen(cluster.shown);

        if (shown_len > capacity - 1 - len)
            break;
        memcpy(buf + len, cluster.shown, shown_len);
        len += shown_len;
        used += cluster.width;
    }
    if (is_cut && width > 0 && end.len <= capacity - 1 - len) {
        memcpy(buf + len, end.ptr, end.len);
        len += end.len;
        used++;
    }
    buf[len] = '\0';
    return used;
}

/* --- rows ---------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t line_end_len(struct span text, size_t at)
{
    if (at < text.len && text.ptr[at] == '\n')
        return 1;
    return at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n' ? 2 : 0;
}

/* Behind the blanks at the break; a line's end there has no row of its own. */
static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    return at + line_end_len(text, at);
}

size_t text_row(struct span text, size_t at, size_t width, size_t *ret_next)
{
    struct text_cluster cluster;
    size_t used = 0, before = at, pos = at, good_end = at, good_next = at;

    for (; pos < text.len; pos += cluster.len) {
        if (line_end_len(text, pos) > 0) {
            *ret_next = pos + line_end_len(text, pos);
            return pos;
        }
        text_cluster_at(text, pos, &cluster);
        if (used + cluster.width > width && pos > at)
            break;
        if (pos > at && text_may_break(text, before, pos)) {
            good_next = good_end = pos;
            while (good_end > at && is_blank(text.ptr[good_end - 1]))
                good_end--;
        }
        used += cluster.width;
        before = pos;
    }
    if (pos == text.len) {
        *ret_next = pos;
        return pos;
    }
    if (is_blank(text.ptr[pos])) {
        *ret_next = skip_blanks(text, pos);
        return pos;
    }
    if (text_may_break(text, before, pos) || good_next == at) {
        *ret_next = pos;
        while (pos > at + 1 && is_blank(text.ptr[pos - 1]))
            pos--;
        return pos;
    }
    *ret_next = good_next;
    return good_end;
}

size_t text_blank_prev(struct span text, size_t at)
{
    while (at > 0 && (is_blank(text.ptr[at - 1]) || text.ptr[at - 1] == '\n'))
        at--;
    while (at > 0 && !is_blank(text.ptr[at - 1]) && text.ptr[at - 1] != '\n')
        at--;
    return at;
}
