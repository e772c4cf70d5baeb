#include "broker/net/zap.h"

#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/limits.h"
#include "shared/base/log.h"
#include "shared/text/url.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <zmq.h>

/* RFC 27: version, request id, domain, address, identity, mechanism, credentials. */
enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN_, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY };
#define ZAP_FRAMES      7
#define ZAP_FRAME_BYTES 255 /* more of a frame is not looked at, and makes it malformed */

struct zap {
    void *control;  /* the owner's end of the pair */
    void *commands; /* the thread's end */
    void *requests; /* REP on ZAP_ENDPOINT */
    uint64_t refused;
    uint64_t told_ms; /* when a refusal was logged last */
    pthread_t thread;
};

struct zap_frame {
    char data[ZAP_FRAME_BYTES];
    size_t len; /* SIZE_MAX: longer than data */
};

static bool frame_is(const struct zap_frame *frame, const char *text)
{
    return frame->len == strlen(text) && memcmp(frame->data, text, frame->len) == 0;
}

/* Read one whole request, however long; returns how many frames it had, 0 when interrupted. */
static size_t receive_request(void *socket, struct zap_frame frames[static ZAP_FRAMES])
{
    size_t count = 0;
    int more = 1;
    size_t more_size = sizeof(more);

    while (more) {
        char excess[1];
        struct zap_frame *frame = count < ZAP_FRAMES ? &frames[count] : NULL;
        int len = zmq_recv(socket, frame ? frame->data : excess, frame ? ZAP_FRAME_BYTES : 0, 0);

        if (len < 0)
            return 0;
        if (frame != NULL)
            frame->len = (size_t)len <= ZAP_FRAME_BYTES ? (size_t)len : SIZE_MAX;
        count++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
            return 0;
    }
    return count;
}

static bool is_any_byte_set(const struct zap_frame *frame)
{
    for (size_t i = 0; i < frame->len; i++) {
        if (frame->data[i] != 0)
            return true;
    }
    return false;
}

/* Returns the reason of a refusal, or NULL: let in. */
static const char *judge(const struct zap_frame *frames, size_t count)
{
    if (count != ZAP_FRAMES)
        return "malformed request";
    if (!frame_is(&frames[ZAP_VERSION], "1.0"))
        return "version is not 1.0";
    if (!frame_is(&frames[ZAP_DOMAIN_], ZAP_DOMAIN))
        return "unknown domain";
    if (!frame_is(&frames[ZAP_MECHANISM], "CURVE"))
        return "only CURVE is let in";
    if (frames[ZAP_KEY].len != PUBLIC_KEY_BYTES || !is_any_byte_set(&frames[ZAP_KEY]))
        return "not a CURVE key";
    return NULL;
}

/* One line a second at most: strangers decide how often this happens. */
static void tell_refused(struct zap *self, const char *refusal)
{
    const uint64_t now_ms = clock_mono_ms();

    self->refused++;
    if (self->told_ms != 0 && now_ms < self->told_ms + 1000)
        return;
    self->told_ms = now_ms;
    log_warn("zap.refused", "reason=\"%s\" total=%llu", refusal, (unsigned long long)self->refused);
}

static void answer(struct zap *self)
{
    struct zap_frame frames[ZAP_FRAMES];
    size_t count = receive_request(self->requests, frames);
    char user_id[2 * PUBLIC_KEY_BYTES + 1] = "";
    const char *refusal;

    if (count == 0)
        return;
    refusal = judge(frames, count);
    if (refusal == NULL)
        hex_encode((const unsigned char *)frames[ZAP_KEY].data, PUBLIC_KEY_BYTES, user_id);
    else
        tell_refused(self, refusal);
    if (count <= ZAP_REQUEST || frames[ZAP_REQUEST].len == SIZE_MAX)
        frames[ZAP_REQUEST].len = 0; /* the answer must still go out, or REP is stuck */

    /* A failed send leaves the handshake to its timeout: refused, which is the safe side. */
    (void)zmq_send(self->requests, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, frames[ZAP_REQUEST].data, frames[ZAP_REQUEST].len, ZMQ_SNDMORE);
    (void)zmq_send(self->requests, refusal == NULL ? "200" : "400", 3, ZMQ_SNDMORE);
    refusal = refusal == NULL ? "OK" : refusal;
    (void)zmq_send(self->requests, refusal, strlen(refusal), ZMQ_SNDMORE);
    (void)zmq_send(self->requests, user_id, strlen(user_id), ZMQ_SNDMORE);
    (void)zmq_send(self->requests, "", 0, 0);
}

static void *serve(void *context)
{
    struct zap *self = context;
    zmq_pollitem_t items[] = {{.socket = self->commands, .events = ZMQ_POLLIN},
                              {.socket = self->requests, .events = ZMQ_POLLIN}};

    for (;;) {
        /* Signals are blocked here; should one come through, it stops nothing. */
        if (zmq_poll(items, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            break; /* the context is gone */
        }
        if (items[0].revents & ZMQ_POLLIN)
            break;
        if (items[1].revents & ZMQ_POLLIN)
            answer(self);
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

enum rc zap_start(void *zmq_context, struct zap **ret)
{
    struct zap *self = x_alloc(1, sizeof(*self));
    char pair[64];
    int failure;

    snprintf(pair, sizeof(pair), "inproc://zap-control-%p", (void *)self);
    self->requests = zmq_socket(zmq_context, ZMQ_REP);
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
    close_sockets(self);
    free(self);
    errno = failure;
    return RC_SYSTEM;
}

void zap_stop(struct zap **self_p)
{
    struct zap *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    while (zmq_send(self->control, "", 0, 0) < 0 && errno == EINTR)
        ;
    (void)pthread_join(self->thread, NULL);
    close_sockets(self);
    free(self);
}
