/* sealed.h - the keys of followed rooms, and when to ask for one (protocol 7.4).
 *
 * A key lives in its follow: memory is bounded by the follows, and what is no longer followed is wiped with it. */
#ifndef CLIENT_LIB_SEALED_H
#define CLIENT_LIB_SEALED_H

#include "client/lib/follow_table.h"

#define KEY_ASK_MS     500 /* doubles while asking brings no other key */
#define KEY_ASK_MAX_MS 8000

/* WELCOME, JOINED or an answer to HEAD, over the DEALER alone: keep its key, when it has one. */
void sealed_take_key(struct follow_key *self, const struct message *message);

/* The key of that epoch, or NULL. */
const unsigned char *sealed_key(const struct follow_key *self, uint32_t epoch);

/* A box of this epoch could not be opened: is HEAD to be asked now? An older epoch than ours is no reason (it was
 * overtaken, or published again), and a broken box of ours is one ever more seldom. */
bool sealed_wants_head(struct follow_key *self, uint32_t epoch, uint64_t now_ms);

void sealed_wipe(struct follow_key *self);

#endif
