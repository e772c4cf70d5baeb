/* weather.h - what one seed brings, drawn from the seed, and each part of it named so that a command
 * line can set it. Parts without a unit are probabilities per thousand. */
#ifndef TESTS_SIM_WEATHER_H
#define TESTS_SIM_WEATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLIENTS_MAX     6
#define ROOMS_MAX       3
#define SIM_BROKERS_MAX 3

/* X(part, the least that makes sense, what it is) */
#define WEATHER_TABLE(X)                                                                          \
    X(clients, 1, "programs that run")                                                            \
    X(people, 1, "nicks; with fewer than clients, some people have several devices")              \
    X(rooms, 1, "rooms")                                                                          \
    X(posts, 1, "of each client, over the storm")                                                 \
    X(storm_ms, 1000, "faults end here")                                                          \
    X(loss, 0, "of a frame, either way")                                                          \
    X(pub_loss, 0, "of a broadcast to one subscriber")                                            \
    X(dup, 0, "of a frame")                                                                       \
    X(delay_ms, 1, "at most; frames overtake each other")                                         \
    X(sub_delay_ms, 0, "at most, until a new connection's subscriptions travel")                  \
    X(pub_hwm, 0, "broadcasts on their way to one subscriber; 0: no bound")                       \
    X(commit_ms, 0, "at most, from submission to commit")                                         \
    X(result_ms, 0, "at most, from commit to its results")                                        \
    X(broker_crashes, 0, "in each half second: the broker dies, at any step")                     \
    X(unanswered, 0, "of a commit: the broker dies behind it")                                    \
    X(disk_fails, 0, "of a commit: it fails, the broker ends, and the outcome is either")         \
    X(disk_full, 0, "in each half second: the disk is full for up to 10 s")                       \
    X(client_crashes, 0, "of an act: the client dies, at any step")                               \
    X(cuts, 0, "of an act: the connection is cut, noticed or silently")                           \
    X(partitions, 0, "in each half second: some clients are cut off, one way or both, 1 to 15 s") \
    X(stalls, 0, "in each half second: a process sleeps for up to 12 s")                          \
    X(deafness, 0, "of an act: the application takes nothing for up to 12 s")                     \
    X(clock_jumps, 0, "in each half second: the broker's clock jumps by hours")                   \
    X(leaves, 0, "of an act: a room is left, and joined again later")                             \
    X(histories, 0, "of an act: a part of a stream is read back")                                 \
    X(lies, 0, "of an act: a command that a model would never send")                              \
    X(keep_events, 0, "of each stream, the newest; 0: all")                                       \
    X(purges, 0, "in each half second: a room or a person is purged")                             \
    X(brokers, 1, "over one store; what is below is for several")                                 \
    X(lag_ms, 0, "at most, until a broker hears what another one has committed")                  \
    X(orders, 0, "of an act: a room's operator puts somebody out, or gives a topic or a right")

struct weather {
#define X(part, least, what) unsigned part;
    WEATHER_TABLE(X)
#undef X
};

struct weather_part {
    const char *name; /* "commit_ms" */
    const char *what;
    unsigned least;
    size_t offset;
};
#define WEATHER_PARTS ((size_t)31)
extern const struct weather_part WEATHER_PART[WEATHER_PARTS];

static inline unsigned *weather_at(struct weather *self, size_t part)
{
    return (unsigned *)(void *)((char *)self + WEATHER_PART[part].offset);
}

/* The weather of that seed. */
struct weather weather_draw(uint64_t seed);

/* Make what contradicts itself fit: not more people than clients. */
void weather_fit(struct weather *self);

/* The part of that option ("--loss"), WEATHER_PARTS when there is none. */
size_t weather_option(const char *option);

/* As options for a command line; all that differ from what the seed draws. */
void weather_print(const struct weather *self, uint64_t seed, FILE *file);

/* splitmix64 */
uint64_t weather_random(uint64_t *state);

#endif
