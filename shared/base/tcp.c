#include "shared/base/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef TCP_RTO_MAX_MS /* younger than Debian's headers */
#define TCP_RTO_MAX_MS 44
#endif

#define TIMER_MIN_MS 1000 /* the least that the system takes */
#define ROUND_TRIPS  4

void tcp_retransmit_steadily(int fd)
{
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &on, sizeof(on));
}

void tcp_bound_timer(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    int bound_ms = TIMER_MIN_MS;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return;
    if (info.tcpi_rtt / 1000 > TIMER_MIN_MS / ROUND_TRIPS && info.tcpi_rtt / 1000 < 30000)
        bound_ms = (int)(info.tcpi_rtt / 1000 * ROUND_TRIPS);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &bound_ms, sizeof(bound_ms));
}
