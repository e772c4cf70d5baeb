#include "broker/net/zap.h"

#include "broker/net/throttle.h"
#include "broker/net/zap_queue.h"
#include "broker/net/zap_request.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/url.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <zmq.h>

#define PLACES          16384 /* addresses, and keys, whose handshakes are counted */
#define PATIENCE_MS     1500  /* for a turn: less than what makes a connection silent (doorman.c) */
#define ENVELOPE_FRAMES 2     /* the ROUTER's name for who asks, and an empty one */
#define MESSAGE_FRAMES  (ENVELOPE_FRAMES + ZAP_FRAMES)

struct zap {
    void *control;  /* the owner's end of the pair */
    void *commands; /* the thread's end */
    void *requests; /* ROUTER on ZAP_ENDPOINT: an answer may come later than the next request */
    struct keyring *keyring;
    bool has_cluster;
    unsigned char cluster_key[PUBLIC_KEY_BYTES];
    struct throttle *addresses;
    struct throttle *keys;
    struct zap_queue queue;
    uint64_t told_ms; /* when a refusal was logged last */
    pthread_t thread;
    pthread_mutex_t mutex; /* of the stats */
    struct zap_stats stats;
};

/* Read one whole message, however long, into `buf`; returns how many frames it had, 0 when interrupted. */
static size_t receive(void *socket, char buf[static MESSAGE_FRAMES][ZAP_FRAME_BYTES],
                      struct span frames[static MESSAGE_FRAMES])
{
    size_t count = 0;
    int more = 1;
    size_t more_size = sizeof(more);

    while (more) {
        char excess[1];
        const bool is_kept = count < MESSAGE_FRAMES;
        int len = zmq_recv(socket, is_kept ? buf[count] : excess, is_kept ? ZAP_FRAME_BYTES : 0, 0);

        if (len < 0)
            return 0;
        if (is_kept) /* a longer one becomes none, which fits nowhere */
            frames[count] =
                (struct span){buf[count], (size_t)len <= ZAP_FRAME_BYTES ? (size_t)len : 0};
        count++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
            return 0;
    }
    return count;
}

struct judgement {
    const char *status;
    const char *text;
    uint64_t *counter;
};

/* Whoever has the cluster's key is a broker of it, and nobody else comes in there. */
static struct judgement judge_broker(struct zap *self,
                                     const unsigned char key[static PUBLIC_KEY_BYTES])
{
    if (self->has_cluster && memcmp(key, self->cluster_key, sizeof(self->cluster_key)) == 0)
        return (struct judgement){"200", "OK", &self->stats.admitted};
    return (struct judgement){"400", "not the key of this cluster", &self->stats.strangers};
}

static struct judgement judge_key(struct zap *self, enum door door,
                                  const unsigned char key[static PUBLIC_KEY_BYTES])
{
    struct zap_stats *stats = &self->stats;
    const enum key_verdict verdict =
        self->keyring == NULL ? KEY_MAY_ENTER : keyring_judge(self->keyring, key, door);

    switch (verdict) {
    case KEY_MAY_ENTER:
        return (struct judgement){"200", "OK", &stats->admitted};
    case KEY_EXPELLED:
        return (struct judgement){"400", "this key was expelled", &stats->expelled};
    case KEY_NOT_YET:
        return (struct judgement){"300", "this key is not known yet", &stats->strangers};
    case KEY_STRANGER:
        break;
    }
    return (struct judgement){"400", "this key is not known", &stats->strangers};
}

static struct judgement judge(struct zap *self, enum door door,
                              const unsigned char key[static PUBLIC_KEY_BYTES])
{
    return door == DOOR_BROKERS ? judge_broker(self, key) : judge_key(self, door, key);
}

static uint64_t refused(const struct zap_stats *stats)
{
    return stats->malformed + stats->expelled + stats->strangers + stats->per_address +
           stats->per_key;
}

/* One line a second at most: strangers decide how often this happens. */
static void tell_refused(struct zap *self, const char *reason, uint64_t now_ms)
{
    if (self->told_ms != 0 && now_ms < self->told_ms + 1000)
        return;
    self->told_ms = now_ms;
    log_warn("zap.refused", "reason=\"%s\" total=%" PRIu64, reason, refused(&self->stats));
}

static void count_up(struct zap *self, uint64_t *counter)
{
    (void)pthread_mutex_lock(&self->mutex);
    ++*counter;
    (void)pthread_mutex_unlock(&self->mutex);
}

/* Answer; `key` is of whoever is let in. */
static void answer(struct zap *self, const struct zap_asker *asker,
                   const struct judgement *judgement, const unsigned char *key, uint64_t now_ms)
{
    char user_id[2 * PUBLIC_KEY_BYTES + 1] = "";

    count_up(self, judgement->counter);
    if (judgement->counter == &self->stats.admitted)
        hex_encode(key, PUBLIC_KEY_BYTES, user_id);
    else
        tell_refused(self, judgement->text, now_ms);
    (void)zmq_send(self->requests, asker->route, asker->route_len, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, "", 0, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, asker->id, asker->id_len, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, judgement->status, 3, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, judgement->text, strlen(judgement->text), ZMQ_SNDMORE);
    (void)zmq_send(self->requests, user_id, strlen(user_id), ZMQ_SNDMORE);
    (void)zmq_send(self->requests, "", 0, 0);
}

/* By the limits alone: true when the key is to be judged, at waiting->due_ms. */
static bool gets_a_turn(struct zap *self, const struct zap_request *request, uint64_t now_ms,
                        struct zap_waiting *waiting, struct judgement *ret)
{
    uint64_t wait_ms;

    if (throttle_take(self->addresses, request->address.bytes, ADDRESS_BYTES, now_ms) != 0) {
        *ret = (struct judgement){"300", "too many handshakes from this address",
                                  &self->stats.per_address};
        return false;
    }
    wait_ms = throttle_take(self->keys, request->key, PUBLIC_KEY_BYTES, now_ms);
    if (wait_ms != THROTTLE_TOO_OFTEN) {
        waiting->due_ms = now_ms + wait_ms;
        waiting->door = request->door;
        memcpy(waiting->key, request->key, PUBLIC_KEY_BYTES);
        if (wait_ms == 0 || zap_queue_put(&self->queue, waiting))
            return true;
        throttle_give_back(self->keys, request->key, PUBLIC_KEY_BYTES, now_ms);
    }
    *ret = (struct judgement){"300", "too many handshakes with this key", &self->stats.per_key};
    return false;
}

static void take_request(struct zap *self)
{
    char buf[MESSAGE_FRAMES][ZAP_FRAME_BYTES];
    struct span frames[MESSAGE_FRAMES];
    struct zap_waiting waiting = {0};
    struct zap_request request;
    struct judgement judgement;
    const size_t frame_count = receive(self->requests, buf, frames);
    const uint64_t now_ms = clock_mono_ms();
    const char *malformed;

    if (frame_count <= ENVELOPE_FRAMES || frames[1].len != 0)
        return; /* from no REQ, and not from libzmq: there is nobody to answer */
    malformed = zap_request_read(&frames[ENVELOPE_FRAMES], frame_count - ENVELOPE_FRAMES, &request);
    waiting.asker.route_len = (unsigned char)frames[0].len;
    memcpy(waiting.asker.route, frames[0].ptr, frames[0].len);
    waiting.asker.id_len = (unsigned char)request.id.len;
    if (request.id.len > 0)
        memcpy(waiting.asker.id, request.id.ptr, request.id.len);
    if (malformed != NULL)
        judgement = (struct judgement){"400", malformed, &self->stats.malformed};
    else if (gets_a_turn(self, &request, now_ms, &waiting, &judgement)) {
        if (waiting.due_ms > now_ms) {
            count_up(self, &self->stats.delayed);
            return;
        }
        judgement = judge(self, request.door, request.key);
    }
    answer(self, &waiting.asker, &judgement, waiting.key, now_ms);
}

/* Whose turn has come is judged now, not by what held when they came. */
static void answer_waiting(struct zap *self)
{
    const uint64_t now_ms = clock_mono_ms();
    struct zap_waiting waiting;

    while (zap_queue_take(&self->queue, now_ms, &waiting)) {
        const struct judgement judgement = judge(self, waiting.door, waiting.key);

        answer(self, &waiting.asker, &judgement, waiting.key, now_ms);
    }
}

/* New rates; false: stop. */
static bool take_order(struct zap *self)
{
    struct zap_options rates;
    const int len = zmq_recv(self->commands, &rates, sizeof(rates), ZMQ_DONTWAIT);

    if (len != (int)sizeof(rates))
        return len < 0;
    throttle_set(self->addresses, rates.per_address, rates.per_address_burst);
    throttle_set(self->keys, rates.per_key, rates.per_key_burst);
    return true;
}

static void *serve(void *context)
{
    struct zap *self = context;
    zmq_pollitem_t items[] = {{.socket = self->commands, .events = ZMQ_POLLIN},
                              {.socket = self->requests, .events = ZMQ_POLLIN}};

    for (;;) {
        /* Signals are blocked here; should one come through, it stops nothing. */
        if (zmq_poll(items, 2, zap_queue_wait_ms(&self->queue, clock_mono_ms())) < 0) {
            if (errno == EINTR)
                continue;
            break; /* the context is gone */
        }
        if ((items[0].revents & ZMQ_POLLIN) && !take_order(self))
            break;
        if (items[1].revents & ZMQ_POLLIN)
            take_request(self);
        answer_waiting(self);
    }
    return NULL;
}

static void close_sockets(struct zap *self)
{
    void *sockets[] = {self->requests, self->commands, self->control};
    const int linger_ms = 0;

    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        if (sockets[i] == NULL)
            continue;
        (void)zmq_setsockopt(sockets[i], ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
        (void)zmq_close(sockets[i]);
    }
}

static void destroy(struct zap *self)
{
    close_sockets(self);
    throttle_destroy(&self->addresses);
    throttle_destroy(&self->keys);
    zap_queue_clear(&self->queue);
    (void)pthread_mutex_destroy(&self->mutex);
    free(self);
}

enum rc zap_start(void *zmq_context, const struct zap_options *options, struct zap **ret)
{
    struct zap *self = x_alloc(1, sizeof(*self));
    char pair[64];
    int failure;

    (void)pthread_mutex_init(&self->mutex, NULL);
    self->keyring = options->keyring;
    self->has_cluster = options->has_cluster;
    memcpy(self->cluster_key, options->cluster_key, sizeof(self->cluster_key));
    self->addresses = throttle_new(PLACES, options->per_address, options->per_address_burst, 0);
    self->keys = throttle_new(PLACES, options->per_key, options->per_key_burst, PATIENCE_MS);
    snprintf(pair, sizeof(pair), "inproc://zap-control-%p", (void *)self);
    self->requests = zmq_socket(zmq_context, ZMQ_ROUTER);
    self->control = zmq_socket(zmq_context, ZMQ_PAIR);
    self->commands = zmq_socket(zmq_context, ZMQ_PAIR);
    if (self->requests == NULL || self->control == NULL || self->commands == NULL ||
        zmq_bind(self->requests, ZAP_ENDPOINT) != 0 || zmq_bind(self->control, pair) != 0 ||
        zmq_connect(self->commands, pair) != 0)
        goto failed;
    failure = pthread_create(&self->thread, NULL, serve, self);
    if (failure != 0) {
        errno = failure;
        goto failed;
    }
    *ret = self;
    return RC_OK;
failed:
    failure = errno;
    destroy(self);
    errno = failure;
    return RC_SYSTEM;
}

static void give_order(struct zap *self, const void *order, size_t size)
{
    while (zmq_send(self->control, order, size, 0) < 0 && errno == EINTR)
        ;
}

void zap_set_rates(struct zap *self, const struct zap_options *options)
{
    give_order(self, options, sizeof(*options));
}

void zap_stop(struct zap **self_p)
{
    struct zap *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    give_order(self, "", 0);
    (void)pthread_join(self->thread, NULL);
    log_info("zap.served",
             "admitted=%" PRIu64 " malformed=%" PRIu64 " expelled=%" PRIu64 " strangers=%" PRIu64
             " per_address=%" PRIu64 " per_key=%" PRIu64 " delayed=%" PRIu64,
             self->stats.admitted, self->stats.malformed, self->stats.expelled,
             self->stats.strangers, self->stats.per_address, self->stats.per_key,
             self->stats.delayed);
    destroy(self);
}

void zap_get_stats(struct zap *self, struct zap_stats *ret)
{
    (void)pthread_mutex_lock(&self->mutex);
    *ret = self->stats;
    (void)pthread_mutex_unlock(&self->mutex);
}
