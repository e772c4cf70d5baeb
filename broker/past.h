/* past.h - questions about what was said before, and who answers them.
 *
 * A page of what was just said is answered from memory, at once; everything else by the readers, from the store. Both
 * answers are the same bytes. Belongs to the hub's thread. */
#ifndef BROKER_PAST_H
#define BROKER_PAST_H

#include "broker/hub.h"
#include "broker/recent.h"
#include "broker/tally.h"

struct past {
    const struct hub_parts *parts;
    struct tally *tally;
    struct recent *recent; /* its own; NULL: everything is for the readers */
    char frame[FRAME_BYTES_MAX];
};

void past_open(struct past *self, const struct hub_parts *parts, struct tally *tally,
               size_t recent_bytes);
void past_close(struct past *self);

/* FX_READ, FX_SEARCH, FX_REPUBLISH; false for any other. True: it is answered to its end, perhaps by a refusal, and the core is
 * to know (CORE_EV_READ). */
bool past_ask(struct past *self, const struct effect *effect);

/* The answer of a reader. True: to its end, likewise. */
bool past_answer(struct past *self, const struct read_answer *answer);

#endif
