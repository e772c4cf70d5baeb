/* core_brokers.h - what the core is told of the brokers that serve this chat, and tells them of its own people; between two steps.
 *
 * A broker's sessions are told in pages of PRESENCE_PAGE rows, so that a change is told by one page. */
#ifndef BROKER_CORE_CORE_BROKERS_H
#define BROKER_CORE_CORE_BROKERS_H

#include "shared/base/ids.h"
#include "shared/base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_BROKERS_MAX 16 /* with those who have just died */
#define CORE_OTHERS_MAX  7  /* that live, beside this one */
#define PRESENCE_PAGE    256

#define LEASE_MS         5000 /* a broker that has not renewed its lease for so long is dead */
#define LEASE_SILENT_MS  2500 /* and is called silent before */
#define BROKER_BEHIND_MS 2000 /* what others did has waited there for so long: it is behind */

struct core;

struct core_broker {
    uint64_t id;                        /* of its life */
    char name[MARK_NAME_BYTES_MAX + 1]; /* UTF-8 */
    char address[BROKER_BYTES_MAX + 1];
    char agent[AGENT_BYTES_MAX + 1];
    uint64_t since_ms; /* wall clock: when it began */
    uint64_t seen_ms;  /* monotonic: when it renewed its lease; 0: there are no leases */
    uint64_t turn;     /* it had heard all up to this one then */
    uint64_t turns;    /* the last there was then */
    uint64_t lag_ms;   /* so long what others did had waited there */
    uint32_t sessions;
    bool is_own;
    bool is_live;
};

/* A session, as brokers tell each other. */
struct presence {
    session_id session; /* 0: none stands in this row */
    stream_id account;
    uint64_t since_ms;
    bool is_away;
    bool is_silent;
    bool has_key;
    unsigned char key[PUBLIC_KEY_BYTES];
};

/* All brokers, this one too, those that live first; at most CORE_BROKERS_MAX; copied. Who is in it no more, or dead, has nobody
 * any more. */
void core_know_brokers(struct core *self, const struct core_broker *brokers, size_t count);

/* The sessions of another broker's page; one that does not fit the tables here is left out. What the core knows of accounts must
 * be as new as the page. */
void core_take_presence(struct core *self, uint64_t broker, uint32_t page,
                        const struct presence rows[static PRESENCE_PAGE]);

/* How many pages there are of this broker's own sessions; and one of them. */
uint32_t core_presence_pages(const struct core *self);
void core_give_presence(const struct core *self, uint32_t page, uint64_t now_ms,
                        struct presence rows[static PRESENCE_PAGE]);

#endif
