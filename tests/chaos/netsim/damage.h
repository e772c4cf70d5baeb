/* damage.h - what a bad wire does to an IPv4 packet. Each returns whether it found anything to damage. */
#ifndef TESTS_CHAOS_NETSIM_DAMAGE_H
#define TESTS_CHAOS_NETSIM_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flip a bit behind the IP header: the receiver's TCP checksum finds it. */
bool damage_bit(uint8_t *packet, size_t len, uint64_t random);

/* Change a byte of the TCP payload and make the checksum good again: nobody but the peer's own
 * cryptography finds it. */
bool damage_payload(uint8_t *packet, size_t len, uint64_t random);

#endif
