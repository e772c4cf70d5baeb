#include "client/tui/undo.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void drop_oldest(struct undo *self)
{
    self->bytes -= self->item[0].len;
    free(self->item[0].text);
    self->count--;
    memmove(self->item, self->item + 1, self->count * sizeof *self->item);
}

void undo_push(struct undo *self, struct span text, size_t cursor)
{
    if (text.len > EDITOR_UNDO_BYTES_MAX)
        return;
    while (self->count == EDITOR_UNDO_MAX || self->bytes + text.len > EDITOR_UNDO_BYTES_MAX)
        drop_oldest(self);
    self->item[self->count++] = (struct line_state){x_spandup(text), text.len, cursor};
    self->bytes += text.len;
}

bool undo_pop(struct undo *self, struct line_state *ret)
{
    if (self->count == 0)
        return false;
    *ret = self->item[--self->count];
    self->bytes -= ret->len;
    return true;
}

void undo_clear(struct undo *self)
{
    while (self->count > 0)
        drop_oldest(self);
}
