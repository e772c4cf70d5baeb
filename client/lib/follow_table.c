#include "client/lib/follow_table.h"

#include "client/lib/sealed.h"
#include "shared/base/alloc.h"

#include <stdlib.h>

void follow_table_init(struct follow_table *self, uint32_t max)
{
    *self = (struct follow_table){.max = max, .bucket_count = 16};
    while (self->bucket_count < max)
        self->bucket_count *= 2;
    self->bucket = x_alloc(self->bucket_count, sizeof(struct follow *));
}

void follow_table_fini(struct follow_table *self)
{
    for (uint32_t i = 0; i < self->bucket_count; i++) {
        while (self->bucket[i] != NULL)
            follow_table_remove(self, self->bucket[i]);
    }
    follow_table_sweep(self);
    free(self->bucket);
    *self = (struct follow_table){0};
}

/* FNV-1a */
static struct follow **bucket_of(const struct follow_table *self, struct span stream)
{
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < stream.len; i++)
        hash = (hash ^ (unsigned char)stream.ptr[i]) * UINT32_C(16777619);
    return &self->bucket[hash & (self->bucket_count - 1)];
}

struct follow *follow_table_find(const struct follow_table *self, struct span stream,
                                 bool is_history)
{
    struct follow *follow = *bucket_of(self, stream);

    while (follow != NULL &&
           (follow_is_history(follow) != is_history || !span_equal(follow_stream(follow), stream)))
        follow = follow->chain;
    return follow;
}

struct follow *follow_table_find_asked(const struct follow_table *self, uint32_t ref)
{
    struct follow *follow = self->line[LINE_ASKED].first;

    while (follow != NULL && (follow->ref == 0 || follow->ref != ref))
        follow = follow->behind;
    return follow;
}

struct follow *follow_table_find_head(const struct follow_table *self, uint32_t ref)
{
    for (int line = 0; line < LINE_COUNT && ref != 0; line++) {
        struct follow *follow = self->line[line].first;

        while (follow != NULL && follow->head_ref != ref)
            follow = follow->behind;
        if (follow != NULL)
            return follow;
    }
    return NULL;
}

static void leave_line(struct follow_table *self, struct follow *follow)
{
    if (follow->before != NULL)
        follow->before->behind = follow->behind;
    else
        self->line[follow->line].first = follow->behind;
    if (follow->behind != NULL)
        follow->behind->before = follow->before;
    else
        self->line[follow->line].last = follow->before;
    self->line[follow->line].count--;
}

static void enter_line(struct follow_table *self, struct follow *follow, enum follow_line line)
{
    follow->line = line;
    follow->behind = NULL;
    follow->before = self->line[line].last;
    if (follow->before != NULL)
        follow->before->behind = follow;
    else
        self->line[line].first = follow;
    self->line[line].last = follow;
    self->line[line].count++;
}

void follow_table_move(struct follow_table *self, struct follow *follow, enum follow_line line)
{
    leave_line(self, follow);
    enter_line(self, follow, line);
}

enum rc follow_table_add(struct follow_table *self, struct span stream, bool is_history,
                         enum follow_line line, struct follow **ret)
{
    if (follow_table_find(self, stream, is_history) != NULL)
        return RC_BUSY;
    if (self->count == self->max)
        return RC_LIMIT;

    struct follow **bucket = bucket_of(self, stream);
    struct follow *follow = x_alloc(1, sizeof(*follow));

    follow->name = x_spandup(stream);
    follow->chain = *bucket;
    *bucket = follow;
    self->count++;
    enter_line(self, follow, line);
    *ret = follow;
    return RC_OK;
}

void follow_table_remove(struct follow_table *self, struct follow *follow)
{
    struct follow **at = bucket_of(self, follow_stream(follow));

    while (*at != follow)
        at = &(*at)->chain;
    *at = follow->chain;
    self->count--;
    leave_line(self, follow);
    held_fini(&follow->held);
    sealed_wipe(&follow->key);
    follow->chain = self->dead;
    self->dead = follow;
}

void follow_table_sweep(struct follow_table *self)
{
    while (self->dead != NULL) {
        struct follow *follow = self->dead;

        self->dead = follow->chain;
        free(follow->name);
        free(follow);
    }
}

enum rc follow_check(const struct model_context *ctx, struct span stream, struct zchat_place from)
{
    if (stream.len < 2 || stream.len > STREAM_BYTES_MAX ||
        (stream.ptr[0] != '#' && stream.ptr[0] != '@'))
        return RC_BAD_NAME;
    switch (from.kind) {
    case ZCHAT_FROM_HEAD:
    case ZCHAT_FROM_SEQ:
    case ZCHAT_FROM_LAST:
    case ZCHAT_FROM_TIME:
        return from.value > INT64_MAX ? RC_BAD_FIELD : RC_OK;
    case ZCHAT_FROM_CONFIRMED:
        return span_equal(stream, ctx->own_stream) ? RC_OK : RC_BAD_FIELD;
    default:
        return RC_BAD_FIELD;
    }
}

void follow_note_put_out(const struct model_context *ctx, struct follow *follow,
                         const struct zchat_event *event)
{
    const struct span own = {ctx->own_stream.ptr + 1, ctx->own_stream.len - 1};
    const bool is_ban = strcmp(event->type, "ban") == 0;

    if (follow_is_history(follow) || follow->name[0] != '#' || !follow->is_located ||
        event->seq <= follow->live_at || !span_equal(span_of(event->to), own))
        return;
    if (is_ban || strcmp(event->type, "kick") == 0)
        follow->ended_rc = is_ban ? RC_BANNED : RC_NOT_MEMBER;
}

bool follow_last_again(struct follow *follow, const struct message *gone)
{
    const uint64_t wanted = follow->from.value;
    const uint64_t start = follow->live_at >= wanted ? follow->live_at - wanted + 1 : 1;
    uint64_t behind; /* events behind the hole that are among those wanted */

    if (follow->from.kind != ZCHAT_FROM_LAST || !message_has(gone, HAS_LAST) ||
        follow->next != start || gone->last >= start || gone->first <= start)
        return false;
    behind = follow->live_at >= gone->first ? follow->live_at - gone->first + 1 : 0;
    if (behind >= wanted)
        return false;
    follow->next = gone->last > wanted - behind ? gone->last - (wanted - behind) + 1 : 1;
    follow->from.kind = ZCHAT_FROM_SEQ; /* once */
    return true;
}
