/* confirm.h - how far the own stream was shown, and what of it the broker knows (protocol 6.4).
 *
 * CONFIRM is cumulative, so only a run of shown events that begins right behind what is
 * confirmed may be confirmed: a client that follows from the head does not confirm what it skipped. */
#ifndef CLIENT_LIB_CONFIRM_H
#define CLIENT_LIB_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

struct confirm {
    uint64_t confirmed;           /* the broker said so */
    uint64_t run_first, run_last; /* shown without a hole; 0: nothing */
    uint64_t sent;                /* the last CONFIRM */
    uint32_t unsent_count;        /* shown since */
};

/* The events first..last were shown (or told to be gone). */
void confirm_shown(struct confirm *self, uint64_t first, uint64_t last);

/* The broker said how far it has it; what it lacks will be due again. */
void confirm_known(struct confirm *self, uint64_t confirmed);

/* The seq to send in CONFIRM now, or 0. With `is_drained` whatever is due, else only a batch. */
uint64_t confirm_due(struct confirm *self, bool is_drained);

#endif
