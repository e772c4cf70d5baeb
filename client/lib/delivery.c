#include "client/lib/delivery.h"

#include "shared/base/alloc.h"

#include <stdlib.h>

struct stored {
    char *stream; /* NULL: a free row */
    uint64_t seq;
    uint32_t number;
};

struct peer {
    char *nick;
    uint64_t upto;
};

struct delivery {
    struct stored post[DELIVERY_POSTS_MAX]; /* a ring; next_post is the oldest */
    struct peer peer[DELIVERY_PEERS_MAX];   /* likewise */
    size_t next_post, next_peer;
};

struct delivery *delivery_new(void)
{
    return x_alloc(1, sizeof(struct delivery));
}

void delivery_destroy(struct delivery **self_p)
{
    struct delivery *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < DELIVERY_POSTS_MAX; i++)
        free(self->post[i].stream);
    for (size_t i = 0; i < DELIVERY_PEERS_MAX; i++)
        free(self->peer[i].nick);
    free(self);
    *self_p = NULL;
}

static void tell_delivered(struct model_context *ctx, uint32_t number, struct span stream,
                           uint64_t seq)
{
    const struct zchat_event event = {
        .kind = ZCHAT_POST, .post = ZCHAT_DELIVERED, .number = number, .seq = seq};

    tells_add(&ctx->tells, &event, &(struct tell_texts){.stream = stream});
}

static struct peer *find_peer(struct delivery *self, struct span nick)
{
    for (size_t i = 0; i < DELIVERY_PEERS_MAX; i++) {
        if (self->peer[i].nick != NULL && span_equal(span_of(self->peer[i].nick), nick))
            return &self->peer[i];
    }
    return NULL;
}

static struct span nick_of(struct span stream)
{
    return (struct span){stream.ptr + 1, stream.len - 1};
}

void delivery_stored(struct delivery *self, struct model_context *ctx, uint32_t number,
                     struct span stream, uint64_t seq)
{
    if (stream.len < 2 || stream.ptr[0] != '@')
        return;

    const struct peer *peer = find_peer(self, nick_of(stream));

    if (peer != NULL && peer->upto >= seq) {
        tell_delivered(ctx, number, stream, seq);
        return;
    }

    struct stored *post = &self->post[self->next_post];

    free(post->stream);
    *post = (struct stored){x_spandup(stream), seq, number};
    self->next_post = (self->next_post + 1) % DELIVERY_POSTS_MAX;
}

static void remember(struct delivery *self, struct span nick, uint64_t upto)
{
    struct peer *peer = find_peer(self, nick);

    if (peer == NULL) {
        peer = &self->peer[self->next_peer];
        free(peer->nick);
        *peer = (struct peer){x_spandup(nick), 0};
        self->next_peer = (self->next_peer + 1) % DELIVERY_PEERS_MAX;
    }
    peer->upto = max_u64(peer->upto, upto);
}

void delivery_receipt(struct delivery *self, struct model_context *ctx, struct span from,
                      uint64_t upto)
{
    remember(self, from, upto);
    for (size_t i = 0; i < DELIVERY_POSTS_MAX; i++) {
        struct stored *post = &self->post[(self->next_post + i) % DELIVERY_POSTS_MAX];

        if (post->stream == NULL || post->seq > upto ||
            !span_equal(nick_of(span_of(post->stream)), from))
            continue;
        tell_delivered(ctx, post->number, span_of(post->stream), post->seq);
        free(post->stream);
        *post = (struct stored){0};
    }
}
