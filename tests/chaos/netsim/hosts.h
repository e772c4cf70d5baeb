/* hosts.h - a network device in each host's namespace, whose packets come to us. */
#ifndef TESTS_CHAOS_NETSIM_HOSTS_H
#define TESTS_CHAOS_NETSIM_HOSTS_H

#include <stddef.h>
#include <stdint.h>

/* Addresses are 198.18.0.1, .2, ... (RFC 2544: for measurements, no route out). */
#define HOSTS_FIRST_ADDRESS UINT32_C(0xC6120001)

/* Make `eth0` in the network namespace of that name, number `index`, and bring it and `lo` up.
 * Returns the device's descriptor, or -1 with errno. Needs root and /dev/net/tun. */
int host_open(const char *namespace, size_t index);

#endif
