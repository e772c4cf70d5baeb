#include "client/logger/patterns.h"

#include "shared/text/name.h"

#include <fnmatch.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ALL_ROOMS "#*"

/* In which `?` is a letter, not a byte; 0: the system has none. Made once, for good. */
static locale_t utf8;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_utf8(void)
{
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

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
    snprintf(why, PATTERN_WHY_BYTES, "'%.*s' %s", (int)(word.len < 64 ? word.len : 64), word.ptr,
             what);
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
    char folded[PATTERN_BYTES];
    struct stream_name name;
    size_t slashes = 0;

    if (pattern.is_exclude)
        text = (struct span){word.ptr + 1, word.len - 1};
    if (text.len == 0 || (text.ptr[0] != '#' && text.ptr[0] != '@'))
        return complain(why, word, "to begin with # or @");
    if (text.len == 1)
        return complain(why, word, "to name a stream; all rooms are '#*'");
    while (slashes < text.len && text.ptr[text.len - 1 - slashes] == '\\')
        slashes++;
    if (slashes % 2 != 0)
        return complain(why, word, "not to end with a backslash that escapes nothing");
    if (self->count == PATTERNS_MAX) {
        snprintf(why, PATTERN_WHY_BYTES, "at most %d patterns", PATTERNS_MAX);
        return RC_CONFIG;
    }
    if (name_fold(text, folded, sizeof folded) != RC_OK)
        return complain(why, word, "to be valid UTF-8, and not too long");
    pattern.is_name = read_name(folded, &name);
    if (!pattern.is_name && strpbrk(folded, "*?[\\") == NULL)
        return complain(why, word, "to be a name of 1 to 32 letters, digits, - or _");
    snprintf(pattern.text, sizeof pattern.text, "%s", pattern.is_name ? name.text : folded);
    self->item[self->count++] = pattern;
    return RC_OK;
}

enum rc patterns_add(struct patterns *self, const char *list, char why[static PATTERN_WHY_BYTES])
{
    while (*list != '\0') {
        const size_t len = word_len(list);

        if (len > 0 && add(self, (struct span){list, len}, why) != RC_OK)
            return RC_CONFIG;
        list += len + strspn(list + len, ", ");
    }
    return RC_OK;
}

bool patterns_match(const struct patterns *self, const char *stream)
{
    bool has_include = false, is_taken = false, is_left_out = false;
    locale_t before;

    pthread_once(&utf8_once, make_utf8);
    before = uselocale(utf8); /* with 0 it only asks */

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
    uselocale(before);
    return is_taken && !is_left_out;
}
