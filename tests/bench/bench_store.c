/* bench_store.c - posts a second into the SQLite store, by operations a commit.
 *
 * bench_store [FOLDER [SECONDS]] prints one line a size. Texts of 100 bytes, 64 sessions, 16
 * rooms; FOLDER must lie on a real disk, since fsync is half of the matter. */
#include "broker/store/store.h"
#include "shared/base/clock.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS 64
#define ROOMS    16
#define OPS_MAX  1024

struct bench {
    struct store *store;
    stream_id people[SESSIONS];
    char nicks[SESSIONS][16];
    char persons[SESSIONS][16];
    stream_id rooms[ROOMS];
    char names[ROOMS][16];
    uint32_t number[SESSIONS];
    struct op ops[OPS_MAX];
    struct op_result results[OPS_MAX];
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
    struct op_result result;

    for (unsigned i = 0; i < SESSIONS; i++) {
        struct op op = {.kind = OP_HELLO, .ts_ms = 1};

        snprintf(self->persons[i], sizeof(self->persons[i]), "@person%u", i);
        snprintf(self->nicks[i], sizeof(self->nicks[i]), "person%u", i);
        op.nick = op.skeleton = span_of(self->nicks[i]);
        must(store_apply(self->store, &op, 1, &result), "hello");
        self->people[i] = result.stream;
    }
    for (unsigned i = 0; i < ROOMS * SESSIONS; i++) {
        const unsigned room = i / SESSIONS, who = i % SESSIONS;
        struct op op = {.kind = OP_JOIN, .ts_ms = 1, .account = self->people[who]};

        snprintf(self->names[room], sizeof(self->names[room]), "#room%u", room);
        op.nick = span_of(self->nicks[who]);
        op.name = span_of(self->names[room]);
        op.skeleton = span_of(self->names[room] + 1);
        must(store_apply(self->store, &op, 1, &result), "join");
        self->rooms[room] = result.stream;
    }
}

static void fill_batch(struct bench *self, size_t count, bool is_private, uint64_t *turn)
{
    static const char text[] = "0123456789012345678901234567890123456789012345678901234567890123456"
                               "789012345678901234567890123456789";

    for (size_t i = 0; i < count; i++, (*turn)++) {
        const unsigned who = (unsigned)(*turn * 7 % SESSIONS);
        const unsigned whom = (unsigned)(*turn % SESSIONS);
        const unsigned room = (unsigned)(*turn % ROOMS);

        self->ops[i] = (struct op){
            .kind = OP_POST,
            .ts_ms = clock_wall_ms(),
            .nick = span_of(self->nicks[who]),
            .account = self->people[who],
            .session = {UINT64_C(0x9e3779b97f4a7c15) * (who + 1)},
            .number = ++self->number[who],
            .stream = is_private ? self->people[whom] : self->rooms[room],
            .name = span_of(is_private ? self->persons[whom] : self->names[room]),
            .text = SPAN(text),
            .kind_name = SPAN("message"),
        };
    }
}

static double run(const char *folder, size_t size, bool is_private, uint64_t seconds)
{
    struct bench *self = calloc(1, sizeof(*self));
    const char *why = "";
    uint64_t start, turn = 0, posts = 0, now;

    if (self == NULL || store_open_sqlite(folder, &self->store, &why) != RC_OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    people_the_store(self);
    start = clock_mono_ms();
    do {
        fill_batch(self, size, is_private, &turn);
        must(store_apply(self->store, self->ops, size, self->results), store_why(self->store));
        for (size_t i = 0; i < size; i++)
            must(self->results[i].rc, "post");
        must(store_maintain(self->store), store_why(self->store));
        posts += size;
        now = clock_mono_ms();
    } while (now - start < seconds * 1000);
    store_close(&self->store);
    free(self);
    return (double)posts * 1000 / (double)(now - start);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1, 64, 256, 1024};
    const char *base = argc > 1 ? argv[1] : ".";
    const uint64_t seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 3;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        double rates[2];

        for (int is_private = 0; is_private < 2; is_private++) {
            char folder[4096];

            snprintf(folder, sizeof(folder), "%s/bench-store-XXXXXX", base);
            if (mkdtemp(folder) == NULL) {
                perror(folder);
                return 1;
            }
            rates[is_private] = run(folder, sizes[i], is_private != 0, seconds);
            nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        }
        printf("%4zu a commit: %8.0f posts/s to rooms, %8.0f private (two events each)\n", sizes[i],
               rates[0], rates[1]);
        fflush(stdout);
    }
    return 0;
}
