/* bench_search.c - what the index costs the message path: posts a second with searching off and on, and how fast it
 * catches up.
 *
 * bench_search [FOLDER [SECONDS]]: posts of 100 bytes in batches of 256 through the writer's thread, in turns off and on, so
 * that what else the machine does falls on both. FOLDER must lie on a real disk. */
#include "broker/indexer.h"
#include "broker/store/search_reader.h"
#include "broker/store/writer.h"
#include "shared/base/clock.h"

#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#define ROUNDS 3
#define ROOMS  16
#define BATCH  256
#define FLIGHT 4 /* batches on their way */

static const char *const WORDS[] = {"lunch", "today",  "the",   "broker",  "is",    "behind",
                                    "again", "please", "look",  "at",      "this",  "page",
                                    "with",  "many",   "words", "release", "build", "failed",
                                    "why",   "fixed",  "patch", "review",  "merge", "tomorrow"};
#define WORD_COUNT (sizeof(WORDS) / sizeof(WORDS[0]))

struct bench {
    void *context;
    struct store *store;
    struct writer *writer;
    struct indexer *indexer;
    char folder[4096];
    stream_id person;
    struct scope room[ROOMS];
    char name[ROOMS][16];
    uint32_t number;
    size_t in_flight;
};

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void must(enum rc rc, const char *what)
{
    if (rc == RC_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, rc_sentence(rc));
    exit(1);
}

static void people_the_store(struct bench *self)
{
    struct op op = {.kind = OP_HELLO, .ts_ms = 1, .nick = SPAN("alice"), .skeleton = SPAN("alice")};
    struct op_result result;

    must(store_apply(self->store, &op, 1, &result), "hello");
    self->person = result.stream;
    for (unsigned i = 0; i < ROOMS; i++) {
        snprintf(self->name[i], sizeof(self->name[i]), "#room%u", i);
        op = (struct op){
            .kind = OP_JOIN, .ts_ms = 1, .account = self->person, .nick = SPAN("alice")};
        op.name = span_of(self->name[i]);
        op.skeleton = span_of(self->name[i] + 1);
        must(store_apply(self->store, &op, 1, &result), "join");
        self->room[i] = (struct scope){result.stream, 1, 1};
    }
}

static void open_bench(struct bench *self, const char *base, bool is_searching)
{
    const char *why = "";
    char index_why[SEARCH_WHY_BYTES] = "";
    struct store_reader *log = NULL;
    struct search_index *index = NULL;

    snprintf(self->folder, sizeof(self->folder), "%s/bench-search-XXXXXX", base);
    if (mkdtemp(self->folder) == NULL) {
        perror(self->folder);
        exit(1);
    }
    self->context = zmq_ctx_new();
    must(store_open_sqlite(self->folder, &self->store, &why), why);
    people_the_store(self);
    must(writer_start(self->store, self->context, &self->writer), "writer");
    if (!is_searching)
        return;
    must(store_reader_open(self->store, &log), "reader");
    must(search_index_open(self->folder, log, &index, index_why), index_why);
    must(indexer_start(&index, self->context, &self->indexer), "indexer");
}

static void close_bench(struct bench *self)
{
    indexer_stop(&self->indexer);
    writer_stop(&self->writer);
    store_close(&self->store);
    zmq_ctx_term(self->context);
    nftw(self->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void submit(struct bench *self)
{
    struct batch *batch = batch_new();
    char text[256];

    for (size_t i = 0; i < BATCH; i++) {
        const unsigned room = self->number % ROOMS;
        int len = 0;

        while (len < 100)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "%s ",
                            WORDS[randombytes_uniform(WORD_COUNT)]);
        struct op op = {.kind = OP_POST,
                        .ts_ms = clock_wall_ms(),
                        .nick = SPAN("alice"),
                        .account = self->person,
                        .session = {7},
                        .number = ++self->number,
                        .stream = self->room[room].stream,
                        .name = span_of(self->name[room]),
                        .text = {text, (size_t)len},
                        .kind_name = SPAN("message")};
        batch_add(batch, &op);
        self->room[room].last++;
    }
    writer_submit(self->writer, &batch);
    self->in_flight++;
}

static void take(struct bench *self)
{
    zmq_pollitem_t item = {.socket = writer_socket(self->writer), .events = ZMQ_POLLIN};
    struct batch *batch;
    enum rc rc;

    (void)zmq_poll(&item, 1, -1);
    while ((rc = writer_take(self->writer, &batch)) == RC_OK) {
        for (size_t i = 0; i < batch_count(batch); i++)
            must(batch_results(batch)[i].rc, "post");
        batch_destroy(&batch);
        self->in_flight--;
    }
    if (rc != RC_END)
        must(rc, "store");
}

static double post(struct bench *self, uint64_t seconds)
{
    const uint64_t start = clock_mono_ms();
    uint64_t now = start;

    for (; now - start < seconds * 1000; now = clock_mono_ms()) {
        while (self->in_flight < FLIGHT)
            submit(self);
        take(self);
    }
    while (self->in_flight > 0)
        take(self);
    return (double)self->number * 1000 / (double)(clock_mono_ms() - start);
}

/* How long the index needs behind the last post, and what one search takes then. */
static void tell_index(struct bench *self)
{
    const uint64_t start = clock_mono_ms();
    struct search_reader *reader = NULL;
    struct search_question question = {.text = SPAN("release \"build failed\" tom*"),
                                       .scope = self->room,
                                       .scope_count = ROOMS,
                                       .time_ms = 60000};
    struct search_hit hit;
    uint64_t missing = 0, first_missing = 0, indexed;
    size_t count = 0;

    must(search_reader_open(self->folder, &reader), "index");
    do {
        must(search_reader_missing(reader, self->room, ROOMS, &missing), "index");
        if (first_missing == 0)
            first_missing = missing;
        (void)zmq_poll(NULL, 0, 5);
    } while (missing > 0);
    indexed = clock_mono_ms();
    must(search_reader_ask(reader, &question), "search");
    while (count < 128 && search_reader_next(reader, &hit) == RC_OK)
        count++;
    printf("    index: %8.0f events behind, caught up %.1f s later (%.0f a second); %zu found in "
           "%llu ms\n",
           (double)first_missing, (double)(indexed - start) / 1000,
           (double)first_missing * 1000 / (double)(indexed - start + 1), count,
           (unsigned long long)(clock_mono_ms() - indexed));
    search_reader_close(&reader);
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : ".";
    const uint64_t seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 3;
    double sum[2] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        for (int is_on = 0; is_on < 2; is_on++) {
            struct bench *self = calloc(1, sizeof(*self));

            if (self == NULL)
                return 1;
            open_bench(self, base, is_on != 0);
            const double rate = post(self, seconds);
            sum[is_on] += rate;
            printf("search %-3s: %8.0f posts/s\n", is_on ? "on" : "off", rate);
            if (is_on)
                tell_index(self);
            fflush(stdout);
            close_bench(self);
            free(self);
        }
    }
    printf("on is %.1f %% of off\n", 100 * sum[1] / sum[0]);
    return 0;
}
