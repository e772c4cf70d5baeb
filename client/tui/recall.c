#include "client/tui/recall.h"

#include "shared/base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t id;
    char *text;
    size_t len;
};

struct recall {
    struct entry item[RECALL_ENTRIES_MAX]; /* oldest first, ids ascend */
    size_t count;
    size_t bytes;
    uint64_t last_id;
};

struct recall *recall_new(void)
{
    return x_alloc(1, sizeof(struct recall));
}

static struct span text_of(const struct entry *entry)
{
    return (struct span){entry->text, entry->len};
}

static void remove_at(struct recall *self, size_t index)
{
    self->bytes -= self->item[index].len;
    free(self->item[index].text);
    self->count--;
    memmove(self->item + index, self->item + index + 1, (self->count - index) * sizeof *self->item);
}

void recall_destroy(struct recall **self_p)
{
    if (*self_p == NULL)
        return;
    while ((*self_p)->count > 0)
        remove_at(*self_p, (*self_p)->count - 1);
    free(*self_p);
    *self_p = NULL;
}

/* The oldest go. */
static void make_room(struct recall *self, size_t len)
{
    size_t gone = 0;

    while (self->count - gone == RECALL_ENTRIES_MAX || self->bytes + len > RECALL_BYTES_MAX) {
        self->bytes -= self->item[gone].len;
        free(self->item[gone++].text);
    }
    self->count -= gone;
    memmove(self->item, self->item + gone, self->count * sizeof *self->item);
}

uint64_t recall_add(struct recall *self, struct span text)
{
    char *copy;

    if (text.len == 0 || text.len > RECALL_BYTES_MAX)
        return 0;
    copy = x_spandup(text); /* it may be an entry that goes now */
    for (size_t i = 0; i < self->count; i++) {
        if (span_equal(text_of(&self->item[i]), (struct span){copy, text.len})) {
            remove_at(self, i);
            break;
        }
    }
    make_room(self, text.len);
    self->item[self->count++] = (struct entry){++self->last_id, copy, text.len};
    self->bytes += text.len;
    return self->last_id;
}

/* How many entries have an id below that. */
static size_t count_below(const struct recall *self, uint64_t id)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (self->item[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool give(const struct entry *entry, uint64_t *ret_id, struct span *ret_text)
{
    *ret_id = entry->id;
    *ret_text = text_of(entry);
    return true;
}

bool recall_older(const struct recall *self, uint64_t id, uint64_t *ret_id, struct span *ret_text)
{
    const size_t below = count_below(self, id);

    return below > 0 && give(&self->item[below - 1], ret_id, ret_text);
}

bool recall_newer(const struct recall *self, uint64_t id, uint64_t *ret_id, struct span *ret_text)
{
    const size_t upto = id == RECALL_NEWEST ? self->count : count_below(self, id + 1);

    return upto < self->count && give(&self->item[upto], ret_id, ret_text);
}

bool recall_find(const struct recall *self, uint64_t id, struct span part, uint64_t *ret_id,
                 struct span *ret_text)
{
    for (size_t i = count_below(self, id); i > 0; i--) {
        const struct entry *entry = &self->item[i - 1];

        if (part.len == 0 || memmem(entry->text, entry->len, part.ptr, part.len) != NULL)
            return give(entry, ret_id, ret_text);
    }
    return false;
}
