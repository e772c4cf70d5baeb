#include "tests/chaos/netsim/damage.h"

#include <netinet/in.h>

#define IP_HEADER_MIN   20
#define TCP_HEADER_MIN  20
#define TCP_CHECKSUM_AT 16

bool damage_bit(uint8_t *packet, size_t len, uint64_t random)
{
    if (len <= IP_HEADER_MIN)
        return false;
    packet[IP_HEADER_MIN + random % (len - IP_HEADER_MIN)] ^= (uint8_t)(1 << (random >> 32) % 8);
    return true;
}

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static void mend_checksum(uint8_t *packet, size_t header, size_t len)
{
    uint8_t *tcp = packet + header;
    const size_t tcp_len = len - header;
    uint32_t sum = IPPROTO_TCP + (uint32_t)tcp_len;

    tcp[TCP_CHECKSUM_AT] = tcp[TCP_CHECKSUM_AT + 1] = 0;
    sum = add_words(sum, packet + 12, 8); /* both addresses */
    sum = add_words(sum, tcp, tcp_len);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    tcp[TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
    tcp[TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
}

bool damage_payload(uint8_t *packet, size_t len, uint64_t random)
{
    const size_t header = (size_t)(packet[0] & 15) * 4;
    size_t payload;

    if (packet[9] != IPPROTO_TCP || len < header + TCP_HEADER_MIN)
        return false;
    payload = header + (size_t)(packet[header + 12] >> 4) * 4;
    if (len <= payload)
        return false;
    packet[payload + random % (len - payload)] ^= (uint8_t)(1 + (random >> 32) % 255);
    mend_checksum(packet, header, len);
    return true;
}
