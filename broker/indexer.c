#include "broker/indexer.h"

#include "broker/store/pair.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/handover.h"
#include "shared/base/invariant.h"
#include "shared/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <zmq.h>

#define PAUSE_MS      100 /* between small chunks: what comes meanwhile makes a larger one */
#define LONG_MS       20  /* what takes longer was a full chunk, and more is waiting */
#define DISK_PAUSE_MS 5000
#define LOG_PAUSE_MS  1000
#define NICE          19

struct request {
    stream_id stream; /* 0: stop, or */
    bool is_renewal;
    uint64_t upto;
};

struct indexer {
    void *socket; /* the owner's end */
    void *asked;  /* the thread's */
    struct search_index *index;
    pthread_t thread;
    bool is_disk_full; /* told once */
    bool is_log_away;  /* likewise */
};

/* On the thread */

static void give_up(struct indexer *self)
{
    log_error("search.failed",
              "%s: nobody can search until the next start, which makes the index anew",
              search_index_why(self->index));
    search_index_discard(self->index);
}

/* How long to wait before the next turn; negative: for ever, since it has failed. */
static long after(struct indexer *self, enum rc rc, uint64_t begun_ms)
{
    const uint64_t took_ms = clock_mono_ms() - begun_ms;

    if (rc != RC_DISK_FULL && self->is_disk_full) {
        self->is_disk_full = false;
        log_info("search.room", "messages are indexed again");
    }
    if ((rc == RC_OK || rc == RC_END) && self->is_log_away) {
        self->is_log_away = false;
        log_info("search.log_back", "messages are indexed again");
    }
    if (rc == RC_OK && took_ms >= LONG_MS) /* half of the time is for others */
        return took_ms < PAUSE_MS ? (long)took_ms : PAUSE_MS;
    if (rc == RC_OK || rc == RC_END)
        return PAUSE_MS;
    if (rc == RC_DISK_FULL) {
        if (!self->is_disk_full)
            log_warn("search.disk_full", "what is said now can be searched when there is room");
        self->is_disk_full = true;
        return DISK_PAUSE_MS;
    }
    if (rc == RC_SYSTEM) {
        if (!self->is_log_away)
            log_warn("search.log_away",
                     "what is said now can be searched when the log can be read");
        self->is_log_away = true;
        return LOG_PAUSE_MS;
    }
    give_up(self);
    return -1;
}

/* Better no index than one with a word that was purged. */
static void renew(struct indexer *self, long *pause_ms)
{
    if (*pause_ms < 0)
        return;
    if (search_index_renew(self->index) == RC_OK) {
        *pause_ms = PAUSE_MS;
        return;
    }
    give_up(self);
    *pause_ms = -1;
}

/* False: stop. */
static bool take_requests(struct indexer *self, long *pause_ms)
{
    const uint64_t now_ms = clock_mono_ms();
    struct request request;

    for (;;) {
        const int len = zmq_recv(self->asked, &request, sizeof(request), ZMQ_DONTWAIT);
        enum rc rc = RC_OK;

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno == EAGAIN;
        if (request.is_renewal)
            renew(self, pause_ms);
        else if (request.stream.v == 0)
            return false;
        else if (*pause_ms >= 0)
            rc = search_index_forget(self->index, request.stream, request.upto);
        /* A full disk keeps it, until the next start looks what the log gave up. */
        if (rc != RC_OK)
            *pause_ms = after(self, rc, now_ms);
    }
}

/* An index that was not compared with its log is none. */
static enum rc checked(struct indexer *self)
{
    const enum rc rc = search_index_check(self->index);

    return rc == RC_SYSTEM ? RC_STORE : rc;
}

static void *run(void *context)
{
    struct indexer *self = context;
    uint64_t now_ms = clock_mono_ms();
    long pause_ms;

    handover_take(self);
    /* Of this thread alone, on Linux. Without it, it is just less kind. */
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    (void)zmq_send(self->asked, "", 0, 0);
    pause_ms = after(self, checked(self), now_ms);
    for (;;) {
        zmq_pollitem_t item = {.socket = self->asked, .events = ZMQ_POLLIN};

        (void)zmq_poll(&item, 1, pause_ms);
        if (!take_requests(self, &pause_ms))
            return NULL;
        now_ms = clock_mono_ms();
        if (pause_ms >= 0)
            pause_ms = after(self, search_index_turn(self->index), now_ms);
    }
}

/* The owner's side */

static void release(struct indexer *self)
{
    if (self->socket != NULL)
        zmq_close(self->socket);
    if (self->asked != NULL)
        zmq_close(self->asked);
    search_index_close(&self->index);
    free(self);
}

enum rc indexer_start(struct search_index **index_p, void *zmq_context, struct indexer **ret)
{
    struct indexer *self = x_alloc(1, sizeof(*self));
    char endpoint[64], nothing;

    snprintf(endpoint, sizeof(endpoint), "inproc://indexer-%p", (void *)self);
    self->index = *index_p;
    *index_p = NULL;
    self->socket = pair_open(zmq_context, endpoint, true);
    if (self->socket != NULL)
        self->asked = pair_open(zmq_context, endpoint, false);
    handover_give(self);
    if (self->asked == NULL || pthread_create(&self->thread, NULL, run, self) != 0) {
        release(self);
        return RC_SYSTEM;
    }
    /* Its calls at the start are made before calls are limited. */
    while (zmq_recv(self->socket, &nothing, 0, 0) < 0 && errno == EINTR) {
    }
    *ret = self;
    return RC_OK;
}

static void ask(struct indexer *self, const struct request *request)
{
    int len;

    do
        len = zmq_send(self->socket, request, sizeof(*request), 0);
    while (len < 0 && errno == EINTR);
    INVARIANT(len == (int)sizeof(*request));
}

void search_renew(struct indexer *self)
{
    ask(self, &(struct request){.is_renewal = true});
}

void search_forget(struct indexer *self, stream_id stream, uint64_t upto)
{
    INVARIANT(stream.v != 0);
    ask(self, &(struct request){.stream = stream, .upto = upto});
}

void indexer_stop(struct indexer **self_p)
{
    struct indexer *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    ask(self, &(struct request){0});
    (void)pthread_join(self->thread, NULL);
    release(self);
}

struct indexer *search_start(const struct options *options, struct store *store, void *zmq_context)
{
    char why[SEARCH_WHY_BYTES] = "no reader, thread or socket";
    struct search_index *index = NULL;
    struct store_reader *log = NULL;
    struct indexer *indexer = NULL;

    if (!options->is_searching) {
        search_index_remove(options->data);
        return NULL;
    }
    if (store_reader_open(store, &log) == RC_OK &&
        search_index_open(options->data, log, &index, why) == RC_OK) {
        search_index_set_free_min(index, 2 * options->disk_free_min_bytes);
        if (indexer_start(&index, zmq_context, &indexer) == RC_OK)
            return indexer;
    }
    log_error("search.not_started", "%s: nobody can search", why);
    return NULL;
}
