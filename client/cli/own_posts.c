#include "client/cli/own_posts.h"

#include "shared/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void own_posts_init(struct own_posts *self)
{
    *self = (struct own_posts){.item = x_alloc(OWN_POSTS_MAX, sizeof(struct own_post))};
}

void own_posts_fini(struct own_posts *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->item[i].text);
    free(self->item);
    *self = (struct own_posts){0};
}

void own_posts_remove(struct own_posts *self, struct own_post *post)
{
    size_t at = (size_t)(post - self->item);

    free(post->text);
    self->count--;
    memmove(post, post + 1, (self->count - at) * sizeof(*post));
}

static void make_room(struct own_posts *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->item[i].state != ZCHAT_WAITING) {
            own_posts_remove(self, &self->item[i]);
            return;
        }
    }
    own_posts_remove(self, &self->item[0]);
}

void own_posts_add(struct own_posts *self, uint32_t number, const char *target, struct span text,
                   uint64_t now_ms)
{
    struct own_post *post;

    if (self->count == OWN_POSTS_MAX)
        make_room(self);
    post = &self->item[self->count++];
    *post = (struct own_post){.number = number, .state = ZCHAT_WAITING, .posted_at_ms = now_ms};
    snprintf(post->target, sizeof(post->target), "%s", target);
    post->text = x_spandup(text);
    post->text_len = text.len;
}

struct own_post *own_posts_find(struct own_posts *self, uint32_t number)
{
    for (size_t i = self->count; i > 0; i--) {
        if (self->item[i - 1].number == number)
            return &self->item[i - 1];
    }
    return NULL;
}

static bool is_failed(const struct own_post *post)
{
    return post->state == ZCHAT_FAILED || post->state == ZCHAT_UNKNOWN;
}

struct own_post *own_posts_last_failed(struct own_posts *self)
{
    for (size_t i = self->count; i > 0; i--) {
        if (is_failed(&self->item[i - 1]))
            return &self->item[i - 1];
    }
    return NULL;
}

size_t own_posts_unshown(const struct own_posts *self)
{
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++) {
        const struct own_post *post = &self->item[i];

        /* Waiting though nothing is unanswered: the answer has come and was not told yet. */
        count += post->state == ZCHAT_WAITING ||
                 (post->target[0] == '#' && post->state == ZCHAT_STORED && !post->is_shown);
    }
    return count;
}

size_t own_posts_failed(const struct own_posts *self)
{
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++)
        count += is_failed(&self->item[i]);
    return count;
}
