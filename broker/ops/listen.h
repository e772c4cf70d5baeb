/* listen.h - ADDRESS:PORT of the metrics page: reading it, and listening there. */
#ifndef BROKER_OPS_LISTEN_H
#define BROKER_OPS_LISTEN_H

#include "shared/base/rc.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct listen_address {
    struct sockaddr_storage socket;
    socklen_t len;
    bool is_loopback;
};

/* "127.0.0.1:9670", "[::1]:9670", "localhost:0": an address, not a name. NULL, or what is wrong (static). */
const char *listen_parse(const char *text, struct listen_address *ret);

/* A listening socket; *ret_port is what was taken when port 0 was asked for. RC_SYSTEM: errno. */
enum rc listen_open(const struct listen_address *address, int *ret_fd,
                    uint16_t *ret_port) MUST_CHECK;

#endif
