/* announcer.h - tells the networks that the broker listens on where it is, once a second (protocol 2.3).
 *
 * UDP broadcasts from one socket that is made at the start: a sandbox that allows no more sockets for datagrams does not
 * stand in its way. Nothing is read from it. Belongs to the hub's thread. */
#ifndef BROKER_NET_ANNOUNCER_H
#define BROKER_NET_ANNOUNCER_H

#include "shared/base/rc.h"
#include "shared/text/url.h"

#include <stddef.h>
#include <stdint.h>

struct announcer;

struct announcer_options {
    const struct broker_url
        *addresses; /* IPv4 counts; 0.0.0.0 is every interface that broadcasts; must outlive it */
    size_t address_count;
    uint16_t port;            /* of the commands */
    const unsigned char *key; /* the broker's public one; copied */
};

/* RC_SYSTEM: errno. */
enum rc announcer_open(const struct announcer_options *options, struct announcer **ret) MUST_CHECK;
/* Says that the broker stops. */
void announcer_close(struct announcer **self_p);

/* Tell, when it is time; NULL: there is nothing to tell. What a network does not take now is told again. */
void announcer_turn(struct announcer *self, uint64_t now_ms);
uint64_t announcer_deadline_ms(const struct announcer *self); /* UINT64_MAX: never */

#endif
