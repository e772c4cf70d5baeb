/* sim - run seeds of the simulated chat; the first broken promise ends it with its story.
 *
 *   sim [--seeds N] [--first SEED] [--story] */
#include "tests/sim/world.h"

#include "shared/base/clock.h"

#include <stdlib.h>
#include <string.h>

static bool run(uint64_t seed, FILE *story, struct world *totals)
{
    static struct world world;

    world_init(&world, seed, story);
    const bool is_kept = world_run(&world);
    if (!is_kept)
        fprintf(stderr,
                "seed %llu: %s\n  clients %u, rooms %u, loss %u, pub loss %u, dup %u per thousand, "
                "delay %u ms, "
                "commit %u ms\n",
                (unsigned long long)seed, world.failure, world.weather.clients, world.weather.rooms,
                world.weather.loss, world.weather.pub_loss, world.weather.dup,
                world.weather.delay_ms, world.weather.commit_ms);
    totals->posts += world.posts;
    totals->shown += world.shown;
    totals->commits += world.commits;
    totals->broker_crashes += world.broker_crashes;
    totals->client_crashes += world.client_crashes;
    world_fini(&world);
    return is_kept;
}

static uint64_t number_or_exit(const char *text)
{
    char *end;
    const unsigned long long value = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0') {
        fputs("usage: sim [--seeds N] [--first SEED] [--story]\n", stderr);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static struct world totals;
    uint64_t seeds = 200;
    uint64_t first = 1;
    FILE *story = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = number_or_exit(argv[++i]);
        else if (strcmp(argv[i], "--first") == 0)
            first = number_or_exit(argv[++i]);
        else if (strcmp(argv[i], "--story") == 0)
            story = stdout;
        else
            number_or_exit(NULL);
    }
    const uint64_t began_ms = clock_mono_ms();
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        if (!run(seed, story, &totals)) {
            fprintf(stderr, "  its story: sim --first %llu --seeds 1 --story\n",
                    (unsigned long long)seed);
            return 1;
        }
    }
    const uint64_t took_ms = clock_mono_ms() - began_ms + 1;
    printf("%llu seeds from %llu kept every promise: %zu posts, %zu events shown, %zu commits, %zu "
           "broker and %zu "
           "client crashes, %llu seeds/s\n",
           (unsigned long long)seeds, (unsigned long long)first, totals.posts, totals.shown,
           totals.commits, totals.broker_crashes, totals.client_crashes,
           (unsigned long long)(seeds * 1000 / took_ms));
    return 0;
}
