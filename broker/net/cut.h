/* cut.h - ending a connection that libzmq owns.
 *
 * libzmq cannot close one peer's connection. It is shut down under its hands instead (shutdown(2), never
 * close(2)): it finds the connection ended and closes the descriptor itself. By then the number may have been
 * closed and given to somebody else, so a connection is known by the number of its socket too, which the
 * system gives to no other, and it is shut down through a copy that was compared. */
#ifndef BROKER_NET_CUT_H
#define BROKER_NET_CUT_H

#include <stdbool.h>
#include <stdint.h>

/* The number of the socket behind the descriptor; 0: there is none. */
uint64_t cut_id(int fd);

/* End the connection, if the descriptor is still that socket. False: it is not. Any thread. */
bool cut_off(int fd, uint64_t id);

#endif
