/* main.c - run seeds: closed [--seeds N] [--first SEED] [--story SEED] */
#include "tests/closed/closed.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option OPTIONS[] = {{"seeds", required_argument, NULL, 'n'},
                                        {"first", required_argument, NULL, 'f'},
                                        {"story", required_argument, NULL, 's'},
                                        {NULL, 0, NULL, 0}};

int main(int argc, char **argv)
{
    static struct closed closed;
    unsigned long long seeds = 1000, first = 1;
    FILE *story = NULL;
    size_t published = 0, opened = 0, given = 0, fetched = 0, restarts = 0, refused = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (option == '?')
            return 2;
        if (option == 'n')
            seeds = strtoull(optarg, NULL, 10);
        else
            first = strtoull(optarg, NULL, 10);
        if (option == 's') {
            seeds = 1;
            story = stdout;
        }
    }
    for (unsigned long long seed = first; seed < first + seeds; seed++) {
        if (!closed_run(&closed, seed, story)) {
            printf("seed %llu: %s\nsee: closed --story %llu\n", seed, closed.failure, seed);
            return 1;
        }
        published += closed.published;
        opened += closed.opened;
        given += closed.given;
        fetched += closed.fetched;
        restarts += closed.restarts;
        refused += closed.refused;
    }
    printf("%llu seeds, no promise broken: %zu events published, %zu times a device could open "
           "one, %zu "
           "keys given, %zu events fetched, %zu refusals, %zu restarts\n",
           seeds, published, opened, given, fetched, refused, restarts);
    /* A run in which nothing happens proves nothing. */
    return published > 0 && opened > 0 && given > 0 && fetched > 0 && refused > 0 ? 0 : 1;
}
