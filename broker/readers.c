#include "broker/readers.h"

#include "broker/events_head.h"
#include "broker/searcher.h"
#include "shared/base/alloc.h"
#include "shared/base/handover.h"
#include "shared/base/invariant.h"
#include "shared/base/log.h"
#include "shared/wire/wire.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <zmq.h>

#define NICE       5
#define QUEUE_MAX  4096 /* questions that wait for a free thread */
#define SEARCH_MAX 64   /* those that search */

#define SIZE_EVERY_MS 60000 /* the server looks at all files of the database for it */

/* What is asked beside effects. */
enum { JOB_STOP = 0, JOB_SIZE = 1000 };

/* A question on its way to a thread, and in front of each of its answers on the way back. */
struct job {
    unsigned kind; /* of enum effect_kind, or JOB_ */
    bool is_last;  /* on the way back */
    bool is_gone;  /* likewise */
    size_t thread;
    peer_id peer;
    stream_id stream;
    bool has_ref;
    uint64_t ref;
    uint64_t first;
    uint64_t last;
    uint64_t since_ms;
    uint64_t from_least;
    uint32_t credit;
    struct search_ask *search; /* FX_SEARCH: the thread's, once it has it */
    size_t name_len;
    char name[STREAM_BYTES_MAX];
};

struct reader {
    void *ask;     /* the pool's end */
    void *asked;   /* the thread's end */
    void *answers; /* the thread's; ends in the pool's */
    struct store_reader *store;
    struct search_reader *index; /* of the one thread that searches, and does nothing else */
    pthread_t thread;
    bool has_thread;
    bool is_busy; /* the pool's view: one job at a time, so nothing piles up in the sockets */
    char frame[FRAME_BYTES_MAX];
};

/* Jobs that wait, a ring. */
struct line {
    struct job *job;
    size_t at, len, max;
};

struct readers {
    void *answers;
    size_t thread_count;
    struct reader *thread;
    struct line reads;
    struct line searches; /* a slow search delays no FETCH */
    struct job taken;     /* of the answer taken last */
    uint64_t database_bytes;
    uint64_t size_at_ms; /* when it is asked for again */
    bool is_sizing;      /* it is being asked for */
    zmq_msg_t body;
};

/* On the threads */

static void give(struct reader *self, const struct job *job, struct span body, bool is_last)
{
    struct job head = *job;

    head.is_last = is_last;
    handover_give(self);
    /* inproc without a limit: a thread has one job, and a job a bounded number of pages. */
    (void)zmq_send(self->answers, &head, sizeof(head), ZMQ_SNDMORE);
    (void)zmq_send(self->answers, body.ptr, body.len, 0);
}

static struct message message_for(const struct job *job, enum verb verb)
{
    struct message message = {.verb = verb};

    message_set(&message, STREAM, stream, ((struct span){job->name, job->name_len}));
    if (job->has_ref)
        message_set(&message, REF, ref, job->ref);
    return message;
}

static void give_message(struct reader *self, const struct job *job, const struct message *message,
                         struct span events, bool is_last)
{
    struct wire_buf buf = {self->frame, 0, sizeof(self->frame)};

    INVARIANT(wire_write(&buf, message) == RC_OK);
    if (wire_append(&buf, events) != RC_OK)
        log_error("reader.page", "a page of %zu bytes does not fit a frame", events.len);
    give(self, job, (struct span){buf.data, buf.len}, is_last);
}

static void give_failure(struct reader *self, const struct job *job)
{
    struct message error = message_for(job, VERB_ERROR);

    log_error("reader.failed", "stream=%u: the store cannot be read", job->stream.v);
    message_set(&error, CODE, code, RC_BUSY);
    message_set(&error, ERROR, error, span_of(rc_name(RC_BUSY)));
    message_set(&error, TEXT, text, span_of(rc_sentence(RC_BUSY)));
    message_set(&error, RETRY, retry, RETRY_MAX_MS);
    give_message(self, job, &error, SPAN(""), true);
}

static void give_gone(struct reader *self, const struct job *job, const struct store_page *page)
{
    struct message gone = message_for(job, VERB_GONE);
    struct job answer = *job;

    answer.is_gone = true;
    message_set(&gone, FIRST, first, page->there);
    message_set(&gone, SEQ, seq, page->head);
    if (page->before != 0)
        message_set(&gone, LAST, last, page->before);
    give_message(self, &answer, &gone, SPAN(""), true);
}

static void give_events(struct reader *self, const struct job *job, const struct store_page *page,
                        bool is_last)
{
    const struct events_head head = {.name = {job->name, job->name_len},
                                     .has_ref = job->has_ref,
                                     .ref = job->ref,
                                     .first = page->first,
                                     .last = page->last,
                                     .head = page->head,
                                     .is_last = is_last};
    const struct message events = events_head_message(&head);

    give_message(self, job, &events, page->wire, is_last);
}

static struct store_range range_of(const struct job *job, size_t events_max)
{
    return (struct store_range){.stream = job->stream,
                                .first = job->first,
                                .last = job->last,
                                .since_ms = job->first == 0 ? job->since_ms : 0,
                                .events_max = events_max,
                                .bytes_max = FETCH_PAGE_BYTES_MAX};
}

/* Whether the page reaches the end of what was asked, or of the stream. */
static bool is_end(const struct job *job, const struct store_page *page)
{
    return page->count == 0 || page->last >= page->head ||
           (job->last != 0 && page->last >= job->last);
}

static void fetch(struct reader *self, const struct job *job)
{
    struct store_range range = range_of(job, FETCH_PAGE_EVENTS_MAX);
    struct store_page page;
    bool is_last = false;

    for (uint32_t credit = job->credit; !is_last; credit--) {
        if (store_read(self->store, &range, &page) != RC_OK) {
            give_failure(self, job);
            return;
        }
        if (range.first == 0 && page.count > 0 && page.first < job->from_least) {
            /* What is older is not for the asker: begin where it is. */
            range.first = job->from_least < page.there ? page.there : job->from_least;
            credit++;
            continue;
        }
        if (range.first != 0 && range.first < page.there) {
            give_gone(self, job, &page);
            return;
        }
        is_last = credit <= 1 || is_end(job, &page);
        give_events(self, job, &page, is_last);
        range.first = page.last + 1;
        range.since_ms = 0;
    }
}

static void republish(struct reader *self, const struct job *job)
{
    struct store_range range = range_of(job, REPUBLISH_EVENTS_MAX);
    struct store_page page = {0};
    bool is_last = false;

    while (!is_last) {
        /* A page that cannot be read is tried again at the next republication. */
        if (store_read(self->store, &range, &page) != RC_OK)
            page = (struct store_page){0};
        is_last = is_end(job, &page);
        give(self, job, page.wire, is_last);
        range.first = page.last + 1;
    }
}

static void measure(struct reader *self, const struct job *job)
{
    uint64_t bytes = 0;

    if (store_read_size(self->store, &bytes) == RC_STORE)
        log_warn("reader.failed", "action=\"the size of the database is not known\"");
    give(self, job, (struct span){(const char *)&bytes, sizeof(bytes)}, true);
}

static void search(struct reader *self, struct job *job)
{
    struct wire_buf buf = {self->frame, 0, sizeof(self->frame)};

    handover_take(job->search);
    search_answer(job->search, self->store, self->index, &buf);
    search_ask_destroy(&job->search);
    give(self, job, (struct span){buf.data, buf.len}, true);
}

static void *serve(void *context)
{
    struct reader *self = context;
    struct job job;

    /* What is old lets what is new go first. Of this thread alone, on Linux; without it, it is just less kind. */
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    for (;;) {
        int len = zmq_recv(self->asked, &job, sizeof(job), 0);

        if (len < 0 && errno == EINTR)
            continue;
        if (len != (int)sizeof(job) || job.kind == JOB_STOP)
            return NULL;
        handover_take(self);
        if (job.kind == FX_READ)
            fetch(self, &job);
        else if (job.kind == FX_SEARCH)
            search(self, &job);
        else if (job.kind == JOB_SIZE)
            measure(self, &job);
        else
            republish(self, &job);
    }
}

/* In the pool */

static void hand_out(struct readers *self)
{
    for (size_t i = 0; i < self->thread_count; i++) {
        struct reader *thread = &self->thread[i];
        struct line *line = thread->index != NULL ? &self->searches : &self->reads;
        struct job *job = &line->job[line->at];

        if (thread->is_busy || line->len == 0)
            continue;
        job->thread = i;
        thread->is_busy = true;
        handover_give(thread);
        INVARIANT(zmq_send(thread->ask, job, sizeof(*job), ZMQ_DONTWAIT) >= 0);
        line->at = (line->at + 1) % line->max;
        line->len--;
    }
}

/* The end of the line, to be filled in; NULL: it is full. */
static struct job *line_up(struct line *line, const struct effect *effect)
{
    struct job *job = &line->job[(line->at + line->len) % line->max];

    if (line->len == line->max)
        return NULL;
    memset(job, 0, sizeof(*job));
    job->kind = effect->kind;
    job->peer = effect->peer;
    job->stream = effect->stream;
    INVARIANT(effect->name.len <= sizeof(job->name));
    if (effect->name.len > 0)
        memcpy(job->name, effect->name.ptr, effect->name.len);
    job->name_len = effect->name.len;
    line->len++;
    return job;
}

static enum rc ask_search(struct readers *self, const struct effect *effect)
{
    struct job *job;

    if (self->searches.max == 0)
        return RC_NO_SEARCH;
    job = line_up(&self->searches, effect);
    if (job == NULL)
        return RC_BUSY;
    job->search = search_ask_new(effect);
    handover_give(job->search);
    hand_out(self);
    return RC_OK;
}

enum rc readers_ask(struct readers *self, const struct effect *effect)
{
    struct job *job;

    INVARIANT(effect->kind == FX_READ || effect->kind == FX_REPUBLISH || effect->kind == FX_SEARCH);
    if (effect->kind == FX_SEARCH)
        return ask_search(self, effect);
    job = line_up(&self->reads, effect);
    if (job == NULL)
        return RC_BUSY;
    job->has_ref = effect->kind == FX_READ && effect->read.has_ref;
    job->ref = job->has_ref ? effect->read.ref : 0;
    job->first = effect->read.first;
    job->last = effect->read.last;
    job->since_ms = effect->read.since_ms;
    job->from_least = job->kind == FX_READ ? effect->read.from_least : 0;
    job->credit = effect->read.credit;
    hand_out(self);
    return RC_OK;
}

uint64_t readers_database_bytes(struct readers *self, uint64_t now_ms)
{
    const struct effect nothing = {.name = {NULL, 0}};
    struct job *job = NULL;

    if (!self->is_sizing && now_ms >= self->size_at_ms)
        job = line_up(&self->reads, &nothing);
    if (job != NULL) {
        job->kind = JOB_SIZE;
        self->is_sizing = true;
        self->size_at_ms = now_ms + SIZE_EVERY_MS;
        hand_out(self);
    }
    return self->database_bytes;
}

static void take_size(struct readers *self)
{
    uint64_t bytes;

    INVARIANT(zmq_msg_size(&self->body) == sizeof(bytes));
    memcpy(&bytes, zmq_msg_data(&self->body), sizeof(bytes));
    self->is_sizing = false;
    if (bytes != 0) /* else it could not be read: what was known stands */
        self->database_bytes = bytes;
}

enum rc readers_take(struct readers *self, struct read_answer *ret)
{
    int len = zmq_recv(self->answers, &self->taken, sizeof(self->taken), ZMQ_DONTWAIT);

    if (len < 0)
        return RC_END;
    INVARIANT(len == (int)sizeof(self->taken));
    handover_take(&self->thread[self->taken.thread]);
    INVARIANT(zmq_msg_recv(&self->body, self->answers, ZMQ_DONTWAIT) >= 0);
    if (self->taken.is_last) {
        self->thread[self->taken.thread].is_busy = false;
        hand_out(self);
    }
    if (self->taken.kind == JOB_SIZE) {
        take_size(self);
        return readers_take(self, ret);
    }
    *ret = (struct read_answer){.kind = (enum effect_kind)self->taken.kind,
                                .is_last = self->taken.is_last,
                                .is_gone = self->taken.is_gone,
                                .peer = self->taken.peer,
                                .body = &self->body,
                                .name = {self->taken.name, self->taken.name_len},
                                .stream = self->taken.stream};
    return RC_OK;
}

size_t readers_waiting(const struct readers *self)
{
    return self->reads.len + self->searches.len;
}

void *readers_socket(struct readers *self)
{
    return self->answers;
}

/* Life */

static enum rc start_thread(struct readers *self, struct reader *reader, void *zmq_context,
                            struct store *store)
{
    const int no_limit = 0;
    char ask[64], answers[64];

    snprintf(ask, sizeof(ask), "inproc://reader-%p", (void *)reader);
    snprintf(answers, sizeof(answers), "inproc://readers-%p", (void *)self);
    if (store_reader_open(store, &reader->store) != RC_OK)
        return RC_STORE;
    reader->ask = zmq_socket(zmq_context, ZMQ_PAIR);
    reader->asked = zmq_socket(zmq_context, ZMQ_PAIR);
    reader->answers = zmq_socket(zmq_context, ZMQ_PUSH);
    if (reader->ask == NULL || reader->asked == NULL || reader->answers == NULL ||
        zmq_setsockopt(reader->answers, ZMQ_SNDHWM, &no_limit, sizeof(no_limit)) != 0 ||
        zmq_bind(reader->ask, ask) != 0 || zmq_connect(reader->asked, ask) != 0 ||
        zmq_connect(reader->answers, answers) != 0)
        return RC_SYSTEM;
    errno = pthread_create(&reader->thread, NULL, serve, reader);
    if (errno != 0)
        return RC_SYSTEM;
    reader->has_thread = true;
    return RC_OK;
}

static void open_line(struct line *line, size_t max)
{
    *line = (struct line){.job = x_alloc(max, sizeof(*line->job)), .max = max};
}

static void close_line(struct line *line)
{
    for (; line->len > 0; line->len--) {
        search_ask_destroy(&line->job[line->at].search);
        line->at = (line->at + 1) % line->max;
    }
    free(line->job);
}

/* One thread more, if there is an index; without it searches are refused. */
static void open_search(struct readers *self, const char *folder)
{
    struct search_reader *index = NULL;

    if (folder == NULL || search_reader_open(folder, &index) != RC_OK)
        return;
    self->thread[self->thread_count++].index = index;
    open_line(&self->searches, SEARCH_MAX);
}

enum rc readers_start(struct store *store, void *zmq_context, size_t thread_count,
                      const char *search_folder, struct readers **ret)
{
    struct readers *self = x_alloc(1, sizeof(*self));
    const int no_limit = 0;
    char answers[64];
    enum rc rc = RC_SYSTEM;
    int failure;

    snprintf(answers, sizeof(answers), "inproc://readers-%p", (void *)self);
    (void)zmq_msg_init(&self->body);
    open_line(&self->reads, QUEUE_MAX);
    self->thread = x_alloc(thread_count + 1, sizeof(*self->thread));
    self->thread_count = thread_count;
    open_search(self, search_folder);
    self->answers = zmq_socket(zmq_context, ZMQ_PULL);
    if (self->answers != NULL &&
        zmq_setsockopt(self->answers, ZMQ_RCVHWM, &no_limit, sizeof(no_limit)) == 0 &&
        zmq_bind(self->answers, answers) == 0)
        rc = RC_OK;
    for (size_t i = 0; i < self->thread_count && rc == RC_OK; i++)
        rc = start_thread(self, &self->thread[i], zmq_context, store);
    if (rc == RC_OK) {
        *ret = self;
        return RC_OK;
    }
    failure = errno;
    readers_stop(&self);
    errno = failure;
    return rc;
}

static void close_socket(void *socket)
{
    const int linger_ms = 0;

    if (socket == NULL)
        return;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    (void)zmq_close(socket);
}

void readers_stop(struct readers **self_p)
{
    struct readers *self = *self_p;
    const struct job stop = {0};

    if (self == NULL)
        return;
    *self_p = NULL;
    for (size_t i = 0; i < self->thread_count; i++) {
        struct reader *reader = &self->thread[i];

        if (reader->has_thread) {
            (void)zmq_send(reader->ask, &stop, sizeof(stop), ZMQ_DONTWAIT);
            (void)pthread_join(reader->thread, NULL);
        }
        close_socket(reader->ask);
        close_socket(reader->asked);
        close_socket(reader->answers);
        store_reader_close(&reader->store);
        search_reader_close(&reader->index);
    }
    close_socket(self->answers);
    (void)zmq_msg_close(&self->body);
    close_line(&self->reads);
    close_line(&self->searches);
    free(self->thread);
    free(self);
}
