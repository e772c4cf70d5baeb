#include "shared/text/clean.h"

#include "shared/text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define RETURN_SIGN "\xE2\x8F\x8E" /* U+23CE */

/* Take one character off the front of *rest; return what stands for it. */
static struct span take(struct span *rest)
{
    uint32_t point;
    const struct span given = {rest->ptr, utf8_next(*rest, &point)};

    rest->ptr += given.len;
    rest->len -= given.len;
    if (point == '\t')
        return SPAN(" ");
    if (point == '\n')
        return SPAN(RETURN_SIGN);
    if (utf8_is_unsafe(point))
        return SPAN(REPLACEMENT);
    return given;
}

void clean_write(FILE *out, struct span text, bool keep_lines, const char *indent)
{
    struct span rest = text;

    while (rest.len > 0) {
        if (keep_lines && *rest.ptr == '\n') {
            fputc('\n', out);
            fputs(indent, out);
            rest = (struct span){rest.ptr + 1, rest.len - 1};
        } else {
            const struct span piece = take(&rest);

            fwrite(piece.ptr, 1, piece.len, out);
        }
    }
}

size_t clean_copy(char *buf, size_t capacity, struct span text)
{
    struct span rest = text;
    size_t len = 0;

    if (capacity == 0)
        return 0;
    while (rest.len > 0) {
        const struct span piece = take(&rest);

        if (piece.len > capacity - 1 - len)
            break;
        memcpy(buf + len, piece.ptr, piece.len);
        len += piece.len;
    }
    buf[len] = '\0';
    return len;
}
