#include "broker/net/hints.h"

#include "broker/net/sockopt.h"
#include "broker/net/zap_request.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN /* as in front.c */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define QUEUE_MAX        64 /* only the newest is worth anything */
#define HANDSHAKE_MS     10000
#define RECONNECT_MS     100
#define RECONNECT_MS_MAX 2000
#define HINT_BYTES_MAX   300 /* a number, or a subscription, as CURVE makes it */

struct hints {
    void *pub;
    void *sub;
    struct hints_stats stats;
};

/* No heartbeats of libzmq's own, which abort a process that stalls; a peer that is gone the system finds. */
static bool set_common(void *socket, const struct hints_options *options)
{
    static const struct int_option common[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, QUEUE_MAX},
        {ZMQ_RCVHWM, QUEUE_MAX},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX},
        {ZMQ_IPV6, 1},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 10},
        {ZMQ_TCP_KEEPALIVE_INTVL, 5},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
    };
    const int64_t bytes_max = HINT_BYTES_MAX;

    return sockopt_set_ints(socket, common, sizeof(common) / sizeof(common[0])) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof(bytes_max)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, options->public_key, PUBLIC_KEY_BYTES) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, options->secret_key, PUBLIC_KEY_BYTES) == 0;
}

static bool open_pub(struct hints *self, const struct hints_options *options)
{
    static const struct int_option curve[] = {{ZMQ_CURVE_SERVER, 1}, {ZMQ_ZAP_ENFORCE_DOMAIN, 1}};

    return self->pub != NULL && set_common(self->pub, options) &&
           sockopt_set_ints(self->pub, curve, 2) &&
           zmq_setsockopt(self->pub, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN_BROKERS,
                          strlen(ZAP_DOMAIN_BROKERS)) == 0;
}

static bool open_sub(struct hints *self, const struct hints_options *options)
{
    return self->sub != NULL && set_common(self->sub, options) &&
           zmq_setsockopt(self->sub, ZMQ_CURVE_SERVERKEY, options->public_key, PUBLIC_KEY_BYTES) ==
               0 &&
           zmq_setsockopt(self->sub, ZMQ_SUBSCRIBE, "", 0) == 0;
}

enum rc hints_open(void *zmq_context, const struct hints_options *options, struct hints **ret,
                   char why[static WHY_BYTES_MAX])
{
    struct hints *self = x_alloc(1, sizeof(*self));

    self->pub = zmq_socket(zmq_context, ZMQ_PUB);
    self->sub = zmq_socket(zmq_context, ZMQ_SUB);
    if (open_pub(self, options) && open_sub(self, options) &&
        zmq_bind(self->pub, options->endpoint) == 0) {
        *ret = self;
        return RC_OK;
    }
    snprintf(why, WHY_BYTES_MAX, "cluster-bind: cannot listen at %.80s: %s", options->endpoint,
             zmq_strerror(errno));
    hints_close(&self);
    return RC_SYSTEM;
}

void hints_close(struct hints **self_p)
{
    struct hints *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    if (self->pub != NULL)
        (void)zmq_close(self->pub);
    if (self->sub != NULL)
        (void)zmq_close(self->sub);
    free(self);
}

void *hints_socket(const struct hints *self)
{
    return self->sub;
}

void hints_tell(struct hints *self, uint64_t turn)
{
    const uint64_t bytes = htobe64(turn);

    if (zmq_send(self->pub, &bytes, sizeof(bytes), ZMQ_DONTWAIT) == (int)sizeof(bytes))
        self->stats.told++;
}

bool hints_take(struct hints *self, uint64_t *ret_turn)
{
    uint64_t bytes, newest = 0;
    bool has_any = false;
    int len;

    while ((len = zmq_recv(self->sub, &bytes, sizeof(bytes), ZMQ_DONTWAIT)) >= 0 ||
           errno == EINTR) {
        if (len != (int)sizeof(bytes))
            continue;
        self->stats.heard++;
        has_any = true;
        if (be64toh(bytes) > newest)
            newest = be64toh(bytes);
    }
    if (has_any)
        *ret_turn = newest;
    return has_any;
}

void hints_listen(struct hints *self, const char *endpoint)
{
    if (zmq_connect(self->sub, endpoint) != 0)
        log_warn("hints.not_connected",
                 "endpoint=%.80s reason=\"%s\": what is done there is seen within a second",
                 endpoint, zmq_strerror(errno));
}

void hints_leave(struct hints *self, const char *endpoint)
{
    (void)zmq_disconnect(self->sub, endpoint);
}

const struct hints_stats *hints_get_stats(const struct hints *self)
{
    return &self->stats;
}
