/* world.c - the seed, the clock and the turn of events. */
#include "tests/sim/world.h"

#include "shared/base/alloc.h"
#include "shared/base/invariant.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS       250
#define LAST_WORDS_MS 3000 /* how long they have, and then it is over */

uint64_t world_random(struct world *self)
{
    return weather_random(&self->random);
}

unsigned world_below(struct world *self, unsigned limit)
{
    return limit == 0 ? 0 : (unsigned)(world_random(self) % limit);
}

bool world_chance(struct world *self, unsigned per_thousand)
{
    return per_thousand > 0 && world_below(self, 1000) < per_thousand;
}

bool world_is_storm(const struct world *self)
{
    return self->now_ms < self->weather.storm_ms;
}

int world_room(const char *stream)
{
    if (strncmp(stream, "#room", 5) != 0)
        return -1;
    return stream[5] >= '0' && stream[5] < '0' + ROOMS_MAX ? stream[5] - '0' : -1;
}

uint64_t *world_acked(struct world *self, const char *stream)
{
    const int room = world_room(stream);
    unsigned person = 0;

    if (room >= 0)
        return &self->acked[room];
    while (person < CLIENTS_MAX && strcmp(self->person[person].nick, stream + 1) != 0)
        person++;
    return &self->acked[ROOMS_MAX + person];
}

static void hash_line(struct world *self, const char *line)
{
    for (; *line != '\0'; line++)
        self->hash = (self->hash ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
}

void world_tell(struct world *self, const char *format, ...)
{
    char line[512];
    va_list args;

    if (self->options.story == NULL && !self->options.has_hash)
        return;
    const int len = snprintf(line, sizeof line, "%8llu  ", (unsigned long long)self->now_ms);
    va_start(args, format);
    vsnprintf(line + len, sizeof line - (size_t)len, format, args);
    va_end(args);
    hash_line(self, line);
    if (self->options.story != NULL)
        fprintf(self->options.story, "%s\n", line);
}

void world_fail(struct world *self, const char *format, ...)
{
    va_list args;

    if (self->failure[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(self->failure, sizeof self->failure, format, args);
    va_end(args);
    self->failure_kind = format;
    world_tell(self, "BROKEN: %s", self->failure);
}

static void name_people(struct world *self)
{
    static const char *const NICKS[CLIENTS_MAX] = {"al", "alice", "bob", "carol", "dave", "eve"};

    for (unsigned i = 0; i < self->weather.people; i++)
        snprintf(self->person[i].nick, sizeof self->person[i].nick, "%s", NICKS[i]);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        struct client *client = &self->client[i];

        client->person = &self->person[i % self->weather.people];
        snprintf(client->nick, sizeof client->nick, "%s", NICKS[i % self->weather.people]);
        client->to_post = self->weather.posts;
    }
}

void world_init(struct world *self, uint64_t seed, const struct sim_options *options)
{
    *self = (struct world){.seed = seed,
                           .random = seed * 0x9e6c63d0876a9a47 + 1,
                           .options = *options,
                           .weather = options->weather,
                           .hash = UINT64_C(0xcbf29ce484222325)};
    self->fx = x_alloc(1, sizeof *self->fx);
    self->checker = checker_new();
    name_people(self);
    brokers_open(self);
    for (unsigned i = 0; i < self->weather.brokers; i++)
        broker_start(self, &self->broker[i]);
    for (unsigned i = 0; i < self->weather.clients; i++)
        client_start(self, i);
}

void world_fini(struct world *self)
{
    wire_drop_all(self);
    for (unsigned i = 0; i < self->weather.clients; i++)
        model_destroy(&self->client[i].model);
    brokers_close(self);
    while (self->conns != NULL) {
        struct conn *next = self->conns->next;

        free(self->conns);
        self->conns = next;
    }
    free(self->session);
    free(self->post);
    free(self->fx);
    checker_destroy(&self->checker);
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t sleeps_until_ms(const struct world *self, const struct flight *flight)
{
    switch (flight->kind) {
    case FLIGHT_ANSWER:
    case FLIGHT_BROADCAST:
        return self->client[flight->conn->client].stalled_until_ms;
    case FLIGHT_READ:
        return self->broker[flight->read.broker].stalled_until_ms;
    default:
        return self->broker[flight->conn->broker].stalled_until_ms;
    }
}

/* False: who should get it sleeps, and it was put back. */
static bool is_awake(struct world *self, struct flight *flight)
{
    const uint64_t until_ms = sleeps_until_ms(self, flight);

    if (until_ms <= self->now_ms)
        return true;
    wire_put_back(self, flight, until_ms);
    return false;
}

static void arrive(struct world *self, struct flight *flight)
{
    switch (flight->kind) {
    case FLIGHT_SUBSCRIBE:
    case FLIGHT_UNSUBSCRIBE: {
        const bool is_added = flight->kind == FLIGHT_SUBSCRIBE;

        topics_set(&flight->conn->topics, flight->bytes, flight->len, is_added);
        if (is_added)
            topics_set(&flight->conn->topics_ever, flight->bytes, flight->len, true);
        break;
    }
    case FLIGHT_COMMAND:
        if (!is_awake(self, flight))
            return;
        broker_command(self, flight->conn, flight->bytes, flight->len);
        break;
    case FLIGHT_ANSWER:
    case FLIGHT_BROADCAST:
        if (!is_awake(self, flight))
            return;
        if (flight->conn->is_open)
            client_receive(self, flight->conn, flight->kind == FLIGHT_BROADCAST, flight->bytes,
                           flight->len);
        break;
    case FLIGHT_READ:
        if (!is_awake(self, flight))
            return;
        broker_read(self, &flight->read);
        break;
    }
    free(flight);
}

/* When the broker's process has something to do of its own. */
static uint64_t broker_next_ms(const struct broker *broker)
{
    uint64_t next = broker->starts_at_ms;

    if (broker->core != NULL)
        next = least(least(core_next_deadline_ms(broker->core), broker->commits_at_ms),
                     least(broker->results_at_ms, broker->follows_at_ms));
    if (next != UINT64_MAX)
        next = most(next, broker->stalled_until_ms);
    return least(next, broker->late.at_ms);
}

static uint64_t client_next_ms(const struct client *client)
{
    uint64_t next = client->acts_at_ms;

    if (client->opens_at_ms != 0)
        next = least(next, client->opens_at_ms);
    if (client->model != NULL)
        next = least(next, model_next_deadline_ms(client->model));
    return most(next, client->stalled_until_ms);
}

/* Asking the models at every turn would cost a tenth of the time. */
static const struct client *refresh(struct client *client)
{
    if (client->is_touched)
        client->next_ms = client_next_ms(client);
    client->is_touched = false;
    return client;
}

static uint64_t next_ms(struct world *self)
{
    uint64_t next = wire_next_ms(self);

    for (unsigned i = 0; i < self->weather.brokers; i++)
        next = least(next, broker_next_ms(&self->broker[i]));
    for (unsigned i = 0; i < self->weather.clients; i++)
        next = least(next, refresh(&self->client[i])->next_ms);
    return least(next, world_is_storm(self) ? self->faults_at_ms : self->looks_at_ms);
}

static void turn_broker(struct world *self, struct broker *broker)
{
    if (broker->late.at_ms <= self->now_ms)
        broker_commit_late(self, broker);
    if (broker->stalled_until_ms > self->now_ms)
        return;
    if (broker->core == NULL && broker->starts_at_ms <= self->now_ms)
        broker_start(self, broker);
    if (broker->core != NULL && broker->follows_at_ms <= self->now_ms)
        turns_follow(self, broker);
    if (broker->core != NULL && broker->results_at_ms <= self->now_ms)
        turns_take_own(self, broker);
    if (broker->core != NULL && broker->commits_at_ms <= self->now_ms)
        broker_commit(self, broker);
    if (broker->core != NULL && core_next_deadline_ms(broker->core) <= self->now_ms)
        broker_tick(self, broker);
}

static void turn_client(struct world *self, unsigned which)
{
    struct client *client = &self->client[which];

    if (client->stalled_until_ms > self->now_ms || refresh(client)->next_ms > self->now_ms)
        return;
    client->is_touched = true;
    if (client->opens_at_ms != 0 && client->opens_at_ms <= self->now_ms)
        client_open(self, which);
    if (client->model != NULL && model_next_deadline_ms(client->model) <= self->now_ms)
        client_tick(self, which);
    if (client->acts_at_ms <= self->now_ms)
        client_act(self, which);
}

/* In the calm: once all have settled they say their last words, which must be heard at once. */
static void look(struct world *self)
{
    self->looks_at_ms = self->now_ms + LOOK_MS;
    if (self->settled_ms != 0) {
        self->is_over = self->now_ms >= self->settled_ms + LAST_WORDS_MS;
        return;
    }
    if (!world_has_settled(self))
        return;
    world_tell(self, "all has settled, %llu ms after the storm",
               (unsigned long long)(self->now_ms - self->weather.storm_ms));
    self->settled_ms = self->now_ms;
    self->last_words = self->posts;
    client_ask_who(self, &self->client[0]);
    for (unsigned i = 0; i < self->weather.clients; i++) {
        client_say(self, &self->client[i], "#room0");
        client_say(self, &self->client[i], NULL);
    }
}

static void turn(struct world *self)
{
    struct flight *flight;

    if (world_is_storm(self) && self->faults_at_ms <= self->now_ms)
        faults_turn(self);
    while (self->failure[0] == '\0' && (flight = wire_take(self)) != NULL)
        arrive(self, flight);
    for (unsigned i = 0; i < self->weather.brokers; i++)
        turn_broker(self, &self->broker[i]);
    for (unsigned i = 0; i < self->weather.clients; i++)
        turn_client(self, i);
    if (!world_is_storm(self) && self->looks_at_ms <= self->now_ms)
        look(self);
}

bool world_run(struct world *self)
{
    const uint64_t end_ms = self->weather.storm_ms + CALM_MS;
    uint64_t turns_here = 0;

    self->looks_at_ms = self->weather.storm_ms;
    while (self->failure[0] == '\0' && !self->is_over) {
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
    if (self->failure[0] == '\0')
        check_log(self);
    if (self->failure[0] == '\0')
        check_last_words(self);
    if (self->failure[0] == '\0')
        check_cores(self);
    return self->failure[0] == '\0';
}
