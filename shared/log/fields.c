#include "shared/log/fields.h"

static bool is_key(struct span word)
{
    for (size_t i = 0; i < word.len; i++) {
        const char c = word.ptr[i];

        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return word.len > 0;
}

/* Does a field begin here, or an explanation, or is it the end? */
static bool is_boundary(struct span text)
{
    const char *equals;

    if (text.len == 0 || text.ptr[0] == ':')
        return true;
    equals = memchr(text.ptr, '=', text.len);
    return text.ptr[0] == ' ' && equals != NULL &&
           is_key((struct span){text.ptr + 1, (size_t)(equals - text.ptr) - 1});
}

/* Of what stands in quotation marks from `at` on, up to behind the last of them; reasons quote others, so the first is
 * not always it. 0: it is not closed. */
static size_t quoted_len(struct span text, size_t at)
{
    size_t first = 0;

    for (size_t i = at; i < text.len; i++) {
        if (text.ptr[i] != '"')
            continue;
        if (is_boundary((struct span){text.ptr + i + 1, text.len - i - 1}))
            return i + 1;
        if (first == 0 && text.ptr[i + 1] == ' ')
            first = i + 1;
    }
    return first;
}

static size_t word_len(struct span text)
{
    const char *equals = memchr(text.ptr, '=', text.len);
    const char *space = memchr(text.ptr, ' ', text.len);
    const size_t at = equals == NULL ? text.len : (size_t)(equals - text.ptr) + 1;
    const bool is_quoted =
        at < text.len && (space == NULL || equals < space) && text.ptr[at] == '"';
    const size_t quoted = is_quoted ? quoted_len(text, at + 1) : 0;

    if (quoted > 0)
        return quoted;
    return space == NULL ? text.len : (size_t)(space - text.ptr);
}

static void add_rest(struct log_fields *self, struct span word)
{
    const size_t space = self->rest_len > 0 ? 1 : 0;

    if (self->rest_len + space + word.len >= sizeof(self->rest))
        return;
    if (space > 0)
        self->rest[self->rest_len] = ' ';
    memcpy(self->rest + self->rest_len + space, word.ptr, word.len);
    self->rest_len += space + word.len;
    self->rest[self->rest_len] = '\0';
}

static void take_word(struct log_fields *self, struct span word)
{
    const char *equals = memchr(word.ptr, '=', word.len);
    struct span key, value;

    if (equals == NULL || self->count == LOG_FIELDS_MAX) {
        add_rest(self, word);
        return;
    }
    key = (struct span){word.ptr, (size_t)(equals - word.ptr)};
    value = (struct span){equals + 1, word.len - key.len - 1};
    if (!is_key(key)) {
        add_rest(self, word);
        return;
    }
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = (struct span){value.ptr + 1, value.len - 2};
    else if (value.len > 0 && value.ptr[value.len - 1] == ':')
        value.len--; /* an explanation follows */
    self->field[self->count++] = (struct log_field){key, value};
}

void log_fields_read(struct span text, struct log_fields *ret)
{
    ret->count = 0;
    ret->rest_len = 0;
    ret->rest[0] = '\0';
    while (text.len > 0) {
        const size_t len = word_len(text);

        if (len > 0)
            take_word(ret, (struct span){text.ptr, len});
        text = (struct span){text.ptr + len, text.len - len};
        if (text.len > 0)
            text = (struct span){text.ptr + 1, text.len - 1};
    }
}
