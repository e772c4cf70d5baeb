/* bind.h - the listening sockets behind both doors, on every address of the configuration (protocol 2.1).
 *
 * They are opened once and stay open; a libzmq socket is given copies of them (ZMQ_USE_FD). So a socket
 * can be closed and opened anew while those who come meanwhile wait in the system's queue: no port is
 * ever given up, and a socket file keeps its place. */
#ifndef BROKER_NET_BIND_H
#define BROKER_NET_BIND_H

#include "broker/net/keyring.h"
#include "shared/text/url.h"

#define WHY_BYTES_MAX 512 /* of a sentence that says why something failed */

struct bound;

/* Listen at every address: commands on port N, broadcasts on N + 1, or on the path and PATH.pub. Of an
 * address, host (a number, not a name) and is_ipc are read. With `port` 0 a pair that is free at all of
 * them is taken. Socket files left behind by a dead process are removed.
 * RC_SYSTEM: `why` says which address, which port and what the system said. */
enum rc bind_open(const struct broker_url *addresses, size_t address_count, uint16_t port,
                  struct bound **ret, char why[static WHY_BYTES_MAX]) MUST_CHECK;

/* Removes the socket files, then closes: behind that, another broker may take their place. */
void bind_close(struct bound **self_p);

uint16_t bind_port(const struct bound *self); /* of the commands; 0 when only ipc is bound */

/* Let the libzmq socket accept what comes to this door, on all addresses.
 * RC_SYSTEM: `why` is one sentence; close the socket, it may serve some of them. */
enum rc bind_attach(const struct bound *self, enum door door, void *socket,
                    char why[static WHY_BYTES_MAX]) MUST_CHECK;

#endif
