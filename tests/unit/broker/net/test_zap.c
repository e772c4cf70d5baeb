/* Who gets in, with real sockets. A client that is let in receives what the server sends; one that
 * is not shows on the server's monitor as a failed handshake, or not at all. */
#include "broker/net/zap.h"
#include "broker/net/zap_queue.h"
#include "broker/net/zap_request.h"

#include "broker/net/front.h"
#include "shared/base/clock.h"
#include "tests/support/check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <zmq.h>

#define WAIT_MS 3000 /* a handshake here takes milliseconds */

struct fixture {
    void *context;
    struct keyring *keyring;
    struct zap *zap;
    struct front *front;
    unsigned char public_key[PUBLIC_KEY_BYTES], secret_key[PUBLIC_KEY_BYTES];
    unsigned char client_public[PUBLIC_KEY_BYTES], client_secret[PUBLIC_KEY_BYTES];
    struct broker_url address;
};

static int set_up_without_handler(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->context = zmq_ctx_new();
    f->keyring = keyring_new(&(struct keyring_policy){true, true}, 16);
    crypto_box_keypair(f->public_key, f->secret_key);
    crypto_box_keypair(f->client_public, f->client_secret);
    snprintf(f->address.host, sizeof(f->address.host), "127.0.0.1");
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f;

    set_up_without_handler(state);
    f = *state;
    assert_int_equal(zap_start(f->context, &(struct zap_options){.keyring = f->keyring}, &f->zap),
                     RC_OK);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    front_close(&f->front);
    zap_stop(&f->zap);
    zmq_ctx_term(f->context);
    keyring_destroy(&f->keyring);
    free(f);
    return 0;
}

static void open_front(struct fixture *f)
{
    const struct front_options options = {.addresses = &f->address,
                                          .address_count = 1,
                                          .public_key = f->public_key,
                                          .secret_key = f->secret_key};
    char why[WHY_BYTES_MAX];

    assert_int_equal(front_open(f->context, &options, &f->front, why), RC_OK);
}

enum security { CURVE, CURVE_WRONG_SERVER_KEY, NULL_MECHANISM, PLAIN };

static void *client(struct fixture *f, enum security security)
{
    void *socket = zmq_socket(f->context, ZMQ_DEALER);
    unsigned char server[PUBLIC_KEY_BYTES];
    char endpoint[64];
    const int linger_ms = 0;

    memcpy(server, f->public_key, sizeof(server));
    if (security == CURVE_WRONG_SERVER_KEY)
        server[0] ^= 1;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    if (security == CURVE || security == CURVE_WRONG_SERVER_KEY) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, sizeof(server));
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, f->client_public, PUBLIC_KEY_BYTES);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, f->client_secret, PUBLIC_KEY_BYTES);
    } else if (security == PLAIN) {
        zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "u", 1);
        zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "p", 1);
    }
    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", front_port(f->front));
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    return socket;
}

/* True when what the client sends arrives; with its key. */
static bool gets_in(struct fixture *f, enum security security, long wait_ms)
{
    void *socket = client(f, security);
    zmq_pollitem_t item = {.socket = front_commands(f->front), .events = ZMQ_POLLIN};
    struct frame frame;
    bool is_in;

    assert_true(zmq_send(socket, "hello", 5, 0) == 5);
    is_in = zmq_poll(&item, 1, wait_ms) > 0;
    if (is_in) {
        assert_int_equal(front_receive(f->front, &frame), RC_OK);
        assert_non_null(frame.key);
        assert_memory_equal(frame.key, f->client_public, PUBLIC_KEY_BYTES);
    }
    zmq_close(socket);
    return is_in;
}

static void a_curve_key_gets_in_and_is_known(void **state)
{
    struct fixture *f = *state;

    open_front(f);
    assert_true(gets_in(f, CURVE, WAIT_MS));
}

static void nobody_gets_in_without_curve(void **state)
{
    struct fixture *f = *state;

    open_front(f);
    assert_false(gets_in(f, NULL_MECHANISM, 300));
    assert_false(gets_in(f, PLAIN, 300));
    assert_false(gets_in(f, CURVE_WRONG_SERVER_KEY, 300));
    assert_true(gets_in(f, CURVE, WAIT_MS));
}

static void nobody_gets_in_when_the_handler_is_gone(void **state)
{
    struct fixture *f = *state;

    open_front(f);
    assert_true(gets_in(f, CURVE, WAIT_MS));
    zap_stop(&f->zap);
    assert_false(gets_in(f, CURVE, WAIT_MS));
    /* and they do again once it is back */
    assert_int_equal(zap_start(f->context, &(struct zap_options){.keyring = f->keyring}, &f->zap),
                     RC_OK);
    assert_true(gets_in(f, CURVE, WAIT_MS));
}

static void nobody_gets_in_when_the_handler_hangs(void **state)
{
    struct fixture *f = *state;
    void *hung = zmq_socket(f->context, ZMQ_REP);

    assert_int_equal(zmq_bind(hung, ZAP_ENDPOINT), 0);
    open_front(f);
    assert_false(gets_in(f, CURVE, WAIT_MS));
    zmq_close(hung);
}

static void nobody_gets_in_when_there_never_was_a_handler(void **state)
{
    struct fixture *f = *state;

    open_front(f);
    assert_false(gets_in(f, CURVE, WAIT_MS));
}

/* Ask the handler itself, as only a thread of this process can. */
static void *put_question(struct fixture *f, size_t count, const struct span frames[])
{
    void *socket = zmq_socket(f->context, ZMQ_REQ);
    const int wait_ms = WAIT_MS;

    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    assert_int_equal(zmq_connect(socket, ZAP_ENDPOINT), 0);
    for (size_t i = 0; i < count; i++)
        assert_true(
            zmq_send(socket, frames[i].ptr, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
    return socket;
}

/* And closes the socket. */
static void take_answer(void *socket, char status[8], char user_id[128])
{
    char buf[256];
    int more = 1;
    size_t more_size = sizeof(more);

    for (int i = 0; more; i++) {
        int len = zmq_recv(socket, buf, sizeof(buf) - 1, 0);

        assert_true(len >= 0);
        buf[len] = '\0';
        if (i == 2)
            snprintf(status, 8, "%.7s", buf);
        if (i == 4)
            snprintf(user_id, 128, "%.127s", buf);
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
    }
    zmq_close(socket);
}

static void ask(struct fixture *f, size_t count, const struct span frames[], char status[8],
                char user_id[128])
{
    take_answer(put_question(f, count, frames), status, user_id);
}

/* True when what this client sends arrives. */
static bool is_heard(struct fixture *f, void *socket, long wait_ms)
{
    zmq_pollitem_t item = {.socket = front_commands(f->front), .events = ZMQ_POLLIN};
    struct frame frame;

    assert_int_equal(zmq_send(socket, "x", 1, 0), 1);
    return zmq_poll(&item, 1, wait_ms) > 0 && front_receive(f->front, &frame) == RC_OK;
}

static void those_inside_go_on_without_a_handler(void **state)
{
    struct fixture *f = *state;
    void *inside, *hung;

    open_front(f);
    inside = client(f, CURVE);
    assert_true(is_heard(f, inside, WAIT_MS));
    zap_stop(&f->zap); /* dead */
    assert_false(gets_in(f, CURVE, 300));
    assert_true(is_heard(f, inside, WAIT_MS));
    hung = zmq_socket(f->context, ZMQ_REP);
    assert_int_equal(zmq_bind(hung, ZAP_ENDPOINT), 0);
    assert_false(gets_in(f, CURVE, 300));
    assert_true(is_heard(f, inside, WAIT_MS));
    zmq_close(hung);
    zmq_close(inside);
}

/* The handler again, with other options. */
static void restart(struct fixture *f, const struct zap_options *options)
{
    const uint64_t start_ms = clock_mono_ms();

    zap_stop(&f->zap);
    while (zap_start(f->context, options, &f->zap) != RC_OK) /* libzmq frees its place behind us */
        assert_true(errno == EADDRINUSE && clock_mono_ms() < start_ms + WAIT_MS);
}

#define CROWD 20 /* more than a slow machine's second lets in */

/* Many ask at once, each with the next key when `keys_differ`; returns how many are let in. */
static unsigned ask_at_once(struct fixture *f, const struct span model[7], bool keys_differ)
{
    char keys[CROWD][PUBLIC_KEY_BYTES] = {{0}};
    struct span frames[7];
    void *asking[CROWD];
    unsigned admitted = 0;

    memcpy(frames, model, sizeof(frames));
    for (size_t i = 0; i < CROWD; i++) {
        keys[i][0] = (char)(keys_differ ? i + 1 : 1);
        frames[6] = (struct span){keys[i], PUBLIC_KEY_BYTES};
        asking[i] = put_question(f, 7, frames);
    }
    for (size_t i = 0; i < CROWD; i++) {
        char status[8], user_id[128];

        take_answer(asking[i], status, user_id);
        admitted += strcmp(status, "200") == 0;
        assert_true(strcmp(status, "200") == 0 || strcmp(status, "300") == 0);
    }
    return admitted;
}

static void addresses_and_keys_have_limits_of_their_own(void **state)
{
    struct fixture *f = *state;
    char other_key[PUBLIC_KEY_BYTES] = {99};
    struct span frames[7] = {SPAN("1.0"),       SPAN("id"), SPAN(ZAP_DOMAIN_COMMANDS),
                             SPAN("192.0.2.1"), SPAN(""),   SPAN("CURVE"),
                             {other_key, 32}};
    char status[8], user_id[128];
    struct zap_stats stats;
    unsigned admitted;

    restart(f, &(struct zap_options){.per_address = 1, .per_address_burst = 4});
    admitted = ask_at_once(f, frames, true);
    assert_in_range(admitted, 4, CROWD / 2);
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.per_address, CROWD - admitted);
    frames[3] = SPAN("192.0.2.2");
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "200");

    restart(f, &(struct zap_options){.per_key = 1, .per_key_burst = 2});
    admitted = ask_at_once(f, frames, false);
    assert_in_range(admitted, 3, CROWD / 2); /* the third after a wait */
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.per_key, CROWD - admitted);
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "200");
}

/* Not before its time, and then with its key. */
static void a_key_that_comes_too_often_waits_for_its_turn(void **state)
{
    struct fixture *f = *state;
    const uint64_t start_ms = clock_mono_ms();
    struct zap_stats stats;

    open_front(f);
    restart(f, &(struct zap_options){.per_key = 1, .per_key_burst = 1});
    for (int i = 0; i < 3; i++)
        assert_true(gets_in(f, CURVE, WAIT_MS));
    assert_true(clock_mono_ms() - start_ms >= 2000);
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.admitted, 3);
    assert_true(stats.delayed > 0);
    assert_int_equal(stats.per_key, 0);
}

/* One that is not answered at once. */
static void *put_question_that_waits(struct fixture *f, const struct span frames[7])
{
    const uint64_t start_ms = clock_mono_ms();

    for (;;) {
        void *socket = put_question(f, 7, frames);
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        struct zap_stats stats;

        do {
            assert_true(clock_mono_ms() < start_ms + WAIT_MS);
            zap_get_stats(f->zap, &stats);
            if (stats.delayed > 0)
                return socket;
        } while (zmq_poll(&item, 1, 1) == 0);
        zmq_close(socket); /* there was a turn left */
    }
}

/* What holds when their turn comes counts, and not what held when they came. */
static void who_is_expelled_while_they_wait_does_not_get_in(void **state)
{
    struct fixture *f = *state;
    unsigned char key[PUBLIC_KEY_BYTES] = {1};
    const struct span frames[7] = {SPAN("1.0"),       SPAN("id"), SPAN(ZAP_DOMAIN_COMMANDS),
                                   SPAN("192.0.2.1"), SPAN(""),   SPAN("CURVE"),
                                   {(char *)key, 32}};
    char status[8], user_id[128];
    void *waiting;

    restart(f, &(struct zap_options){.keyring = f->keyring, .per_key = 1, .per_key_burst = 1});
    waiting = put_question_that_waits(f, frames);
    assert_int_equal(keyring_expel(f->keyring, key), RC_OK);
    take_answer(waiting, status, user_id);
    assert_string_equal(status, "400");
    assert_string_equal(user_id, "");
}

#define FLOOD (3 * ZAP_QUEUE_MAX)

/* When all places are taken, who would have to wait is refused, and the key owes nothing for it: once the last one
 * has had its turn, there is one at once. */
static void a_full_queue_refuses_and_its_key_owes_nothing(void **state)
{
    struct fixture *f = *state;
    const char key[PUBLIC_KEY_BYTES] = {1};
    const struct span frames[7] = {SPAN("1.0"),       SPAN("id"), SPAN(ZAP_DOMAIN_COMMANDS),
                                   SPAN("192.0.2.1"), SPAN(""),   SPAN("CURVE"),
                                   {key, sizeof(key)}};
    const int no_limit = 0, wait_ms = WAIT_MS;
    void *socket = zmq_socket(f->context, ZMQ_DEALER);
    char status[8], user_id[128];
    struct zap_stats flooded, stats;
    uint64_t end_ms;

    /* 1.5 s of this rate are all turns that the flood wants: only the places are too few. */
    restart(f, &(struct zap_options){.per_key = FLOOD * 2 / 3, .per_key_burst = 1});
    zmq_setsockopt(socket, ZMQ_SNDHWM, &no_limit, sizeof(no_limit));
    zmq_setsockopt(socket, ZMQ_RCVHWM, &no_limit, sizeof(no_limit));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    assert_int_equal(zmq_connect(socket, ZAP_ENDPOINT), 0);
    for (size_t i = 0; i < FLOOD; i++) {
        assert_int_equal(zmq_send(socket, "", 0, ZMQ_SNDMORE), 0);
        for (size_t at = 0; at < 7; at++)
            assert_true(
                zmq_send(socket, frames[at].ptr, frames[at].len, at < 6 ? ZMQ_SNDMORE : 0) >= 0);
    }
    for (size_t i = 0; i < 7 * FLOOD; i++) /* an empty frame, and six of the answer */
        assert_true(zmq_recv(socket, NULL, 0, 0) >= 0);
    zmq_close(socket);
    zap_get_stats(f->zap, &flooded);
    assert_true(flooded.delayed >= ZAP_QUEUE_MAX);
    assert_true(flooded.per_key > 0);
    assert_int_equal(flooded.admitted + flooded.per_key, FLOOD);
    for (end_ms = clock_mono_ms() + 5; clock_mono_ms() < end_ms;)
        ;
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "200");
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.delayed, flooded.delayed);
}

static void the_rates_can_change_while_it_runs(void **state)
{
    struct fixture *f = *state;
    char key[PUBLIC_KEY_BYTES] = {1};
    struct span frames[8] = {SPAN("1.0"),       SPAN("id"), SPAN(ZAP_DOMAIN_COMMANDS),
                             SPAN("192.0.2.1"), SPAN(""),   SPAN("CURVE"),
                             {key, 32},         {NULL, 0}};
    char status[8] = "", user_id[128];
    const uint64_t start_ms = clock_mono_ms();

    restart(f, &(struct zap_options){
                   .per_address = 1, .per_address_burst = 1, .per_key = 1, .per_key_burst = 1});
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "200");
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "300");
    zap_set_rates(f->zap, &(struct zap_options){.per_address = 0, .per_key = 0});
    /* Rate 0 is no limit; the order needs a moment on its way, but less than a token takes to grow a third time. */
    for (int in_a_row = 0; in_a_row < 5;) {
        ask(f, 7, frames, status, user_id);
        in_a_row = strcmp(status, "200") == 0 ? in_a_row + 1 : 0;
        assert_true(clock_mono_ms() < start_ms + WAIT_MS);
    }
}

/* By ZAP's answer 300: nothing is said, and libzmq's client tries again when the handshake's time is over. */
static void who_came_too_often_comes_back_by_itself(void **state)
{
    struct fixture *f = *state;
    struct zap_stats stats;
    void *second;

    open_front(f);
    restart(f, &(struct zap_options){.per_address = 2, .per_address_burst = 1});
    assert_true(gets_in(f, CURVE, WAIT_MS));
    second = client(f, CURVE);
    assert_true(is_heard(f, second, 15000));
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.admitted, 2);
    assert_true(stats.per_address >= 1);
    zmq_close(second);
}

/* By 400, which libzmq's client takes as final. */
static void an_expelled_key_does_not_come_back(void **state)
{
    struct fixture *f = *state;
    struct zap_stats stats;
    void *socket;

    open_front(f);
    assert_int_equal(keyring_expel(f->keyring, f->client_public), RC_OK);
    socket = client(f, CURVE);
    assert_false(is_heard(f, socket, 1000));
    zap_get_stats(f->zap, &stats);
    assert_int_equal(stats.expelled, 1);
    zmq_close(socket);
    assert_int_equal(keyring_admit(f->keyring, f->client_public), RC_OK);
    assert_true(gets_in(f, CURVE, WAIT_MS));
}

/* At the broadcasts by 300, since a HELLO may make it known at any time. */
static void a_stranger_may_knock_again_once_it_may_ask(void **state)
{
    struct fixture *f = *state;
    const char key[PUBLIC_KEY_BYTES] = {1};
    struct span frames[8] = {SPAN("1.0"), SPAN("id"), SPAN(ZAP_DOMAIN_COMMANDS),
                             SPAN("::1"), SPAN(""),   SPAN("CURVE"),
                             {key, 32},   {NULL, 0}};
    char status[8], user_id[128];

    keyring_set_policy(f->keyring, &(struct keyring_policy){true, false});
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "200");
    frames[2] = SPAN(ZAP_DOMAIN_BROADCASTS);
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "300");
    assert_string_equal(user_id, "");
    keyring_set_policy(f->keyring, &(struct keyring_policy){false, false});
    ask(f, 7, frames, status, user_id);
    assert_string_equal(status, "400");
}

static void *raise_sigterm(void *context)
{
    (void)context;
    raise(SIGTERM);
    return NULL;
}

static void ignore_signal(int number)
{
    (void)number;
}

static void a_signal_does_not_stop_the_handler(void **state)
{
    struct fixture *f = *state;
    struct sigaction action = {.sa_handler = ignore_signal}, before;
    pthread_t thread;

    open_front(f);
    assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
    kill(getpid(), SIGTERM);
    assert_int_equal(pthread_create(&thread, NULL, raise_sigterm, NULL), 0);
    pthread_join(thread, NULL);
    assert_true(gets_in(f, CURVE, WAIT_MS));
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

static void malformed_requests_are_answered_with_400(void **state)
{
    struct fixture *f = *state;
    const char key[PUBLIC_KEY_BYTES] = {1}, zero[PUBLIC_KEY_BYTES] = {0};
    char long_frame[1000] = {'1', '.', '0'};
    const struct span good[8] = {
        SPAN("1.0"), SPAN("id"),    SPAN(ZAP_DOMAIN_COMMANDS), SPAN("127.0.0.1"),
        SPAN(""),    SPAN("CURVE"), {key, sizeof(key)},        SPAN("one too many")};
    const struct {
        size_t at;
        struct span instead;
    } bad[] = {{0, SPAN("2.0")},
               {0, {long_frame, sizeof(long_frame)}},
               {2, SPAN("other")},
               {2, SPAN("")},
               {5, SPAN("NULL")},
               {5, SPAN("PLAIN")},
               {6, {key, 31}},
               {6, SPAN("")},
               {6, {zero, PUBLIC_KEY_BYTES}},
               {6, {long_frame, 33}},
               {6, {long_frame, sizeof(long_frame)}}};
    char status[8], user_id[128];

    ask(f, 7, good, status, user_id);
    assert_string_equal(status, "200");
    assert_string_equal(user_id,
                        "0100000000000000000000000000000000000000000000000000000000000000");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct span frames[8];

        memcpy(frames, good, sizeof(frames));
        frames[bad[i].at] = bad[i].instead;
        ask(f, 7, frames, status, user_id);
        assert_string_equal(status, "400");
        assert_string_equal(user_id, "");
    }
    for (size_t count = 1; count <= 8; count++) {
        ask(f, count, good, status, user_id);
        assert_string_equal(status, count == 7 ? "200" : "400");
    }
}

static void a_context_has_one_handler(void **state)
{
    struct fixture *f = *state;
    struct zap *second = NULL;

    assert_int_equal(zap_start(f->context, &(struct zap_options){.keyring = NULL}, &second),
                     RC_SYSTEM);
    assert_null(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_curve_key_gets_in_and_is_known),
        TEST(nobody_gets_in_without_curve),
        TEST(nobody_gets_in_when_the_handler_is_gone),
        cmocka_unit_test_setup_teardown(nobody_gets_in_when_the_handler_hangs,
                                        set_up_without_handler, tear_down),
        cmocka_unit_test_setup_teardown(nobody_gets_in_when_there_never_was_a_handler,
                                        set_up_without_handler, tear_down),
        TEST(those_inside_go_on_without_a_handler),
        TEST(addresses_and_keys_have_limits_of_their_own),
        TEST(a_key_that_comes_too_often_waits_for_its_turn),
        TEST(who_is_expelled_while_they_wait_does_not_get_in),
        TEST(a_full_queue_refuses_and_its_key_owes_nothing),
        TEST(the_rates_can_change_while_it_runs),
        TEST(who_came_too_often_comes_back_by_itself),
        TEST(an_expelled_key_does_not_come_back),
        TEST(a_stranger_may_knock_again_once_it_may_ask),
        TEST(a_signal_does_not_stop_the_handler),
        TEST(malformed_requests_are_answered_with_400),
        TEST(a_context_has_one_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
