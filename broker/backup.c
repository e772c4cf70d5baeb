#include "broker/backup.h"

#include "broker/store/copy.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/invariant.h"
#include "shared/base/limits.h"
#include "shared/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#define NICE 5

/* What is asked; an empty message: stop. */
struct question {
    char name[MARK_NAME_BYTES_MAX + 1];
};

struct backup {
    void *ask;   /* the hub's end */
    void *asked; /* the thread's */
    const char *data;
    uint64_t free_bytes_min;
    pthread_t thread;
    bool has_thread;
};

/* On the thread. Nobody asks while a copy runs, so what is there then says: stop. */
static bool is_told_to_stop(void *context)
{
    struct backup *self = context;
    zmq_pollitem_t item = {.socket = self->asked, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, 0) > 0;
}

static struct backup_done make_copy(struct backup *self, const char *name)
{
    const struct copy_job job = {.data = self->data,
                                 .name = name,
                                 .free_bytes_min = self->free_bytes_min,
                                 .is_stopped = is_told_to_stop,
                                 .context = self};
    const uint64_t began_ms = clock_mono_ms();
    struct copy_done copy = {0};
    char why[COPY_WHY_BYTES] = "";
    struct backup_done done = {.rc = RC_FAILED};

    if (self->data == NULL)
        snprintf(why, sizeof(why),
                 "the messages are in PostgreSQL: copy them with pg_dump or pg_basebackup");
    else
        done.rc = store_copy(&job, &copy, why);
    done.size_bytes = copy.size_bytes;
    done.events = copy.events;
    done.took_ms = clock_mono_ms() - began_ms;
    if (done.rc == RC_OK)
        log_info("backup.done", "name=%s size=%" PRIu64 " events=%" PRIu64 " ms=%" PRIu64, name,
                 done.size_bytes, done.events, done.took_ms);
    else if (done.rc == RC_EXISTS || done.rc == RC_STOPPING)
        log_warn("backup.failed", "name=%s: %s", name, why);
    else
        log_error("backup.failed", "name=%s: %s", name, why);
    return done;
}

static void *serve(void *context)
{
    struct backup *self = context;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* as the readers */
    for (;;) {
        struct question question;
        struct backup_done done;
        const int len = zmq_recv(self->asked, &question, sizeof(question), 0);

        if (len < 0 && errno == EINTR)
            continue;
        if (len != (int)sizeof(question))
            return NULL;
        done = make_copy(self, question.name);
        (void)zmq_send(self->asked, &done, sizeof(done), ZMQ_DONTWAIT);
    }
}

enum rc backup_start(const char *data, uint64_t free_bytes_min, void *zmq_context,
                     struct backup **ret)
{
    struct backup *self = x_alloc(1, sizeof(*self));
    char endpoint[64];

    self->data = data;
    self->free_bytes_min = free_bytes_min;
    snprintf(endpoint, sizeof(endpoint), "inproc://backup-%p", (void *)self);
    self->ask = zmq_socket(zmq_context, ZMQ_PAIR);
    self->asked = zmq_socket(zmq_context, ZMQ_PAIR);
    if (self->ask != NULL && self->asked != NULL && zmq_bind(self->ask, endpoint) == 0 &&
        zmq_connect(self->asked, endpoint) == 0)
        self->has_thread = pthread_create(&self->thread, NULL, serve, self) == 0;
    if (!self->has_thread) {
        backup_stop(&self);
        return RC_SYSTEM;
    }
    pthread_setname_np(self->thread, "zchat-backup");
    *ret = self;
    return RC_OK;
}

static void close_socket(void *socket)
{
    const int linger_ms = 0;

    if (socket == NULL)
        return;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    (void)zmq_close(socket);
}

void backup_stop(struct backup **self_p)
{
    struct backup *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    if (self->has_thread) {
        /* Nothing in it, so libzmq needs no memory for it. */
        (void)zmq_send(self->ask, "", 0, 0);
        (void)pthread_join(self->thread, NULL);
    }
    close_socket(self->ask);
    close_socket(self->asked);
    free(self);
}

void *backup_socket(struct backup *self)
{
    return self->ask;
}

void backup_ask(struct backup *self, struct span name)
{
    struct question question = {""};

    INVARIANT(name.len > 0 && name.len < sizeof(question.name));
    memcpy(question.name, name.ptr, name.len);
    (void)zmq_send(self->ask, &question, sizeof(question), 0);
}

enum rc backup_take(struct backup *self, struct backup_done *ret)
{
    struct backup_done done;

    if (zmq_recv(self->ask, &done, sizeof(done), ZMQ_DONTWAIT) != (int)sizeof(done))
        return RC_END;
    *ret = done;
    return RC_OK;
}
