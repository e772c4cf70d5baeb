#include "shared/text/url_list.h"

#include <string.h>

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next part of *rest, which moves behind it; false when only separators are left. */
static bool next_part(struct span *rest, struct span *ret)
{
    size_t from = 0, to;

    while (from < rest->len && is_separator(rest->ptr[from]))
        from++;
    to = from;
    while (to < rest->len && !is_separator(rest->ptr[to]))
        to++;
    if (to == from)
        return false;
    *ret = (struct span){rest->ptr + from, to - from};
    *rest = (struct span){rest->ptr + to, rest->len - to};
    return true;
}

size_t url_list_find(const struct url_list *self, const struct broker_url *url)
{
    size_t i = 0;

    while (i < self->count && !broker_url_is_same_place(&self->item[i], url))
        i++;
    return i;
}

bool url_list_add(struct url_list *self, const struct broker_url *url)
{
    if (self->count == BROKERS_MAX || url_list_find(self, url) < self->count)
        return false;
    self->item[self->count++] = *url;
    return true;
}

enum rc url_list_parse(struct span given, struct url_list *ret, struct span *ret_part,
                       const char **ret_why)
{
    struct url_list list = {.count = 0};
    struct span rest = given, part;
    struct broker_url url;

    while (next_part(&rest, &part)) {
        *ret_part = part;
        if (broker_url_parse(part, &url, ret_why) != RC_OK)
            return RC_BAD_URL;
        if (!url_list_add(&list, &url) && url_list_find(&list, &url) == list.count) {
            *ret_why = "at most 16 addresses were expected";
            return RC_BAD_URL;
        }
    }
    *ret = list;
    return RC_OK;
}

enum rc url_list_format(const struct url_list *self, char buf[static BROKERS_BYTES_MAX + 1])
{
    char text[URL_BYTES_MAX];
    size_t len = 0;

    for (size_t i = 0; i < self->count; i++) {
        struct broker_url url = self->item[i];

        broker_url_strip_invite(&url);
        broker_url_format(&url, text);

        const size_t more = strlen(text) + (i > 0 ? 1 : 0);

        if (len + more > BROKERS_BYTES_MAX)
            return RC_TOO_BIG;
        if (i > 0)
            buf[len++] = ' ';
        memcpy(buf + len, text, strlen(text));
        len += strlen(text);
    }
    buf[len] = '\0';
    return RC_OK;
}
