#include "client/tui/paste.h"

#include "shared/base/alloc.h"
#include "shared/text/utf8.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT SPAN("\xEF\xBF\xBD") /* U+FFFD */

struct paste {
    char *raw; /* as it came */
    size_t raw_len, raw_capacity;
    size_t seen; /* all that came */
    char *text;
    size_t len, lines;
};

struct paste *paste_new(void)
{
    return x_alloc(1, sizeof(struct paste));
}

void paste_destroy(struct paste **self_p)
{
    if (*self_p == NULL)
        return;
    free((*self_p)->raw);
    free((*self_p)->text);
    free(*self_p);
    *self_p = NULL;
}

void paste_begin(struct paste *self)
{
    free(self->raw);
    free(self->text);
    *self = (struct paste){0};
}

void paste_add(struct paste *self, struct span bytes)
{
    self->seen += bytes.len;
    if (bytes.len == 0 || self->seen > PASTE_BYTES_MAX)
        return;
    if (self->raw_len + bytes.len > self->raw_capacity) {
        self->raw_capacity = 2 * (self->raw_len + bytes.len);
        self->raw = x_realloc(self->raw, self->raw_capacity, 1);
    }
    memcpy(self->raw + self->raw_len, bytes.ptr, bytes.len);
    self->raw_len += bytes.len;
}

/* What stands for the character at the front of *rest, which is taken off. */
static struct span take(struct span *rest)
{
    uint32_t point;
    struct span piece = {rest->ptr, utf8_next(*rest, &point)};

    if (point == '\r') {
        if (rest->len > 1 && rest->ptr[1] == '\n')
            piece.len++;
        *rest = (struct span){rest->ptr + piece.len, rest->len - piece.len};
        return SPAN("\n");
    }
    *rest = (struct span){rest->ptr + piece.len, rest->len - piece.len};
    if (point == UTF8_ILL)
        return REPLACEMENT;
    if (point != '\n' && point != '\t' && utf8_is_unsafe(point))
        return (struct span){NULL, 0};
    return piece;
}

enum rc paste_end(struct paste *self)
{
    struct span rest = {self->raw, self->raw_len};

    if (self->seen > PASTE_BYTES_MAX) {
        const size_t seen = self->seen;

        paste_begin(self);
        self->seen = seen;
        return RC_TOO_BIG;
    }
    free(self->text);
    self->text = x_alloc(3 * self->raw_len + 1, 1); /* an ill-formed byte becomes three */
    self->len = 0;
    self->lines = 1;
    while (rest.len > 0) {
        const struct span piece = take(&rest);

        if (piece.len > 0)
            memcpy(self->text + self->len, piece.ptr, piece.len);
        self->len += piece.len;
    }
    while (self->len > 0 && self->text[self->len - 1] == '\n')
        self->len--;
    for (size_t i = 0; i < self->len; i++)
        self->lines += self->text[i] == '\n';
    free(self->raw);
    self->raw = NULL;
    self->raw_len = self->raw_capacity = 0;
    return self->len > 0 ? RC_OK : RC_BAD_TEXT;
}

struct span paste_text(const struct paste *self)
{
    return (struct span){self->text, self->len};
}

size_t paste_lines(const struct paste *self)
{
    return self->lines;
}

size_t paste_bytes_seen(const struct paste *self)
{
    return self->seen;
}

bool paste_asks(const struct paste *self, size_t ask_lines)
{
    return self->lines > ask_lines;
}
