#include "broker/store/writer.h"

#include "broker/store/batch.h"
#include "broker/store/pair.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/handover.h"
#include "shared/base/invariant.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zmq.h>

/* One transaction: enough to make the commit's fsync cheap, little enough to answer soon. */
#define COMMIT_OPS_MAX     4096
#define COMMIT_BATCHES_MAX 256
/* Cleaning comes in small chunks with a rest between them, so posts hardly wait for it. */
#define CLEAN_REST_MS  20
#define CLEAN_EVERY_MS 1000
#define WAIT_MS_MAX    60000 /* when there is nothing to clean any more */

#define FOLLOW_EVERY_MS 1000 /* when nobody says that there is something */

/* What travels over the pair, either way. A batch belongs to whoever received it; none: other limits, a look at what others have
 * committed, or stop. */
struct handover {
    struct batch *batch;
    bool is_follow;
    struct lease *lease;       /* the thread's from then on */
    struct lease_told *told;   /* likewise */
    struct lease_heard *heard; /* on the way back, without a batch: the receiver's */
    bool has_limits;
    struct store_limits limits;
    uint64_t
        commit_us; /* on the way back, with the first batch of a transaction: how long it took */
    uint64_t turn, own_turn; /* on the way back: how far the store is */
    enum rc rc;    /* on the way back: RC_STORE when it was not committed, or nobody knows */
    char why[256]; /* then */
};

/* The thread's own. */
struct worker {
    struct store *store;
    void *socket;
    struct batch *batches[COMMIT_BATCHES_MAX];
    struct store_part parts[COMMIT_BATCHES_MAX]; /* of each of them */
    size_t batch_count;
    size_t op_count; /* in all of them */
    uint64_t clean_at_ms;
    uint64_t follow_at_ms;
    struct lease *lease; /* NULL: there is none, or it is lost */
    bool is_stopping;
};

struct writer {
    void *socket;          /* the hub's end */
    struct worker *worker; /* the thread's, from start to stop */
    pthread_t thread;
    bool has_failed;
    bool is_unsure; /* writer_is_unsure() */
    char why[256];
    struct store_brokers brokers;
    struct pages pages;
    struct writer_stats stats;
};

static bool receive(void *socket, int flags, struct handover *ret)
{
    struct handover handover;
    const int len = zmq_recv(socket, &handover, sizeof(handover), flags);

    if (len < 0)
        return false;
    INVARIANT(len == (int)sizeof(handover));
    handover_take(handover.batch);
    handover_take(handover.lease);
    handover_take(handover.told);
    handover_take(handover.heard);
    *ret = handover;
    return true;
}

/* The pair has no limit of its own, so this does not block; without ZMQ_DONTWAIT because a pair
 * that is just bound may need a moment to see its other end. Fails only when the context is
 * gone under us, which is our own fault. */
static void send_over(void *socket, const struct handover *handover)
{
    int len;

    handover_give(handover->batch);
    handover_give(handover->lease);
    handover_give(handover->told);
    handover_give(handover->heard);
    do
        len = zmq_send(socket, handover, sizeof(*handover), 0);
    while (len < 0 && errno == EINTR);
    INVARIANT(len == (int)sizeof(*handover));
}

/* --- the thread ---------------------------------------------------------------------- */

/* Wait no longer than until it is time to clean, to follow, or to renew the lease. */
static void limit_wait(const struct worker *self)
{
    const uint64_t now_ms = clock_mono_ms();
    uint64_t due_ms =
        self->follow_at_ms < self->clean_at_ms ? self->follow_at_ms : self->clean_at_ms;

    if (self->lease != NULL && lease_due_ms(self->lease) < due_ms)
        due_ms = lease_due_ms(self->lease);
    const uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    const int wait_ms = left_ms < WAIT_MS_MAX ? (int)left_ms : WAIT_MS_MAX;

    (void)zmq_setsockopt(self->socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
}

/* What is no batch: true, and it was done. False: stop. */
static bool take_order(struct worker *self, const struct handover *order)
{
    if (order->has_limits) {
        store_set_limits(self->store, &order->limits);
        self->clean_at_ms = 0; /* less may be kept now */
    } else if (order->lease != NULL) {
        lease_destroy(&self->lease);
        self->lease = order->lease;
        self->follow_at_ms = 0;
    } else if (order->told != NULL) {
        struct lease_told *told = order->told;

        lease_tell(self->lease, &told);
    } else if (order->is_follow) {
        self->follow_at_ms = 0;
    } else {
        self->is_stopping = true;
    }
    return !self->is_stopping;
}

/* Wait for a batch, and take along what has piled up behind it. None: it is time to clean, or to follow. */
static void gather(struct worker *self)
{
    struct handover handover;
    int flags = 0;

    self->batch_count = 0;
    self->op_count = 0;
    limit_wait(self);
    while (self->batch_count < COMMIT_BATCHES_MAX && self->op_count < COMMIT_OPS_MAX) {
        if (!receive(self->socket, flags, &handover)) {
            if (errno == EINTR)
                continue;
            self->is_stopping = errno != EAGAIN; /* the context is gone */
            return;
        }
        flags = ZMQ_DONTWAIT;
        if (handover.batch == NULL) {
            if (!take_order(self, &handover))
                return;
            continue;
        }
        self->batches[self->batch_count++] = handover.batch;
        self->op_count += handover.batch->count;
    }
}

static void hand_back(struct worker *self, struct batch *batch, enum rc rc, uint64_t commit_us)
{
    struct handover handover = {.batch = batch,
                                .rc = rc,
                                .commit_us = commit_us,
                                .turn = store_heard(self->store),
                                .own_turn = store_own_turn(self->store)};

    if (rc != RC_OK)
        snprintf(handover.why, sizeof(handover.why), "%s", store_why(self->store));
    send_over(self->socket, &handover);
}

/* What others have committed before: the hub hears of it before what was asked for here. */
static void hand_turns(struct worker *self)
{
    struct batch *turn;

    while (store_take_turn(self->store, &turn) == RC_OK)
        hand_back(self, turn, RC_OK, 0);
}

/* Nobody waits for us meanwhile, as they do in a transaction: whoever has not looked for long has much to read. */
static void follow(struct worker *self)
{
    if (clock_mono_ms() < self->follow_at_ms)
        return;
    const enum rc rc = store_follow(self->store);

    self->follow_at_ms = rc == RC_OK ? clock_mono_ms() + FOLLOW_EVERY_MS : UINT64_MAX;
    if (rc == RC_OK)
        hand_turns(self);
    else if (rc != RC_END)
        hand_back(self, batch_new(), RC_STORE, 0);
}

static void renew(struct worker *self)
{
    struct handover handover = {.rc = RC_OK};

    if (self->lease == NULL || clock_mono_ms() < lease_due_ms(self->lease))
        return;
    const enum rc rc = lease_renew(self->lease, self->store, &handover.heard);

    if (rc == RC_OK) {
        hand_turns(self); /* of those who are told of there */
        send_over(self->socket, &handover);
    }
    if (rc == RC_OK || rc == RC_DISK_FULL) /* which passes, like that of posts */
        return;
    lease_destroy(&self->lease);
    hand_back(self, batch_new(), RC_STORE, 0);
}

static void commit(struct worker *self)
{
    const uint64_t begun_us = clock_mono_us();

    for (size_t i = 0; i < self->batch_count; i++)
        self->parts[i] = batch_part(self->batches[i]);

    const enum rc rc = store_apply_parts(self->store, self->parts, self->batch_count);
    const uint64_t commit_us = clock_mono_us() - begun_us + 1; /* 0 is for no commit */

    if (rc == RC_OK)
        hand_turns(self);
    for (size_t i = 0; i < self->batch_count; i++)
        hand_back(self, self->batches[i], rc, i == 0 ? commit_us : 0);
    if (rc == RC_OK && store_maintain(self->store) != RC_OK)
        hand_back(self, batch_new(), RC_STORE, 0);
}

static void clean(struct worker *self)
{
    struct removed removed;
    enum rc rc;

    if (clock_mono_ms() < self->clean_at_ms)
        return;
    rc = store_clean(self->store, clock_mono_ms(), clock_wall_ms(), &removed);
    if (rc == RC_OK)
        hand_back(self, batch_of_removed(&removed), RC_OK, 0);
    if (rc == RC_OK || rc == RC_END)
        hand_turns(self);
    if (rc == RC_OK || rc == RC_END)
        self->clean_at_ms = clock_mono_ms() + (rc == RC_OK ? CLEAN_REST_MS : CLEAN_EVERY_MS);
    else
        self->clean_at_ms = UINT64_MAX;
    if ((rc != RC_OK && rc != RC_END) || store_maintain(self->store) != RC_OK)
        hand_back(self, batch_new(), RC_STORE, 0);
}

static void *run(void *context)
{
    struct worker *self = context;

    while (!self->is_stopping) {
        gather(self);
        follow(self);
        renew(self);
        if (self->batch_count > 0)
            commit(self);
        if (!self->is_stopping)
            clean(self);
    }
    return NULL;
}

/* --- the hub's side ------------------------------------------------------------------ */

/* Signals are the main thread's. */
static int start_thread(struct writer *self)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&self->thread, NULL, run, self->worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        pthread_setname_np(self->thread, "zchat-store");
    return failed;
}

static void writer_free(struct writer *self)
{
    if (self->socket != NULL)
        zmq_close(self->socket);
    if (self->worker->socket != NULL)
        zmq_close(self->worker->socket);
    lease_destroy(&self->worker->lease);
    pages_fini(&self->pages);
    free(self->worker);
    free(self);
}

enum rc writer_start(struct store *store, void *zmq_context, struct writer **ret)
{
    struct writer *self = x_alloc(1, sizeof(*self));
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "inproc://store-writer-%p", (void *)self);
    self->worker = x_alloc(1, sizeof(*self->worker));
    self->worker->store = store;
    self->socket = pair_open(zmq_context, endpoint, true);
    if (self->socket != NULL)
        self->worker->socket = pair_open(zmq_context, endpoint, false);
    if (self->worker->socket == NULL || start_thread(self) != 0) {
        writer_free(self);
        return RC_SYSTEM;
    }
    *ret = self;
    return RC_OK;
}

static void take_heard(struct writer *self, struct lease_heard *heard)
{
    if (heard == NULL)
        return;
    self->brokers = heard->brokers;
    pages_append(&self->pages, &heard->pages);
    self->stats.leases++;
    self->stats.lease_ms = heard->ms;
    free(heard);
}

void writer_stop(struct writer **self_p)
{
    struct writer *self = *self_p;
    const struct handover stop = {.batch = NULL};
    struct handover left;

    if (self == NULL)
        return;
    *self_p = NULL;
    store_give_up(self->worker->store);
    send_over(self->socket, &stop);
    pthread_join(self->thread, NULL);
    while (receive(self->socket, ZMQ_DONTWAIT, &left)) {
        batch_destroy(&left.batch);
        take_heard(self, left.heard);
    }
    writer_free(self);
}

void *writer_socket(struct writer *self)
{
    return self->socket;
}

bool writer_is_unsure(const struct writer *self)
{
    return self->is_unsure;
}

static void give(struct writer *self, const struct handover *handover)
{
    self->is_unsure = true;
    send_over(self->socket, handover);
}

void writer_submit(struct writer *self, struct batch **batch_p)
{
    const struct handover handover = {.batch = *batch_p};

    INVARIANT(handover.batch != NULL);
    *batch_p = NULL;
    give(self, &handover);
}

void writer_set_limits(struct writer *self, const struct store_limits *limits)
{
    const struct handover handover = {.has_limits = true, .limits = *limits};

    give(self, &handover);
}

void writer_set_own(struct writer *self, const struct store_broker *own)
{
    const struct handover handover = {.lease = lease_new(own)};

    give(self, &handover);
}

void writer_tell(struct writer *self, struct lease_told **told_p)
{
    const struct handover handover = {.told = *told_p};

    *told_p = NULL;
    give(self, &handover);
}

const struct store_brokers *writer_brokers(const struct writer *self)
{
    return &self->brokers;
}

void writer_follow(struct writer *self)
{
    const struct handover handover = {.is_follow = true};

    give(self, &handover);
}

bool writer_is_away(const struct writer *self)
{
    return store_is_away(self->worker->store);
}

struct pages *writer_pages(struct writer *self)
{
    return &self->pages;
}

enum rc writer_take(struct writer *self, struct batch **ret)
{
    struct handover handover;

    if (self->has_failed)
        return RC_STORE;
    do {
        if (!receive(self->socket, ZMQ_DONTWAIT, &handover)) {
            self->is_unsure = false;
            return RC_END;
        }
        take_heard(self, handover.heard);
    } while (handover.batch == NULL);
    self->stats.heard = handover.turn;
    self->stats.own_turn = handover.own_turn;
    if (handover.rc == RC_OK && handover.batch->is_foreign) {
        self->stats.turns++;
        *ret = handover.batch;
        return RC_OK;
    }
    if (handover.rc == RC_OK) {
        self->stats.operations += handover.batch->count;
        if (handover.commit_us > 0) {
            self->stats.commits++;
            self->stats.last_us = handover.commit_us;
            self->stats.last_operations = 0;
            histogram_add(&self->stats.commit, handover.commit_us);
        }
        self->stats.last_operations += handover.batch->count;
        *ret = handover.batch;
        return RC_OK;
    }
    batch_destroy(&handover.batch);
    self->has_failed = true;
    memcpy(self->why, handover.why, sizeof(self->why));
    return RC_STORE;
}

const struct writer_stats *writer_get_stats(const struct writer *self)
{
    return &self->stats;
}

const char *writer_why(const struct writer *self)
{
    return self->why;
}
