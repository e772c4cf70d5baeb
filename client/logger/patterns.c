#include "client/logger/patterns.h"

#include "shared/base/alloc.h"
#include "shared/base/limits.h"
#include "shared/text/name.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define ALL_ROOMS "#*"

/* Up to the next comma or blank that has no backslash before it. */
static size_t word_len(const char *list)
{
    size_t len = 0;

    while (list[len] != '\0' && strchr(", ", list[len]) == NULL)
        len += list[len] == '\\' && list[len + 1] != '\0' ? 2 : 1;
    return len;
}

static enum rc complain(char *why, struct span word, const char *what)
{
    snprintf(why, PATTERN_WHY_BYTES, "--streams: '%.*s' %s", (int)(word.len < 64 ? word.len : 64),
             word.ptr, what);
    return RC_CONFIG;
}

/* The name of the one stream that a pattern without wildcards means, in its canonical form. */
static bool read_name(const char *text, struct stream_name *ret)
{
    if (strpbrk(text, "*?[\\") != NULL)
        return false;
    return stream_name_parse(span_of(text), ret) == RC_OK;
}

static enum rc add(struct patterns *self, struct span word, char *why)
{
    struct span text = word;
    struct pattern pattern = {.is_exclude = word.ptr[0] == '!'};
    char folded[4 * STREAM_BYTES_MAX];
    struct stream_name name;
    size_t slashes = 0;

    if (pattern.is_exclude)
        text = (struct span){word.ptr + 1, word.len - 1};
    if (text.len == 0 || (text.ptr[0] != '#' && text.ptr[0] != '@'))
        return complain(why, word, "does not begin with # or @");
    if (text.len == 1)
        return complain(why, word, "names no stream; all rooms are '#*'");
    while (slashes < text.len && text.ptr[text.len - 1 - slashes] == '\\')
        slashes++;
    if (slashes % 2 != 0)
        return complain(why, word, "ends with a backslash that escapes nothing");
    if (self->count == PATTERNS_MAX) {
        snprintf(why, PATTERN_WHY_BYTES, "--streams: at most %d patterns", PATTERNS_MAX);
        return RC_CONFIG;
    }
    if (name_fold(text, folded, sizeof folded) != RC_OK)
        return complain(why, word, "is too long, or not valid UTF-8");
    pattern.is_name = read_name(folded, &name);
    if (!pattern.is_name && strpbrk(folded, "*?[\\") == NULL)
        return complain(why, word, "can be no stream's name: 1 to 32 letters, digits, - or _");
    pattern.text = x_strdup(pattern.is_name ? name.text : folded);
    self->item[self->count++] = pattern;
    return RC_OK;
}

enum rc patterns_add(struct patterns *self, const char *list, char why[static PATTERN_WHY_BYTES])
{
    if (self->locale == (locale_t)0)
        self->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    while (*list != '\0') {
        const size_t len = word_len(list);

        if (len > 0 && add(self, (struct span){list, len}, why) != RC_OK)
            return RC_CONFIG;
        list += len + strspn(list + len, ", ");
    }
    return RC_OK;
}

void patterns_fini(struct patterns *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->item[i].text);
    self->count = 0;
    if (self->locale != (locale_t)0)
        freelocale(self->locale);
    self->locale = (locale_t)0;
}

bool patterns_match(const struct patterns *self, const char *stream)
{
    const locale_t before = self->locale == (locale_t)0 ? (locale_t)0 : uselocale(self->locale);
    bool has_include = false, is_taken = false, is_left_out = false;

    for (size_t i = 0; i < self->count; i++) {
        const struct pattern *pattern = &self->item[i];

        has_include = has_include || !pattern->is_exclude;
        if (fnmatch(pattern->text, stream, 0) != 0)
            continue;
        is_taken = is_taken || !pattern->is_exclude;
        is_left_out = is_left_out || pattern->is_exclude;
    }
    if (!has_include)
        is_taken = fnmatch(ALL_ROOMS, stream, 0) == 0;
    if (before != (locale_t)0)
        uselocale(before);
    return is_taken && !is_left_out;
}
