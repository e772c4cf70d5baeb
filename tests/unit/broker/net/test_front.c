/* The two sockets, with real peers: mostly without CURVE (that is test_zap.c), on loopback and ipc. */
#include "broker/net/front.h"

#include "shared/base/clock.h"
#include "shared/crypt/seal.h"
#include "shared/wire/wire.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zmq.h>

#define WAIT_MS 5000

struct fixture {
    void *context;
    struct front *front;
    struct broker_url address;
    char folder[64];
    char path[128];
    char why[WHY_BYTES_MAX];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_int_equal(seal_init(), RC_OK);
    f->context = zmq_ctx_new();
    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-front-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/s", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char pub[160];

    front_close(&f->front);
    zmq_ctx_term(f->context);
    snprintf(pub, sizeof(pub), "%s.pub", f->path);
    unlink(f->path);
    unlink(pub);
    rmdir(f->folder);
    free(f);
    return 0;
}

static enum rc open_front(struct fixture *f, const char *host, bool is_ipc, uint16_t port,
                          struct front **ret)
{
    const struct front_options options = {
        .addresses = &f->address, .address_count = 1, .port = port};

    f->address = (struct broker_url){.is_ipc = is_ipc};
    snprintf(f->address.host, sizeof(f->address.host), "%s", host);
    f->why[0] = '\0';
    return front_open(f->context, &options, ret, f->why);
}

static void open_tcp(struct fixture *f)
{
    assert_int_equal(open_front(f, "127.0.0.1", false, 0, &f->front), RC_OK);
}

static void *connect_to(struct fixture *f, int type, unsigned offset)
{
    const int linger_ms = 0, wait_ms = WAIT_MS, hwm = 0;
    void *socket = zmq_socket(f->context, type);
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", front_port(f->front) + offset);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm));
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    return socket;
}

static enum rc receive(struct fixture *f, struct frame *ret)
{
    zmq_pollitem_t item = {.socket = front_commands(f->front), .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, WAIT_MS) > 0 ? front_receive(f->front, ret) : RC_TIMEOUT;
}

/* A peer that has said something, so that it can be answered. */
static void *peer(struct fixture *f, struct frame *ret_frame)
{
    void *dealer = connect_to(f, ZMQ_DEALER, 0);

    assert_int_equal(zmq_send(dealer, "x", 1, 0), 1);
    assert_int_equal(receive(f, ret_frame), RC_OK);
    assert_true(ret_frame->from.v != 0);
    return dealer;
}

static struct message pong(uint64_t ref)
{
    struct message message = {.verb = VERB_PONG};

    message_set(&message, TS, ts, 1);
    message_set(&message, STREAM, stream, SPAN("@a"));
    message_set(&message, SEQ, seq, 0);
    message_set(&message, CONFIRMED, confirmed, 0);
    message_set(&message, REF, ref, ref);
    return message;
}

/* Receiving */

static void a_frame_comes_with_its_peer(void **state)
{
    struct fixture *f = *state;
    struct frame first, second;
    void *a, *b;

    open_tcp(f);
    a = peer(f, &first);
    b = peer(f, &second);
    assert_true(first.from.v != second.from.v);
    assert_null(first.key);
    assert_int_equal(zmq_send(a, "again", 5, 0), 5);
    assert_int_equal(receive(f, &second), RC_OK);
    assert_int_equal(second.from.v, first.from.v);
    assert_true(span_equal(second.payload, SPAN("again")));
    assert_int_equal(front_receive(f->front, &second), RC_END);
    zmq_close(a);
    zmq_close(b);
}

static void several_frames_in_a_message_are_refused_and_the_next_is_read(void **state)
{
    struct fixture *f = *state;
    struct frame frame;
    void *dealer;

    open_tcp(f);
    dealer = connect_to(f, ZMQ_DEALER, 0);
    zmq_send(dealer, "a", 1, ZMQ_SNDMORE);
    zmq_send(dealer, "b", 1, ZMQ_SNDMORE);
    zmq_send(dealer, "c", 1, 0);
    zmq_send(dealer, "good", 4, 0);
    assert_int_equal(receive(f, &frame), RC_MALFORMED);
    assert_true(frame.from.v != 0);
    assert_int_equal(receive(f, &frame), RC_OK);
    assert_true(span_equal(frame.payload, SPAN("good")));
    assert_int_equal(front_get_stats(f->front)->refused, 1);
    assert_int_equal(front_get_stats(f->front)->refused_parts, 1);
    zmq_close(dealer);
}

static void a_peer_with_a_routing_id_of_its_own_is_refused(void **state)
{
    static const struct span IDS[] = {SPAN("alice"), SPAN("\1\0\0\0\1"), SPAN("a"),
                                      SPAN("a longer one")};
    struct fixture *f = *state;
    struct frame frame;

    open_tcp(f);
    for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++) {
        void *dealer = zmq_socket(f->context, ZMQ_DEALER);
        const int linger_ms = 0;
        char endpoint[64];

        zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, IDS[i].ptr, IDS[i].len), 0);
        snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", front_port(f->front));
        assert_int_equal(zmq_connect(dealer, endpoint), 0);
        assert_int_equal(zmq_send(dealer, "x", 1, 0), 1);
        assert_int_equal(receive(f, &frame), RC_MALFORMED);
        assert_int_equal(frame.from.v, 0);
        zmq_close(dealer);
    }
    assert_int_equal(front_get_stats(f->front)->refused, 4);
    assert_int_equal(front_get_stats(f->front)->refused_id, 4);
}

static void the_largest_frame_passes_and_a_larger_one_does_not(void **state)
{
    struct fixture *f = *state;
    static char bytes[FRAME_BYTES_MAX + 1000];
    struct frame frame;
    void *dealer;

    open_tcp(f);
    dealer = connect_to(f, ZMQ_DEALER, 0);
    zmq_send(dealer, bytes, FRAME_BYTES_MAX, 0);
    assert_int_equal(receive(f, &frame), RC_OK);
    assert_int_equal(frame.payload.len, FRAME_BYTES_MAX);
    static const unsigned char LOOPBACK[] = {0, 0, 0,    0,    0,   0, 0, 0,
                                             0, 0, 0xff, 0xff, 127, 0, 0, 1};
    assert_memory_equal(frame.address, LOOPBACK, ADDRESS_BYTES);
    zmq_send(dealer, bytes, FRAME_BYTES_MAX + 1, 0);
    assert_int_equal(receive(f, &frame), RC_TOO_BIG);
    assert_true(frame.from.v != 0);
    assert_int_equal(front_get_stats(f->front)->refused_size, 1);
    /* libzmq ends the connection of whoever sends this; it reconnects as another peer */
    zmq_send(dealer, bytes, sizeof(bytes), 0);
    zmq_send(dealer, "next", 4, 0);
    zmq_close(dealer);
    dealer = connect_to(f, ZMQ_DEALER, 0);
    zmq_send(dealer, "later", 5, 0);
    do {
        assert_int_equal(receive(f, &frame), RC_OK);
        assert_true(frame.payload.len < 10);
    } while (!span_equal(frame.payload, SPAN("later")));
    zmq_close(dealer);
}

/* Sending */

static void the_answers_of_a_turn_leave_in_one_frame(void **state)
{
    struct fixture *f = *state;
    struct wire_reader reader;
    struct message answer;
    struct frame frame;
    void *dealer;
    char bytes[512];
    int len;

    open_tcp(f);
    dealer = peer(f, &frame);
    for (uint64_t ref = 1; ref <= 3; ref++) {
        const struct message message = pong(ref);

        front_reply(f->front, frame.from, &message);
    }
    assert_int_equal(zmq_recv(dealer, bytes, sizeof(bytes), ZMQ_DONTWAIT), -1);
    (void)front_flush(f->front, 0);
    len = zmq_recv(dealer, bytes, sizeof(bytes), 0);
    assert_true(len > 0);
    reader = wire_reader_over((struct span){bytes, (size_t)len}, TO_CLIENT);
    for (uint64_t ref = 1; ref <= 3; ref++) {
        assert_int_equal(wire_read(&reader, &answer), RC_OK);
        assert_int_equal(answer.ref, ref);
    }
    assert_int_equal(wire_read(&reader, &answer), RC_END);
    assert_int_equal(front_get_stats(f->front)->sent, 1);
    zmq_close(dealer);
}

static void a_forwarded_frame_stays_behind_what_was_answered_before(void **state)
{
    struct fixture *f = *state;
    const struct message message = pong(1);
    struct frame frame;
    zmq_msg_t page;
    void *dealer;
    char bytes[512];

    open_tcp(f);
    dealer = peer(f, &frame);
    front_reply(f->front, frame.from, &message);
    assert_int_equal(zmq_msg_init_size(&page, 4), 0);
    memcpy(zmq_msg_data(&page), "page", 4);
    front_forward(f->front, frame.from, &page);
    zmq_msg_close(&page);
    assert_true(zmq_recv(dealer, bytes, sizeof(bytes), 0) > 4);
    assert_int_equal(zmq_recv(dealer, bytes, sizeof(bytes), 0), 4);
    assert_memory_equal(bytes, "page", 4);
    zmq_close(dealer);
}

static void answers_to_a_departed_peer_are_counted_and_dropped(void **state)
{
    struct fixture *f = *state;
    const struct message message = pong(1);

    open_tcp(f);
    front_reply(f->front, (peer_id){12345}, &message);
    (void)front_flush(f->front, 0);
    assert_int_equal(front_get_stats(f->front)->departed, 1);
    assert_int_equal(front_get_stats(f->front)->sent, 0);
}

/* What never reads must not block the hub, and its queue is bounded. */
static void a_slow_peer_is_dropped_and_never_blocks(void **state)
{
    struct fixture *f = *state;
    const struct front_stats *stats;
    struct frame frame;
    void *dealer;

    open_tcp(f);
    dealer = peer(f, &frame);
    stats = front_get_stats(f->front);
    for (int i = 0; i < 5000 && stats->slow == 0; i++) {
        zmq_msg_t page;

        assert_int_equal(zmq_msg_init_size(&page, FRAME_BYTES_MAX), 0);
        memset(zmq_msg_data(&page), 0, FRAME_BYTES_MAX);
        front_forward(f->front, frame.from, &page);
        zmq_msg_close(&page);
    }
    assert_true(stats->slow > 0);
    assert_true(stats->sent < 3000);
    zmq_close(dealer);
}

/* Subscribe and wait until it has reached the broker: the first broadcasts may be lost. */
static void *subscriber(struct fixture *f, struct span topic)
{
    void *sub = connect_to(f, ZMQ_SUB, 1);
    const int wait_ms = 20;
    uint64_t end_ms = clock_mono_ms() + WAIT_MS;
    char bytes[512];
    struct message probe = {.verb = VERB_PROBE};

    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic.ptr, topic.len), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "~p", 3), 0);
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    message_set(&probe, TOKEN, token, 1);
    do {
        assert_true(clock_mono_ms() < end_ms);
        front_announce(f->front, SPAN("~p"), &probe);
        (void)front_flush(f->front, 0);
    } while (zmq_recv(sub, bytes, sizeof(bytes), 0) < 0);
    while (zmq_recv(sub, bytes, sizeof(bytes), 0) >= 0)
        ;
    zmq_setsockopt(sub, ZMQ_RCVTIMEO, &(int){WAIT_MS}, sizeof(int));
    return sub;
}

static struct wire_buf event(char *bytes, size_t capacity, uint64_t seq)
{
    struct wire_buf buf = {bytes, 0, capacity};
    struct message message = {.verb = VERB_EVENT};

    message_set(&message, STREAM, stream, SPAN("#a"));
    message_set(&message, SEQ, seq, seq);
    message_set(&message, TS, ts, 1);
    message_set(&message, TYPE, type, SPAN("join"));
    message_set(&message, FROM, from, SPAN("bob"));
    assert_int_equal(wire_write(&buf, &message), RC_OK);
    return buf;
}

static void the_events_of_a_turn_leave_in_one_frame_a_stream_in_order(void **state)
{
    struct fixture *f = *state;
    char bytes[1024], wire[256];
    struct span topic, body;
    struct wire_reader reader;
    struct message got;
    void *sub;
    int len;

    open_tcp(f);
    sub = subscriber(f, (struct span){"#a", 3});
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct wire_buf buf = event(wire, sizeof(wire), seq);

        front_publish(f->front, &(struct publication){
                                    .topic = SPAN("#a"), .seq = seq, .wire = {buf.data, buf.len}});
        front_publish(f->front, &(struct publication){
                                    .topic = SPAN("#ab"), .seq = seq, .wire = {buf.data, buf.len}});
    }
    (void)front_flush(f->front, 0);
    len = zmq_recv(sub, bytes, sizeof(bytes), 0);
    assert_true(len > 0);
    assert_int_equal(wire_split_topic((struct span){bytes, (size_t)len}, &topic, &body), RC_OK);
    assert_true(span_equal(topic, SPAN("#a")));
    reader = wire_reader_over(body, TO_EVERYBODY);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        assert_int_equal(wire_read(&reader, &got), RC_OK);
        assert_int_equal(got.seq, seq);
    }
    assert_int_equal(wire_read(&reader, &got), RC_END);
    zmq_close(sub);
}

static void a_sealed_event_shows_nothing_and_opens_with_its_key(void **state)
{
    struct fixture *f = *state;
    const unsigned char key[STREAM_KEY_BYTES] = {7};
    char bytes[1024], wire[256], plain[1024];
    struct wire_buf buf = event(wire, sizeof(wire), 9);
    struct span topic, body;
    struct wire_reader reader;
    struct message got;
    size_t plain_len;
    void *sub;
    int len;

    open_tcp(f);
    sub = subscriber(f, (struct span){"@a", 3});
    front_publish(f->front, &(struct publication){.topic = SPAN("@a"),
                                                  .seal_key = key,
                                                  .epoch = 2,
                                                  .seq = 9,
                                                  .wire = {buf.data, buf.len}});
    (void)front_flush(f->front, 0);
    len = zmq_recv(sub, bytes, sizeof(bytes), 0);
    assert_true(len > 0);
    assert_null(memmem(bytes, (size_t)len, "bob", 3));
    assert_int_equal(wire_split_topic((struct span){bytes, (size_t)len}, &topic, &body), RC_OK);
    reader = wire_reader_over(body, TO_EVERYBODY);
    assert_int_equal(wire_read(&reader, &got), RC_OK);
    assert_int_equal(got.verb, VERB_SEALED);
    assert_int_equal(got.seq, 9);
    assert_int_equal(got.epoch, 2);
    assert_int_equal(
        seal_open(key, &(struct seal_place){SPAN("@a"), 2, 9}, got.box, plain, &plain_len), RC_OK);
    assert_int_equal(plain_len, buf.len);
    assert_memory_equal(plain, buf.data, buf.len);
    zmq_close(sub);
}

/* Binding */

static void two_brokers_take_two_pairs_of_ports(void **state)
{
    struct fixture *f = *state;
    struct front *other = NULL;

    open_tcp(f);
    assert_int_equal(open_front(f, "127.0.0.1", false, 0, &other), RC_OK);
    assert_true(front_port(f->front) != front_port(other));
    front_close(&other);
}

static void a_port_in_use_is_said_in_one_sentence(void **state)
{
    struct fixture *f = *state;
    struct front *other = NULL;
    char expected[128];
    uint16_t port;

    open_tcp(f);
    port = front_port(f->front);
    assert_int_equal(open_front(f, "127.0.0.1", false, port, &other), RC_SYSTEM);
    snprintf(expected, sizeof(expected), "cannot bind tcp://127.0.0.1:%u: Address already in use",
             (unsigned)port);
    assert_string_equal(f->why, expected);
    assert_null(other);
}

static void an_address_that_is_not_ours_is_said(void **state)
{
    struct fixture *f = *state;
    struct front *front = NULL;

    assert_int_equal(open_front(f, "192.0.2.1", false, 0, &front), RC_SYSTEM);
    assert_non_null(strstr(f->why, "cannot bind tcp://192.0.2.1:"));
    assert_non_null(strstr(f->why, "Cannot assign requested address"));
}

static void ipc_makes_two_sockets_for_this_user_alone(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    char pub[160];

    assert_int_equal(open_front(f, f->path, true, 0, &f->front), RC_OK);
    assert_int_equal(front_port(f->front), 0);
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 077, 0); /* without CURVE */
    snprintf(pub, sizeof(pub), "%s.pub", f->path);
    assert_int_equal(stat(pub, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    front_close(&f->front);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(access(pub, F_OK), -1);
}

static void the_socket_of_a_living_broker_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct front *other = NULL;
    char expected[256];

    assert_int_equal(open_front(f, f->path, true, 0, &f->front), RC_OK);
    assert_int_equal(open_front(f, f->path, true, 0, &other), RC_SYSTEM);
    snprintf(expected, sizeof(expected), "the socket %s is in use by another process", f->path);
    assert_string_equal(f->why, expected);
}

static void the_socket_of_a_dead_broker_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", f->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd); /* and the file stays, as after kill -9 */
    assert_int_equal(access(f->path, F_OK), 0);
    assert_int_equal(open_front(f, f->path, true, 0, &f->front), RC_OK);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct front *front = NULL;
    int fd = open(f->path, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_front(f, f->path, true, 0, &front), RC_SYSTEM);
    assert_non_null(strstr(f->why, "is not a socket"));
    assert_int_equal(access(f->path, F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_frame_comes_with_its_peer),
        TEST(several_frames_in_a_message_are_refused_and_the_next_is_read),
        TEST(a_peer_with_a_routing_id_of_its_own_is_refused),
        TEST(the_largest_frame_passes_and_a_larger_one_does_not),
        TEST(the_answers_of_a_turn_leave_in_one_frame),
        TEST(a_forwarded_frame_stays_behind_what_was_answered_before),
        TEST(answers_to_a_departed_peer_are_counted_and_dropped),
        TEST(a_slow_peer_is_dropped_and_never_blocks),
        TEST(the_events_of_a_turn_leave_in_one_frame_a_stream_in_order),
        TEST(a_sealed_event_shows_nothing_and_opens_with_its_key),
        TEST(two_brokers_take_two_pairs_of_ports),
        TEST(a_port_in_use_is_said_in_one_sentence),
        TEST(an_address_that_is_not_ours_is_said),
        TEST(ipc_makes_two_sockets_for_this_user_alone),
        TEST(the_socket_of_a_living_broker_is_not_taken),
        TEST(the_socket_of_a_dead_broker_is_replaced),
        TEST(a_file_that_is_no_socket_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
