#include "client/tui/kills.h"

#include "shared/base/alloc.h"
#include "shared/base/limits.h"

#include <stdlib.h>
#include <string.h>

struct kill {
    char *text;
    size_t len;
};

struct kills {
    struct kill item[KILLS_MAX]; /* item[0] is the newest */
    size_t count;
};

struct kills *kills_new(void)
{
    return x_alloc(1, sizeof(struct kills));
}

void kills_destroy(struct kills **self_p)
{
    if (*self_p == NULL)
        return;
    for (size_t i = 0; i < (*self_p)->count; i++)
        free((*self_p)->item[i].text);
    free(*self_p);
    *self_p = NULL;
}

void kills_push(struct kills *self, struct span text)
{
    if (text.len == 0)
        return;
    if (self->count == KILLS_MAX)
        free(self->item[--self->count].text);
    memmove(self->item + 1, self->item, self->count * sizeof *self->item);
    self->item[0] = (struct kill){x_spandup(text), text.len};
    self->count++;
}

bool kills_join(struct kills *self, struct span text, bool at_begin)
{
    struct kill *newest = &self->item[0];

    if (self->count == 0 || newest->len + text.len > TEXT_BYTES_MAX) {
        kills_push(self, text);
        return false;
    }
    newest->text = x_realloc(newest->text, newest->len + text.len + 1, 1);
    if (at_begin)
        memmove(newest->text + text.len, newest->text, newest->len);
    memcpy(newest->text + (at_begin ? 0 : newest->len), text.ptr, text.len);
    newest->len += text.len;
    newest->text[newest->len] = '\0';
    return true;
}

struct span kills_get(const struct kills *self, size_t index)
{
    const struct kill *kill;

    if (self->count == 0)
        return (struct span){NULL, 0};
    kill = &self->item[index % self->count];
    return (struct span){kill->text, kill->len};
}
