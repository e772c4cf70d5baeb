/* brokers.h - who works in a store that several share, as their leases in it say. */
#ifndef BROKER_STORE_BROKERS_H
#define BROKER_STORE_BROKERS_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_BROKERS_MAX    8
#define BROKER_NAME_BYTES    128
#define BROKER_ADDRESS_BYTES 512

/* A broker that has not renewed its lease for so long is dead; its turns are kept for it a while longer, in case it only stood
 * still. */
#define LEASE_MS       5000
#define LEASE_AGAIN_MS 1000

struct store_broker {
    uint64_t id; /* of its life; random */
    char name[BROKER_NAME_BYTES];
    char address[BROKER_ADDRESS_BYTES]; /* for clients */
    char hints[BROKER_ADDRESS_BYTES]; /* where it tells others that it has committed; "": nowhere */
    uint64_t since_ms;                /* wall clock of the store */
    uint64_t turn; /* it has heard all up to this one, when it renewed its lease */
    bool is_own;
};

struct store_brokers {
    size_t count; /* that live, the own one too; who was first stands first */
    struct store_broker row[STORE_BROKERS_MAX];
    uint64_t turn; /* the last there was */
};

/* Renew the own lease (`name`, `address` and `hints` of *own say what is told of it), and look who lives. Turns that all have heard
 * are removed by one of them. RC_END: nobody else works in this store. RC_LIMIT: there are STORE_BROKERS_MAX without this
 * one. RC_STORE as in store.h. */
enum rc store_renew(struct store *self, const struct store_broker *own,
                    struct store_brokers *ret) MUST_CHECK;

#endif
