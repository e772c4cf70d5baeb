#include "tests/support/check.h"
#include "tests/support/folder.h"

#include "client/lib/net/connection.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define STEP_MS  20
#define STEPS    500 /* ten seconds, for a machine under load */
#define NO_LIMIT UINT64_MAX

/* A broker of two sockets, on ipc paths in a fresh folder. */
struct fixture {
    struct folder folder;
    void *context;
    void *router, *pub;
    struct broker_url url;
    struct key_pair broker, client;
    struct connection *connection;
};

static void make_keys(struct key_pair *ret)
{
    char public_text[41], secret_text[41];

    assert_int_equal(zmq_curve_keypair(public_text, secret_text), 0);
    assert_non_null(zmq_z85_decode(ret->public_key, public_text));
    assert_non_null(zmq_z85_decode(ret->secret_key, secret_text));
}

static void *bind_socket(struct fixture *f, int type, const char *path, bool is_secure)
{
    void *socket = zmq_socket(f->context, type);
    char endpoint[300];
    int on = 1, off = 0;

    assert_non_null(socket);
    zmq_setsockopt(socket, ZMQ_LINGER, &off, sizeof(off));
    if (is_secure) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof(on));
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, f->broker.secret_key, PUBLIC_KEY_BYTES);
    }
    snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
    assert_int_equal(zmq_bind(socket, endpoint), 0);
    return socket;
}

static void start_broker(struct fixture *f, bool is_secure)
{
    char path[sizeof(f->url.host) + 8];

    f->router = bind_socket(f, ZMQ_ROUTER, f->url.host, is_secure);
    snprintf(path, sizeof(path), "%s.pub", f->url.host);
    f->pub = bind_socket(f, ZMQ_PUB, path, is_secure);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f == NULL || !folder_open(&f->folder))
        return -1;
    f->context = zmq_ctx_new();
    make_keys(&f->broker);
    make_keys(&f->client);
    f->url.is_ipc = f->url.has_key = true;
    snprintf(f->url.host, sizeof(f->url.host), "%s/broker", f->folder.path);
    memcpy(f->url.key, f->broker.public_key, PUBLIC_KEY_BYTES);
    return 0;
}

static void stop_broker(struct fixture *f)
{
    if (f->router != NULL)
        zmq_close(f->router);
    if (f->pub != NULL)
        zmq_close(f->pub);
    f->router = f->pub = NULL;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    connection_destroy(&f->connection);
    stop_broker(f);
    zmq_ctx_term(f->context);
    folder_close(&f->folder);
    free(f);
    return 0;
}

static void open_connection(struct fixture *f)
{
    if (f->connection == NULL)
        f->connection = connection_new(&f->url, &f->client);
    assert_non_null(f->connection);
    assert_int_equal(connection_open(f->connection, 0, LINK_DEAD_MS), RC_OK);
}

/* The next change of the connection. */
static enum connection_change next_change(struct fixture *f)
{
    for (int i = 0; i < STEPS; i++) {
        enum connection_change change = connection_watch(f->connection, 0);

        if (change != CONNECTION_SAME)
            return change;
        connection_wait(f->connection, STEP_MS, NULL, 0);
    }
    return CONNECTION_SAME;
}

static bool next_frame(struct fixture *f, bool from_pub, struct span *ret)
{
    for (int i = 0; i < STEPS; i++) {
        if (connection_receive(f->connection, from_pub, ret))
            return true;
        connection_wait(f->connection, STEP_MS, NULL, 0);
    }
    return false;
}

/* What the broker's ROUTER receives: the peer's id, then the frame. */
static int receive_at_broker(struct fixture *f, char *id, size_t *ret_id_len, char *frame,
                             size_t capacity)
{
    int timeout_ms = STEP_MS * STEPS, len;

    zmq_setsockopt(f->router, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
    len = zmq_recv(f->router, id, 256, 0);
    assert_true(len > 0);
    *ret_id_len = (size_t)len;
    return zmq_recv(f->router, frame, capacity, 0);
}

static void commands_shake_hands_before_it_is_ready(void **state)
{
    struct fixture *f = *state;
    struct why why;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    assert_int_equal(connection_trouble(f->connection, &why), RC_OK);
    assert_true(connection_deadline_ms(f->connection) == NO_LIMIT);
}

static void a_frame_goes_each_way_whole(void **state)
{
    struct fixture *f = *state;
    char id[256], frame[64];
    size_t id_len;
    struct span received;

    start_broker(f, true);
    open_connection(f);
    assert_false(connection_send(f->connection, SPAN("too early")));
    assert_int_equal(next_change(f), CONNECTION_READY);
    assert_true(connection_send(f->connection, SPAN("question")));
    assert_int_equal(receive_at_broker(f, id, &id_len, frame, sizeof(frame)), 8);
    assert_memory_equal(frame, "question", 8);
    assert_int_equal(zmq_send(f->router, id, id_len, ZMQ_SNDMORE), (int)id_len);
    assert_int_equal(zmq_send(f->router, "answer", 6, 0), 6);
    assert_true(next_frame(f, false, &received));
    assert_true(span_equal(received, SPAN("answer")));
}

static void R5_messages_of_several_frames_are_left_out(void **state)
{
    struct fixture *f = *state;
    char id[256], frame[64];
    size_t id_len;
    struct span received;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    assert_true(connection_send(f->connection, SPAN("x")));
    receive_at_broker(f, id, &id_len, frame, sizeof(frame));
    zmq_send(f->router, id, id_len, ZMQ_SNDMORE);
    zmq_send(f->router, "one", 3, ZMQ_SNDMORE);
    zmq_send(f->router, "two", 3, 0);
    zmq_send(f->router, id, id_len, ZMQ_SNDMORE);
    zmq_send(f->router, "good", 4, 0);
    assert_true(next_frame(f, false, &received));
    assert_true(span_equal(received, SPAN("good")));
}

static void R9_a_subscription_ends_in_nul_so_that_no_longer_name_matches(void **state)
{
    struct fixture *f = *state;
    struct span received;
    bool is_here = false;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    connection_subscribe(f->connection, SPAN("@al"), true);
    connection_listen(f->connection, 0);
    assert_int_equal(next_change(f), CONNECTION_LISTENING);
    for (int i = 0; i < STEPS && !is_here; i++) { /* until the subscription has arrived */
        zmq_send(f->pub, "@alice\0for alice", 16, 0);
        zmq_send(f->pub, "@al\0for al", 10, 0);
        connection_wait(f->connection, STEP_MS, NULL, 0);
        is_here = connection_receive(f->connection, true, &received);
    }
    assert_true(is_here);
    do {
        assert_int_equal(received.len, 10);
        assert_memory_equal(received.ptr, "@al\0for al", 10);
    } while (connection_receive(f->connection, true, &received));
}

static void bind_pub(struct fixture *f)
{
    char path[sizeof(f->url.host) + 8];

    snprintf(path, sizeof(path), "%s.pub", f->url.host);
    f->pub = bind_socket(f, ZMQ_PUB, path, true);
}

/* Publish until it is heard. */
static bool hears(struct fixture *f)
{
    struct span received;

    for (int i = 0; i < STEPS; i++) {
        zmq_send(f->pub, "#a\0x", 4, 0);
        connection_wait(f->connection, STEP_MS, NULL, 0);
        if (connection_receive(f->connection, true, &received))
            return true;
    }
    return false;
}

static void R40_broadcasts_are_connected_only_when_it_is_told_to_listen(void **state)
{
    struct fixture *f = *state;

    start_broker(f, true);
    zmq_close(f->pub); /* nobody would be there */
    f->pub = NULL;
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    assert_true(connection_deadline_ms(f->connection) == NO_LIMIT);
    connection_subscribe(f->connection, SPAN("#a"), true);
    bind_pub(f);
    connection_listen(f->connection, 0);
    connection_listen(f->connection, 0); /* again is harmless */
    assert_int_equal(next_change(f), CONNECTION_LISTENING);
    assert_true(connection_deadline_ms(f->connection) == NO_LIMIT);
    assert_true(hears(f));
}

static void R41_broadcasts_that_are_cut_come_back_with_their_subscriptions(void **state)
{
    struct fixture *f = *state;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    connection_subscribe(f->connection, SPAN("#a"), true);
    connection_listen(f->connection, 0);
    assert_int_equal(next_change(f), CONNECTION_LISTENING);
    assert_true(hears(f));
    zmq_close(f->pub);
    bind_pub(f);
    assert_int_equal(next_change(f), CONNECTION_LISTENING); /* and neither LOST nor READY */
    assert_true(hears(f));
}

static void broadcasts_that_stay_away_cost_the_link(void **state)
{
    struct fixture *f = *state;

    start_broker(f, true);
    zmq_close(f->pub);
    f->pub = NULL;
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    connection_listen(f->connection, 0);
    assert_int_equal(connection_watch(f->connection, 0), CONNECTION_SAME);
    assert_int_equal(connection_watch(f->connection, connection_deadline_ms(f->connection)),
                     CONNECTION_LOST);
}

static void nobody_there_is_told_at_once(void **state)
{
    struct fixture *f = *state;
    struct why why;

    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_LOST);
    assert_int_equal(connection_trouble(f->connection, &why), RC_UNREACHABLE);
    assert_non_null(strstr(why.text, f->url.host));
}

static void a_broker_that_goes_away_is_missed_at_once_and_found_again(void **state)
{
    struct fixture *f = *state;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    stop_broker(f);
    assert_int_equal(next_change(f), CONNECTION_LOST);
    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
}

static void a_broker_with_another_key_is_called_wrong_after_a_few_attempts(void **state)
{
    struct fixture *f = *state;
    struct why why;
    char fingerprint[40];

    f->url.key[0] ^= 1;
    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_LOST);
    /* a broker that is just being stopped may break one handshake, too */
    assert_int_equal(connection_trouble(f->connection, &why), RC_UNREACHABLE);
    for (int i = 0; i < 2; i++) {
        open_connection(f);
        assert_int_equal(next_change(f), CONNECTION_LOST);
    }
    assert_int_equal(connection_trouble(f->connection, &why), RC_WRONG_BROKER);
    key_fingerprint(f->url.key, fingerprint);
    assert_non_null(strstr(why.text, fingerprint));
}

static void a_broker_without_encryption_is_never_talked_to_with_a_key(void **state)
{
    struct fixture *f = *state;

    start_broker(f, false);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_LOST);
}

/* One ZAP request refused, as for a key that is banned. */
static void refuse_one(void *handler)
{
    char part[8][256];
    int len[8], more = 1;
    size_t count = 0, size = sizeof(more);

    while (more != 0 && count < 8) {
        len[count] = zmq_recv(handler, part[count], sizeof(part[0]), 0);
        zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &size);
        count++;
    }
    assert_true(count >= 2);
    zmq_send(handler, part[0], (size_t)len[0], ZMQ_SNDMORE);
    zmq_send(handler, part[1], (size_t)len[1], ZMQ_SNDMORE);
    zmq_send(handler, "400", 3, ZMQ_SNDMORE);
    zmq_send(handler, "no", 2, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, 0);
}

static void a_key_that_is_not_let_in_is_refused_for_good(void **state)
{
    struct fixture *f = *state;
    void *handler = zmq_socket(f->context, ZMQ_REP);
    enum connection_change change = CONNECTION_SAME;
    int off = 0;

    zmq_setsockopt(handler, ZMQ_LINGER, &off, sizeof(off));
    assert_int_equal(zmq_bind(handler, "inproc://zeromq.zap.01"), 0);
    start_broker(f, true);
    open_connection(f);
    for (int i = 0; i < STEPS && change == CONNECTION_SAME; i++) {
        zmq_pollitem_t item = {.socket = handler, .events = ZMQ_POLLIN};

        if (zmq_poll(&item, 1, STEP_MS) == 1)
            refuse_one(handler);
        change = connection_watch(f->connection, 0);
    }
    zmq_close(handler);
    assert_int_equal(change, CONNECTION_REFUSED);
}

static void silence_beyond_the_deadline_counts_as_lost(void **state)
{
    struct fixture *f = *state;
    char endpoint[300], broadcasts[300];
    void *deaf, *dumb;
    struct why why;

    /* Something that accepts and never answers: a bound STREAM socket. */
    deaf = zmq_socket(f->context, ZMQ_STREAM);
    dumb = zmq_socket(f->context, ZMQ_STREAM);
    f->router = deaf;
    f->pub = dumb;
    assert_int_equal(zmq_bind(deaf, "tcp://127.0.0.1:*"), 0);
    size_t size = sizeof(endpoint);
    assert_int_equal(zmq_getsockopt(deaf, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    f->url.is_ipc = false;
    snprintf(f->url.host, sizeof(f->url.host), "127.0.0.1");
    f->url.port = (uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    snprintf(broadcasts, sizeof(broadcasts), "tcp://127.0.0.1:%d", f->url.port + 1);
    if (zmq_bind(dumb, broadcasts) != 0)
        skip(); /* somebody has the port behind ours */
    open_connection(f);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(connection_watch(f->connection, 0), CONNECTION_SAME);
        connection_wait(f->connection, STEP_MS, NULL, 0);
    }
    assert_int_equal(connection_watch(f->connection, connection_deadline_ms(f->connection)),
                     CONNECTION_LOST);
    assert_int_equal(connection_trouble(f->connection, &why), RC_UNREACHABLE);
    assert_non_null(strstr(why.text, "127.0.0.1"));
}

static void the_callers_own_descriptors_wake_it(void **state)
{
    struct fixture *f = *state;
    int ends[2];
    struct pollfd extra;

    start_broker(f, true);
    open_connection(f);
    assert_int_equal(next_change(f), CONNECTION_READY);
    assert_int_equal(pipe(ends), 0);
    extra = (struct pollfd){.fd = ends[0], .events = POLLIN};
    assert_false(connection_wait(f->connection, 0, &extra, 1));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(connection_wait(f->connection, STEP_MS * STEPS, &extra, 1));
    assert_true((extra.revents & POLLIN) != 0);
    close(ends[0]);
    extra = (struct pollfd){.fd = ends[1]}; /* a pipe that nobody reads any more */
    assert_true(connection_wait(f->connection, STEP_MS * STEPS, &extra, 1));
    assert_true((extra.revents & POLLERR) != 0);
    close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(commands_shake_hands_before_it_is_ready),
        TEST(a_frame_goes_each_way_whole),
        TEST(R5_messages_of_several_frames_are_left_out),
        TEST(R9_a_subscription_ends_in_nul_so_that_no_longer_name_matches),
        TEST(R40_broadcasts_are_connected_only_when_it_is_told_to_listen),
        TEST(R41_broadcasts_that_are_cut_come_back_with_their_subscriptions),
        TEST(broadcasts_that_stay_away_cost_the_link),
        TEST(nobody_there_is_told_at_once),
        TEST(a_broker_that_goes_away_is_missed_at_once_and_found_again),
        TEST(a_broker_with_another_key_is_called_wrong_after_a_few_attempts),
        TEST(a_broker_without_encryption_is_never_talked_to_with_a_key),
        TEST(a_key_that_is_not_let_in_is_refused_for_good),
        TEST(silence_beyond_the_deadline_counts_as_lost),
        TEST(the_callers_own_descriptors_wake_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
