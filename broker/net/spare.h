/* spare.h - what happens when there is no descriptor left for somebody who knocks.
 *
 * libzmq 4.3.4 has two answers to accept() failing with EMFILE, both bad: a TCP listener tries again at
 * once and for ever, which burns a core; an ipc listener aborts the process. So accept4() stands here too,
 * in front of the C library's (a program's own symbols win): when descriptors have run out it gives up one
 * kept for this, takes the stranger with it, hangs up, and takes the descriptor back. To libzmq that is a
 * peer who left at once. The doorman's limits make it rare. */
#ifndef BROKER_NET_SPARE_H
#define BROKER_NET_SPARE_H

#include <stdint.h>

/* Keep a descriptor spare, once for the process; -1 with errno. spare_close() gives it up. */
int spare_open(void);
void spare_close(void);

/* How many were hung up on so far. Any thread. */
uint64_t spare_count(void);

#endif
