/* tally.h - what the hub counts while it carries effects out, and all of the broker's figures in one place.
 *
 * Belongs to the hub's thread. */
#ifndef BROKER_TALLY_H
#define BROKER_TALLY_H

#include "broker/hub.h"
#include "broker/ops/figures.h"
#include "broker/ops/host.h"

struct tally {
    uint64_t begun_ms; /* monotonic, like all that follow */
    uint64_t acks, events, fetches, recalled, gone, searches;
    uint64_t refused[REFUSED_CODES];
    uint64_t full_ms; /* when something was last refused for a full disk; 0: never */
    struct histogram ack;
    size_t batches;           /* in the writer's hands */
    uint64_t writer_ms;       /* since when it has owed an answer, while it has any */
    struct host_figures host; /* as the watch said last */
};

void tally_begin(struct tally *self, uint64_t now_ms);

/* An effect that is carried out. */
void tally_effect(struct tally *self, const struct effect *effect);

/* A batch goes to the writer, and comes back with its results. */
void tally_submitted(struct tally *self, uint64_t now_ms);
void tally_stored(struct tally *self, const struct batch *batch, uint64_t now_ms);

/* All of it, from all parts. */
void tally_collect(const struct tally *self, const struct hub_parts *parts, uint64_t now_ms,
                   struct figures *ret);

#endif
