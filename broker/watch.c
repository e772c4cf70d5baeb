#include "broker/watch.h"

#include "broker/ops/exposition.h"
#include "broker/ops/http.h"
#include "broker/ops/page.h"
#include "broker/watch_tables.h"
#include "shared/base/alloc.h"
#include "shared/base/clock.h"
#include "shared/base/handover.h"
#include "shared/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#define LOOK_MS    2000 /* how often without anybody asking */
#define FRESH_MS   250  /* figures that young are told again */
#define PATIENT_MS 1000 /* how long an answer of the hub is waited for */
#define HOST_MS    1000 /* how often the system is asked at most: counting descriptors takes time */

/* A question to the hub, one for each kind. */
struct question {
    uint64_t asked_ms;    /* while it has no answer; 0: it has */
    uint64_t answered_ms; /* the last one */
};

/* The thread's own. */
struct watcher {
    void *socket;
    struct host *host;
    struct http *http; /* NULL: there is no page */
    struct watch_limits limits;
    struct question question[WATCH_SESSIONS + 1]; /* by kind */
    struct host_figures host_figures;
    uint64_t host_ms;
    struct figures figures;
    struct health health;
    struct watch_head head[WATCH_SESSIONS + 1];
    void *rows[WATCH_SESSIONS + 1];
    bool is_stopping;
};

struct watch {
    void *socket; /* the hub's end */
    pthread_t thread;
    struct watcher *worker;
};

/* Asking the hub */

static void look_at_host(struct watcher *self, uint64_t now_ms)
{
    if (self->host_ms != 0 && now_ms - self->host_ms < HOST_MS)
        return;
    self->host_ms = now_ms;
    host_measure(self->host, &self->host_figures);
}

static void ask(struct watcher *self, enum watch_kind kind)
{
    const uint64_t now_ms = clock_mono_ms();
    struct watch_ask question = {.kind = kind};

    if (self->question[kind].asked_ms != 0)
        return;
    look_at_host(self, now_ms);
    question.host = self->host_figures;
    if (zmq_send(self->socket, &question, sizeof(question), ZMQ_DONTWAIT) >= 0)
        self->question[kind].asked_ms = now_ms;
}

static void keep_rows(struct watcher *self, const struct watch_head *head, zmq_msg_t *body)
{
    const size_t len = zmq_msg_size(body);

    free(self->rows[head->kind]);
    self->rows[head->kind] = x_alloc(1, len);
    memcpy(self->rows[head->kind], zmq_msg_data(body), len);
}

static void take(struct watcher *self, const struct watch_head *head, zmq_msg_t *body)
{
    self->head[head->kind] = *head;
    self->question[head->kind] = (struct question){.answered_ms = clock_mono_ms()};
    switch (head->kind) {
    case WATCH_STOP:
        self->is_stopping = true;
        break;
    case WATCH_LIMITS:
        memcpy(&self->limits, zmq_msg_data(body), sizeof(self->limits));
        break;
    case WATCH_FIGURES:
        memcpy(&self->figures, zmq_msg_data(body), sizeof(self->figures));
        break;
    case WATCH_ROOMS:
    case WATCH_SESSIONS:
        keep_rows(self, head, body);
        break;
    }
}

static void take_all(struct watcher *self)
{
    struct watch_head head;
    zmq_msg_t body;
    int len;

    while (!self->is_stopping &&
           (len = zmq_recv(self->socket, &head, sizeof(head), ZMQ_DONTWAIT)) >= 0) {
        (void)zmq_msg_init(&body);
        if (len == (int)sizeof(head) && zmq_msg_recv(&body, self->socket, 0) >= 0)
            take(self, &head, &body);
        (void)zmq_msg_close(&body);
    }
}

/* Wait for the answer to a question of that kind. A hub that has kept us waiting once is not waited for again until
 * it answers: what was known is told instead. False: there is no fresh answer. */
static bool await(struct watcher *self, enum watch_kind kind)
{
    const struct question *question = &self->question[kind];
    zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};

    ask(self, kind);
    for (;;) {
        take_all(self);
        if (question->asked_ms == 0 || self->is_stopping)
            return question->asked_ms == 0;
        const uint64_t waited_ms = clock_mono_ms() - question->asked_ms;
        if (waited_ms >= PATIENT_MS)
            return false;
        (void)zmq_poll(&item, 1, (long)(PATIENT_MS - waited_ms));
    }
}

/* Health */

static void tell_changes(const struct watcher *self, unsigned changed)
{
    for (enum alarm alarm = 0; alarm < ALARMS; alarm++) {
        if ((changed & 1u << alarm) == 0)
            continue;
        if (self->health.is_raised[alarm])
            log_error("alarm.raised", "name=%s text=\"%s\"", alarm_name(alarm), alarm_text(alarm));
        else
            log_info("alarm.over", "name=%s", alarm_name(alarm));
    }
}

/* What the system says is fresher than what the hub sends back. */
static void judge(struct watcher *self)
{
    const struct question *question = &self->question[WATCH_FIGURES];
    const uint64_t now_ms = clock_mono_ms();
    uint64_t *value = self->figures.value;

    look_at_host(self, now_ms);
    value[FIG_DESCRIPTORS] = self->host_figures.descriptors;
    value[FIG_DESCRIPTORS_MAX] = self->host_figures.descriptors_max;
    if (self->host->has_log)
        value[FIG_DATABASE] = self->host_figures.database_bytes;
    value[FIG_DISK_FREE] = self->host_figures.disk_free_bytes;
    value[FIG_DISK_SIZE] = self->host_figures.disk_size_bytes;
    tell_changes(
        self, health_judge(
                  &self->health,
                  &(struct vitals){
                      .figures = &self->figures,
                      .free_bytes_min = self->limits.free_bytes_min,
                      /* Of a server's database the store alone knows what of it is ours. */
                      .size_bytes_max = self->host->has_log ? self->limits.size_bytes_max : 0,
                      .hub_silent_ms = question->asked_ms == 0 ? 0 : now_ms - question->asked_ms}));
}

/* The page */

static bool are_fresh(const struct watcher *self)
{
    const uint64_t answered_ms = self->question[WATCH_FIGURES].answered_ms;

    return answered_ms != 0 && clock_mono_ms() - answered_ms < FRESH_MS;
}

static unsigned answer_table(struct watcher *self, enum watch_kind kind, FILE *out)
{
    const struct watch_head *head = &self->head[kind];

    if (!await(self, kind)) {
        fputs("{}\n", out);
        return 503;
    }
    if (kind == WATCH_ROOMS)
        watch_rooms_json(self->rows[kind], head->count, head->total, out);
    else
        watch_sessions_json(self->rows[kind], head->count, head->total, out);
    return 200;
}

static unsigned answer(void *context, enum http_path path, FILE *out)
{
    struct watcher *self = context;

    if (path == HTTP_PAGE) {
        (void)fwrite(page_html().ptr, 1, page_html().len, out);
        return 200;
    }
    if (path == HTTP_ROOMS)
        return answer_table(self, WATCH_ROOMS, out);
    if (path == HTTP_SESSIONS)
        return answer_table(self, WATCH_SESSIONS, out);
    if (!are_fresh(self))
        (void)await(self, WATCH_FIGURES);
    judge(self);
    if (path == HTTP_METRICS)
        exposition_text(&self->figures, &self->health, out);
    else if (path == HTTP_FIGURES)
        exposition_json(&self->figures, &self->health, out);
    else
        exposition_health(&self->health, out);
    return path == HTTP_HEALTH && !health_is_good(&self->health) ? 503 : 200;
}

/* The thread */

static void wait_for_work(const struct watcher *self, uint64_t due_ms)
{
    const uint64_t now_ms = clock_mono_ms();
    zmq_pollitem_t items[] = {
        {.socket = self->socket, .events = ZMQ_POLLIN},
        {.fd = self->http == NULL ? -1 : http_descriptor(self->http), .events = ZMQ_POLLIN},
    };
    long wait_ms = due_ms <= now_ms ? 0 : (long)(due_ms - now_ms);

    if (self->http != NULL) {
        const long http_ms = http_wait_ms(self->http);

        if (http_ms >= 0 && http_ms < wait_ms)
            wait_ms = http_ms;
    }
    (void)zmq_poll(items, self->http == NULL ? 1 : 2, wait_ms);
}

static void *run(void *context)
{
    struct watcher *self = context;
    uint64_t due_ms = clock_mono_ms();

    handover_take(self);
    while (!self->is_stopping) {
        wait_for_work(self, due_ms);
        take_all(self);
        if (clock_mono_ms() >= due_ms) {
            if (self->question[WATCH_FIGURES].answered_ms != 0) /* the hub has begun */
                judge(self);
            ask(self, WATCH_FIGURES);
            due_ms = clock_mono_ms() + LOOK_MS;
        }
        if (self->http != NULL)
            http_turn(self->http);
    }
    return NULL;
}

/* Life */

static void *open_end(void *zmq_context, const char *endpoint, bool is_bound)
{
    void *socket = zmq_socket(zmq_context, ZMQ_PAIR);
    const int none = 0;

    if (socket == NULL)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
        (is_bound ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) == 0)
        return socket;
    (void)zmq_close(socket);
    return NULL;
}

static enum rc open_page(struct watcher *self, const struct watch_options *options)
{
    const struct http_options http = {.listener = options->listener,
                                      .is_loopback = options->is_loopback,
                                      .name = options->name,
                                      .bearer = options->bearer,
                                      .answer = answer,
                                      .context = self};

    return options->listener < 0 ? RC_OK : http_start(&http, &self->http);
}

/* Signals are the main thread's. */
static int start_thread(struct watch *self)
{
    sigset_t all, before;

    handover_give(self->worker);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&self->thread, NULL, run, self->worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        pthread_setname_np(self->thread, "zchat-watch");
    return failed;
}

static void watch_free(struct watch *self)
{
    struct watcher *worker = self->worker;

    http_stop(&worker->http);
    if (self->socket != NULL)
        (void)zmq_close(self->socket);
    if (worker->socket != NULL)
        (void)zmq_close(worker->socket);
    for (size_t i = 0; i < sizeof(worker->rows) / sizeof(worker->rows[0]); i++)
        free(worker->rows[i]);
    free(worker);
    free(self);
}

enum rc watch_start(void *zmq_context, const struct watch_options *options, struct watch **ret)
{
    struct watch *self = x_alloc(1, sizeof(*self));
    struct watcher *worker = x_alloc(1, sizeof(*worker));
    char endpoint[64];
    enum rc rc = open_page(worker, options);

    self->worker = worker;
    worker->host = options->host;
    worker->limits = options->limits;
    snprintf(endpoint, sizeof(endpoint), "inproc://watch-%p", (void *)self);
    if (rc == RC_OK)
        self->socket = open_end(zmq_context, endpoint, true);
    if (self->socket != NULL)
        worker->socket = open_end(zmq_context, endpoint, false);
    if (worker->socket == NULL || start_thread(self) != 0) {
        watch_free(self);
        return RC_SYSTEM;
    }
    *ret = self;
    return RC_OK;
}

void watch_stop(struct watch **self_p)
{
    const struct watch_head stop = {.kind = WATCH_STOP};
    struct watch *self = *self_p;

    if (self == NULL)
        return;
    *self_p = NULL;
    watch_tell(self->socket, &stop, "", 0);
    (void)pthread_join(self->thread, NULL);
    watch_free(self);
}

void *watch_socket(struct watch *self)
{
    return self->socket;
}

void watch_set_limits(struct watch *self, const struct watch_limits *limits)
{
    const struct watch_head head = {.kind = WATCH_LIMITS};

    watch_tell(self->socket, &head, limits, sizeof(*limits));
}
