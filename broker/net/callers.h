/* callers.h - the doorman's book: who is connected, from where, since when.
 *
 * Pure tables: no sockets, no clock. A connection is known by its descriptor; it is told who came and who
 * left, and says who has to go. All functions take constant time. Belongs to one thread. */
#ifndef BROKER_NET_CALLERS_H
#define BROKER_NET_CALLERS_H

#include "broker/net/peer_address.h"

#include <stddef.h>
#include <stdint.h>

struct callers;

/* For descriptors below fds_max; NULL: no memory for it. */
struct callers *callers_new(uint32_t fds_max);
void callers_destroy(struct callers **self_p);

struct caller {
    int fd;
    uint32_t door; /* which socket it came to: any number but 0 */
    uint64_t id;   /* of cut_id() */
    struct peer_address address;
};

/* One who came, half-open. Another who had this descriptor has left. False: fd is not below fds_max. */
bool callers_come(struct callers *self, const struct caller *caller);
/* Left; nothing happens when that descriptor is another door's by now. */
void callers_leave(struct callers *self, int fd, uint32_t door);
void callers_leave_all(struct callers *self, uint32_t door); /* takes time for each descriptor */

/* No longer half-open: inside, or told to go, and then its address is no longer charged with it. */
void callers_enter(struct callers *self, int fd);
void callers_tell_to_go(struct callers *self, int fd);

/* The half-open one that came first, of all or of the address of `fd`; -1: none. */
int callers_oldest_pending(const struct callers *self);
int callers_oldest_pending_of(const struct callers *self, int fd);

uint32_t callers_count(const struct callers *self);            /* with those told to go */
uint32_t callers_staying(const struct callers *self);          /* without them */
uint32_t callers_address_count(const struct callers *self);    /* of addresses */
uint32_t callers_count_of(const struct callers *self, int fd); /* from its address, staying */
uint32_t callers_pending_of(const struct callers *self, int fd);

uint64_t callers_id(const struct callers *self, int fd); /* 0: nobody has this descriptor */

#endif
