/* How the hub sleeps. The sockets are this test's own: it stands in for their owners, which wakeup.c asks for them. */
#include "broker/wakeup.h"

#include "tests/support/check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#define LONG_MS 10000 /* so long nothing takes; what is tested is that it ends before */

enum { STORED, COMMANDS, BROADCASTS, READ, BACKUP, WATCH, HINTS, SOCKETS };

static const unsigned looks[SOCKETS] = {LOOK_STORED, LOOK_COMMANDS, 0,         LOOK_READ,
                                        LOOK_BACKUP, LOOK_WATCH,    LOOK_HINTS};

static struct fixture {
    void *context;
    void *ours[SOCKETS];   /* the hub's ends */
    void *theirs[SOCKETS]; /* who sends to it */
    bool is_writer_unsure;
    struct hub_parts parts;
} fixture;

void *writer_socket(struct writer *self)
{
    (void)self;
    return fixture.ours[STORED];
}

bool writer_is_unsure(const struct writer *self)
{
    (void)self;
    return fixture.is_writer_unsure;
}

void *front_commands(struct front *self)
{
    (void)self;
    return fixture.ours[COMMANDS];
}

void *front_broadcasts(struct front *self)
{
    (void)self;
    return fixture.ours[BROADCASTS];
}

void *readers_socket(struct readers *self)
{
    (void)self;
    return fixture.ours[READ];
}

void *backup_socket(struct backup *self)
{
    (void)self;
    return fixture.ours[BACKUP];
}

void *cluster_socket(const struct cluster *self)
{
    (void)self;
    return fixture.ours[HINTS];
}

static int set_up(void **state)
{
    struct fixture *f = *state = &fixture;
    char endpoint[32];

    f->is_writer_unsure = false;
    f->context = zmq_ctx_new();
    for (int i = 0; i < SOCKETS; i++) {
        snprintf(endpoint, sizeof(endpoint), "inproc://wakeup-%d", i);
        f->ours[i] = zmq_socket(f->context, ZMQ_PAIR);
        f->theirs[i] = zmq_socket(f->context, ZMQ_PAIR);
        assert_int_equal(zmq_bind(f->ours[i], endpoint), 0);
        assert_int_equal(zmq_connect(f->theirs[i], endpoint), 0);
    }
    f->parts = (struct hub_parts){.watch = f->ours[WATCH],
                                  .signal_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    /* That they were connected is news, too. */
    while (wakeup_wait(&f->parts, LOOK_ALL, 0, false) != 0)
        for (int i = 0; i < SOCKETS; i++)
            (void)zmq_recv(f->ours[i], endpoint, sizeof(endpoint), ZMQ_DONTWAIT);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SOCKETS; i++) {
        zmq_close(f->ours[i]);
        zmq_close(f->theirs[i]);
    }
    close(f->parts.signal_fd);
    zmq_ctx_term(f->context);
    return 0;
}

static void give(struct fixture *f, int at)
{
    assert_int_equal(zmq_send(f->theirs[at], "x", 1, 0), 1);
}

static void take(struct fixture *f, int at)
{
    char byte;

    assert_int_equal(zmq_recv(f->ours[at], &byte, 1, ZMQ_DONTWAIT), 1);
}

static void nothing_is_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(wakeup_wait(&f->parts, 0, 1, false), 0);
    assert_int_equal(wakeup_wait(&f->parts, LOOK_ALL, 1, false), 0);
    assert_int_equal(wakeup_rest(&f->parts, 0, 1000), 0);
}

static void whatever_comes_is_told_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    const uint64_t one = 1;

    for (int i = 0; i < SOCKETS; i++) {
        give(f, i);
        assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, false), looks[i]);
        take(f, i);
        assert_int_equal(wakeup_wait(&f->parts, 0, 0, false), 0);
    }
    assert_int_equal(write(f->parts.signal_fd, &one, sizeof(one)), sizeof(one));
    assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, false), LOOK_SIGNAL);
}

static void what_was_left_is_found_when_it_is_named(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SOCKETS; i++) {
        give(f, i);
        give(f, i);
        assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, false), looks[i]);
        take(f, i);
        assert_int_equal(wakeup_wait(&f->parts, LOOK_ALL, LONG_MS * (looks[i] != 0), false),
                         looks[i]);
        take(f, i);
        assert_int_equal(wakeup_wait(&f->parts, LOOK_ALL, 0, false), 0);
    }
}

static bool has_sign(struct fixture *f)
{
    struct pollfd item = {.events = POLLIN};
    size_t size = sizeof(item.fd);

    assert_int_equal(zmq_getsockopt(f->ours[STORED], ZMQ_FD, &item.fd, &size), 0);
    return poll(&item, 1, 0) == 1;
}

/* As it is when the writer answers while an order is given to it: the descriptor tells of nothing then, and never will. */
static void what_was_committed_while_we_sent_is_found(void **state)
{
    struct fixture *f = *state;

    give(f, STORED);
    while (has_sign(f)) /* libzmq looks at its signs while it sends, but not each time */
        assert_int_equal(zmq_send(f->ours[STORED], "x", 1, 0), 1);
    give(f, STORED);
    assert_false(has_sign(f));
    assert_int_equal(wakeup_wait(&f->parts, 0, 0, false), 0);
    f->is_writer_unsure = true;
    assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, false), LOOK_STORED);
    assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, true), LOOK_STORED);
    assert_int_equal(wakeup_rest(&f->parts, 0, 999999), LOOK_STORED);
}

static void who_stops_hears_of_commits_and_signals_alone(void **state)
{
    struct fixture *f = *state;
    const uint64_t one = 1;

    give(f, COMMANDS);
    give(f, READ);
    assert_int_equal(wakeup_wait(&f->parts, LOOK_ALL, 1, true), 0);
    give(f, STORED);
    assert_int_equal(wakeup_wait(&f->parts, LOOK_ALL, LONG_MS, true), LOOK_STORED);
    take(f, STORED);
    assert_int_equal(write(f->parts.signal_fd, &one, sizeof(one)), sizeof(one));
    assert_int_equal(wakeup_wait(&f->parts, 0, LONG_MS, true), LOOK_SIGNAL);
}

/* It may rest for a while, but sees all that came, and does not forget what was unsure. */
static void behind_a_rest_all_is_looked_at(void **state)
{
    struct fixture *f = *state;

    give(f, COMMANDS);
    give(f, WATCH);
    assert_int_equal(wakeup_rest(&f->parts, LOOK_READ, 1000),
                     LOOK_COMMANDS | LOOK_WATCH | LOOK_READ);
    take(f, COMMANDS);
    take(f, WATCH);
    give(f, STORED);
    assert_int_equal(wakeup_rest(&f->parts, 0, 999999), LOOK_STORED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_nothing),
        TEST(whatever_comes_is_told_and_nothing_else),
        TEST(what_was_left_is_found_when_it_is_named),
        TEST(what_was_committed_while_we_sent_is_found),
        TEST(who_stops_hears_of_commits_and_signals_alone),
        TEST(behind_a_rest_all_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
