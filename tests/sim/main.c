/* sim - run seeds of the simulated chat; the first broken promise ends it with its story. */
#include "tests/sim/shrink.h"
#include "tests/sim/world.h"

#include "shared/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64

static const char USAGE[] =
    "usage: sim [--seeds N] [--first SEED] [--seed-file FILE] [--story] [--trace-hash]\n"
    "           [--store memory|sqlite] [--jobs N] [--shrink SEED] [--PART VALUE ...]\n"
    "PART is a part of the weather, in place of what the seed draws:\n";

struct arguments {
    uint64_t seeds, first, shrink;
    unsigned jobs;
    const char *seed_file;
    bool has_story, has_hash, is_sqlite;
    struct weather_set set;
};

/* Of all jobs, in memory that they share. */
struct totals {
    uint64_t seeds, posts, shown, commits, broker_crashes, client_crashes, settling_ms;
    bool has_failed;
};

static volatile uint64_t current_seed;

/* Our own invariants abort: say by which seed. */
static void on_abort(int number)
{
    char text[64];
    const int len =
        snprintf(text, sizeof text, "seed %llu: aborted\n", (unsigned long long)current_seed);

    (void)!write(STDERR_FILENO, text, (size_t)len);
    signal(number, SIG_DFL);
    raise(number);
}

static void tell_failure(const struct world *world, const struct arguments *arguments)
{
    fprintf(stderr, "seed %llu: %s\n ", (unsigned long long)world->seed, world->failure);
    for (size_t i = 0; i < WEATHER_PARTS; i++) {
        struct weather weather = world->weather;

        if (*weather_at(&weather, i) != 0)
            fprintf(stderr, " %s %u", WEATHER_PART[i].name, *weather_at(&weather, i));
    }
    fprintf(stderr, "\n  its story: sim --first %llu --seeds 1", (unsigned long long)world->seed);
    weather_print(&world->weather, world->seed, stderr);
    fprintf(stderr, "%s --story\n  a smaller one: sim --shrink %llu\n",
            arguments->is_sqlite ? " --store sqlite" : "", (unsigned long long)world->seed);
}

static bool run(uint64_t seed, const struct arguments *arguments, struct totals *totals)
{
    static struct world world;
    char dir[] = "/dev/shm/sim-XXXXXX";
    struct sim_options options = {.weather = weather_draw(seed),
                                  .story = arguments->has_story ? stdout : NULL,
                                  .has_hash = arguments->has_hash};

    current_seed = seed;
    weather_apply(&arguments->set, &options.weather);
    if (arguments->is_sqlite) {
        if (mkdtemp(dir) == NULL) {
            fprintf(stderr, "sim: %s: %s\n", dir, strerror(errno));
            exit(2);
        }
        options.dir = dir;
        options.weather.disk_full = 0; /* SQLite's store looks at the disk by the real clock */
    }
    world_init(&world, seed, &options);
    const bool is_kept = world_run(&world);
    if (arguments->has_hash)
        printf("%llu %016llx\n", (unsigned long long)seed, (unsigned long long)world.hash);
    if (!is_kept)
        tell_failure(&world, arguments);
    __atomic_fetch_add(&totals->seeds, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&totals->posts, world.posts, __ATOMIC_RELAXED);
    __atomic_fetch_add(&totals->shown, world.shown, __ATOMIC_RELAXED);
    __atomic_fetch_add(&totals->commits, world.commits, __ATOMIC_RELAXED);
    __atomic_fetch_add(&totals->broker_crashes, world.broker_crashes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&totals->client_crashes, world.client_crashes, __ATOMIC_RELAXED);
    if (world.settled_ms > world.weather.storm_ms &&
        world.settled_ms - world.weather.storm_ms > totals->settling_ms)
        totals->settling_ms = world.settled_ms - world.weather.storm_ms;
    world_fini(&world);
    if (arguments->is_sqlite)
        remove_folder(dir);
    return is_kept;
}

/* Every jobs-th seed, until somebody has found a broken promise. */
static bool run_job(const struct arguments *arguments, unsigned job, struct totals *totals)
{
    for (uint64_t n = job; n < arguments->seeds && !totals->has_failed; n += arguments->jobs) {
        if (!run(arguments->first + n, arguments, totals))
            totals->has_failed = true;
    }
    return !totals->has_failed;
}

static bool run_jobs(const struct arguments *arguments, struct totals *totals)
{
    bool is_kept = true;
    int status;

    if (arguments->jobs == 1)
        return run_job(arguments, 0, totals);
    fflush(stdout);
    for (unsigned job = 0; job < arguments->jobs; job++) {
        const pid_t pid = fork();

        if (pid < 0) {
            fprintf(stderr, "sim: fork: %s\n", strerror(errno));
            return false;
        }
        if (pid == 0)
            exit(run_job(arguments, job, totals) ? 0 : 1);
    }
    while (wait(&status) > 0) {
        if (status != 0) {
            is_kept = false;
            totals->has_failed = true;
        }
    }
    return is_kept;
}

/* One seed a line, what follows it is a remark. */
static bool run_file(const struct arguments *arguments, struct totals *totals)
{
    char line[256];
    bool is_kept = true;
    FILE *file = fopen(arguments->seed_file, "re");

    if (file == NULL) {
        fprintf(stderr, "sim: %s: %s\n", arguments->seed_file, strerror(errno));
        return false;
    }
    while (is_kept && fgets(line, sizeof line, file) != NULL) {
        char *end;
        const uint64_t seed = strtoull(line, &end, 10);

        if (end != line)
            is_kept = run(seed, arguments, totals);
    }
    fclose(file);
    return is_kept;
}

static _Noreturn void exit_with_usage(void)
{
    fputs(USAGE, stderr);
    for (size_t i = 0; i < WEATHER_PARTS; i++)
        fprintf(stderr, "    %-16s %s\n", WEATHER_PART[i].name, WEATHER_PART[i].what);
    exit(2);
}

static uint64_t number_or_exit(const char *text)
{
    char *end;
    const unsigned long long value = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0')
        exit_with_usage();
    return value;
}

static bool is_word(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static void read_argument(struct arguments *self, const char *option, const char *value)
{
    const size_t part = weather_option(option);

    if (is_word(option, "--seeds"))
        self->seeds = number_or_exit(value);
    else if (is_word(option, "--first"))
        self->first = number_or_exit(value);
    else if (is_word(option, "--jobs"))
        self->jobs = (unsigned)number_or_exit(value);
    else if (is_word(option, "--shrink"))
        self->shrink = number_or_exit(value);
    else if (is_word(option, "--seed-file") && value != NULL)
        self->seed_file = value;
    else if (is_word(option, "--store") && (is_word(value, "memory") || is_word(value, "sqlite")))
        self->is_sqlite = is_word(value, "sqlite");
    else if (part < WEATHER_PARTS)
        weather_set_part(&self->set, part, (unsigned)number_or_exit(value));
    else
        exit_with_usage();
}

static uint64_t cpu_ms(int who)
{
    struct rusage usage;

    if (getrusage(who, &usage) != 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void print_summary(const struct arguments *arguments, const struct totals *totals,
                          uint64_t took_ms)
{
    const uint64_t used_ms = cpu_ms(RUSAGE_SELF) + cpu_ms(RUSAGE_CHILDREN) + 1;

    printf("%llu seeds from %llu kept every promise: %llu posts, %llu events shown, %llu commits, "
           "%llu broker and %llu client crashes, settled at most %llu ms after a storm; %llu "
           "seeds/s, %llu a second of one processor\n",
           (unsigned long long)totals->seeds, (unsigned long long)arguments->first,
           (unsigned long long)totals->posts, (unsigned long long)totals->shown,
           (unsigned long long)totals->commits, (unsigned long long)totals->broker_crashes,
           (unsigned long long)totals->client_crashes, (unsigned long long)totals->settling_ms,
           (unsigned long long)(totals->seeds * 1000 / took_ms),
           (unsigned long long)(totals->seeds * 1000 / used_ms));
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.seeds = 200, .first = 1, .jobs = 1};
    struct totals *totals =
        mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    for (int i = 1; i < argc; i++) {
        if (is_word(argv[i], "--story"))
            arguments.has_story = true;
        else if (is_word(argv[i], "--trace-hash"))
            arguments.has_hash = true;
        else {
            read_argument(&arguments, argv[i], argv[i + 1]);
            i++;
        }
    }
    if (totals == MAP_FAILED || arguments.jobs == 0 || arguments.jobs > JOBS_MAX)
        exit_with_usage();
    if (arguments.shrink != 0)
        return shrink(arguments.shrink, &arguments.set) ? 0 : 1;
    signal(SIGABRT, on_abort);
    const uint64_t began_ms = clock_mono_ms();
    if (arguments.seed_file != NULL && !run_file(&arguments, totals))
        return 1;
    if (!run_jobs(&arguments, totals))
        return 1;
    if (!arguments.has_hash)
        print_summary(&arguments, totals, clock_mono_ms() - began_ms + 1);
    return 0;
}
