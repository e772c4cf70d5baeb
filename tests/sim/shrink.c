#include "tests/sim/shrink.h"

#include "tests/sim/world.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS_EACH 24 /* other seeds that are tried with less weather */

void weather_set_part(struct weather_set *self, size_t part, unsigned value)
{
    self->is_set[part] = true;
    self->value[part] = value;
}

void weather_apply(const struct weather_set *self, struct weather *weather)
{
    for (size_t i = 0; i < WEATHER_PARTS; i++) {
        if (self->is_set[i])
            *weather_at(weather, i) = self->value[i];
    }
    weather_fit(weather);
}

void remove_folder(const char *path)
{
    char file[512];
    struct dirent *entry;
    DIR *dir = opendir(path);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(file);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

/* In a process of its own, since our own invariants abort. `kind` gets the failure's kind: "" for none. */
static void try_weather(uint64_t seed, const struct weather *weather, FILE *story, char *kind,
                        size_t size)
{
    static struct world world;
    int pipe_fds[2];
    ssize_t len = 0;

    kind[0] = '\0';
    fflush(stdout);
    if (pipe(pipe_fds) != 0)
        return;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct sim_options options = {.weather = *weather, .story = story};

        if (story == NULL)
            (void)!freopen("/dev/null", "w", stderr);
        world_init(&world, seed, &options);
        if (!world_run(&world))
            (void)!write(pipe_fds[1], world.failure_kind, strlen(world.failure_kind));
        fflush(stdout);
        _exit(0);
    }
    close(pipe_fds[1]);
    int status = 0;
    if (pid > 0) {
        len = read(pipe_fds[0], kind, size - 1);
        waitpid(pid, &status, 0);
    }
    close(pipe_fds[0]);
    kind[len > 0 ? len : 0] = '\0';
    if (status != 0)
        snprintf(kind, size, "aborted");
}

struct search {
    uint64_t seed;
    struct weather weather;
    char kind[400];
};

/* Does it break in this weather too, at this seed or one of the next? */
static bool try_smaller(struct search *self, const struct weather *weather)
{
    char kind[400];

    for (uint64_t seed = self->seed; seed < self->seed + SEEDS_EACH; seed++) {
        try_weather(seed, weather, NULL, kind, sizeof kind);
        if (strcmp(kind, self->kind) == 0) {
            self->seed = seed;
            self->weather = *weather;
            return true;
        }
    }
    return false;
}

/* The least, then halfway to it. */
static bool shrink_part(struct search *self, size_t part)
{
    const unsigned least = WEATHER_PART[part].least;
    struct weather weather = self->weather;
    unsigned *value = weather_at(&weather, part);
    const unsigned was = *value;

    if (was == least)
        return false;
    *value = least;
    weather_fit(&weather);
    if (try_smaller(self, &weather))
        return true;
    weather = self->weather;
    *weather_at(&weather, part) = least + (was - least) / 2;
    weather_fit(&weather);
    return least + (was - least) / 2 != was && try_smaller(self, &weather);
}

bool shrink(uint64_t seed, const struct weather_set *set)
{
    struct search search = {.seed = seed, .weather = weather_draw(seed)};
    char kind[400];
    bool has_shrunk = true;

    weather_apply(set, &search.weather);
    try_weather(seed, &search.weather, NULL, search.kind, sizeof search.kind);
    if (search.kind[0] == '\0') {
        printf("seed %llu breaks nothing\n", (unsigned long long)seed);
        return false;
    }
    while (has_shrunk) {
        has_shrunk = false;
        for (size_t part = WEATHER_PARTS; part-- > 0;)
            has_shrunk |= shrink_part(&search, part);
    }
    try_weather(search.seed, &search.weather, stdout, kind, sizeof kind);
    printf("\nthe smallest weather found in which it still breaks (%s):\n"
           "sim --first %llu --seeds 1",
           search.kind, (unsigned long long)search.seed);
    weather_print(&search.weather, search.seed, stdout);
    printf(" --story\n");
    return true;
}
