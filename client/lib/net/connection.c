#include "client/lib/net/connection.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/limits.h"
#include "shared/base/tcp.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define LINGER_MS            200
#define EXTRA_MAX            16
#define WRONG_KEY_FAILURES   3
#define SUB_AGAIN_MS         1000 /* a SUB that was refused: libzmq does not try again, we do */
#define SUB_RECONNECT_MS     100
#define SUB_RECONNECT_MAX_MS 2000
#define MESSAGE_SLACK_BYTES  1024 /* topic and CURVE's own bytes */

/* Probes of a quiet connection, 5 s apart. On a wire that loses a third both ways half of them find no answer;
 * with 3, every quiet SUB took its healthy DEALER along once a minute. A dead link is found by PING. */
#define KEEPALIVE_COUNT 10

/* How far a socket came. */
enum stage { STAGE_RESOLVING, STAGE_CONNECTING, STAGE_SHAKING, STAGE_READY, STAGE_GONE };

struct link {
    void *socket;
    void *monitor;
    enum stage stage;
};

struct connection {
    void *context;
    struct broker_url url;
    struct key_pair *keys; /* in memory of its own, locked when the system allows it */
    struct link dealer;
    struct link sub;
    zmq_msg_t frame;   /* the one lent out by connection_receive() */
    bool is_ready;     /* READY was told */
    bool is_listening; /* the SUB was told to connect */
    uint64_t deadline_ms;
    uint32_t patience_ms;        /* of this attempt */
    unsigned handshake_failures; /* in a row */
    unsigned opened;             /* attempts; names the monitors */
    unsigned failed;             /* the last attempt whose handshake failed */
    struct why trouble;          /* of the last attempt that failed; "" when none did */
};

struct connection *connection_new(const struct broker_url *url, const struct key_pair *keys)
{
    void *context = zmq_ctx_new();
    struct key_pair *own = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*own));
    struct connection *self;

    if (context == NULL || own == NULL) {
        sodium_free(own);
        if (context != NULL)
            (void)zmq_ctx_term(context);
        return NULL;
    }
    *own = *keys;
    self = x_alloc(1, sizeof(*self));
    self->context = context;
    self->url = *url;
    broker_url_strip_invite(&self->url);
    self->keys = own;
    self->deadline_ms = UINT64_MAX;
    zmq_msg_init(&self->frame);
    return self;
}

void connection_destroy(struct connection **self_p)
{
    struct connection *self = *self_p;

    if (self == NULL)
        return;
    connection_close(self);
    zmq_msg_close(&self->frame);
    while (zmq_ctx_term(self->context) != 0 && errno == EINTR)
        ;                    /* bounded by the sockets' linger */
    sodium_free(self->keys); /* wipes it */
    free(self);
    *self_p = NULL;
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_options(const struct connection *self, void *socket, int type)
{
    int64_t size_max = FRAME_BYTES_MAX + MESSAGE_SLACK_BYTES;
    bool is_set =
        set_int(socket, ZMQ_LINGER, LINGER_MS) &&
        set_int(socket, ZMQ_RECONNECT_IVL, type == ZMQ_SUB ? SUB_RECONNECT_MS : -1) &&
        set_int(socket, ZMQ_RECONNECT_IVL_MAX, type == ZMQ_SUB ? SUB_RECONNECT_MAX_MS : 0) &&
        set_int(socket, ZMQ_IPV6, 1) && set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
        set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 15) &&
        set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 5) &&
        set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT) &&
        set_int(socket, ZMQ_RCVHWM, 8192) &&
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) == 0;

    /* Without it, commands would wait in a pipe for a connection that may never come, and go
     * out twice when the model repeats them. */
    if (type == ZMQ_DEALER)
        is_set = is_set && set_int(socket, ZMQ_IMMEDIATE, 1);
    if (self->url.has_key)
        is_set =
            is_set &&
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, self->url.key, PUBLIC_KEY_BYTES) == 0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->keys->public_key, PUBLIC_KEY_BYTES) ==
                0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->keys->secret_key, PUBLIC_KEY_BYTES) ==
                0;
    return is_set;
}

static void close_link(struct link *link)
{
    if (link->socket != NULL) {
        zmq_socket_monitor(link->socket, NULL, 0);
        zmq_close(link->socket);
    }
    if (link->monitor != NULL)
        zmq_close(link->monitor);
    *link = (struct link){.stage = STAGE_GONE};
}

static bool open_link(struct connection *self, struct link *link, int type)
{
    char address[64];
    int events = ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED |
                 ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

    *link = (struct link){.stage = STAGE_RESOLVING};
    snprintf(address, sizeof(address), "inproc://monitor-%u-%d", self->opened, type);
    link->socket = zmq_socket(self->context, type);
    link->monitor = zmq_socket(self->context, ZMQ_PAIR);
    if (link->socket == NULL || link->monitor == NULL)
        return false;
    return set_int(link->monitor, ZMQ_LINGER, 0) && set_options(self, link->socket, type) &&
           zmq_socket_monitor(link->socket, address, events) == 0 &&
           zmq_connect(link->monitor, address) == 0;
}

enum rc connection_open(struct connection *self, uint64_t now_ms, uint32_t patience_ms)
{
    char commands[URL_BYTES_MAX], broadcasts[URL_BYTES_MAX];

    connection_close(self);
    broker_url_endpoints(&self->url, commands, broadcasts);
    self->opened++;
    if (!open_link(self, &self->dealer, ZMQ_DEALER) || !open_link(self, &self->sub, ZMQ_SUB) ||
        zmq_connect(self->dealer.socket, commands) != 0) {
        int problem = errno;

        connection_close(self);
        why_set(&self->trouble, "cannot connect to %s: %s", commands, zmq_strerror(problem));
        return RC_SYSTEM;
    }
    self->patience_ms = patience_ms;
    self->deadline_ms = now_ms + patience_ms;
    return RC_OK;
}

void connection_listen(struct connection *self, uint64_t now_ms)
{
    char commands[URL_BYTES_MAX], broadcasts[URL_BYTES_MAX];

    if (self->sub.socket == NULL || self->is_listening)
        return;
    broker_url_endpoints(&self->url, commands, broadcasts);
    self->is_listening = true;
    self->deadline_ms = now_ms + LINK_DEAD_MS;
    if (zmq_connect(self->sub.socket, broadcasts) != 0) /* tried again by opening both anew */
        self->deadline_ms = now_ms + SUB_AGAIN_MS;
}

void connection_close(struct connection *self)
{
    close_link(&self->dealer);
    close_link(&self->sub);
    self->is_ready = self->is_listening = false;
    self->deadline_ms = UINT64_MAX;
}

bool connection_is_open(const struct connection *self)
{
    return self->dealer.socket != NULL;
}

uint64_t connection_deadline_ms(const struct connection *self)
{
    return self->deadline_ms;
}

/* Take one event off a monitor: its number and its value. */
static bool next_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value)
{
    unsigned char head[6];
    int more = 0;
    size_t size = sizeof(more);

    if (monitor == NULL || zmq_recv(monitor, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
        return false;
    memcpy(ret_event, head, sizeof(*ret_event));
    memcpy(ret_value, head + sizeof(*ret_event), sizeof(*ret_value));
    while (zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &size) == 0 && more != 0) {
        char endpoint[1]; /* cut: we know it */

        if (zmq_recv(monitor, endpoint, sizeof(endpoint), ZMQ_DONTWAIT) < 0)
            break;
    }
    return true;
}

static void address_of(const struct connection *self, char buf[static 300])
{
    if (self->url.is_ipc)
        snprintf(buf, 300, "%s", self->url.host);
    else
        snprintf(buf, 300, "%s:%u", self->url.host, (unsigned)self->url.port);
}

static void explain_handshake(struct connection *self, uint16_t event)
{
    char address[300], fingerprint[40], words[KEY_WORDS_BYTES];

    address_of(self, address);
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        why_set(&self->trouble, "the broker at %s cannot check keys now", address);
        return;
    }
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && !self->url.has_key) {
        why_set(&self->trouble, "the broker at %s wants encryption: its address ends in ?key=KEY",
                address);
        return;
    }
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
        why_set(&self->trouble, "what listens at %s does not speak encrypted ZeroMQ", address);
        return;
    }
    if (self->failed != self->opened) {
        self->failed = self->opened;
        self->handshake_failures++;
    }
    if (!self->url.has_key) {
        why_set(&self->trouble,
                "%s closes the connection at once; a broker that encrypts wants ?key=KEY in its "
                "address",
                address);
        return;
    }
    key_fingerprint(self->url.key, fingerprint);
    key_words(self->url.key, words);
    /* libzmq tells no more: a broker with another key ends it so, one with too many connections from here, and a
     * forwarder with nobody behind it too. */
    why_set(&self->trouble,
            "%s ends the handshake: what listens there does not hold the key [%s] (%s), or "
            "forwards to a broker "
            "that does not run, or takes no more connections from here now",
            address, fingerprint, words);
}

static void explain_closed(struct connection *self)
{
    char address[300];

    address_of(self, address);
    why_set(&self->trouble, "cannot connect to %s: %s", address,
            self->url.is_ipc                  ? "nobody listens there"
            : broker_url_is_local(&self->url) ? "connection refused"
                                              : "connection refused, or no way there");
}

static enum connection_change on_event(struct connection *self, struct link *link, uint16_t event,
                                       uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_CONNECT_DELAYED:
        link->stage = STAGE_CONNECTING;
        return CONNECTION_SAME;
    case ZMQ_EVENT_CONNECTED:
        link->stage = STAGE_SHAKING;
        tcp_retransmit_steadily((int)value); /* its descriptor; another's by now does no harm */
        tcp_bound_timer((int)value);
        return CONNECTION_SAME;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        link->stage = STAGE_READY;
        return CONNECTION_SAME;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link->stage = STAGE_GONE;
        if (value / 100 == 4) /* as ZAP says it: about this key; else the broker has a trouble */
            return CONNECTION_REFUSED;
        explain_handshake(self, event);
        return CONNECTION_LOST;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        link->stage = STAGE_GONE;
        explain_handshake(self, event);
        return CONNECTION_LOST;
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_DISCONNECTED:
        if (link->stage == STAGE_RESOLVING || link->stage == STAGE_CONNECTING)
            explain_closed(self);
        else if (link->stage == STAGE_READY)
            why_set(&self->trouble, "the broker closed the connection");
        link->stage = STAGE_GONE;
        return CONNECTION_LOST;
    default:
        return CONNECTION_SAME;
    }
}

/* The SUB comes and goes by itself, but not for long: while the broker cannot be heard, too much is missed. */
static enum connection_change on_sub_event(struct connection *self, uint16_t event, uint32_t value,
                                           uint64_t now_ms)
{
    const bool was_ready = self->sub.stage == STAGE_READY;
    struct why before = self->trouble;
    enum connection_change change = on_event(self, &self->sub, event, value);

    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        self->deadline_ms = UINT64_MAX;
        return CONNECTION_LISTENING;
    }
    if (change == CONNECTION_SAME)
        return change;
    self->trouble = before; /* the way of commands is open */
    if (event != ZMQ_EVENT_CLOSED && event != ZMQ_EVENT_DISCONNECTED)
        self->deadline_ms = now_ms + SUB_AGAIN_MS;
    else if (was_ready)
        self->deadline_ms = now_ms + LINK_DEAD_MS;
    return CONNECTION_SAME;
}

/* Read one monitor to its end; the worst news count. */
static enum connection_change watch_link(struct connection *self, struct link *link,
                                         uint64_t now_ms)
{
    enum connection_change worst = CONNECTION_SAME;
    uint16_t event;
    uint32_t value;

    while (next_event(link->monitor, &event, &value)) {
        enum connection_change change = link == &self->sub
                                            ? on_sub_event(self, event, value, now_ms)
                                            : on_event(self, link, event, value);

        if (change > worst)
            worst = change;
    }
    return worst;
}

enum connection_change connection_watch(struct connection *self, uint64_t now_ms)
{
    enum connection_change change, other;
    enum stage stage;

    if (!connection_is_open(self))
        return CONNECTION_SAME;
    stage = self->dealer.stage;
    change = watch_link(self, &self->dealer, now_ms);
    other = watch_link(self, &self->sub, now_ms);
    /* Something was heard: over a long way the whole takes longer than LINK_DEAD_MS. */
    if (!self->is_ready && self->dealer.stage > stage)
        self->deadline_ms = now_ms + self->patience_ms;
    if (other > change)
        change = other;
    if (change == CONNECTION_SAME && now_ms >= self->deadline_ms) {
        struct why why;

        if (!self->is_ready) {
            self->trouble.text[0] = '\0'; /* tell how far this attempt came */
            connection_trouble(self, &why);
            self->trouble = why;
        } else {
            why_set(&self->trouble, "the broker answers, but its broadcasts cannot be reached");
        }
        change = CONNECTION_LOST;
    }
    if (change == CONNECTION_SAME && !self->is_ready && self->dealer.stage == STAGE_READY) {
        self->is_ready = true;
        self->deadline_ms = UINT64_MAX;
        self->handshake_failures = 0;
        self->trouble.text[0] = '\0';
        change = CONNECTION_READY;
    }
    return change;
}

enum rc connection_trouble(const struct connection *self, struct why *why)
{
    char address[300];
    enum stage stage = self->dealer.stage;

    if (self->is_ready) {
        why->text[0] = '\0';
        return RC_OK;
    }
    address_of(self, address);
    if (self->trouble.text[0] != '\0')
        why_set(why, "%s", self->trouble.text);
    else if (stage == STAGE_RESOLVING && !self->url.is_ipc)
        why_set(why, "cannot connect to %s: the host's name is not found", address);
    else if (stage == STAGE_SHAKING)
        why_set(why, "%s accepts connections but does not shake hands", address);
    else
        why_set(why, "%s does not answer", address);
    return self->url.has_key && self->handshake_failures >= WRONG_KEY_FAILURES ? RC_WRONG_BROKER
                                                                               : RC_UNREACHABLE;
}

void connection_move(struct connection *self, const struct broker_url *url, enum rc rc)
{
    char address[300];
    struct why why;

    connection_close(self);
    address_of(self, address);
    if (rc == RC_WRONG_BROKER)
        why_set(&self->trouble, "%s serves another chat, and is passed over", address);
    else if (rc != RC_OK)
        why_set(&self->trouble, "%s does not let us in (%s), and is passed over", address,
                rc_name(rc));
    if (broker_url_is_same_place(&self->url, url))
        return;
    connection_trouble(self, &why);
    self->trouble = why;
    self->url = *url;
    self->handshake_failures = self->failed = 0;
}

void connection_subscribe(struct connection *self, struct span topic, bool is_wanted)
{
    char name[TOPIC_BYTES_MAX + 1];

    if (self->sub.socket == NULL || topic.len >= sizeof(name))
        return;
    memcpy(name, topic.ptr, topic.len);
    name[topic.len] = '\0'; /* belongs to the topic (protocol R-9) */
    zmq_setsockopt(self->sub.socket, is_wanted ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, name,
                   topic.len + 1);
}

bool connection_send(struct connection *self, struct span frame)
{
    int events = 0;
    size_t size = sizeof(events);

    if (!self->is_ready || self->dealer.socket == NULL)
        return false;
    /* Makes libzmq look at its mailbox: a pipe that has just come up is not seen otherwise. */
    if (zmq_getsockopt(self->dealer.socket, ZMQ_EVENTS, &events, &size) != 0)
        return false;
    return zmq_send(self->dealer.socket, frame.ptr, frame.len, ZMQ_DONTWAIT) >= 0;
}

bool connection_receive(struct connection *self, bool from_pub, struct span *ret_frame)
{
    void *socket = from_pub ? self->sub.socket : self->dealer.socket;

    if (socket == NULL)
        return false;
    for (;;) {
        bool has_more;

        if (zmq_msg_recv(&self->frame, socket, ZMQ_DONTWAIT) < 0)
            return false;
        has_more = zmq_msg_more(&self->frame) != 0;
        if (!has_more)
            break;
        while (has_more && zmq_msg_recv(&self->frame, socket, ZMQ_DONTWAIT) >= 0)
            has_more = zmq_msg_more(&self->frame) != 0; /* protocol R-5: one frame, else none */
    }
    *ret_frame = (struct span){zmq_msg_data(&self->frame), zmq_msg_size(&self->frame)};
    return true;
}

bool connection_wait(struct connection *self, int timeout_ms, struct pollfd *extra,
                     size_t extra_count)
{
    zmq_pollitem_t item[4 + EXTRA_MAX] = {
        {.socket = self->dealer.socket, .events = ZMQ_POLLIN},
        {.socket = self->sub.socket, .events = ZMQ_POLLIN},
        {.socket = self->dealer.monitor, .events = ZMQ_POLLIN},
        {.socket = self->sub.monitor, .events = ZMQ_POLLIN},
    };
    size_t own = connection_is_open(self) ? 4 : 0;
    bool is_ready = false;

    if (extra_count > EXTRA_MAX)
        extra_count = EXTRA_MAX;
    for (size_t i = 0; i < extra_count; i++) {
        short events = 0;

        events |= (extra[i].events & POLLIN) != 0 ? ZMQ_POLLIN : 0;
        events |= (extra[i].events & POLLOUT) != 0 ? ZMQ_POLLOUT : 0;
        item[own + i] = (zmq_pollitem_t){.fd = extra[i].fd, .events = events};
        extra[i].revents = 0;
    }
    if (zmq_poll(item, (int)(own + extra_count), timeout_ms) <= 0)
        return false;
    for (size_t i = 0; i < extra_count; i++) {
        short revents = item[own + i].revents;

        extra[i].revents |= (revents & ZMQ_POLLIN) != 0 ? POLLIN : 0;
        extra[i].revents |= (revents & ZMQ_POLLOUT) != 0 ? POLLOUT : 0;
        extra[i].revents |= (revents & ZMQ_POLLERR) != 0 ? POLLERR : 0;
        is_ready = is_ready || extra[i].revents != 0;
    }
    return is_ready;
}
