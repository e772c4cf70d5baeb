/* own_posts.h - what this run has said and is not done with: for showing states and for /retry. */
#ifndef CLIENT_CLI_OWN_POSTS_H
#define CLIENT_CLI_OWN_POSTS_H

#include "client/lib/zchat.h"
#include "shared/base/limits.h"
#include "shared/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWN_POSTS_MAX 1024

struct own_post {
    uint32_t number;
    enum zchat_post_state state;
    bool is_shown;        /* its event was printed */
    bool is_told_waiting; /* that it waits was said */
    uint64_t posted_at_ms;
    char target[STREAM_BYTES_MAX + 1];
    char *text; /* ours */
    size_t text_len;
};

struct own_posts {
    struct own_post *item; /* by number */
    size_t count;
};

void own_posts_init(struct own_posts *self);
void own_posts_fini(struct own_posts *self);

/* Remember a post. When the table is full, the oldest that only waits for its receipt, or has
 * failed, is forgotten. */
void own_posts_add(struct own_posts *self, uint32_t number, const char *target, struct span text,
                   uint64_t now_ms);

/* NULL: not known (any more). The pointer lives until the next add or remove. */
struct own_post *own_posts_find(struct own_posts *self, uint32_t number);
/* The newest that failed or is unknown, or NULL. */
struct own_post *own_posts_last_failed(struct own_posts *self);
void own_posts_remove(struct own_posts *self, struct own_post *post);

/* Posts that something is still to be shown of: their answer, or in a room their event. */
size_t own_posts_unshown(const struct own_posts *self);
size_t own_posts_failed(const struct own_posts *self);

#endif
