/* world.c - the seed, the clock and the turn of events. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

uint64_t world_random(struct world *self)
{
    self->random += 0x9e3779b97f4a7c15; /* splitmix64 */
    uint64_t z = self->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

unsigned world_below(struct world *self, unsigned limit)
{
    return limit == 0 ? 0 : (unsigned)(world_random(self) % limit);
}

bool world_chance(struct world *self, unsigned per_thousand)
{
    return world_below(self, 1000) < per_thousand;
}

bool world_is_storm(const struct world *self)
{
    return self->now_ms < self->weather.storm_ms;
}

void world_tell(struct world *self, const char *format, ...)
{
    va_list args;

    if (self->story == NULL)
        return;
    fprintf(self->story, "%8llu  ", (unsigned long long)self->now_ms);
    va_start(args, format);
    vfprintf(self->story, format, args);
    va_end(args);
    fputc('\n', self->story);
}

void world_fail(struct world *self, const char *format, ...)
{
    va_list args;

    if (self->failure[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(self->failure, sizeof self->failure, format, args);
    va_end(args);
    world_tell(self, "BROKEN: %s", self->failure);
}

static void entropy(void *context, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)world_random(context);
}

static struct weather draw_weather(struct world *self)
{
    static const unsigned DELAYS_MS[] = {5, 50, 500, 3000};

    return (struct weather){.clients = 2 + world_below(self, CLIENTS_MAX - 1),
                            .rooms = 1 + world_below(self, ROOMS_MAX),
                            .loss = world_below(self, 4) * 100,
                            .pub_loss = world_below(self, 4) * 100,
                            .dup = world_below(self, 6) * 100,
                            .delay_ms = DELAYS_MS[world_below(self, 4)],
                            .commit_ms = world_below(self, 2) == 0 ? 2 : 200,
                            .broker_crashes = world_below(self, 4) * 5,
                            .client_crashes = world_below(self, 3) * 10,
                            .cuts = world_below(self, 3) * 30,
                            .posts = 4 + world_below(self, 12),
                            .storm_ms = 40000,
                            .calm_ms = 120000};
}

void world_init(struct world *self, uint64_t seed, FILE *story)
{
    static const char *const NICKS[CLIENTS_MAX] = {"al", "alice", "bob", "carol", "dave", "eve"};

    *self = (struct world){.seed = seed, .random = seed * 0x2545f4914f6cdd1d + 1, .story = story};
    self->weather = draw_weather(self);
    self->fx = x_alloc(1, sizeof *self->fx);
    if (store_open_memory(entropy, self, &self->store) != RC_OK ||
        store_reader_open(self->store, &self->reader) != RC_OK)
        INVARIANT(!"a memory store opens");
    broker_start(self);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        snprintf(self->client[i].nick, sizeof self->client[i].nick, "%s", NICKS[i]);
        self->client[i].to_post = self->weather.posts;
        client_start(self, i);
    }
}

void world_fini(struct world *self)
{
    wire_drop_all(self);
    for (unsigned i = 0; i < self->weather.clients; i++)
        model_destroy(&self->client[i].model);
    broker_fini(self);
    store_reader_close(&self->reader);
    store_close(&self->store);
    while (self->conns != NULL) {
        struct conn *next = self->conns->next;

        free(self->conns);
        self->conns = next;
    }
    free(self->post);
    free(self->fx);
}

static void subscribe(struct conn *conn, const char *topic, size_t len, bool is_added)
{
    for (size_t i = 0; i < conn->topics; i++) {
        if (strlen(conn->topic[i]) == len && memcmp(conn->topic[i], topic, len) == 0) {
            if (!is_added)
                memmove(conn->topic[i], conn->topic[--conn->topics], sizeof conn->topic[0]);
            return;
        }
    }
    INVARIANT(len < sizeof conn->topic[0]);
    if (is_added && conn->topics < sizeof conn->topic / sizeof conn->topic[0]) {
        memcpy(conn->topic[conn->topics], topic, len);
        conn->topic[conn->topics++][len] = '\0';
    }
}

static void arrive(struct world *self, const struct flight *flight)
{
    switch (flight->kind) {
    case FLIGHT_COMMAND:
        broker_command(self, flight->conn, flight->bytes, flight->len);
        break;
    case FLIGHT_ANSWER:
    case FLIGHT_BROADCAST:
        if (flight->conn->is_open)
            client_receive(self, flight->conn, flight->kind == FLIGHT_BROADCAST, flight->bytes,
                           flight->len);
        break;
    case FLIGHT_SUBSCRIBE:
    case FLIGHT_UNSUBSCRIBE:
        subscribe(flight->conn, flight->bytes, flight->len, flight->kind == FLIGHT_SUBSCRIBE);
        break;
    case FLIGHT_READ:
        broker_read(self, &flight->read);
        break;
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_ms(const struct world *self)
{
    uint64_t next = wire_next_ms(self);

    next = least(next, self->core == NULL ? self->starts_at_ms : core_next_deadline_ms(self->core));
    if (self->core != NULL)
        next = least(next, self->commits_at_ms);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        const struct client *client = &self->client[i];

        next = least(next, client->acts_at_ms);
        if (client->opens_at_ms != 0)
            next = least(next, client->opens_at_ms);
        if (client->model != NULL)
            next = least(next, model_next_deadline_ms(client->model));
    }
    return next;
}

static void turn(struct world *self)
{
    struct flight flight;

    while (self->failure[0] == '\0' && wire_take(self, &flight)) {
        arrive(self, &flight);
        free(flight.bytes);
    }
    if (self->core == NULL && self->starts_at_ms <= self->now_ms)
        broker_start(self);
    if (self->core != NULL && self->commits_at_ms <= self->now_ms)
        broker_commit(self);
    if (self->core != NULL && core_next_deadline_ms(self->core) <= self->now_ms)
        broker_tick(self);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        struct client *client = &self->client[i];

        if (client->opens_at_ms != 0 && client->opens_at_ms <= self->now_ms)
            client_open(self, i);
        if (client->model != NULL && model_next_deadline_ms(client->model) <= self->now_ms)
            client_tick(self, i);
        if (client->acts_at_ms <= self->now_ms)
            client_act(self, i);
    }
}

bool world_run(struct world *self)
{
    const uint64_t end_ms = self->weather.storm_ms + self->weather.calm_ms;
    uint64_t turns_here = 0;

    while (self->failure[0] == '\0') {
        const uint64_t next = next_ms(self);

        if (next > end_ms)
            break;
        turns_here = next > self->now_ms ? 0 : turns_here + 1;
        if (turns_here > 100000)
            world_fail(self,
                       "the clock stands still: a deadline is due and nothing is done about it");
        if (next > self->now_ms)
            self->now_ms = next;
        turn(self);
    }
    if (self->failure[0] == '\0')
        check_at_end(self);
    return self->failure[0] == '\0';
}
