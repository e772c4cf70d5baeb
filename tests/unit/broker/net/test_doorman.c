/* Limits of connections, with real sockets: strangers are plain TCP or ipc connections that say nothing. */
#include "broker/net/doorman.h"

#include "broker/net/cut.h"
#include "broker/net/front.h"
#include "broker/net/spare.h"
#include "broker/net/zap.h"
#include "shared/base/clock.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <zmq.h>

#define WAIT_MS       8000
#define STRANGERS_MAX 256

struct fixture {
    void *context;
    struct zap *zap;
    struct doorman *doorman;
    struct front *front;
    struct broker_url address;
    char folder[64];
    unsigned char public_key[PUBLIC_KEY_BYTES], secret_key[PUBLIC_KEY_BYTES];
    int strangers[STRANGERS_MAX];
    size_t stranger_count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (sodium_init() < 0)
        return -1;
    f->context = zmq_ctx_new();
    crypto_box_keypair(f->public_key, f->secret_key);
    snprintf(f->folder, sizeof(f->folder), "/tmp/zchat-doorman-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->address.host, sizeof(f->address.host), "127.0.0.1");
    assert_int_equal(zap_start(f->context, &(struct zap_options){.keyring = NULL}, &f->zap), RC_OK);
    *state = f;
    return 0;
}

static void leave(struct fixture *f)
{
    while (f->stranger_count > 0)
        close(f->strangers[--f->stranger_count]);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    leave(f);
    front_close(&f->front);
    zap_stop(&f->zap);
    doorman_stop(&f->doorman);
    zmq_ctx_term(f->context);
    rmdir(f->folder);
    free(f);
    return 0;
}

static void open_with(struct fixture *f, const struct doorman_limits *limits)
{
    struct front_options options = {.addresses = &f->address,
                                    .address_count = 1,
                                    .public_key = f->public_key,
                                    .secret_key = f->secret_key};
    char why[WHY_BYTES_MAX];

    assert_int_equal(doorman_start(f->context, limits, &f->doorman), RC_OK);
    options.doorman = f->doorman;
    assert_int_equal(front_open(f->context, &options, &f->front, why), RC_OK);
}

static int connect_from(struct fixture *f, const char *from)
{
    struct sockaddr_in source = {.sin_family = AF_INET}, target = {.sin_family = AF_INET};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, from, &source.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &target.sin_addr);
    target.sin_port = htons(front_port(f->front));
    assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&target, sizeof(target)), 0);
    assert_true(f->stranger_count < STRANGERS_MAX);
    f->strangers[f->stranger_count++] = fd;
    return fd;
}

/* The broker's greeting comes at once; then silence, or the end. */
static bool is_ended(int fd, int wait_ms)
{
    const uint64_t end_ms = clock_mono_ms() + (uint64_t)wait_ms;
    struct pollfd item = {.fd = fd, .events = POLLIN};
    char buf[256];

    for (;;) {
        const uint64_t now_ms = clock_mono_ms();

        if (poll(&item, 1, end_ms > now_ms ? (int)(end_ms - now_ms) : 0) <= 0)
            return false;
        if (recv(fd, buf, sizeof(buf), 0) <= 0)
            return true;
    }
}

/* What the doorman has counted, once it is that; it runs behind the connections. */
static struct doorman_stats stats_when(struct fixture *f, uint32_t connections, uint64_t accepted)
{
    const struct timespec step = {.tv_nsec = 5000000};
    const uint64_t end_ms = clock_mono_ms() + WAIT_MS;
    struct doorman_stats stats;

    for (;;) {
        doorman_get_stats(f->doorman, &stats);
        if (stats.connections == connections && stats.accepted >= accepted)
            return stats;
        if (clock_mono_ms() > end_ms)
            fail_msg("%u connections of %llu accepted, not %u of %llu", stats.connections,
                     (unsigned long long)stats.accepted, connections, (unsigned long long)accepted);
        nanosleep(&step, NULL);
    }
}

static void *client_of(struct fixture *f, int type, const char *endpoint)
{
    unsigned char public_key[PUBLIC_KEY_BYTES], secret_key[PUBLIC_KEY_BYTES];
    void *socket = zmq_socket(f->context, type);
    const int linger_ms = 0;

    crypto_box_keypair(public_key, secret_key);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, f->public_key, PUBLIC_KEY_BYTES);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, PUBLIC_KEY_BYTES);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, PUBLIC_KEY_BYTES);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    return socket;
}

static void *client(struct fixture *f, const char *endpoint)
{
    return client_of(f, ZMQ_DEALER, endpoint);
}

static bool is_heard(struct fixture *f, void *socket)
{
    zmq_pollitem_t item = {.socket = front_commands(f->front), .events = ZMQ_POLLIN};
    struct frame frame;

    assert_int_equal(zmq_send(socket, "x", 1, 0), 1);
    return zmq_poll(&item, 1, WAIT_MS) > 0 && front_receive(f->front, &frame) == RC_OK;
}

/* As long as the half-open are spared. */
static void wait_for_silence(void)
{
    const uint64_t end_ms = clock_mono_ms() + 2200;
    const struct timespec step = {.tv_nsec = 50000000};

    while (clock_mono_ms() < end_ms)
        nanosleep(&step, NULL);
}

static const char *commands_of(struct fixture *f)
{
    static char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", front_port(f->front));
    return endpoint;
}

static void connections_are_counted_by_address(void **state)
{
    struct fixture *f = *state;
    struct doorman_stats stats;

    open_with(f, &(struct doorman_limits){100, 100, 100});
    for (int i = 0; i < 3; i++)
        connect_from(f, "127.0.0.1");
    connect_from(f, "127.0.0.2");
    stats = stats_when(f, 4, 4);
    assert_int_equal(stats.addresses, 2);
    leave(f);
    stats = stats_when(f, 0, 4);
    assert_int_equal(stats.addresses, 0);
    assert_int_equal(stats.peak, 4);
    assert_int_equal(stats.cut_full + stats.cut_address + stats.cut_pending, 0);
}

static void who_has_too_many_connections_gets_no_more(void **state)
{
    struct fixture *f = *state;
    int first, newcomer;

    open_with(f, &(struct doorman_limits){100, 4, 100});
    first = connect_from(f, "127.0.0.1");
    for (int i = 1; i < 4; i++)
        connect_from(f, "127.0.0.1");
    stats_when(f, 4, 4);
    newcomer = connect_from(f, "127.0.0.1");
    assert_true(is_ended(newcomer, WAIT_MS));
    assert_int_equal(stats_when(f, 4, 5).cut_address, 1);
    assert_false(is_ended(connect_from(f, "127.0.0.2"), 300));
    assert_false(is_ended(first, 0));
    close(f->strangers[0]); /* one leaves: there is room for one */
    f->strangers[0] = f->strangers[--f->stranger_count];
    stats_when(f, 4, 6);
    assert_false(is_ended(connect_from(f, "127.0.0.1"), 300));
}

static void other_limits_cut_nobody_who_is_there(void **state)
{
    struct fixture *f = *state;
    int first, newcomer;

    open_with(f, &(struct doorman_limits){100, 100, 100});
    first = connect_from(f, "127.0.0.1");
    connect_from(f, "127.0.0.1");
    stats_when(f, 2, 2);
    doorman_set_limits(f->doorman, &(struct doorman_limits){100, 1, 100});
    newcomer = connect_from(f, "127.0.0.1");
    assert_true(is_ended(newcomer, WAIT_MS));
    assert_int_equal(stats_when(f, 2, 3).cut_address, 1);
    assert_false(is_ended(first, 0));
}

static void of_the_half_open_the_oldest_goes_and_who_is_inside_stays(void **state)
{
    struct fixture *f = *state;
    void *inside;
    int oldest, second;

    open_with(f, &(struct doorman_limits){100, 100, 8});
    inside = client(f, commands_of(f));
    assert_true(is_heard(f, inside));
    oldest = connect_from(f, "127.0.0.1");
    stats_when(f, 2, 2);
    second = connect_from(f, "127.0.0.1");
    for (int i = 0; i < 6; i++)
        connect_from(f, "127.0.0.1");
    stats_when(f, 9, 9);
    wait_for_silence();
    connect_from(f, "127.0.0.1");
    assert_true(is_ended(oldest, WAIT_MS));
    assert_int_equal(stats_when(f, 9, 10).cut_pending, 1);
    assert_false(is_ended(second, 0));
    assert_true(is_heard(f, inside));
    zmq_close(inside);
    inside = client(f, commands_of(f)); /* and newcomers find their way */
    assert_true(is_heard(f, inside));
    zmq_close(inside);
}

static void when_all_places_are_taken_the_half_open_make_room(void **state)
{
    struct fixture *f = *state;
    void *inside[4];
    int oldest;

    open_with(f, &(struct doorman_limits){8, 100, 100});
    for (int i = 0; i < 3; i++) {
        inside[i] = client(f, commands_of(f));
        assert_true(is_heard(f, inside[i]));
    }
    oldest = connect_from(f, "127.0.0.2");
    stats_when(f, 4, 4);
    for (int i = 0; i < 4; i++)
        connect_from(f, "127.0.0.2");
    stats_when(f, 8, 8);
    wait_for_silence();
    inside[3] = client(f, commands_of(f));
    assert_true(is_heard(f, inside[3]));
    assert_true(is_ended(oldest, WAIT_MS));
    for (int i = 0; i < 4; i++) {
        assert_true(is_heard(f, inside[i]));
        zmq_close(inside[i]);
    }
    assert_true(stats_when(f, 4, 9).cut_full == 1);
}

static void a_crowd_that_just_came_is_spared(void **state)
{
    struct fixture *f = *state;

    open_with(f, &(struct doorman_limits){100, 100, 8});
    for (int i = 0; i < 30; i++)
        connect_from(f, "127.0.0.1");
    assert_int_equal(stats_when(f, 30, 30).cut_pending, 0);
    wait_for_silence();
    connect_from(f, "127.0.0.1");
    assert_int_equal(stats_when(f, 8, 31).cut_pending, 23);
}

static void when_all_are_inside_the_newcomer_goes(void **state)
{
    struct fixture *f = *state;
    void *inside[3];

    open_with(f, &(struct doorman_limits){3, 100, 100});
    for (int i = 0; i < 3; i++) {
        inside[i] = client(f, commands_of(f));
        assert_true(is_heard(f, inside[i]));
    }
    assert_true(is_ended(connect_from(f, "127.0.0.1"), WAIT_MS));
    for (int i = 0; i < 3; i++) {
        assert_true(is_heard(f, inside[i]));
        zmq_close(inside[i]);
    }
}

static void a_socket_that_was_cut_off_is_no_longer_counted(void **state)
{
    struct fixture *f = *state;
    char endpoint[64];
    void *sub;

    open_with(f, &(struct doorman_limits){100, 100, 100});
    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", front_port(f->front) + 1);
    sub = client_of(f, ZMQ_SUB, endpoint);
    stats_when(f, 1, 1);
    zmq_close(sub);
    stats_when(f, 0, 1);
    for (int i = 0; i < 50; i++) /* more sockets than the doorman watches at a time */
        assert_int_equal(front_cut(f->front), RC_OK);
    connect_from(f, "127.0.0.1");
    stats_when(f, 1, 2);
}

/* Descriptors */

static void an_older_descriptor_is_not_taken_for_a_new_one(void **state)
{
    int pair[2];
    uint64_t id;
    char byte;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    id = cut_id(pair[0]);
    assert_true(id != 0 && id != cut_id(pair[1]));
    assert_false(cut_off(pair[0], cut_id(pair[1])));
    assert_false(cut_off(pair[0], 0));
    assert_int_equal(send(pair[0], "x", 1, 0), 1);
    assert_true(cut_off(pair[0], id));
    assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 0);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(cut_id(pair[0]), 0);
    assert_false(cut_off(pair[0], id));
    assert_int_equal(cut_id(-1), 0);
}

/* Take all descriptors below 256; returns how many. */
static size_t fill_descriptors(int fds[static 256], struct rlimit *ret_before)
{
    struct rlimit low;
    size_t count = 0;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_before), 0);
    low = *ret_before;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < 256 && (fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    assert_true(errno == EMFILE);
    return count;
}

/* libzmq aborts on a socket file whose accept() finds no descriptor. */
static void without_a_descriptor_left_the_newcomer_is_hung_up_on(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un target = {.sun_family = AF_UNIX};
    const uint64_t hung_up = spare_count();
    char endpoint[300];
    struct rlimit before;
    int fds[256];
    size_t count;
    void *inside;

    f->address.is_ipc = true;
    snprintf(target.sun_path, sizeof(target.sun_path), "%s/s", f->folder);
    snprintf(f->address.host, sizeof(f->address.host), "%s", target.sun_path);
    open_with(f, &(struct doorman_limits){100, 100, 100});
    snprintf(endpoint, sizeof(endpoint), "ipc://%s", target.sun_path);
    inside = client(f, endpoint);
    assert_true(is_heard(f, inside));
    for (int i = 0; i < 4; i++)
        f->strangers[f->stranger_count++] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    count = fill_descriptors(fds, &before);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect(f->strangers[i], (struct sockaddr *)&target, sizeof(target)), 0);
        assert_true(is_ended(f->strangers[i], WAIT_MS));
    }
    assert_int_equal(spare_count() - hung_up, 3);
    assert_true(is_heard(f, inside));
    while (count > 0)
        close(fds[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(connect(f->strangers[3], (struct sockaddr *)&target, sizeof(target)), 0);
    assert_false(is_ended(f->strangers[3], 300)); /* everybody is let in again */
    zmq_close(inside);
}

static void the_default_leaves_descriptors_for_files(void **state)
{
    struct rlimit before, low;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(doorman_default_max(), 144);
    low.rlim_cur = 50;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(doorman_default_max(), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(connections_are_counted_by_address),
        TEST(who_has_too_many_connections_gets_no_more),
        TEST(other_limits_cut_nobody_who_is_there),
        TEST(of_the_half_open_the_oldest_goes_and_who_is_inside_stays),
        TEST(a_crowd_that_just_came_is_spared),
        TEST(when_all_places_are_taken_the_half_open_make_room),
        TEST(when_all_are_inside_the_newcomer_goes),
        TEST(a_socket_that_was_cut_off_is_no_longer_counted),
        cmocka_unit_test(an_older_descriptor_is_not_taken_for_a_new_one),
        TEST(without_a_descriptor_left_the_newcomer_is_hung_up_on),
        cmocka_unit_test(the_default_leaves_descriptors_for_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
