/* lease.h - this broker's lease among those that share a store: what it says of itself, who is there, and who is at the others.
 *
 * The store's thread owns it. */
#ifndef BROKER_STORE_LEASE_H
#define BROKER_STORE_LEASE_H

#include "broker/store/brokers.h"

struct lease;

/* What the hub tells of itself, and hears of the others; each is its holder's. */
struct lease_told {
    uint32_t sessions;
    uint64_t lag_ms;
    struct pages pages; /* those that have changed */
};
struct lease_heard {
    struct store_brokers brokers;
    struct pages pages;
    uint64_t ms; /* monotonic: when it was */
};

struct lease *lease_new(const struct store_broker *own);
void lease_destroy(struct lease **self_p);

/* Of changed pages others are to hear at once. `self` NULL: there is no lease any more. */
void lease_tell(struct lease *self, struct lease_told **told_p);
/* Monotonic. */
uint64_t lease_due_ms(const struct lease *self);

/* Renew it, which others then see, and read what they have written. What this broker knows of accounts is as new as that, if it
 * takes the turns that are there (store_take_turn()) before. RC_DISK_FULL: nothing is told, the next time again. RC_STORE,
 * RC_LIMIT: it is lost. */
enum rc lease_renew(struct lease *self, struct store *store, struct lease_heard **ret) MUST_CHECK;

#endif
