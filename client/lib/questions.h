/* questions.h - what follows ask the broker: HEAD and FETCH, one question a stream at a time.
 *
 * A question out (or put off after a refusal) stands in LINE_ASKED and takes one of few places, so a
 * thousand streams do not ask at once, and a busy broker is asked less. */
#ifndef CLIENT_LIB_QUESTIONS_H
#define CLIENT_LIB_QUESTIONS_H

#include "client/lib/follow_table.h"

struct questions {
    struct follow_table *table;
    uint32_t heads_out, fetches_out;
    uint64_t reserved; /* tells that FETCHes which are out may bring */
};

void questions_ask_head(struct questions *self, struct model_context *ctx, struct follow *follow);

/* How many events to ask for now; 0: there is no room for them. */
uint64_t questions_fetch_count(const struct questions *self, const struct model_context *ctx,
                               const struct follow *follow);
void questions_ask_fetch(struct questions *self, struct model_context *ctx, struct follow *follow,
                         uint64_t count);

/* It keeps its place but waits before it is asked again. */
void questions_put_off(struct questions *self, struct model_context *ctx, struct follow *follow,
                       uint32_t delay_ms);

/* It is answered or given up: its place is free. The follow is to leave LINE_ASKED then. */
void questions_close(struct questions *self, struct follow *follow);

/* Its time is over: it lines up again, with more patience. */
void questions_reopen(struct questions *self, struct follow *follow);

#endif
