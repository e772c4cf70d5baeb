#include "client/cli/answer.h"

#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/text/utf8.h"

#include <stdlib.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS    "\xE2\x80\xA6"
#define MARK_BYTES  3

/* One character off the front of *rest, as it may be posted. */
static struct span take(struct span *rest)
{
    uint32_t point;
    struct span piece = {rest->ptr, utf8_next(*rest, &point)};

    rest->ptr += piece.len;
    rest->len -= piece.len;
    if (point == '\r' && rest->len > 0 && rest->ptr[0] == '\n')
        return (struct span){piece.ptr, 0};
    if (point != '\n' && point != '\t' && (point == UTF8_ILL || utf8_is_unsafe(point)))
        return SPAN(REPLACEMENT);
    return piece;
}

static bool is_blank(char c)
{
    return c == '\n' || c == '\t' || c == ' ';
}

char *answer_text(struct span written)
{
    char *text = x_alloc(TEXT_BYTES_MAX + 1, 1);
    struct span rest = written;
    size_t len = 0, whole = 0; /* `whole`: behind it there is room for the ellipsis */

    while (rest.len > 0) {
        const struct span piece = take(&rest);

        if (len + piece.len > TEXT_BYTES_MAX) {
            memcpy(text + whole, ELLIPSIS, MARK_BYTES);
            len = whole + MARK_BYTES;
            break;
        }
        if (piece.len > 0)
            memcpy(text + len, piece.ptr, piece.len);
        len += piece.len;
        if (len <= TEXT_BYTES_MAX - MARK_BYTES)
            whole = len;
    }
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    text[len] = '\0';
    if (len > 0)
        return text;
    free(text);
    return NULL;
}
