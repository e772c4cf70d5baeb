/* brokers.h - who works in a store that several share, as their leases in it say, and who is at each. */
#ifndef BROKER_STORE_BROKERS_H
#define BROKER_STORE_BROKERS_H

#include "broker/store/pages.h"

struct store;

#define STORE_BROKERS_MAX    8                /* that live */
#define STORE_BROKERS_KNOWN  CORE_BROKERS_MAX /* with those who have died in the last minute */
#define BROKER_NAME_BYTES    (MARK_NAME_BYTES_MAX + 1)
#define BROKER_ADDRESS_BYTES (BROKER_BYTES_MAX + 1)

/* A lease lasts LEASE_MS (core_brokers.h). Whose is over is dead; its turns are kept for it a while longer, in case it only stood
 * still. */
#define LEASE_AGAIN_MS 1000

struct store_broker {
    uint64_t id; /* of its life; random */
    char name[BROKER_NAME_BYTES];
    char address[BROKER_ADDRESS_BYTES]; /* for clients */
    char hints[BROKER_ADDRESS_BYTES]; /* where it tells others that it has committed; "": nowhere */
    char agent[AGENT_BYTES_MAX + 1];
    uint32_t sessions;
    uint64_t lag_ms;    /* what others did waits there for so long until it is taken */
    uint64_t since_ms;  /* wall clock of the store */
    uint64_t unseen_ms; /* so long ago it renewed its lease */
    uint64_t turn;      /* it has heard all up to this one, when it renewed its lease */
    uint64_t turns;     /* the last there was then */
    uint64_t version;   /* counts the pages it has written */
    bool is_own;
    bool is_live;
};

struct store_brokers {
    size_t count; /* that live, the own one too; who was first stands first */
    size_t
        known; /* with the dead, behind them, of whose name nobody lives: who died last stands first */
    struct store_broker row[STORE_BROKERS_KNOWN];
    uint64_t turn; /* the last there was */
    bool
        is_anew; /* of what this one wrote beside its lease some may be gone: it is the first, or was away */
};

/* Renew the own lease (`name`, `address`, `hints`, `agent`, `sessions` and `lag_ms` of *own say what is told of it), write `count`
 * pages beside it, and look who lives; `pages` and the list is one view. Turns that all have heard are removed by one of them.
 * RC_DISK_FULL: nothing was written, others know what they knew; there is no list. RC_END: nobody else works in this store.
 * RC_LIMIT: there are STORE_BROKERS_MAX without this one. RC_STORE as in store.h. */
enum rc store_renew(struct store *self, const struct store_broker *own,
                    const struct page *const *pages, size_t count,
                    struct store_brokers *ret) MUST_CHECK;

/* By any thread: the connection to the server is lost, and the server is looked for. */
bool store_is_away(const struct store *self);
/* By any thread: look no longer; what waits for it ends with RC_STORE. */
void store_give_up(struct store *self);

/* Append to *to what that broker has written behind its page of *version_p, the oldest first, which follows; not all of it at
 * once: then that is less than its `version`. RC_STORE as in store.h. */
enum rc store_read_pages(struct store *self, uint64_t broker, uint64_t *version_p,
                         struct pages *to) MUST_CHECK;

#endif
