/* sharing.h - what a backend does besides (backend.h) when other brokers work in it too: they tell each other what they have
 * done (ADR 0033). Codes as there. */
#ifndef BROKER_STORE_SHARING_H
#define BROKER_STORE_SHARING_H

#include "broker/store/brokers.h"
#include "shared/base/span.h"

#include <stdatomic.h>

struct backend;
typedef enum rc backend_on_turn(void *context, struct span body);

struct sharing_calls {
    /* What this transaction does (turn.h), behind all turns that were; at most once in it. */
    enum rc (*add_turn)(struct backend *self, struct span body);
    /* Tell the turns of others behind the last one that was told, or replayed, in order; RC_OK, too, when there are none.
     * In a transaction that is all there will be before its own. RC_STORE, too: one is missing. */
    enum rc (*follow)(struct backend *self, backend_on_turn *on_turn, void *context);
    enum rc (*renew)(struct backend *self, const struct store_broker *own,
                     const struct page *const *pages, size_t count,
                     struct store_brokers *ret); /* brokers.h */
    enum rc (*read_pages)(struct backend *self, uint64_t broker, uint64_t *version_p,
                          struct pages *to);
};

struct sharing {
    const struct sharing_calls *calls; /* NULL: nobody else works here */
    uint64_t heard;      /* the last turn that was told, or was ours, or was in what was replayed */
    uint64_t own_turn;   /* the last one that was ours; 0: none yet */
    bool has_unheard;    /* begin: there are turns of others that were not told yet */
    atomic_bool is_away; /* store_is_away() */
    atomic_bool is_given_up; /* store_give_up() */
};

#endif
