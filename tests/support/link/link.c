#include "tests/support/link/link.h"

#include "shared/base/alloc.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING_BYTES 64
#define NONCE_BYTES    8 /* of the counter that travels; a name of 16 bytes stands before it */
#define COOKIE_BYTES   96
#define FLAG_LONG      2
#define FLAG_COMMAND   4
#define READ_BYTES     65536
#define SKIP_BYTES     (1 << 24)

/* Buffers */

static unsigned char *grow(struct link_buffer *self, size_t count)
{
    while (self->capacity - self->len < count) {
        self->capacity = self->capacity == 0 ? 512 : self->capacity * 2;
        self->data = x_realloc(self->data, self->capacity, 1);
    }
    self->len += count;
    return self->data + self->len - count;
}

static void append(struct link_buffer *self, const void *bytes, size_t count)
{
    memcpy(grow(self, count), bytes, count);
}

static void consume(struct link_buffer *self, size_t count)
{
    if (count == 0)
        return;
    self->len -= count;
    memmove(self->data, self->data + count, self->len);
}

static void put_number(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        at[i - 1] = (unsigned char)value;
}

/* Frames */

static void put_frame(struct link *self, unsigned char flags, const unsigned char *body, size_t len)
{
    unsigned char head[9] = {flags};
    size_t head_len = 2;

    if (len > 255) {
        head[0] |= FLAG_LONG;
        head_len = 9;
        put_number(head + 1, len, 8);
    } else {
        head[1] = (unsigned char)len;
    }
    append(&self->out, head, head_len);
    append(&self->out, body, len);
}

/* A nonce: sixteen bytes of name and the next number. */
static void next_nonce(struct link *self, const char *name, unsigned char nonce[24])
{
    memcpy(nonce, name, 16);
    put_number(nonce + 16, ++self->nonce, NONCE_BYTES);
}

/* The handshake */

static void put_greeting(struct link *self, const char *mechanism)
{
    unsigned char greeting[GREETING_BYTES] = {0xff, [9] = 0x7f, 3, 1}; /* 3.1 */

    memcpy(greeting + 12, mechanism, strlen(mechanism));
    append(&self->out, greeting, sizeof(greeting));
}

static void put_hello(struct link *self)
{
    static const unsigned char zeros[64];
    unsigned char nonce[24], body[200] = {5, 'H', 'E', 'L', 'L', 'O', 1, 0};

    put_greeting(self, "CURVE");
    (void)crypto_box_keypair(self->brief.public_key, self->brief.secret_key);
    next_nonce(self, "CurveZMQHELLO---", nonce);
    memcpy(body + 80, self->brief.public_key, LINK_KEY_BYTES);
    memcpy(body + 112, nonce + 16, NONCE_BYTES);
    if (crypto_box_easy(body + 120, zeros, sizeof(zeros), nonce, self->target->broker_key,
                        self->brief.secret_key) == 0) /* else the broker's key is none: no answer */
        put_frame(self, FLAG_COMMAND, body, sizeof(body));
}

static size_t put_property(unsigned char *at, const char *name, const char *value)
{
    const size_t name_len = strlen(name), value_len = strlen(value);

    at[0] = (unsigned char)name_len;
    memcpy(at + 1, name, name_len);
    put_number(at + 1 + name_len, value_len, 4);
    memcpy(at + 5 + name_len, value, value_len);
    return 5 + name_len + value_len;
}

/* Without encryption both sides say READY at once. */
static void put_ready(struct link *self)
{
    unsigned char body[64] = {5, 'R', 'E', 'A', 'D', 'Y'};
    size_t len = 6;

    put_greeting(self, "NULL");
    len += put_property(body + len, "Socket-Type", self->target->socket_type);
    len += put_property(body + len, "Identity", "");
    put_frame(self, FLAG_COMMAND, body, len);
}

/* WELCOME has come; answer with INITIATE. False: it is not from the broker. */
static bool on_welcome(struct link *self, const unsigned char *body, size_t len)
{
    unsigned char nonce[24] = "WELCOME-", vouch_nonce[24] = "VOUCH---";
    unsigned char opened[LINK_KEY_BYTES + COOKIE_BYTES], vouch[64], plain[256];
    unsigned char initiate[9 + COOKIE_BYTES + NONCE_BYTES + sizeof(plain) + 16] = "\x08INITIATE";
    size_t plain_len = 128;

    if (len != 24 + sizeof(opened) + 16 || memcmp(body, "\x07WELCOME", 8) != 0)
        return false;
    memcpy(nonce + 8, body + 8, 16);
    if (crypto_box_open_easy(opened, body + 24, len - 24, nonce, self->target->broker_key,
                             self->brief.secret_key) != 0 ||
        crypto_box_beforenm(self->shared, opened, self->brief.secret_key) != 0)
        return false;
    randombytes_buf(vouch_nonce + 8, 16);
    memcpy(vouch, self->brief.public_key, LINK_KEY_BYTES);
    memcpy(vouch + 32, self->target->broker_key, LINK_KEY_BYTES);
    memcpy(plain, self->keys->public_key, LINK_KEY_BYTES);
    memcpy(plain + 32, vouch_nonce + 8, 16);
    if (crypto_box_easy(plain + 48, vouch, sizeof(vouch), vouch_nonce, opened,
                        self->keys->secret_key) != 0)
        return false;
    plain_len += put_property(plain + plain_len, "Socket-Type", self->target->socket_type);
    plain_len += put_property(plain + plain_len, "Identity", "");
    next_nonce(self, "CurveZMQINITIATE", nonce);
    memcpy(initiate + 9, opened + LINK_KEY_BYTES, COOKIE_BYTES);
    memcpy(initiate + 105, nonce + 16, NONCE_BYTES);
    (void)crypto_box_easy_afternm(initiate + 113, plain, plain_len, nonce, self->shared);
    put_frame(self, FLAG_COMMAND, initiate, 113 + plain_len + 16);
    return true;
}

/* Messages */

static bool on_message(struct link *self, unsigned char *body, size_t len, link_take *take,
                       void *context)
{
    unsigned char nonce[24] = "CurveZMQMESSAGES";
    unsigned char *box = body + 16;

    if (len < 33 || memcmp(body, "\x07MESSAGE", 8) != 0)
        return false;
    memcpy(nonce + 16, body + 8, NONCE_BYTES);
    if (crypto_box_open_easy_afternm(box, box, len - 16, nonce, self->shared) != 0)
        return false;
    (void)take(context, (struct span){(const char *)box + 1, len - 33});
    return true;
}

void link_send(struct link *self, struct span payload)
{
    unsigned char nonce[24];
    const size_t len = 33 + payload.len;
    unsigned char *body;

    if (self->target->kind == LINK_RAW) {
        append(&self->out, payload.ptr, payload.len);
        return;
    }
    if (self->target->kind == LINK_NULL) {
        put_frame(self, 0, (const unsigned char *)payload.ptr, payload.len);
        return;
    }
    body = x_alloc(1, len + 1);
    memcpy(body, "\x07MESSAGE", 8);
    memcpy(body + 17, payload.ptr, payload.len); /* byte 16: no flags */
    next_nonce(self, "CurveZMQMESSAGEC", nonce);
    memcpy(body + 8, nonce + 16, NONCE_BYTES);
    (void)crypto_box_easy_afternm(body + 16, body + 16, 1 + payload.len, nonce, self->shared);
    put_frame(self, 0, body, len);
    free(body);
}

static bool on_frame(struct link *self, unsigned char *body, size_t len, link_take *take,
                     void *context)
{
    if (self->state == LINK_OPEN && self->target->kind == LINK_CURVE)
        return on_message(self, body, len, take, context);
    if (self->state == LINK_OPEN) {
        (void)take(context, (struct span){(const char *)body, len});
        return true;
    }
    if (self->state == LINK_WELCOME) {
        self->state = LINK_READY;
        return on_welcome(self, body, len);
    }
    if (len < 6 || memcmp(body, "\x05READY", 6) != 0)
        return false; /* ERROR: not let in */
    self->state = LINK_OPEN;
    return true;
}

/* Take the frame at `at` of what has come. Returns its bytes, 0 when it is not there yet. */
static size_t frame_at(const struct link *self, size_t at, size_t *ret_head)
{
    const unsigned char *data = self->in.data + at;
    const size_t have = self->in.len - at;
    uint64_t size = 0;

    if (have < 2)
        return 0;
    *ret_head = data[0] & FLAG_LONG ? 9 : 2;
    if (have < *ret_head)
        return 0;
    for (size_t i = 1; i < *ret_head; i++)
        size = size << 8 | data[i];
    return have - *ret_head < size ? 0 : *ret_head + (size_t)size;
}

static bool take_frames(struct link *self, link_take *take, void *context)
{
    size_t at = 0, head = 0, len;
    bool is_good = true;

    if (self->target->kind == LINK_RAW) {
        consume(&self->in, take(context, (struct span){(const char *)self->in.data, self->in.len}));
        return true;
    }
    if (self->state == LINK_GREETING && self->in.len >= GREETING_BYTES) {
        self->state = self->target->kind == LINK_NULL ? LINK_READY : LINK_WELCOME;
        at = GREETING_BYTES;
    }
    while (is_good && self->state >= LINK_WELCOME && (len = frame_at(self, at, &head)) > 0) {
        is_good = on_frame(self, self->in.data + at + head, len - head, take, context);
        at += len;
    }
    consume(&self->in, at);
    return is_good;
}

bool link_read(struct link *self, link_take *take, void *context)
{
    static unsigned char
        chunk[READ_BYTES]; /* one for all: thousands of links have nothing to read */
    ssize_t count;

    do {
        count = read(self->fd, chunk, sizeof(chunk));
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count > 0) {
            self->received += (uint64_t)count;
            append(&self->in, chunk, (size_t)count);
        }
        if (count == 0 || !take_frames(self, take, context))
            return false;
    } while (count == READ_BYTES);
    return true;
}

/* TCP throws the bytes away without copying them. */
bool link_skip(struct link *self)
{
    for (;;) {
        const ssize_t count = recv(self->fd, NULL, SKIP_BYTES, MSG_TRUNC);

        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count == 0)
            return false;
        self->received += (uint64_t)count;
        if (count < SKIP_BYTES)
            return true;
    }
}

bool link_write(struct link *self)
{
    size_t done = 0;

    if (self->state == LINK_CONNECTING)
        self->state = self->target->kind == LINK_RAW ? LINK_OPEN : LINK_GREETING;
    while (done < self->out.len) {
        const ssize_t count =
            send(self->fd, self->out.data + done, self->out.len - done, MSG_NOSIGNAL);

        if (count < 0 && errno != EINTR)
            break;
        done += count > 0 ? (size_t)count : 0;
    }
    const bool is_good = done == self->out.len || errno == EAGAIN;
    consume(&self->out, done);
    return is_good;
}

bool link_wants_write(const struct link *self)
{
    return self->state == LINK_CONNECTING || self->out.len > 0;
}

/* Life */

bool link_open(struct link *self, const struct link_target *target, const struct link_keys *keys)
{
    const struct sockaddr *to = (const struct sockaddr *)&target->address;
    const struct sockaddr *from = (const struct sockaddr *)&target->source;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0)
        return false;
    if ((target->source.sin_family != 0 && bind(fd, from, sizeof(target->source)) != 0) ||
        (connect(fd, to, sizeof(target->address)) != 0 && errno != EINPROGRESS)) {
        (void)close(fd);
        return false;
    }
    /* As libzmq's: else a small frame behind another waits for the peer's delayed ACK, 40 ms. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    *self = (struct link){.fd = fd,
                          .state = LINK_CONNECTING,
                          .target = target,
                          .keys = keys,
                          .in = self->in,
                          .out = self->out};
    self->in.len = self->out.len = 0;
    if (target->kind == LINK_CURVE)
        put_hello(self);
    else if (target->kind == LINK_NULL)
        put_ready(self);
    return true;
}

void link_close(struct link *self)
{
    if (self->state == LINK_CLOSED)
        return;
    (void)close(self->fd);
    free(self->in.data);
    free(self->out.data);
    *self = (struct link){.fd = -1, .state = LINK_CLOSED};
}
