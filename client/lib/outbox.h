/* outbox.h - posts that have no final answer: window, retry, order (protocol 6.1, 6.2).
 *
 * Posts keep their text until their fate is known. The broker accepts only the next
 * number, so after any loss the outbox goes back to it and sends on from there. The texts of the
 * newest refused posts are kept for outbox_retry(). */
#ifndef CLIENT_LIB_OUTBOX_H
#define CLIENT_LIB_OUTBOX_H

#include "client/lib/context.h"
#include "client/lib/delivery.h"

#define OUTBOX_FAILED_MAX 64

struct outbox;

struct outbox *outbox_new(uint32_t posts_max);
void outbox_destroy(struct outbox **self_p);

/* As model_post() and model_retry(). */
enum rc outbox_post(struct outbox *self, struct model_context *ctx, struct span target,
                    struct span kind, struct span text, uint32_t number_or_0, uint32_t timeout_ms,
                    uint32_t *ret_number) MUST_CHECK;
enum rc outbox_retry(struct outbox *self, struct model_context *ctx, uint32_t number,
                     uint32_t timeout_ms, uint32_t *ret_number) MUST_CHECK;
/* As model_restore(), model_restored(), model_next_number() and model_failed(). */
enum rc outbox_restore(struct outbox *self, struct model_context *ctx, uint32_t number,
                       struct span target, struct span kind, struct span text,
                       uint32_t timeout_ms) MUST_CHECK;
enum rc outbox_restored(struct outbox *self, uint32_t next) MUST_CHECK;
enum rc outbox_next_number(const struct outbox *self, const struct model_context *ctx,
                           struct span target, struct span kind, struct span text,
                           uint32_t *ret) MUST_CHECK;
bool outbox_failed(const struct outbox *self, uint32_t number, struct span *ret_target,
                   struct span *ret_kind, struct span *ret_text);
size_t outbox_count(const struct outbox *self);

/* In HELLO: the first number that may still be sent, when it is known that all before were answered. */
void outbox_tell_number(const struct outbox *self, struct message *hello);

/* The link is up: `next` is what the broker expects. Sends everything again. */
void outbox_welcome(struct outbox *self, struct model_context *ctx, uint64_t next, uint64_t window);

/* Answers. */
void outbox_ack(struct outbox *self, struct model_context *ctx, struct delivery *delivery,
                const struct message *ack);
void outbox_expect(struct outbox *self, struct model_context *ctx, uint64_t next);
void outbox_error(struct outbox *self, struct model_context *ctx, const struct message *error);

void outbox_tick(struct outbox *self, struct model_context *ctx);
uint64_t outbox_next_deadline_ms(const struct outbox *self, bool is_up);

#endif
