#include "broker/net/front.h"

#include "broker/net/cut.h"
#include "broker/net/doorman.h"
#include "broker/net/gather.h"
#include "broker/net/peer_address.h"
#include "broker/net/sockopt.h"
#include "broker/net/zap_request.h"
#include "shared/base/alloc.h"
#include "shared/base/log.h"
#include "shared/base/tcp.h"
#include "shared/crypt/seal.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
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
#define KNOWN_COUNT 8192

/* How long a PUB socket that cannot be opened anew is tried again, in steps. Descriptors may have run out; those
 * of the old one come back. */
#define REOPEN_TRIES   20
#define REOPEN_STEP_MS 50

/* The connection of one peer. */
struct known {
    uint32_t peer; /* 0: none */
    int fd;
    uint64_t id; /* of cut_id() */
    struct peer_address address;
    unsigned char key[PUBLIC_KEY_BYTES]; /* not with --insecure */
};

struct front {
    void *zmq_context;
    void *router;
    void *pub;
    struct bound *bound;
    struct doorman *doorman;   /* NULL: nobody counts */
    struct gather *replies;    /* by the number in the routing id, as it lies in memory */
    struct gather *broadcasts; /* by topic */
    zmq_msg_t body;            /* of the frame received last */
    unsigned char key[PUBLIC_KEY_BYTES];
    bool is_secure;
    struct front_stats stats;
    struct known known[KNOWN_COUNT]; /* by number */
    const unsigned char *public_key; /* borrowed, for a PUB socket that is opened anew */
    const unsigned char *secret_key;
    char box[FRAME_BYTES_MAX];
};

/* Socket options */

static bool set_common(const struct front *self, void *socket, int64_t message_bytes_max,
                       const char *zap_domain)
{
    static const struct int_option common[] = {
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_LINGER, 1000},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 5},
        {ZMQ_TCP_KEEPALIVE_CNT, 10}, /* half of them are lost where a third of the packets is */
    };
    static const struct int_option curve[] = {{ZMQ_CURVE_SERVER, 1}, {ZMQ_ZAP_ENFORCE_DOMAIN, 1}};

    if (!sockopt_set_ints(socket, common, sizeof(common) / sizeof(common[0])) ||
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof(message_bytes_max)) != 0)
        return false;
    if (!self->is_secure)
        return true;
    return sockopt_set_ints(socket, curve, sizeof(curve) / sizeof(curve[0])) &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->public_key, PUBLIC_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->secret_key, PUBLIC_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, zap_domain, strlen(zap_domain)) == 0;
}

static void close_socket(const struct front *self, void *socket)
{
    if (socket == NULL)
        return;
    if (self->doorman != NULL)
        doorman_leave(self->doorman, socket);
    (void)zmq_close(socket);
}

/* What is on its way to peers is dropped. */
static void close_at_once(const struct front *self, void *socket)
{
    const int linger_ms = 0;
    const int failure = errno;

    if (socket != NULL)
        (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    close_socket(self, socket);
    errno = failure;
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

static void *open_router(const struct front *self)
{
    static const struct int_option options[] = {
        {ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_RCVHWM, ROUTER_RCVHWM}, {ZMQ_SNDHWM, ROUTER_SNDHWM}};
    void *socket = zmq_socket(self->zmq_context, ZMQ_ROUTER);

    if (socket != NULL && sockopt_set_ints(socket, options, 3) &&
        set_common(self, socket, FRAME_BYTES_MAX + CURVE_OVERHEAD_BYTES, ZAP_DOMAIN_COMMANDS))
        return socket;
    close_at_once(self, socket);
    return NULL;
}

static void *open_pub(const struct front *self)
{
    static const struct int_option options[] = {{ZMQ_RCVHWM, PUB_RCVHWM}, {ZMQ_SNDHWM, PUB_SNDHWM}};
    void *socket = zmq_socket(self->zmq_context, ZMQ_PUB);

    if (socket != NULL && sockopt_set_ints(socket, options, 2) &&
        set_common(self, socket, PUB_IN_BYTES_MAX, ZAP_DOMAIN_BROADCASTS))
        return socket;
    close_at_once(self, socket);
    return NULL;
}

/* Watched from before it is bound, so that no connection goes uncounted. */
static enum rc serve(const struct front *self, enum door door, void *socket, char *why)
{
    if (self->doorman == NULL || doorman_watch(self->doorman, socket) == RC_OK)
        return bind_attach(self->bound, door, socket, why);
    snprintf(why, WHY_BYTES_MAX, "cannot watch the connections: %s", zmq_strerror(errno));
    return RC_SYSTEM;
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

size_t front_flush(struct front *self, size_t many)
{
    gather_flush(self->replies);
    if (many > 0)
        return gather_flush_below(self->broadcasts, many);
    gather_flush(self->broadcasts);
    return 0;
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

/* Which libzmq remembers from accepting; without it, it counts as local. */
static struct peer_address address_of(struct front *self)
{
    const char *text = zmq_msg_gets(&self->body, "Peer-Address");

    return peer_address_parse(text == NULL ? SPAN("") : span_of(text));
}

/* At a connection's first frame: its round trip is known by then. Once more does no harm. */
static const struct known *get_to_know(struct front *self, uint32_t peer, bool *ret_is_new)
{
    struct known *known = &self->known[peer % KNOWN_COUNT];

    *ret_is_new = known->peer != peer;
    if (known->peer == peer)
        return known;
    known->peer = peer;
    known->fd = zmq_msg_get(&self->body, ZMQ_SRCFD);
    known->id = cut_id(known->fd);
    known->address = address_of(self);
    memcpy(known->key, self->key, sizeof(known->key));
    tcp_bound_timer(known->fd);
    return known;
}

size_t front_expel(struct front *self, const unsigned char *key)
{
    size_t count = 0;

    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        const struct known gone = self->known[i];

        if (gone.peer == 0 || memcmp(gone.key, key, sizeof(gone.key)) != 0)
            continue;
        self->known[i] = (struct known){.peer = 0};
        count += cut_off(gone.fd, gone.id);
    }
    return count;
}

static enum rc refuse(uint64_t *counter, enum rc rc)
{
    (*counter)++;
    return rc;
}

/* The body of the message whose routing id was read. */
static enum rc judge(struct front *self, struct frame *ret)
{
    struct front_stats *stats = &self->stats;

    if (zmq_msg_recv(&self->body, self->router, ZMQ_DONTWAIT) < 0)
        return refuse(&stats->refused_parts, RC_MALFORMED);
    if (zmq_msg_more(&self->body)) {
        drain(self);
        return refuse(&stats->refused_parts, RC_MALFORMED);
    }
    if (zmq_msg_size(&self->body) > FRAME_BYTES_MAX)
        return refuse(&stats->refused_size, RC_TOO_BIG);
    if (ret->from.v == 0)
        return refuse(&stats->refused_id, RC_MALFORMED);
    if (self->is_secure && (ret->key = proved_key(self)) == NULL)
        return refuse(&stats->refused_key, RC_MALFORMED);
    return RC_OK;
}

enum rc front_receive(struct front *self, struct frame *ret)
{
    zmq_msg_t id;
    enum rc rc;

    (void)zmq_msg_init(&id);
    if (zmq_msg_recv(&id, self->router, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&id);
        return RC_END;
    }
    *ret = (struct frame){.from = {peer_of(&id)}};
    (void)zmq_msg_close(&id);
    rc = judge(self, ret);
    if (rc != RC_OK) {
        self->stats.refused++;
        return rc;
    }
    self->stats.received++;
    ret->address = get_to_know(self, ret->from.v, &ret->is_new)->address.bytes;
    ret->payload = (struct span){zmq_msg_data(&self->body), zmq_msg_size(&self->body)};
    return RC_OK;
}

/* Life */

static enum rc open_doors(struct front *self, const struct front_options *options, char *why)
{
    mode_t mask = 0;
    enum rc rc;

    /* Without CURVE the mode of a socket file is all that keeps other users out. */
    if (!self->is_secure)
        mask = umask(0077);
    rc = bind_open(options->addresses, options->address_count, options->port, &self->bound, why);
    if (!self->is_secure)
        (void)umask(mask);
    if (rc != RC_OK)
        return rc;
    if (!seed_routing_ids() || (self->router = open_router(self)) == NULL ||
        (self->pub = open_pub(self)) == NULL) {
        snprintf(why, WHY_BYTES_MAX, "cannot open the sockets: %s", zmq_strerror(errno));
        return RC_SYSTEM;
    }
    rc = serve(self, DOOR_COMMANDS, self->router, why);
    return rc == RC_OK ? serve(self, DOOR_BROADCASTS, self->pub, why) : rc;
}

enum rc front_open(void *zmq_context, const struct front_options *options, struct front **ret,
                   char why[static WHY_BYTES_MAX])
{
    struct front *self = x_alloc(1, sizeof(*self));
    enum rc rc;

    self->zmq_context = zmq_context;
    self->doorman = options->doorman;
    self->is_secure = options->secret_key != NULL;
    self->public_key = options->public_key;
    self->secret_key = options->secret_key;
    self->replies = gather_new(false, send_gathered_reply, self);
    self->broadcasts = gather_new(true, send_gathered_broadcast, self);
    (void)zmq_msg_init(&self->body);
    rc = open_doors(self, options, why);
    if (rc == RC_OK)
        *ret = self;
    else
        front_close(&self);
    return rc;
}

enum rc front_cut(struct front *self)
{
    const struct timespec step = {.tv_nsec = REOPEN_STEP_MS * 1000000L};
    char why[WHY_BYTES_MAX] = "no socket";
    void *fresh = NULL;

    for (int tries = 0; tries < REOPEN_TRIES && fresh == NULL; tries++) {
        if (tries > 0)
            (void)nanosleep(&step, NULL);
        fresh = open_pub(self);
        if (fresh != NULL && serve(self, DOOR_BROADCASTS, fresh, why) != RC_OK) {
            close_at_once(self, fresh);
            fresh = NULL;
        }
        /* Whether there is a new one or not: nobody hears what comes now. */
        close_at_once(self, self->pub);
        self->pub = NULL;
    }
    self->pub = fresh;
    if (fresh != NULL)
        return RC_OK;
    log_error("front.cut", "%s: nobody can listen any more", why);
    return RC_SYSTEM;
}

void front_close(struct front **self_p)
{
    struct front *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    bind_close(&self->bound);
    close_socket(self, self->router);
    close_socket(self, self->pub);
    (void)zmq_msg_close(&self->body);
    gather_destroy(&self->replies);
    gather_destroy(&self->broadcasts);
    free(self);
}

uint16_t front_port(const struct front *self)
{
    return bind_port(self->bound);
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
