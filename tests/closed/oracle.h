/* oracle.h - who is entitled to what, from the log alone (protocol 7.3 to 7.6). */
#ifndef TESTS_CLOSED_ORACLE_H
#define TESTS_CLOSED_ORACLE_H

#include "tests/closed/closed.h"

void closed_fail(struct closed *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void closed_tell(struct closed *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int oracle_room(struct span name);   /* "#room1" is 1; -1: none of ours */
int oracle_person(struct span name); /* "person2" or "@person2" is 2 */
struct device *oracle_device(struct closed *self, peer_id peer);

/* What the core says, in its order. */
void oracle_published(struct closed *self, const struct effect *effect);
void oracle_replied(struct closed *self, const struct effect *effect);
/* A page brings this event to whoever asked. */
void oracle_fetched(struct closed *self, const struct pending_read *read,
                    const struct message *event);
/* Nobody but the live devices of these people (bits) can open what leaves under this key, which is the one that
 * is in force. */
void oracle_sealed(struct closed *self, struct span stream, uint64_t seq, const unsigned char *key,
                   uint32_t epoch, unsigned people);
/* The shell is told to let a key in, or out: FX_ADMIT, FX_EXPEL. */
void oracle_door(struct closed *self, const struct effect *effect);
/* Behind a step or a restart: nobody who was removed may come in. */
void oracle_doors(struct closed *self);
/* END of a list that BANS has asked for: what stands is listed, nothing else. */
void oracle_bans(struct closed *self, const struct room *room);

#endif
