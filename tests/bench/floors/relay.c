/* relay - the floor: what is the least that a ROUTER and a PUB of this libzmq cost. It stores nothing and knows nobody.
 *
 *   relay [--curve [--zap]] [--sync FILE] [--gather N] [--io-threads N]
 *
 * A frame from a DEALER is a topic, one NUL, and a record: two bytes of length and a text. It is published as it is,
 * and the sender gets eight bytes. --sync: what one turn brought is appended to FILE and synced before it is answered.
 * --gather: up to N frames of one turn and topic leave as one, their records back to back. --zap: a handler is asked
 * about each key and lets it in, as anybody needs who does not serve strangers. Prints `ready PORT PORT KEY` (commands,
 * broadcasts); ends with its standard input. */
#include "shared/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#define TURN_MAX  4096
#define QUEUE_MAX 8192 /* frames of each peer: enough that nothing is dropped in a measurement */

struct frame {
    zmq_msg_t id;
    zmq_msg_t body;
};

static struct relay {
    void *router, *pub;
    int file; /* -1: nothing is stored */
    size_t gather;
    struct frame frames[TURN_MAX];
    size_t count;
    char *log; /* of this turn */
    size_t log_len, log_capacity;
} relay = {.file = -1};

static void die(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, zmq_strerror(errno));
    exit(1);
}

static void note(zmq_msg_t *body)
{
    const size_t len = zmq_msg_size(body);

    if (relay.log_capacity - relay.log_len < len) {
        relay.log_capacity = 2 * relay.log_capacity + len;
        relay.log = x_realloc(relay.log, relay.log_capacity, 1);
    }
    memcpy(relay.log + relay.log_len, zmq_msg_data(body), len);
    relay.log_len += len;
}

static void receive(void)
{
    relay.count = relay.log_len = 0;
    while (relay.count < TURN_MAX) {
        struct frame *frame = &relay.frames[relay.count];

        (void)zmq_msg_init(&frame->id);
        (void)zmq_msg_init(&frame->body);
        if (zmq_msg_recv(&frame->id, relay.router, ZMQ_DONTWAIT) < 0)
            return;
        if (zmq_msg_recv(&frame->body, relay.router, ZMQ_DONTWAIT) < 0)
            die("receive");
        if (relay.file >= 0)
            note(&frame->body);
        relay.count++;
    }
}

static void store(void)
{
    for (size_t at = 0; at < relay.log_len;) {
        const ssize_t done = write(relay.file, relay.log + at, relay.log_len - at);

        if (done < 0)
            die("write");
        at += (size_t)done;
    }
    if (relay.log_len > 0 && fdatasync(relay.file) != 0)
        die("fdatasync");
}

static size_t topic_len(zmq_msg_t *body)
{
    const char *data = zmq_msg_data(body);
    const char *nul = memchr(data, '\0', zmq_msg_size(body));

    return nul == NULL ? 0 : (size_t)(nul - data) + 1;
}

/* How many frames from `at` on are of one topic and may leave as one. */
static size_t run_at(size_t at, size_t topic)
{
    size_t count = 1;

    while (count < relay.gather && at + count < relay.count) {
        zmq_msg_t *next = &relay.frames[at + count].body;

        if (topic == 0 || zmq_msg_size(next) < topic ||
            memcmp(zmq_msg_data(next), zmq_msg_data(&relay.frames[at].body), topic) != 0)
            break;
        count++;
    }
    return count;
}

static void publish_gathered(size_t at, size_t count, size_t topic)
{
    size_t len = topic;
    char *to;
    zmq_msg_t all;

    for (size_t i = 0; i < count; i++)
        len += zmq_msg_size(&relay.frames[at + i].body) - topic;
    if (zmq_msg_init_size(&all, len) != 0)
        die("memory");
    to = zmq_msg_data(&all);
    memcpy(to, zmq_msg_data(&relay.frames[at].body), topic);
    to += topic;
    for (size_t i = 0; i < count; i++) {
        zmq_msg_t *body = &relay.frames[at + i].body;

        memcpy(to, (char *)zmq_msg_data(body) + topic, zmq_msg_size(body) - topic);
        to += zmq_msg_size(body) - topic;
        (void)zmq_msg_close(body);
    }
    if (zmq_msg_send(&all, relay.pub, ZMQ_DONTWAIT) < 0)
        (void)zmq_msg_close(&all);
}

static void answer(void)
{
    static const char ack[8] = "accepted";

    for (size_t i = 0; i < relay.count; i++) {
        if (zmq_msg_send(&relay.frames[i].id, relay.router, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            (void)zmq_msg_close(&relay.frames[i].id);
        else
            (void)zmq_send(relay.router, ack, sizeof(ack), ZMQ_DONTWAIT);
    }
    for (size_t i = 0, count; i < relay.count; i += count) {
        zmq_msg_t *body = &relay.frames[i].body;
        const size_t topic = relay.gather > 1 ? topic_len(body) : 0;

        count = run_at(i, topic);
        if (count > 1)
            publish_gathered(i, count, topic);
        else if (zmq_msg_send(body, relay.pub, ZMQ_DONTWAIT) < 0)
            (void)zmq_msg_close(body);
    }
}

static void run(void)
{
    zmq_pollitem_t items[] = {{.socket = relay.router, .events = ZMQ_POLLIN},
                              {.socket = relay.pub, .events = ZMQ_POLLIN},
                              {.fd = STDIN_FILENO, .events = ZMQ_POLLIN}};

    for (;;) {
        (void)zmq_poll(items, 3, -1);
        if (items[2].revents != 0)
            return;
        receive();
        store();
        answer();
    }
}

/* RFC 27: version, request id, domain, address, routing id, mechanism, key; the answer repeats the first two. */
static void *admit_all(void *socket)
{
    static const char *const rest[] = {"200", "OK", "user", ""};

    for (;;) {
        char version[8], id[32], excess[256];
        const int version_len = zmq_recv(socket, version, sizeof(version), 0);
        const int id_len = zmq_recv(socket, id, sizeof(id), 0);
        int more = 1;
        size_t size = sizeof(more);

        if (version_len < 0 || id_len < 0)
            return NULL;
        while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more)
            (void)zmq_recv(socket, excess, sizeof(excess), 0);
        (void)zmq_send(socket, version, (size_t)version_len, ZMQ_SNDMORE);
        (void)zmq_send(socket, id, (size_t)id_len, ZMQ_SNDMORE);
        for (size_t i = 0; i < 4; i++)
            (void)zmq_send(socket, rest[i], strlen(rest[i]), i < 3 ? ZMQ_SNDMORE : 0);
    }
}

static void open_zap(void *context)
{
    pthread_t thread; /* it lives as long as the process */
    void *socket = zmq_socket(context, ZMQ_REP);

    if (socket == NULL || zmq_bind(socket, "inproc://zeromq.zap.01") != 0 ||
        pthread_create(&thread, NULL, admit_all, socket) != 0)
        die("zap");
}

static void *open_socket(void *context, int type, const char *secret, char *endpoint, size_t size)
{
    const int yes = 1, most = QUEUE_MAX;
    void *socket = zmq_socket(context, type);

    if (socket == NULL || zmq_setsockopt(socket, ZMQ_SNDHWM, &most, sizeof(most)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &most, sizeof(most)) != 0)
        die("socket");
    if (secret != NULL && (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes)) != 0 ||
                           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 41) != 0))
        die("curve");
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        die("bind");
    return socket;
}

int main(int argc, char **argv)
{
    char public_key[41] = "", secret_key[41], commands[64], broadcasts[64], hex[65] = "-";
    unsigned char key[32];
    bool is_curve = false, has_zap = false;
    int io_threads = 2;
    void *context = zmq_ctx_new();

    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;

        if (strcmp(argv[i], "--curve") == 0)
            is_curve = true;
        else if (strcmp(argv[i], "--zap") == 0)
            has_zap = true;
        else if (has_value && strcmp(argv[i], "--sync") == 0)
            relay.file = open(argv[++i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        else if (has_value && strcmp(argv[i], "--gather") == 0)
            relay.gather = strtoul(argv[++i], NULL, 10);
        else if (has_value && strcmp(argv[i], "--io-threads") == 0)
            io_threads = (int)strtol(argv[++i], NULL, 10);
    }
    (void)zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads);
    if (is_curve &&
        (zmq_curve_keypair(public_key, secret_key) != 0 || zmq_z85_decode(key, public_key) == NULL))
        die("keys");
    if (has_zap)
        open_zap(context);
    for (size_t i = 0; is_curve && i < sizeof(key); i++)
        snprintf(hex + 2 * i, 3, "%02x", key[i]);
    relay.router =
        open_socket(context, ZMQ_ROUTER, is_curve ? secret_key : NULL, commands, sizeof(commands));
    relay.pub =
        open_socket(context, ZMQ_PUB, is_curve ? secret_key : NULL, broadcasts, sizeof(broadcasts));
    printf("ready %s %s %s\n", strrchr(commands, ':') + 1, strrchr(broadcasts, ':') + 1, hex);
    (void)fflush(stdout);
    run();
    return 0; /* the system takes back what is open */
}
