#include "client/tui/buffer.h"

#include "client/tui/fold.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"
#include "shared/text/clean.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN  64
#define PEOPLE_FOLDED 200 /* entries of one fold; then a new one begins */

struct buffer *buffer_new(const char *name, size_t max)
{
    struct buffer *self = x_alloc(1, sizeof(*self));

    snprintf(self->name, sizeof(self->name), "%s", name);
    self->kind = name[0] == '#' ? BUFFER_ROOM : name[0] == '@' ? BUFFER_PERSON : BUFFER_PROGRAM;
    self->is_member = true;
    self->max = max == 0 ? BUFFER_ITEMS_MAX : max;
    self->capacity = CAPACITY_MIN;
    self->ring = x_alloc(self->capacity, sizeof(*self->ring));
    self->next_id = 1;
    return self;
}

static void item_free(struct item *item)
{
    fold_destroy(&item->fold);
    free(item->from);
    free(item->text);
    free(item);
}

void buffer_destroy(struct buffer **self_p)
{
    struct buffer *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++)
        item_free(buffer_at(self, i));
    nicks_fini(&self->members);
    free(self->ring);
    free(self);
    *self_p = NULL;
}

/* --- the ring --------------------------------------------------------------------- */

static struct item **slot(const struct buffer *self, size_t index)
{
    return &self->ring[(self->start + index) & (self->capacity - 1)];
}

struct item *buffer_at(const struct buffer *self, size_t index)
{
    INVARIANT(index < self->count);
    return *slot(self, index);
}

static void grow(struct buffer *self)
{
    struct item **ring = x_alloc(2 * self->capacity, sizeof(*ring));

    for (size_t i = 0; i < self->count; i++)
        ring[i] = *slot(self, i);
    free(self->ring);
    self->ring = ring;
    self->start = 0;
    self->capacity *= 2;
}

/* Moves the shorter side. */
static void insert(struct buffer *self, size_t index, struct item *item)
{
    if (self->count == self->capacity)
        grow(self);
    if (index < self->count / 2) {
        self->start = (self->start + self->capacity - 1) & (self->capacity - 1);
        self->count++;
        for (size_t i = 0; i < index; i++)
            *slot(self, i) = *slot(self, i + 1);
    } else {
        self->count++;
        for (size_t i = self->count - 1; i > index; i--)
            *slot(self, i) = *slot(self, i - 1);
    }
    *slot(self, index) = item;
}

static void take_out(struct buffer *self, size_t index)
{
    if (index < self->count / 2) {
        for (size_t i = index; i > 0; i--)
            *slot(self, i) = *slot(self, i - 1);
        self->start = (self->start + 1) & (self->capacity - 1);
    } else {
        for (size_t i = index; i + 1 < self->count; i++)
            *slot(self, i) = *slot(self, i + 1);
    }
    self->count--;
}

static void drop_first(struct buffer *self)
{
    struct item *item = buffer_at(self, 0);

    take_out(self, 0);
    if (self->anchor_id == item->id) {
        self->anchor_id = self->count > 0 ? buffer_at(self, 0)->id : 0;
        self->anchor_rows = 0;
    }
    if (self->line_id == item->id)
        self->line_id = self->count > 0 ? buffer_at(self, 0)->id : 0;
    item_free(item);
}

void buffer_trim(struct buffer *self)
{
    const size_t most = self->anchor_id != 0 ? BUFFER_HISTORY_MAX : self->max;

    while (self->count > most)
        drop_first(self);
}

/* --- places ----------------------------------------------------------------------- */

static uint64_t first_seq_of(const struct item *item)
{
    return item->fold != NULL ? fold_first_seq(item->fold) : item->seq;
}

static bool is_pending(const struct item *item)
{
    return item->seq == 0 && item->number != 0;
}

/* Looking back brings what is older than all; that need not be found out one by one. */
static bool is_before_all(const struct buffer *self, uint64_t seq)
{
    for (size_t i = 0; i < self->count; i++) {
        if (buffer_at(self, i)->seq != 0)
            return first_seq_of(buffer_at(self, i)) > seq;
    }
    return false;
}

/* Behind everything with a lower number; what has none stands by its time. */
static size_t place_of(const struct buffer *self, uint64_t seq, uint64_t ts_ms)
{
    size_t end = self->count, at;

    while (end > 0 && is_pending(buffer_at(self, end - 1)))
        end--;
    if (end == 0 || seq == 0)
        return end;
    for (at = is_before_all(self, seq) ? 0 : end; at > 0; at--) {
        const struct item *item = buffer_at(self, at - 1);

        if (item->seq != 0 && first_seq_of(item) <= seq)
            break;
    }
    while (at < end && buffer_at(self, at)->seq == 0 && buffer_at(self, at)->ts_ms <= ts_ms)
        at++; /* a remark stays behind what it was said to */
    return at;
}

static bool has_seq(const struct buffer *self, size_t place, uint64_t seq)
{
    for (size_t i = place; i > 0; i--) {
        const struct item *item = buffer_at(self, i - 1);

        if (item->seq != 0)
            return item->seq == seq || (item->fold != NULL && fold_has_seq(item->fold, seq));
    }
    return false;
}

struct item *buffer_find_seq(const struct buffer *self, uint64_t seq)
{
    for (size_t i = self->count; i > 0 && seq != 0; i--) {
        struct item *item = buffer_at(self, i - 1);

        if (item->seq == seq || (item->fold != NULL && fold_has_seq(item->fold, seq)))
            return item;
    }
    return NULL;
}

struct item *buffer_find_number(const struct buffer *self, uint32_t number)
{
    for (size_t i = self->count; i > 0 && number != 0; i--) {
        if (buffer_at(self, i - 1)->number == number)
            return buffer_at(self, i - 1);
    }
    return NULL;
}

size_t buffer_index_of(const struct buffer *self, uint64_t id)
{
    for (size_t i = self->count; i > 0 && id != 0; i--) {
        if (buffer_at(self, i - 1)->id == id)
            return i - 1;
    }
    return SIZE_MAX;
}

uint64_t buffer_first_seq(const struct buffer *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (buffer_at(self, i)->seq != 0)
            return first_seq_of(buffer_at(self, i));
    }
    return 0;
}

/* --- adding ----------------------------------------------------------------------- */

static char *cleaned(struct span text, bool keeps_lines)
{
    char *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);

    if (file == NULL)
        return x_strdup("");
    clean_write(file, text, keeps_lines, "");
    fclose(file);
    return out;
}

static struct item *make(struct buffer *self, const struct item_given *given)
{
    struct item *item = x_alloc(1, sizeof(*item));

    *item = (struct item){
        .id = self->next_id++,
        .seq = given->seq,
        .ts_ms = given->ts_ms,
        .peer_seq = given->peer_seq,
        .number = given->number,
        .kind = given->kind,
        .state = given->state,
        .is_own = given->is_own,
        .is_mention = given->is_mention,
        .from = cleaned(span_of(given->from == NULL ? "" : given->from), false),
        .text = cleaned(given->text, true),
    };
    return item;
}

struct item *buffer_add(struct buffer *self, const struct item_given *given)
{
    const size_t place = given->seq == 0 && given->number != 0
                             ? self->count
                             : place_of(self, given->seq, given->ts_ms);
    struct item *item;

    if (given->seq != 0 && has_seq(self, place, given->seq))
        return NULL;
    item = make(self, given);
    insert(self, place, item);
    buffer_trim(self);
    return item;
}

static struct item *foldable(const struct buffer *self, size_t index)
{
    return index < self->count && buffer_at(self, index)->fold != NULL ? buffer_at(self, index)
                                                                       : NULL;
}

struct item *buffer_add_fold(struct buffer *self, uint64_t seq, uint64_t ts_ms, const char *nick,
                             bool is_join)
{
    const size_t place = place_of(self, seq, ts_ms);
    struct item *item = place > 0 ? foldable(self, place - 1) : NULL;

    if (seq != 0 && has_seq(self, place, seq))
        return NULL;
    if (item == NULL || seq - item->seq > 1 || seq - fold_first_seq(item->fold) > PEOPLE_FOLDED) {
        item = make(self, &(struct item_given){.kind = ITEM_FOLD, .seq = seq, .ts_ms = ts_ms});
        item->fold = fold_new();
        insert(self, place, item);
    }
    fold_add(item->fold, seq, nick, is_join);
    item->seq = fold_last_seq(item->fold);
    free(item->text);
    item->text = fold_text(item->fold);
    item->rows_width = 0;
    buffer_trim(self);
    return item;
}

/* --- own posts -------------------------------------------------------------------- */

void buffer_remove(struct buffer *self, struct item *item)
{
    const size_t index = buffer_index_of(self, item->id);

    INVARIANT(index != SIZE_MAX);
    take_out(self, index);
    if (self->anchor_id == item->id)
        self->anchor_id = 0;
    if (self->line_id == item->id)
        self->line_id = 0;
    item_free(item);
}

void buffer_stored(struct buffer *self, struct item *item, uint64_t seq, uint64_t ts_ms)
{
    struct item *shown;

    if (item->seq == seq)
        return;
    shown = buffer_find_seq(self, seq);
    if (shown != NULL) {
        shown->number = item->number;
        shown->state = item->state;
        shown->is_own = true;
        buffer_remove(self, item);
        return;
    }
    take_out(self, buffer_index_of(self, item->id));
    insert(self, place_of(self, seq, ts_ms), item);
    item->seq = seq;
    if (ts_ms != 0)
        item->ts_ms = ts_ms;
}

void buffer_delivered(struct buffer *self, uint64_t upto_peer_seq)
{
    for (size_t i = self->count; i > 0; i--) {
        struct item *item = buffer_at(self, i - 1);

        if (item->is_own && item->state == ITEM_STORED && item->peer_seq != 0 &&
            item->peer_seq <= upto_peer_seq)
            item->state = ITEM_DELIVERED;
    }
}

/* --- read and unread -------------------------------------------------------------- */

void buffer_note_unread(struct buffer *self, const struct item *item)
{
    if (self->line_id == 0)
        self->line_id = item->id;
    self->unread++;
    self->mentions += item->is_mention;
}

void buffer_note_shown(struct buffer *self)
{
    self->unread = self->mentions = 0;
}

void buffer_clear_line(struct buffer *self)
{
    self->line_id = 0;
}
