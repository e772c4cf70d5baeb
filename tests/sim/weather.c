#include "tests/sim/weather.h"

#include <string.h>

const struct weather_part WEATHER_PART[WEATHER_PARTS] = {
#define X(part, least, what) {#part, what, least, offsetof(struct weather, part)},
    WEATHER_TABLE(X)
#undef X
};

uint64_t weather_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *random, unsigned limit)
{
    return (unsigned)(weather_random(random) % limit);
}

/* Half of the seeds know nothing of a fault, so that others are seen alone. */
static unsigned at_times(uint64_t *random, unsigned most)
{
    return below(random, 2) == 0 ? 0 : 1 + below(random, most);
}

struct weather weather_draw(uint64_t seed)
{
    static const unsigned DELAYS_MS[] = {5, 50, 500, 3000};
    static const unsigned COMMITS_MS[] = {2, 2, 200, 3000};
    static const unsigned HWMS[] = {0, 0, 2, 8, 64};
    static const unsigned LAGS_MS[] = {2, 50, 500, 4000};
    uint64_t state = seed * 0x2545f4914f6cdd1d + 1;
    uint64_t *random = &state;
    struct weather weather = {.clients = 2 + below(random, CLIENTS_MAX - 1)};

    weather.people = below(random, 2) == 0 ? weather.clients : 1 + below(random, weather.clients);
    weather.rooms = 1 + below(random, ROOMS_MAX);
    weather.posts = 4 + below(random, 12);
    weather.storm_ms = 10000 * (1 + below(random, 4));
    weather.loss = 50 * below(random, 7);
    weather.pub_loss = 100 * below(random, 4);
    weather.dup = 100 * below(random, 6);
    weather.delay_ms = DELAYS_MS[below(random, 4)];
    weather.sub_delay_ms = at_times(random, 6000);
    weather.pub_hwm = HWMS[below(random, 5)];
    weather.commit_ms = COMMITS_MS[below(random, 4)];
    weather.result_ms = at_times(random, 40);
    weather.broker_crashes = at_times(random, 40);
    weather.unanswered = at_times(random, 60);
    weather.disk_fails = at_times(random, 30);
    weather.disk_full = at_times(random, 40);
    weather.client_crashes = at_times(random, 40);
    weather.cuts = at_times(random, 60);
    weather.partitions = at_times(random, 60);
    weather.stalls = at_times(random, 60);
    weather.deafness = at_times(random, 60);
    weather.clock_jumps = at_times(random, 60);
    weather.leaves = at_times(random, 60);
    weather.histories = at_times(random, 300);
    weather.lies = at_times(random, 150);
    weather.keep_events = at_times(random, 24);
    weather.purges = at_times(random, 40);
    weather.brokers = 1; /* several are asked for */
    weather.lag_ms = LAGS_MS[below(random, 4)];
    weather.orders = at_times(random, 120);
    return weather;
}

void weather_fit(struct weather *self)
{
    for (size_t i = 0; i < WEATHER_PARTS; i++) {
        if (*weather_at(self, i) < WEATHER_PART[i].least)
            *weather_at(self, i) = WEATHER_PART[i].least;
    }
    if (self->clients > CLIENTS_MAX)
        self->clients = CLIENTS_MAX;
    if (self->people > self->clients)
        self->people = self->clients;
    if (self->rooms > ROOMS_MAX)
        self->rooms = ROOMS_MAX;
    if (self->brokers > SIM_BROKERS_MAX)
        self->brokers = SIM_BROKERS_MAX;
}

/* "--commit-ms" is commit_ms. */
size_t weather_option(const char *option)
{
    size_t part = 0;

    if (strncmp(option, "--", 2) != 0)
        return WEATHER_PARTS;
    for (; part < WEATHER_PARTS; part++) {
        const char *a = option + 2;
        const char *b = WEATHER_PART[part].name;

        while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_'))) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0')
            break;
    }
    return part;
}

void weather_print(const struct weather *self, uint64_t seed, FILE *file)
{
    struct weather drawn = weather_draw(seed);
    struct weather set = *self;

    for (size_t i = 0; i < WEATHER_PARTS; i++) {
        if (*weather_at(&set, i) == *weather_at(&drawn, i))
            continue;
        fputs(" --", file);
        for (const char *at = WEATHER_PART[i].name; *at != '\0'; at++)
            fputc(*at == '_' ? '-' : *at, file);
        fprintf(file, " %u", *weather_at(&set, i));
    }
}
