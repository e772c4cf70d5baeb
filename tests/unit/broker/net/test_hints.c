/* test_hints.c - brokers that have the cluster's key hear each other, others neither hear nor are heard. */
#include "tests/support/check.h"

#include "broker/net/hints.h"
#include "broker/net/zap.h"
#include "shared/base/clock.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define WAIT_MS 20000

struct pair {
    unsigned char public_key[PUBLIC_KEY_BYTES];
    unsigned char secret_key[PUBLIC_KEY_BYTES];
};

struct fixture {
    char *folder;
    char endpoint[2][64];
    void *context[2]; /* of two processes */
    struct zap *zap[2];
    struct hints *hints[2];
};

static struct hints *open_hints(void *context, const char *endpoint, const struct pair *keys)
{
    const struct hints_options options = {
        .endpoint = endpoint, .public_key = keys->public_key, .secret_key = keys->secret_key};
    struct hints *hints = NULL;
    char why[WHY_BYTES_MAX] = "";

    if (hints_open(context, &options, &hints, why) != RC_OK)
        fail_msg("%s", why);
    return hints;
}

static struct fixture *fixture_new(const struct pair *one, const struct pair *other)
{
    struct fixture *self = calloc(1, sizeof(*self));
    const struct pair *keys[] = {one, other};

    assert_non_null(self);
    self->folder = strdup("/tmp/zchat-hints-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    for (int i = 0; i < 2; i++) {
        struct zap_options zap = {.has_cluster = true};

        memcpy(zap.cluster_key, keys[i]->public_key, sizeof(zap.cluster_key));
        snprintf(self->endpoint[i], sizeof(self->endpoint[i]), "ipc://%s/%d", self->folder, i);
        self->context[i] = zmq_ctx_new();
        assert_int_equal(zap_start(self->context[i], &zap, &self->zap[i]), RC_OK);
        self->hints[i] = open_hints(self->context[i], self->endpoint[i], keys[i]);
    }
    for (int i = 0; i < 2; i++)
        hints_listen(self->hints[i], self->endpoint[1 - i]);
    return self;
}

static void fixture_destroy(struct fixture *self)
{
    for (int i = 0; i < 2; i++) {
        hints_close(&self->hints[i]);
        zap_stop(&self->zap[i]);
        zmq_ctx_term(self->context[i]);
        (void)unlink(self->endpoint[i] + strlen("ipc://"));
    }
    assert_int_equal(rmdir(self->folder), 0);
    free(self->folder);
    free(self);
}

static struct pair new_pair(void)
{
    struct pair pair;

    assert_true(sodium_init() >= 0);
    crypto_box_keypair(pair.public_key, pair.secret_key);
    return pair;
}

/* What is told before somebody listens nobody hears: so it is told until it is heard. */
static uint64_t told_until_heard(struct hints *from, struct hints *to, uint64_t turn)
{
    const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
    uint64_t heard = 0;

    while (clock_mono_ms() < until_ms) {
        zmq_pollitem_t item = {.socket = hints_socket(to), .events = ZMQ_POLLIN};

        hints_tell(from, turn);
        (void)zmq_poll(&item, 1, 20);
        if (hints_take(to, &heard))
            break;
    }
    return heard;
}

static void those_who_have_the_key_hear_each_other(void **state)
{
    const struct pair cluster = new_pair();
    struct fixture *self = fixture_new(&cluster, &cluster);

    (void)state;
    assert_int_equal(told_until_heard(self->hints[0], self->hints[1], 5), 5);
    assert_int_equal(told_until_heard(self->hints[1], self->hints[0], UINT64_MAX), UINT64_MAX);
    assert_true(hints_get_stats(self->hints[0])->told >= 1);
    assert_true(hints_get_stats(self->hints[1])->heard >= 1);
    fixture_destroy(self);
}

static void the_newest_of_those_that_came_is_told(void **state)
{
    const struct pair cluster = new_pair();
    struct fixture *self = fixture_new(&cluster, &cluster);
    uint64_t turn = 0, newest = 0;

    (void)state;
    (void)told_until_heard(self->hints[0], self->hints[1], 1);
    hints_tell(self->hints[0], 9);
    hints_tell(self->hints[0], 8);
    hints_tell(self->hints[0], 10);
    hints_tell(self->hints[0], 2);
    for (const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
         clock_mono_ms() < until_ms &&
         hints_get_stats(self->hints[1])->heard < hints_get_stats(self->hints[0])->told &&
         newest < 10;) {
        zmq_pollitem_t item = {.socket = hints_socket(self->hints[1]), .events = ZMQ_POLLIN};

        (void)zmq_poll(&item, 1, 20);
        if (hints_take(self->hints[1], &turn) && turn > newest)
            newest = turn;
    }
    assert_int_equal(newest, 10);
    fixture_destroy(self);
}

static uint64_t strangers(struct zap *zap)
{
    struct zap_stats stats;

    zap_get_stats(zap, &stats);
    return stats.strangers + stats.malformed;
}

/* Keys that differ: the handshake of whoever connects fails at the other's, and nothing ever comes through. */
static void who_has_another_key_hears_nothing(void **state)
{
    const struct pair ours = new_pair(), theirs = new_pair();
    struct fixture *self = fixture_new(&ours, &theirs);
    /* Whoever knows the public key, as a former member does who lost the secret one, knows whom to speak to. */
    struct pair mixed = theirs;
    void *context = zmq_ctx_new();
    void *sub = zmq_socket(context, ZMQ_SUB);
    uint64_t turn;

    (void)state;
    assert_int_equal(zmq_setsockopt(sub, ZMQ_CURVE_SERVERKEY, ours.public_key, 32), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_CURVE_PUBLICKEY, mixed.public_key, 32), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_CURVE_SECRETKEY, mixed.secret_key, 32), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
    assert_int_equal(zmq_connect(sub, self->endpoint[0]), 0);
    for (const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
         clock_mono_ms() < until_ms && strangers(self->zap[0]) == 0;) {
        zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};

        hints_tell(self->hints[0], 3);
        assert_int_equal(zmq_poll(&item, 1, 20), 0);
    }
    assert_true(strangers(self->zap[0]) > 0);
    assert_false(hints_take(self->hints[1], &turn));
    assert_int_equal(zmq_close(sub), 0);
    zmq_ctx_term(context);
    fixture_destroy(self);
}

static void a_place_that_is_taken_is_told_in_one_sentence(void **state)
{
    const struct pair cluster = new_pair();
    const struct hints_options options = {.endpoint = "tcp://192.0.2.1:1",
                                          .public_key = cluster.public_key,
                                          .secret_key = cluster.secret_key};
    struct hints *hints = NULL;
    char why[WHY_BYTES_MAX] = "";
    void *context = zmq_ctx_new();

    (void)state;
    assert_int_equal(hints_open(context, &options, &hints, why), RC_SYSTEM);
    assert_null(hints);
    assert_non_null(strstr(why, "cluster-bind: cannot listen at tcp://192.0.2.1:1"));
    zmq_ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_who_have_the_key_hear_each_other),
        cmocka_unit_test(the_newest_of_those_that_came_is_told),
        cmocka_unit_test(who_has_another_key_hears_nothing),
        cmocka_unit_test(a_place_that_is_taken_is_told_in_one_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
