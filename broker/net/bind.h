/* bind.h - both sockets on every address of the configuration (protocol 2.1). */
#ifndef BROKER_NET_BIND_H
#define BROKER_NET_BIND_H

#include "shared/base/rc.h"
#include "shared/text/url.h"

#include <stddef.h>

#define WHY_BYTES_MAX 512 /* of a sentence that says why something failed */

/* Bind `commands` to port N and `broadcasts` to N + 1 at every address, or to the path and
 * PATH.pub. Of an address, host (a number, not a name) and is_ipc are read. With `port` 0 a pair that is free at all of
 * them is taken. Socket files left behind by a dead process are removed.
 * RC_SYSTEM: `why` says which address, which port and what the system said. */
enum rc bind_pair(void *commands, void *broadcasts, const struct broker_url *addresses,
                  size_t address_count, uint16_t port, uint16_t *ret_port,
                  char why[static WHY_BYTES_MAX]) MUST_CHECK;

/* Remove the socket files of a bound pair, which libzmq leaves behind. Before the sockets are closed:
 * behind that, another broker may have taken their place. */
void bind_remove_files(const struct broker_url *addresses, size_t address_count);

#endif
