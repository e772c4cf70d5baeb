#include "broker/net/front.h"

#include "broker/net/gather.h"
#include "broker/net/listeners.h"
#include "broker/net/zap.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"
#include "shared/base/tcp.h"
#include "shared/crypt/seal.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN /* Debian's header hides it among the drafts, its library has it */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define ROUTING_ID_BYTES 5 /* one zero byte and a big-endian number, when libzmq gives it */

/* MAXMSGSIZE counts a message as it travels: CURVE adds its command name, flags, nonce and tag. */
#define CURVE_OVERHEAD_BYTES 64

/* From accepting a connection to its key. Greeting and CURVE go to and fro three times, so 2 s of round trip or a third of the
 * packets lost take seconds; with too little, people behind such a link never come back. */
#define HANDSHAKE_MS 10000

/* Queues, in frames, of each peer. RCVHWM of the ROUTER is low, since endless MORE frames pile up
 * there; the send queues hold some pages of FETCH, and broadcasts of a busy second. */
#define ROUTER_RCVHWM 200
#define ROUTER_SNDHWM 256
#define PUB_RCVHWM    1000
#define PUB_SNDHWM    1000

/* Peers are numbered in a row, so as many as there are sessions find places of their own. */
#define TIMED_COUNT 8192

struct front {
    void *router;
    void *pub;
    struct broker_url *bound; /* the addresses, once they are bound */
    size_t bound_count;
    uint16_t port;
    struct gather *replies;    /* by the number in the routing id, as it lies in memory */
    struct gather *broadcasts; /* by topic */
    zmq_msg_t body;            /* of the frame received last */
    unsigned char key[PUBLIC_KEY_BYTES];
    bool is_secure;
    struct front_stats stats;
    uint32_t timed[TIMED_COUNT]; /* the peers whose connection's timer is bound, by number */
    char box[FRAME_BYTES_MAX];
};

/* Socket options */

struct int_option {
    int option;
    int value;
};

static bool set_ints(void *socket, const struct int_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)) != 0)
            return false;
    }
    return true;
}

static bool set_common(void *socket, int64_t message_bytes_max, const struct front_options *options)
{
    static const struct int_option common[] = {
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_LINGER, 1000},
        {ZMQ_BACKLOG, 512},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 5},
        {ZMQ_TCP_KEEPALIVE_CNT, 10}, /* half of them are lost where a third of the packets is */
    };
    static const struct int_option curve[] = {{ZMQ_CURVE_SERVER, 1}, {ZMQ_ZAP_ENFORCE_DOMAIN, 1}};

    if (!set_ints(socket, common, sizeof(common) / sizeof(common[0])) ||
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof(message_bytes_max)) != 0)
        return false;
    if (options->secret_key == NULL)
        return true;
    return set_ints(socket, curve, sizeof(curve) / sizeof(curve[0])) &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, options->public_key, PUBLIC_KEY_BYTES) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, options->secret_key, PUBLIC_KEY_BYTES) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0;
}

/* libzmq numbers peers from an unseeded rand(): whoever claims a coming number as its own routing
 * id aborts the ROUTER. */
static bool seed_routing_ids(void)
{
    unsigned seed;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return false;
    srand(seed);
    return true;
}

static bool open_sockets(struct front *self, void *zmq_context, const struct front_options *options)
{
    static const struct int_option router[] = {
        {ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_RCVHWM, ROUTER_RCVHWM}, {ZMQ_SNDHWM, ROUTER_SNDHWM}};
    static const struct int_option pub[] = {{ZMQ_RCVHWM, PUB_RCVHWM}, {ZMQ_SNDHWM, PUB_SNDHWM}};

    if (!seed_routing_ids())
        return false;
    self->router = zmq_socket(zmq_context, ZMQ_ROUTER);
    self->pub = zmq_socket(zmq_context, ZMQ_PUB);
    return self->router != NULL && self->pub != NULL &&
           set_common(self->router, FRAME_BYTES_MAX + CURVE_OVERHEAD_BYTES, options) &&
           set_common(self->pub, PUB_IN_BYTES_MAX, options) && set_ints(self->router, router, 3) &&
           set_ints(self->pub, pub, 2);
}

/* Sending */

/* Both frames, or none: with MANDATORY the first one already fails when the peer is slow or gone.
 * Returns 0 or errno. The body's content is taken on success only. */
static int send_to(struct front *self, uint32_t peer, zmq_msg_t *body)
{
    const unsigned char id[ROUTING_ID_BYTES] = {0, (unsigned char)(peer >> 24),
                                                (unsigned char)(peer >> 16),
                                                (unsigned char)(peer >> 8), (unsigned char)peer};

    if (zmq_send(self->router, id, sizeof(id), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_msg_send(body, self->router, ZMQ_DONTWAIT) < 0)
        return errno;
    return 0;
}

static void count_sent(struct front *self, int failure)
{
    if (failure == 0)
        self->stats.sent++;
    else if (failure == EAGAIN)
        self->stats.slow++;
    else
        self->stats.departed++;
}

static struct span peer_key(const uint32_t *peer)
{
    return (struct span){(const char *)peer, sizeof(*peer)};
}

static void send_gathered_reply(void *context, struct span key, struct span frame)
{
    struct front *self = context;
    uint32_t peer;
    zmq_msg_t body;

    memcpy(&peer, key.ptr, sizeof(peer));
    if (zmq_msg_init_size(&body, frame.len) != 0)
        return;
    memcpy(zmq_msg_data(&body), frame.ptr, frame.len);
    count_sent(self, send_to(self, peer, &body));
    (void)zmq_msg_close(&body);
}

static void send_gathered_broadcast(void *context, struct span key, struct span frame)
{
    struct front *self = context;

    (void)key;
    if (zmq_send(self->pub, frame.ptr, frame.len, ZMQ_DONTWAIT) >= 0)
        self->stats.published++;
}

/* Nothing of the protocol's limits is this big; a damaged store could hand it out. */
static void check_fit(struct front *self, enum rc rc, struct span topic)
{
    if (rc == RC_OK)
        return;
    self->stats.oversized++;
    log_error("front.oversized", "topic_bytes=%zu rc=%s: not sent", topic.len, rc_name(rc));
}

void front_reply(struct front *self, peer_id peer, const struct message *message)
{
    check_fit(self, gather_message(self->replies, peer_key(&peer.v), message), SPAN(""));
}

void front_forward(struct front *self, peer_id peer, struct zmq_msg_t *frame)
{
    gather_flush_key(self->replies, peer_key(&peer.v));
    count_sent(self, send_to(self, peer.v, frame));
}

void front_publish(struct front *self, const struct publication *event)
{
    const struct seal_place place = {
        .stream = event->topic, .epoch = event->epoch, .seq = event->seq};
    struct message sealed = {.verb = VERB_SEALED};
    enum rc rc = RC_TOO_BIG;

    if (event->seal_key == NULL) {
        rc = gather_wire(self->broadcasts, event->topic, event->wire);
    } else if (event->wire.len <= sizeof(self->box) - SEAL_OVERHEAD_BYTES) {
        message_set(&sealed, STREAM, stream, event->topic);
        message_set(&sealed, SEQ, seq, event->seq);
        message_set(&sealed, EPOCH, epoch, event->epoch);
        sealed.box.len = seal_event(event->seal_key, &place, event->wire, self->box);
        sealed.box.ptr = self->box;
        sealed.has |= HAS_BOX;
        rc = gather_message(self->broadcasts, event->topic, &sealed);
    }
    check_fit(self, rc, event->topic);
}

void front_announce(struct front *self, struct span topic, const struct message *message)
{
    check_fit(self, gather_message(self->broadcasts, topic, message), topic);
}

void front_flush(struct front *self)
{
    gather_flush(self->replies);
    gather_flush(self->broadcasts);
}

/* Receiving */

/* The peer's number, or 0 when it chose a routing id of its own. */
static uint32_t peer_of(zmq_msg_t *id)
{
    const unsigned char *bytes = zmq_msg_data(id);

    if (zmq_msg_size(id) != ROUTING_ID_BYTES || bytes[0] != 0)
        return 0;
    return (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 | bytes[4];
}

/* libzmq hands out whole messages only, so this ends. */
static void drain(struct front *self)
{
    zmq_msg_t part;
    bool has_more = true;

    (void)zmq_msg_init(&part);
    while (has_more && zmq_msg_recv(&part, self->router, ZMQ_DONTWAIT) >= 0)
        has_more = zmq_msg_more(&part);
    (void)zmq_msg_close(&part);
}

/* Of the body frame: on the identity frame it can be missing after a poll. */
static const unsigned char *proved_key(struct front *self)
{
    const char *user_id = zmq_msg_gets(&self->body, "User-Id");

    if (user_id == NULL || hex_decode(span_of(user_id), self->key, sizeof(self->key)) != RC_OK)
        return NULL;
    return self->key;
}

/* At a connection's first frame: its round trip is known by then. Once more does no harm. */
static void bound_timer(struct front *self, uint32_t peer)
{
    uint32_t *place = &self->timed[peer % TIMED_COUNT];

    if (*place == peer)
        return;
    *place = peer;
    tcp_bound_timer(zmq_msg_get(&self->body, ZMQ_SRCFD));
}

enum rc front_receive(struct front *self, struct frame *ret)
{
    zmq_msg_t id;
    enum rc rc = RC_OK;

    (void)zmq_msg_init(&id);
    if (zmq_msg_recv(&id, self->router, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&id);
        return RC_END;
    }
    *ret = (struct frame){.from = {peer_of(&id)}};
    (void)zmq_msg_close(&id);
    if (zmq_msg_recv(&self->body, self->router, ZMQ_DONTWAIT) < 0)
        rc = RC_MALFORMED;
    else if (zmq_msg_more(&self->body)) {
        drain(self);
        rc = RC_MALFORMED;
    } else if (zmq_msg_size(&self->body) > FRAME_BYTES_MAX)
        rc = RC_TOO_BIG;
    else if (ret->from.v == 0)
        rc = RC_MALFORMED;
    else if (self->is_secure && (ret->key = proved_key(self)) == NULL)
        rc = RC_MALFORMED;
    if (rc != RC_OK) {
        self->stats.refused++;
        return rc;
    }
    self->stats.received++;
    bound_timer(self, ret->from.v);
    ret->payload = (struct span){zmq_msg_data(&self->body), zmq_msg_size(&self->body)};
    return RC_OK;
}

/* Life */

enum rc front_open(void *zmq_context, const struct front_options *options, struct front **ret,
                   char why[static WHY_BYTES_MAX])
{
    struct front *self = x_alloc(1, sizeof(*self));
    void *monitor[2]; /* without them it is slower on a bad wire, no more */
    mode_t mask = 0;
    enum rc rc = RC_SYSTEM;

    self->is_secure = options->secret_key != NULL;
    self->replies = gather_new(false, send_gathered_reply, self);
    self->broadcasts = gather_new(true, send_gathered_broadcast, self);
    (void)zmq_msg_init(&self->body);
    if (!open_sockets(self, zmq_context, options)) {
        snprintf(why, WHY_BYTES_MAX, "cannot open the sockets: %s", zmq_strerror(errno));
        goto failed;
    }
    /* Without CURVE the mode of a socket file is all that keeps other users out. */
    if (!self->is_secure)
        mask = umask(0077);
    for (size_t i = 0; i < 2; i++)
        monitor[i] = listeners_watch(zmq_context, i == 0 ? self->router : self->pub);
    rc = bind_pair(self->router, self->pub, options->addresses, options->address_count,
                   options->port, &self->port, why);
    for (size_t i = 0; i < 2; i++)
        listeners_tell(i == 0 ? self->router : self->pub, &monitor[i], tcp_retransmit_steadily);
    if (!self->is_secure)
        (void)umask(mask);
    if (rc != RC_OK)
        goto failed;
    self->bound_count = options->address_count;
    self->bound = x_alloc(self->bound_count, sizeof(*self->bound));
    memcpy(self->bound, options->addresses, self->bound_count * sizeof(*self->bound));
    *ret = self;
    return RC_OK;
failed:
    front_close(&self);
    return rc;
}

void front_close(struct front **self_p)
{
    struct front *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    bind_remove_files(self->bound, self->bound_count);
    free(self->bound);
    if (self->router != NULL)
        (void)zmq_close(self->router);
    if (self->pub != NULL)
        (void)zmq_close(self->pub);
    (void)zmq_msg_close(&self->body);
    gather_destroy(&self->replies);
    gather_destroy(&self->broadcasts);
    free(self);
}

uint16_t front_port(const struct front *self)
{
    return self->port;
}

void *front_commands(struct front *self)
{
    return self->router;
}

void *front_broadcasts(struct front *self)
{
    return self->pub;
}

const struct front_stats *front_get_stats(const struct front *self)
{
    return &self->stats;
}
