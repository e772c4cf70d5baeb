/* editor_recall.c - going back in what was written, and searching in it. */
#include "client/tui/editor_state.h"
#include "shared/base/alloc.h"

#include <stdlib.h>

/* The text of an entry into the line; undo brings back what stood there. */
static void load(struct editor *self, uint64_t id, struct span text)
{
    struct line_state state = {x_spandup(text), text.len, text.len};

    editor_remember(self);
    editor_give(self, &state);
    self->recall_id = id;
    self->is_edited = false;
    self->last = LAST_OTHER;
}

/* Before another text takes its place: the draft waits, an entry that was changed becomes a new one. */
static void put_aside(struct editor *self)
{
    if (self->recall_id == RECALL_NEWEST) {
        free(self->draft.text);
        self->draft = editor_copy(self);
    } else if (self->is_edited) {
        recall_add(self->recall, editor_text(self));
    }
}

static enum editor_done back_to_draft(struct editor *self)
{
    if (self->recall_id == RECALL_NEWEST)
        return EDITOR_NOTHING;
    if (self->is_edited)
        recall_add(self->recall, editor_text(self));
    editor_remember(self);
    editor_give(self, &self->draft);
    self->recall_id = RECALL_NEWEST;
    self->last = LAST_OTHER;
    return EDITOR_DONE;
}

enum editor_done editor_recall_step(struct editor *self, bool is_older)
{
    uint64_t id;
    struct span text;

    if (is_older && recall_older(self->recall, self->recall_id, &id, &text)) {
        put_aside(self); /* this can move entries, or drop the oldest */
        if (recall_older(self->recall, self->recall_id, &id, &text)) {
            load(self, id, text);
            return EDITOR_DONE;
        }
        return EDITOR_NOTHING;
    }
    if (is_older)
        return EDITOR_NOTHING;
    if (!recall_newer(self->recall, self->recall_id, &id, &text))
        return back_to_draft(self);
    put_aside(self);
    if (!recall_newer(self->recall, self->recall_id, &id, &text))
        return back_to_draft(self);
    load(self, id, text);
    return EDITOR_DONE;
}

void editor_recall_leave(struct editor *self)
{
    if (self->recall_id != RECALL_NEWEST)
        recall_add(self->recall, (struct span){self->draft.text, self->draft.len});
    free(self->draft.text);
    self->draft = (struct line_state){0};
    self->recall_id = RECALL_NEWEST;
    self->is_searching = false;
    free(self->before_search.text);
    self->before_search = (struct line_state){0};
}

/* --- searching -------------------------------------------------------------------------- */

static void begin_search(struct editor *self)
{
    if (self->is_searching)
        return;
    self->is_searching = true;
    self->before_search = editor_copy(self);
    self->before_search_id = self->recall_id;
    self->was_edited = self->is_edited;
    self->search_id = RECALL_NEWEST;
    put_aside(self);
}

bool editor_search(struct editor *self, struct span part, bool is_next)
{
    uint64_t id;
    struct span text;

    begin_search(self);
    if (!recall_find(self->recall, is_next ? self->search_id : RECALL_NEWEST, part, &id, &text))
        return false;
    self->search_id = id;
    load(self, id, text);
    return true;
}

void editor_search_end(struct editor *self, bool is_kept)
{
    if (!self->is_searching)
        return;
    self->is_searching = false;
    if (!is_kept) {
        editor_give(self, &self->before_search);
        self->recall_id = self->before_search_id;
        self->is_edited = self->was_edited;
    }
    free(self->before_search.text);
    self->before_search = (struct line_state){0};
    self->last = LAST_OTHER;
}
